/* The log on disk: what was appended comes back, what was told durable survives a kill, and what
 * was tampered with is found. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "switch/engine/engine.h"
#include "switch/store/store.h"
#include "switch/store/store_tools.h"
#include "tests/log_folder_strike.h"
#include "tests/unit/unit_test.h"

#define PATH_SIZE 64
#define RESERVE_BYTES (64 << 20)

struct scene {
    char folder[PATH_SIZE / 2], path[PATH_SIZE]; /* the path of the first segment */
};

static int scene_set(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    snprintf(scene->folder, sizeof(scene->folder), "/tmp/tillway-store-XXXXXX");
    if (scene == NULL || mkdtemp(scene->folder) == NULL) {
        return -1;
    }
    snprintf(scene->path, sizeof(scene->path), "%s/segment-000001.db", scene->folder);
    *state = scene;
    return 0;
}

static int scene_strike(void **state)
{
    struct scene *scene = *state;
    log_folder_strike(scene->folder);
    free(scene);
    return 0;
}

/* A record whose every member depends on its position, so that a mix-up of two shows. */
static void record_make(struct record *record, uint64_t position)
{
    uint32_t n = (uint32_t)position;
    memset(record, 0, sizeof(*record));
    record->position = position;
    record->kind = (enum record_kind)(n % RECORD_KIND_COUNT);
    record->wall_us = INT64_C(1790000000000000) + n;
    record->txn.epoch = 3;
    record->txn.seq = n;
    record->original.seq = n / 2;
    record->payment_kind = (enum payment_kind)(n % PAYMENT_KIND_COUNT);
    record->state = (uint8_t)(n % 5);
    record->reason = (uint16_t)(n % TXN_REASON_COUNT);
    record->attempt = (uint16_t)(n % 7);
    snprintf(record->terminal_id, sizeof(record->terminal_id), "%08u", n % 100000000);
    snprintf(record->merchant_id, sizeof(record->merchant_id), "%015u", n);
    record->batch = n % 999999;
    record->stan = n % 999999;
    record->amount = (struct money){n, MONEY_CNY};
    snprintf(record->pan_masked, sizeof(record->pan_masked), "622848******%04u", n % 10000);
    memset(record->pan_hash.bytes, (int)(n % 256), sizeof(record->pan_hash.bytes));
    record->pan_sealed.length = (uint8_t)(n % (PAN_SEALED_BYTES_MAX + 1));
    memset(record->pan_sealed.bytes, 0x5A, record->pan_sealed.length);
    snprintf(record->channel, sizeof(record->channel), "bank-%u", n % 10);
    record->channel_stan = n % 999999;
    snprintf(record->rrn, sizeof(record->rrn), "10003%07u", n % 10000000);
    snprintf(record->response_code, sizeof(record->response_code), "%02u", n % 100);
    record->merchant_fee = n;
    record->scheme_fee = -(int64_t)n;
    record->ruleset_version = n;
    record->answer_length = (uint16_t)(n % 3 == 0 ? n % RECORD_ANSWER_BYTES_MAX : 0);
    memset(record->answer, 0x9F, record->answer_length);
    record->payload_length = record->kind == RECORD_SIGNON ? RECORD_PAYLOAD_BYTES_MAX : 0;
    memset(record->payload, 0x44, record->payload_length);
    record->settlement_day = 20260101;
    record->is_foreign = n % 2 == 1;
    snprintf(record->totals, sizeof(record->totals), "%u %u", n, n % 9);
}

static struct store_setup setup_of(const struct scene *scene)
{
    return (struct store_setup){.folder = scene->folder,
                                .burst_count_max = 256,
                                .queue_count_max = 1024,
                                .segment_row_count_max = 1000000,
                                .reserve_bytes = RESERVE_BYTES};
}

static struct store *open_at(const struct scene *scene)
{
    char reason[STORE_REASON_SIZE] = "";
    struct store_setup setup = setup_of(scene);
    struct store *store = store_open(&setup, reason);
    if (store == NULL) {
        print_message("%s\n", reason);
    }
    return store;
}

struct replayed {
    uint64_t count;
    uint64_t unlike; /* the first position that came back otherwise; 0: none */
};

