/* Segments: where one ends and the next begins, what sealing makes of it, what a restart reads, and
 * that no moment of a crash loses a row. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <sqlite3.h>

#include "tests/unit/switch/store/log_story.h"

/* What a restart was given, by transaction number. */
#define SEQ_MAX 4096
struct heard {
    uint32_t rows[SEQ_MAX];
    uint64_t count, last_position;
    uint32_t epoch_rows;
};

static void on_heard(void *argument, const struct record *record)
{
    struct heard *heard = argument;
    assert_true(record->position > heard->last_position);
    heard->last_position = record->position;
    heard->count++;
    heard->epoch_rows += record->kind == RECORD_EPOCH;
    if (record->txn.seq < SEQ_MAX) {
        heard->rows[record->txn.seq]++;
    }
}

static void expect_whole(const struct story *story, uint64_t rows)
{
    struct store_verified verified;
    char reason[STORE_REASON_SIZE] = "";
    enum status status = store_verify(story->folder, &verified, reason);
    if (status != STATUS_OK) {
        print_message("%s\n", reason);
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(verified.rows, rows);
    assert_int_equal(verified.position, rows);
}

static void segment_path(const struct story *story, uint32_t ordinal, char path[128])
{
    snprintf(path, 128, "%s/segment-%06u.db", story->folder, ordinal);
}

/* The number that a statement on one segment answers. */
static long long ask(const struct story *story, uint32_t ordinal, const char *sql)
{
    char path[128];
    sqlite3 *database = NULL;
    sqlite3_stmt *select = NULL;
    segment_path(story, ordinal, path);
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_busy_timeout(database, 5000); /* it may just be changing its form */
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &select, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    long long number = sqlite3_column_int64(select, 0);
    sqlite3_finalize(select);
    sqlite3_close(database);
    return number;
}

/* Purchases until segment `ordinal` is open: that waits for the next one to be made ready. */
static void purchase_until_open(struct story *story, uint32_t ordinal, uint32_t *seq)
{
    uint32_t open_ordinal = 0;
    uint32_t sealed_last = 0;
    for (int i = 0; i < 10000 && open_ordinal < ordinal; i++) {
        story_purchase(story, (*seq)++);
        story_wait_durable(story);
        story_pause(1000);
        store_segments(story->store, &open_ordinal, &sealed_last);
    }
    assert_int_equal(open_ordinal, ordinal);
}

static void test_a_segment_ends_when_it_holds_enough_rows(void **state)
{
    struct story *story = *state;
    story_begin(story, story_ignore, NULL);
    uint32_t seq = 1;
    for (uint32_t ordinal = 2; ordinal <= 5; ordinal++) {
        purchase_until_open(story, ordinal, &seq);
        story_wait_sealed(story, ordinal - 1);
    }
    story_end(story);
    expect_whole(story, 2 * (seq - 1));
    assert_in_range(ask(story, 1, "SELECT count(*) FROM log"), 100, 2 * seq);
    struct stat about;
    char path[128];
    segment_path(story, 1, path);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0440);
    assert_int_equal(ask(story, 1, "SELECT last_position FROM segment"),
                     ask(story, 2, "SELECT first_position - 1 FROM segment"));
    assert_int_equal(
        ask(story, 1,
            "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name LIKE 'log_%'"),
        6);
    size_t end = strlen(path);
    snprintf(path + end, sizeof(path) - end, "-wal");
    assert_int_equal(stat(path, &about), -1);
}

static void test_a_segment_ends_when_the_settlement_day_changes(void **state)
{
    struct story *story = *state;
    uint32_t seq = 2;
    story->setup.segment_row_count_max = 100000;
    story_begin(story, story_ignore, NULL);
    story_purchase(story, 1);
    story_wait_durable(story);
    story->day++;
    purchase_until_open(story, 2, &seq);
    story_purchase(story, seq);
    story_wait_sealed(story, 1);
    story_end(story);
    expect_whole(story, 2 * seq);
    assert_int_equal(ask(story, 1, "SELECT settlement_day FROM segment"), 0);
    assert_int_equal(ask(story, 2, "SELECT settlement_day FROM segment"), STORY_DAY + 1);
    assert_in_range(ask(story, 2, "SELECT count(*) FROM log"), 2, 4);
}