static void on_record(void *argument, const struct record *record)
{
    struct replayed *replayed = argument;
    struct record wanted;
    record_make(&wanted, ++replayed->count);
    if (memcmp(&wanted, record, sizeof(wanted)) != 0 && replayed->unlike == 0) {
        replayed->unlike = replayed->count;
    }
}

static void on_durable(void *argument, uint64_t position)
{
    *(uint64_t *)argument = position;
}

/* Appends positions `first` .. `last` and turns the loop until all of it is durable. */
static void append_until_durable(struct store *store, uv_loop_t *loop, uint64_t *durable,
                                 const uint64_t range[2])
{
    struct record record;
    for (uint64_t position = range[0]; position <= range[1]; position++) {
        while (!store_has_room(store)) {
            store_flush(store);
            uv_run(loop, UV_RUN_ONCE);
        }
        record_make(&record, position);
        store_append(store, &record);
    }
    store_flush(store);
    while (*durable < range[1]) {
        uv_run(loop, UV_RUN_ONCE);
    }
}

static void write_log(const struct scene *scene, uint64_t first, uint64_t last)
{
    uv_loop_t loop;
    uint64_t durable = 0;
    uv_loop_init(&loop);
    struct store *store = open_at(scene);
    assert_non_null(store);
    assert_int_equal(store_start(store, &loop, on_durable, &durable), STATUS_OK);
    append_until_durable(store, &loop, &durable, (uint64_t[2]){first, last});
    store_close(store);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_replay_gives_back_what_was_appended(void **state)
{
    struct scene *scene = *state;
    char reason[STORE_REASON_SIZE] = "";
    write_log(scene, 1, 700);
    write_log(scene, 701, 1500);
    struct store *store = open_at(scene);
    assert_non_null(store);
    struct replayed replayed = {0};
    assert_int_equal(
        store_replay(store, &(struct store_reader){on_record, NULL, &replayed}, reason), STATUS_OK);
    assert_int_equal(replayed.count, 1500);
    assert_int_equal(replayed.unlike, 0);
    store_close(store);
}

static void test_files_are_the_owners_alone(void **state)
{
    struct scene *scene = *state;
    struct store *store = open_at(scene);
    static const char *const names[] = {"segment-000001.db", "segment-000001.db-wal", "log.lock"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct stat file;
        char path[PATH_SIZE + 8];
        snprintf(path, sizeof(path), "%s/%s", scene->folder, names[i]);
        assert_int_equal(stat(path, &file), 0);
        assert_int_equal(file.st_mode & 0777, 0600);
    }
    store_close(store);
}

static void test_a_second_switch_is_turned_away(void **state)
{
    struct scene *scene = *state;
    struct store *first = open_at(scene);
    char reason[STORE_REASON_SIZE] = "";
    struct store_setup setup = setup_of(scene);
    assert_null(store_open(&setup, reason));
    assert_non_null(strstr(reason, "another process holds it"));
    store_close(first);
}

static void test_a_file_that_is_no_log_is_left_alone(void **state)
{
    struct scene *scene = *state;
    char reason[STORE_REASON_SIZE] = "";
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(scene->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "CREATE TABLE mine (x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    struct store_setup setup = setup_of(scene);
    assert_null(store_open(&setup, reason));
    assert_non_null(strstr(reason, "is not a log of this program"));
}

/* Runs SQL on the file behind the store's back; answers SQLite's result. */
static int tamper(const struct scene *scene, const char *sql)
{
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(scene->path, &database), SQLITE_OK);
    int result = sqlite3_exec(database, sql, NULL, NULL, NULL);
    sqlite3_close(database);
    return result;
}

static void test_rows_are_neither_changed_nor_taken_out(void **state)
{
    struct scene *scene = *state;
    write_log(scene, 1, 10);
    assert_int_equal(tamper(scene, "UPDATE log SET amount_minor = 1 WHERE position = 5"),
                     SQLITE_CONSTRAINT);
    assert_int_equal(tamper(scene, "DELETE FROM log WHERE position = 10"), SQLITE_CONSTRAINT);
}

static void expect_broken(const struct scene *scene, const char *part)
{
    char reason[STORE_REASON_SIZE] = "";
    struct store_verified verified;
    struct store *store = open_at(scene);
    assert_non_null(store); /* the end of the chain holds */
    struct replayed replayed = {0};
    assert_int_equal(
        store_replay(store, &(struct store_reader){on_record, NULL, &replayed}, reason),
        STATUS_BROKEN);
    assert_non_null(strstr(reason, part));
    store_close(store);
    assert_int_equal(store_verify(scene->folder, &verified, reason), STATUS_BROKEN);
    assert_non_null(strstr(reason, part));
    assert_int_equal(verified.rows, 4);
}

static void test_a_changed_row_breaks_the_chain(void **state)
{
    struct scene *scene = *state;
    write_log(scene, 1, 300);
    assert_int_equal(tamper(scene, "DROP TRIGGER log_no_update;"
                                   "UPDATE log SET amount_minor = 1 WHERE position = 5"),
                     SQLITE_OK);
    expect_broken(scene, "position 5: its hash does not fit");
}

static void test_a_missing_row_is_a_gap(void **state)
{
    struct scene *scene = *state;
    write_log(scene, 1, 300);
    assert_int_equal(
        tamper(scene, "DROP TRIGGER log_no_delete; DELETE FROM log WHERE position = 5"), SQLITE_OK);
    expect_broken(scene, "position 5: this row is missing");
}

static void test_a_broken_end_is_found_at_open(void **state)
{
    struct scene *scene = *state;
    char reason[STORE_REASON_SIZE] = "";
    write_log(scene, 1, 300);
    assert_int_equal(tamper(scene, "DROP TRIGGER log_no_update;"
                                   "UPDATE log SET stan = 1 WHERE position = 300"),
                     SQLITE_OK);
    struct store_setup setup = setup_of(scene);
    assert_null(store_open(&setup, reason));
    assert_non_null(strstr(reason, "position 300"));
}

/* In the child: appends without end and tells the parent each durable position. */
static void tell_durable(void *argument, uint64_t position)
{
    if (write(*(int *)argument, &position, sizeof(position)) != sizeof(position)) {
        _exit(1);
    }
}

static _Noreturn void child_append(const struct scene *scene, int pipe_end, uint64_t count)
{
    uv_loop_t loop;
    struct record record;
    uv_loop_init(&loop);
    struct store *store = open_at(scene);
    if (store == NULL || store_start(store, &loop, tell_durable, &pipe_end) != STATUS_OK) {
        _exit(1);
    }
    for (uint64_t position = 1; position <= count; position++) {
        record_make(&record, position);
        store_append(store, &record);
        if (position % 13 == 0) {
            store_flush(store);
            uv_run(&loop, store_has_room(store) ? UV_RUN_NOWAIT : UV_RUN_ONCE);
        }
        while (!store_has_room(store)) {
            uv_run(&loop, UV_RUN_ONCE);
        }
    }
    _exit(0);
}

static uint64_t read_durable(int pipe_end, uint32_t message_count)
{
    uint64_t durable = 0;
    uint64_t position;
    for (uint32_t i = 0; i < message_count; i++) {
        if (read(pipe_end, &position, sizeof(position)) != sizeof(position)) {
            break;
        }
        durable = position;
    }
    return durable;
}

static void test_what_was_told_durable_survives_a_kill(void **state)
{
    struct scene *scene = *state;
    char reason[STORE_REASON_SIZE] = "";
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        child_append(scene, ends[1], UINT64_MAX - 1);
    }
    close(ends[1]);
    uint64_t durable = read_durable(ends[0], 50);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    uint64_t last = read_durable(ends[0], UINT32_MAX);
    durable = last > durable ? last : durable;
    close(ends[0]);
    assert_true(durable > 0);

    struct store *store = open_at(scene);
    assert_non_null(store);
    struct replayed replayed = {0};
    assert_int_equal(
        store_replay(store, &(struct store_reader){on_record, NULL, &replayed}, reason), STATUS_OK);
    assert_true(replayed.count >= durable);
    assert_int_equal(replayed.unlike, 0);
    store_close(store);
}

static void test_a_failed_write_ends_the_process(void **state)
{
    struct scene *scene = *state;
    char reason[STORE_REASON_SIZE] = "";
    int ends[2];
    int how = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit size = {400000, 400000};
        signal(SIGXFSZ, SIG_IGN);
        freopen("/dev/null", "w", stderr) == NULL ? _exit(1) : (void)0;
        setrlimit(RLIMIT_FSIZE, &size) != 0 ? _exit(1) : (void)0;
        child_append(scene, ends[1], 1000000);
    }
    close(ends[1]);
    uint64_t durable = read_durable(ends[0], UINT32_MAX);
    close(ends[0]);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), STORE_EXIT_CODE);

    struct store *store = open_at(scene);
    assert_non_null(store);
    struct replayed replayed = {0};
    assert_int_equal(
        store_replay(store, &(struct store_reader){on_record, NULL, &replayed}, reason), STATUS_OK);
    assert_true(replayed.count >= durable);
    assert_int_equal(replayed.unlike, 0);
    store_close(store);
}

static void test_words_and_not_numbers_stand_in_the_file(void **state)
{
    struct scene *scene = *state;
    sqlite3 *database = NULL;
    sqlite3_stmt *select = NULL;
    write_log(scene, 1, 20);
    assert_int_equal(sqlite3_open(scene->path, &database), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(
            database,
            "SELECT kind || ' ' || payment_kind || ' ' || reason || ' ' || state || ' ' || wall"
            " FROM log_readable WHERE position = 2",
            -1, &select, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(select, 0),
                        "intent signoff no_answer forwarded 2026-09-21T14:13:20.000002Z");
    sqlite3_finalize(select);
    sqlite3_close(database);
}

static void test_counts_add_up(void **state)
{
    struct scene *scene = *state;
    uv_loop_t loop;
    uint64_t durable = 0;
    struct store_counts counts;
    uv_loop_init(&loop);
    struct store *store = open_at(scene);
    assert_int_equal(store_start(store, &loop, on_durable, &durable), STATUS_OK);
    append_until_durable(store, &loop, &durable, (uint64_t[2]){1, 500});
    store_count(store, &counts);
    assert_int_equal(counts.rows, 500);
    assert_int_equal(counts.position_durable, 500);
    assert_true(counts.free_bytes > 0);
    assert_int_equal(store_is_short(store), counts.free_bytes < RESERVE_BYTES);
    uint64_t commits = 0;
    for (uint32_t i = 0; i < STORE_TIME_CELLS; i++) {
        commits += counts.commit_cells[i];
    }
    assert_int_equal(commits, counts.commits);
    store_close(store);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

struct committed {
    uint64_t position; /* of the last row that was told */
    bool is_in_order;
};

static void on_committed(void *argument, const struct record *records, uint32_t count)
{
    struct committed *committed = argument;
    for (uint32_t i = 0; i < count; i++) {
        struct record wanted;
        record_make(&wanted, committed->position + 1);
        committed->is_in_order =
            committed->is_in_order && memcmp(&wanted, &records[i], sizeof(wanted)) == 0;
        committed->position++;
    }
}

static void test_who_watches_is_told_each_durable_row_once(void **state)
{
    struct scene *scene = *state;
    char reason[STORE_REASON_SIZE] = "";
    uv_loop_t loop;
    uint64_t durable = 0;
    struct committed committed = {.is_in_order = true};
    struct store_setup setup = setup_of(scene);
    setup.on_committed = on_committed;
    setup.committed_argument = &committed;
    uv_loop_init(&loop);
    struct store *store = store_open(&setup, reason);
    assert_non_null(store);
    assert_int_equal(store_appended(store), 0);
    assert_int_equal(store_start(store, &loop, on_durable, &durable), STATUS_OK);
    append_until_durable(store, &loop, &durable, (uint64_t[2]){1, 300});
    assert_int_equal(store_appended(store), 300);
    store_close(store);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_true(committed.is_in_order);
    assert_int_equal(committed.position, 300);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_replay_gives_back_what_was_appended),
        SCENE(test_files_are_the_owners_alone),
        SCENE(test_a_second_switch_is_turned_away),
        SCENE(test_a_file_that_is_no_log_is_left_alone),
        SCENE(test_rows_are_neither_changed_nor_taken_out),
        SCENE(test_a_changed_row_breaks_the_chain),
        SCENE(test_a_missing_row_is_a_gap),
        SCENE(test_a_broken_end_is_found_at_open),
        SCENE(test_what_was_told_durable_survives_a_kill),
        SCENE(test_a_failed_write_ends_the_process),
        SCENE(test_words_and_not_numbers_stand_in_the_file),
        SCENE(test_counts_add_up),
        SCENE(test_who_watches_is_told_each_durable_row_once),
    };
    return cmocka_run_group_tests_name("switch/store/store", tests, NULL, NULL);
}