static void test_a_day_far_ahead_begins_no_segment(void **state)
{
    struct story *story = *state;
    story_begin(story, story_ignore, NULL);
    story_purchase(story, 1);
    story_wait_durable(story);
    story_pause(100000);
    story->day = 20991231;
    story_purchase(story, 2);
    story_wait_durable(story);
    story_purchase(story, 3);
    story_end(story);
    assert_int_equal(ask(story, 1, "SELECT count(*) FROM log"), 6);
}

/* Purchases until the segment before the open one is sealed. */
static void fill_segment(struct story *story, uint32_t *seq)
{
    uint32_t before = 0;
    uint32_t open_ordinal = 0;
    uint32_t sealed_last = 0;
    store_segments(story->store, &before, &sealed_last);
    do {
        story_purchase(story, (*seq)++);
        story_wait_durable(story);
        store_segments(story->store, &open_ordinal, &sealed_last);
    } while (open_ordinal == before);
    story_wait_sealed(story, before);
}

static void test_a_restart_reads_what_is_in_doubt_and_the_rows_since(void **state)
{
    struct story *story = *state;
    struct heard heard = {0};
    uint32_t seq = 1000;
    story_begin(story, story_ignore, NULL);
    story_put(story, story_record(story, RECORD_EPOCH, 0, 0));
    story_put(story, story_record(story, RECORD_INTENT, 1, 1)); /* in flight */
    story_purchase(story, 2);                                   /* over */
    story_purchase(story, 3);
    story_reverse(story, 4, 3, 2, false); /* a reversal without its end */
    story_purchase(story, 5);
    story_reverse(story, 6, 5, 1, true); /* one with it */
    story_purchase(story, 7);            /* its void comes two segments later */
    fill_segment(story, &seq);
    fill_segment(story, &seq);
    story_follow(story, 8, 7, false);
    fill_segment(story, &seq);
    fill_segment(story, &seq);
    story_purchase(story, 9);
    story_end(story);
    expect_whole(story, story->position);

    story_begin(story, on_heard, &heard);
    assert_int_equal(heard.last_position, story->position);
    assert_true(heard.count < story->position / 2);
    assert_int_equal(heard.epoch_rows, 1);
    assert_int_equal(heard.rows[1], 1);
    assert_int_equal(heard.rows[2], 0);
    assert_int_equal(heard.rows[3], 2);
    assert_int_equal(heard.rows[4], 3);
    assert_int_equal(heard.rows[5], 0);
    assert_int_equal(heard.rows[6], 0);
    assert_int_equal(heard.rows[7], 2); /* the original of what is in doubt */
    assert_int_equal(heard.rows[8], 1);
    assert_int_equal(heard.rows[9], 2);
    story_end(story);
}

static void test_a_carried_row_that_was_changed_is_found(void **state)
{
    struct story *story = *state;
    uint32_t seq = 1000;
    char path[128];
    char reason[STORE_REASON_SIZE] = "";
    sqlite3 *database = NULL;
    story_begin(story, story_ignore, NULL);
    story_purchase(story, 1);
    story_reverse(story, 2, 1, 2, false);
    fill_segment(story, &seq);
    story_end(story);
    segment_path(story, 1, path);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database,
                                  "UPDATE carried SET amount_minor = 1 WHERE position = 2", NULL,
                                  NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(database);
    struct store *store = store_open(&story->setup, reason);
    assert_non_null(store);
    assert_int_equal(store_replay(store, &(struct store_reader){.on_record = story_ignore}, reason),
                     STATUS_BROKEN);
    assert_non_null(strstr(reason, "carried position 2"));
    store_close(store);
}

/* --- crashes ------------------------------------------------------------------------------ */

static void tell_durable(void *argument, uint64_t position)
{
    if (write(*(int *)argument, &position, sizeof(position)) != sizeof(position)) {
        _exit(1);
    }
}

/* In the child: small segments one after the other, without end. */
static _Noreturn void child_write(struct story *story, int pipe_end)
{
    char reason[STORE_REASON_SIZE] = "";
    uv_loop_init(&story->loop);
    story->store = store_open(&story->setup, reason);
    struct store_counts counts;
    if (story->store == NULL ||
        store_replay(story->store, &(struct store_reader){.on_record = story_ignore}, reason) !=
            STATUS_OK ||
        store_start(story->store, &story->loop, tell_durable, &pipe_end) != STATUS_OK) {
        fprintf(stderr, "%s\n", reason);
        _exit(1);
    }
    store_count(story->store, &counts);
    story->position = counts.position_durable;
    for (uint32_t seq = (uint32_t)story->position + 1;; seq++) {
        story_purchase(story, seq);
        store_flush(story->store);
        uv_run(&story->loop, UV_RUN_NOWAIT);
        story_pause(500); /* so that sealing keeps up */
    }
}

static uint64_t last_told(int pipe_end)
{
    uint64_t last = 0;
    uint64_t position;
    while (read(pipe_end, &position, sizeof(position)) == sizeof(position)) {
        last = position;
    }
    return last;
}

static void test_a_kill_at_any_moment_loses_no_row_and_leaves_one_chain(void **state)
{
    struct story *story = *state;
    uint32_t segments = 0;
    story->setup.segment_row_count_max = 40;
    srand(7);
    uint32_t life_max_us = 100000;
    for (int round = 0; round < 25 || (segments <= 3 && round < 60); round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            child_write(story, ends[1]);
        }
        close(ends[1]);
        story_pause(1000 + (uint32_t)rand() % life_max_us);
        kill(child, SIGKILL);
        uint64_t told = last_told(ends[0]);
        close(ends[0]);
        /* On a busy machine to begin may take longer than that: the next one lives longer. */
        life_max_us = told > 0 ? 100000 : life_max_us < 5000000 ? life_max_us * 2 : life_max_us;
        int how = 0;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how));
        struct store_verified verified;
        char reason[STORE_REASON_SIZE] = "";
        enum status status = store_verify(story->folder, &verified, reason);
        if (status != STATUS_OK && told > 0) {
            print_message("%s\n", reason);
        }
        assert_true(status == STATUS_OK || told == 0);
        assert_true(verified.position >= told);
        segments = verified.segment_last;
    }
    assert_true(segments > 3);
    story_begin(story, story_ignore, NULL);
    story_purchase(story, 1);
    story_end(story);
}

/* In the child: dies with changes of a segment in the file and their journal beside it, as a kill
 * does while a sealed segment leaves WAL mode. */
static _Noreturn void child_leave_journal(const struct story *story)
{
    char path[128];
    sqlite3 *database = NULL;
    segment_path(story, 1, path);
    bool is_done =
        chmod(path, 0600) == 0 && sqlite3_open(path, &database) == SQLITE_OK &&
        sqlite3_exec(database,
                     "PRAGMA cache_size = 2; BEGIN IMMEDIATE; CREATE TABLE filler (bytes);"
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500)"
                     " INSERT INTO filler SELECT randomblob(1000) FROM n",
                     NULL, NULL, NULL) == SQLITE_OK;
    _exit(is_done ? 0 : 1);
}

static void test_a_restart_rolls_back_what_a_kill_left_of_sealing(void **state)
{
    struct story *story = *state;
    char path[128];
    sqlite3 *database = NULL;
    int how = 0;
    story->setup.segment_row_count_max = 10;
    story_begin(story, story_ignore, NULL);
    uint32_t open_ordinal = 0, sealed_last = 0;
    for (uint32_t seq = 1; open_ordinal < 2 && seq < SEQ_MAX; seq++) { /* the next may be late */
        story_purchase(story, seq);
        story_wait_durable(story);
        store_segments(story->store, &open_ordinal, &sealed_last);
    }
    story_wait_sealed(story, 1);
    uint64_t rows = story->position;
    story_end(story);
    pid_t child = fork();
    if (child == 0) {
        child_leave_journal(story);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
    /* The control: who may only read does not get past it. */
    segment_path(story, 1, path);
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "SELECT * FROM segment", NULL, NULL, NULL),
                     SQLITE_READONLY);
    assert_int_equal(sqlite3_extended_errcode(database), SQLITE_READONLY_ROLLBACK);
    sqlite3_close(database);
    story_begin(story, story_ignore, NULL);
    assert_int_equal(ask(story, 1, "SELECT count(*) FROM sqlite_schema WHERE name = 'filler'"), 0);
    assert_true(story->position >= rows);
    story_end(story);
    expect_whole(story, story->position);
}

static void test_without_room_for_the_next_segment_the_present_one_goes_on(void **state)
{
    struct story *story = *state;
    char path[128];
    story->setup.segment_row_count_max = 20;
    /* A folder where the next one is made: it can neither be removed nor opened. */
    snprintf(path, sizeof(path), "%s/segment-next.db", story->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    struct store *store = NULL;
    char reason[STORE_REASON_SIZE] = "";
    store = store_open(&story->setup, reason);
    assert_null(store); /* the first segment cannot be made, and that is said */
    assert_non_null(strstr(reason, "segment-next.db"));
    assert_int_equal(rmdir(path), 0);
    story_begin(story, story_ignore, NULL);
    story_pause(100000);
    snprintf(path, sizeof(path), "%s/segment-next.db", story->folder);
    unlink(path);
    for (uint32_t seq = 1; seq <= 50; seq++) {
        story_purchase(story, seq);
        story_wait_durable(story);
    }
    story_end(story);
    expect_whole(story, 100);
    assert_int_equal(ask(story, 1, "SELECT count(*) FROM log"), 100);
}

static void test_a_next_segment_that_cannot_be_taken_loses_nothing(void **state)
{
    struct story *story = *state;
    char path[128];
    story->setup.segment_row_count_max = 20;
    story_begin(story, story_ignore, NULL);
    story_pause(100000); /* the next segment is made ready meanwhile */
    segment_path(story, 2, path);
    assert_int_equal(mkdir(path, 0700), 0); /* and cannot be given its name */
    for (uint32_t seq = 1; seq <= 50; seq++) {
        story_purchase(story, seq);
        story_wait_durable(story);
    }
    assert_int_equal(rmdir(path), 0);
    story_end(story);
    expect_whole(story, 100);
    assert_int_equal(ask(story, 1, "SELECT count(*) FROM log"), 100);
}

/* --- upkeep ------------------------------------------------------------------------------- */

static void test_a_backup_of_a_running_log_verifies(void **state)
{
    struct story *story = *state;
    char to[96];
    char reason[STORE_REASON_SIZE] = "";
    uint32_t seq = 1;
    struct store_verified verified;
    snprintf(to, sizeof(to), "%s-copy", story->folder);
    story_begin(story, story_ignore, NULL);
    fill_segment(story, &seq);
    fill_segment(story, &seq);
    story_purchase(story, seq++);
    story_wait_durable(story);
    enum status status = store_backup(story->folder, to, reason);
    if (status != STATUS_OK) {
        print_message("%s\n", reason);
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(store_verify(to, &verified, reason), STATUS_OK);
    assert_int_equal(verified.position, story->position);
    assert_int_equal(store_backup(story->folder, to, reason), STATUS_DENIED);
    story_end(story);
    /* A switch can go on from it. */
    struct store_setup setup = story->setup;
    setup.folder = to;
    struct store *store = store_open(&setup, reason);
    assert_non_null(store);
    assert_int_equal(store_replay(store, &(struct store_reader){.on_record = story_ignore}, reason),
                     STATUS_OK);
    store_close(store);
    log_folder_strike(to);
}

static void test_old_segments_are_removed_and_the_rest_verifies(void **state)
{
    struct story *story = *state;
    uint32_t seq = 1000;
    char reason[STORE_REASON_SIZE] = "";
    struct store_verified verified;
    struct heard heard = {0};
    story_begin(story, story_ignore, NULL);
    story_purchase(story, 1);
    story_reverse(story, 2, 1, 1, false);
    fill_segment(story, &seq);
    fill_segment(story, &seq);
    story_end(story);
    /* From here on everything written is of today. */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    story->wall_us = (int64_t)now.tv_sec * 1000000;
    story->setup.retention_days = 30;
    story_begin(story, story_ignore, NULL);
    fill_segment(story, &seq);
    fill_segment(story, &seq);
    story_end(story);
    story_begin(story, on_heard, &heard);
    story_pause(200000);
    story_end(story);
    assert_int_equal(heard.rows[1], 2); /* carried from segment to segment */
    assert_int_equal(heard.rows[2], 2);
    enum status status = store_verify(story->folder, &verified, reason);
    if (status != STATUS_OK) {
        print_message("%s\n", reason);
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(verified.segment_first, 3);
    assert_int_equal(verified.position, story->position);
    char path[128];
    snprintf(path, sizeof(path), "%s/purged.csv", story->folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(store_verify(story->folder, &verified, reason), STATUS_BROKEN);
    assert_non_null(strstr(reason, "segment 2 is missing"));
}

static void test_a_segment_taken_out_is_found(void **state)
{
    struct story *story = *state;
    uint32_t seq = 1;
    char path[128];
    char reason[STORE_REASON_SIZE] = "";
    struct store_verified verified;
    story_begin(story, story_ignore, NULL);
    for (int i = 0; i < 3; i++) {
        fill_segment(story, &seq);
    }
    story_end(story);
    segment_path(story, 2, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(store_verify(story->folder, &verified, reason), STATUS_BROKEN);
    assert_non_null(strstr(reason, "one is missing"));
}

/* Whoever meets a log of another build hears what to do with it, and the log stays as it is. */
static void test_a_log_of_another_version_says_what_to_do(void **state)
{
    struct story *story = *state;
    static const struct {
        const char *pragma, *version, *advice;
    } CASES[] = {{"PRAGMA user_version = 4", "is of version 4", "no reversals pending, drain it"},
                 {"PRAGMA user_version = 99", "is of version 99", "or one that is newer"}};
    char path[128];
    segment_path(story, 1, path);
    story_begin(story, story_ignore, NULL);
    story_end(story);
    for (uint32_t i = 0; i < COUNT_OF(CASES); i++) {
        char reason[STORE_REASON_SIZE] = "";
        sqlite3 *database = NULL;
        assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
        assert_int_equal(sqlite3_exec(database, CASES[i].pragma, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(database);
        assert_null(store_open(&story->setup, reason));
        assert_non_null(strstr(reason, CASES[i].version));
        assert_non_null(strstr(reason, CASES[i].advice));
    }
}

int main(void)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, story_set, story_strike)
    const struct CMUnitTest tests[] = {
        STORY(test_a_segment_ends_when_it_holds_enough_rows),
        STORY(test_a_segment_ends_when_the_settlement_day_changes),
        STORY(test_a_day_far_ahead_begins_no_segment),
        STORY(test_a_restart_reads_what_is_in_doubt_and_the_rows_since),
        STORY(test_a_carried_row_that_was_changed_is_found),
        STORY(test_a_kill_at_any_moment_loses_no_row_and_leaves_one_chain),
        STORY(test_a_restart_rolls_back_what_a_kill_left_of_sealing),
        STORY(test_without_room_for_the_next_segment_the_present_one_goes_on),
        STORY(test_a_next_segment_that_cannot_be_taken_loses_nothing),
        STORY(test_a_backup_of_a_running_log_verifies),
        STORY(test_old_segments_are_removed_and_the_rest_verifies),
        STORY(test_a_segment_taken_out_is_found),
        STORY(test_a_log_of_another_version_says_what_to_do),
    };
    return cmocka_run_group_tests_name("switch/store/log_segments", tests, NULL, NULL);
}
