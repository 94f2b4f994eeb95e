/* The table `usage`: what sealed segments keep of it, and that a restart gets what all rows say. */
#include <sqlite3.h>
#include <sys/stat.h>

#include "switch/engine/usage.h"
#include "switch/engine/wall_text.h"
#include "tests/unit/switch/store/log_story.h"

/* By the clock, which tells a restart what days are asked for. The last days of a month before,
 * where this one is too young to have them all. */
static uint32_t today, yesterday, days_ago, day_before_days_ago, month_ago, months_ago;

static void set_days(void)
{
    struct wall_text now;
    wall_text_set(&now, (int64_t)time(NULL) * 1000000);
    today = now.day;
    while (today % 100 < 6) {
        today = wall_text_day_before(today);
    }
    yesterday = wall_text_day_before(today);
    days_ago = wall_text_day_before(wall_text_day_before(wall_text_day_before(yesterday)));
    day_before_days_ago = wall_text_day_before(days_ago);
    month_ago = wall_text_day_before(today / 100 * 100 + 1);
    months_ago = wall_text_day_before(month_ago / 100 * 100 + 1);
}

/* What a restart made of it. */
static struct usage_set restarted, whole;
static uint32_t day_oldest; /* of what it read */

static void set_up(struct usage_set *set)
{
    const uint32_t count_max = 4096;
    free(set->entries);
    free(set->index.entries);
    usage_set_init(set, calloc(count_max + 1, sizeof(struct usage_entry)),
                   calloc(slot_index_capacity(count_max), sizeof(struct slot_index_entry)),
                   count_max);
    set->scopes = UINT32_MAX;
}

static void take_row(struct usage_set *set, const struct record *record)
{
    const struct usage_subject subject = {record->merchant_id, record->terminal_id,
                                          &record->pan_hash};
    const struct usage_change change = {record->usage_day, record->usage_count,
                                        record->usage_minor};
    if (change.day != 0) {
        assert_true(usage_count(set, &subject, &change, change.day));
    }
}

static void on_record(void *argument, const struct record *record)
{
    take_row(argument, record);
}

static void on_usage(void *argument, const struct usage_sum *sum)
{
    if (sum == NULL) {
        usage_set_clear(argument);
    } else {
        assert_true(usage_count_sum(argument, sum, today));
        if (sum->period >= USAGE_DAY_MIN && sum->period < day_oldest) {
            day_oldest = sum->period;
        }
    }
}

/* A purchase that counts on that day (0: on none); it is declined and given back where
 * `is_declined`. */
static void purchase(struct story *story, uint32_t seq, uint32_t day, bool is_declined)
{
    struct record intent = story_record(story, RECORD_INTENT, seq, seq);
    intent.usage_day = day;
    intent.usage_count = 1;
    intent.usage_minor = intent.amount.minor;
    struct record result = story_record(story, RECORD_RESULT, seq, seq);
    result.usage_day = day;
    result.usage_count = is_declined ? -1 : 0;
    result.usage_minor = is_declined ? -intent.amount.minor : 0;
    take_row(&whole, &intent);
    take_row(&whole, &result);
    story_put(story, intent);
    story_put(story, result);
}

static void fill_until_open(struct story *story, uint32_t ordinal, uint32_t *seq, uint32_t day)
{
    uint32_t open_ordinal = 0, sealed_last = 0;
    for (int i = 0; i < 10000 && open_ordinal < ordinal; i++) {
        purchase(story, *seq, day, *seq % 5 == 0);
        (*seq)++;
        story_wait_durable(story);
        story_pause(1000);
        store_segments(story->store, &open_ordinal, &sealed_last);
    }
    assert_int_equal(open_ordinal, ordinal);
    story_wait_sealed(story, ordinal - 1);
}

static long long ask(const struct story *story, uint32_t ordinal, const char *sql)
{
    char path[128];
    sqlite3 *database = NULL;
    sqlite3_stmt *select = NULL;
    snprintf(path, sizeof(path), "%s/segment-%06u.db", story->folder, ordinal);
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_busy_timeout(database, 5000);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &select, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(select), SQLITE_ROW);
    long long number = sqlite3_column_int64(select, 0);
    sqlite3_finalize(select);
    sqlite3_close(database);
    return number;
}

/* Of a question that ends in a month, that of `day`. */
static long long ask_of_month(const struct story *story, uint32_t ordinal, const char *question,
                              uint32_t day)
{
    char sql[160];
    snprintf(sql, sizeof(sql), "%s%u", question, day / 100);
    return ask(story, ordinal, sql);
}

static void restart(struct story *story)
{
    set_up(&restarted);
    day_oldest = UINT32_MAX;
    story_begin_with(story, &(struct store_reader){on_record, on_usage, &restarted});
}

static void test_a_restart_adds_sealed_days_months_and_the_tail(void **state)
{
    struct story *story = *state;
    uint32_t seq = 1;
    set_up(&whole);
    story_begin(story, story_ignore, NULL);
    fill_until_open(story, 2, &seq, month_ago);
    fill_until_open(story, 3, &seq, yesterday);
    fill_until_open(story, 4, &seq, today);
    for (uint32_t i = 0; i < 10; i++, seq++) {
        purchase(story, seq, today, i % 2 == 0);
    }
    story_end(story);
    restart(story);
    assert_int_equal(usage_hash(&restarted), usage_hash(&whole));
    assert_int_not_equal(usage_hash(&whole), 0);
    /* Days are each segment's own; months go on from one to the next. */
    assert_int_equal(ask(story, 3, "SELECT sum(minor) FROM usage WHERE period > 1e6"),
                     ask(story, 3, "SELECT sum(usage_minor) FROM log"));
    static const char SUMS[] = "SELECT sum(minor) FROM usage WHERE pan_hash = x'' AND period = ";
    static const char ROWS[] = "SELECT sum(usage_minor) FROM log WHERE usage_day / 100 = ";
    assert_int_equal(ask_of_month(story, 3, SUMS, today),
                     ask_of_month(story, 2, ROWS, today) + ask_of_month(story, 3, ROWS, today));
    assert_true(ask_of_month(story, 3, SUMS, month_ago) > 0);
    story_end(story);
}

static void expect_same(void)
{
    uint64_t of_restarted = 0, of_whole = 1;
    assert_int_equal(usage_hash(&restarted), usage_hash(&whole));
    assert_true(usage_hash_before(&restarted, &of_restarted));
    assert_true(usage_hash_before(&whole, &of_whole));
    assert_int_equal(of_restarted, of_whole);
}

/* A segment that was sealed lately may hold days that nobody asks for any more. */
static void test_days_longer_ago_are_not_read(void **state)
{
    struct story *story = *state;
    uint32_t seq = 1;
    set_up(&whole);
    story_begin(story, story_ignore, NULL);
    fill_until_open(story, 2, &seq, month_ago);
    fill_until_open(story, 3, &seq, days_ago);
    fill_until_open(story, 4, &seq, yesterday);
    fill_until_open(story, 5, &seq, today);
    story_end(story);
    restart(story);
    assert_int_equal(day_oldest, yesterday);
    expect_same();
    story_end(story);
}

/* A clock that is days ahead at the start may come back to the day of the last payments, whatever
 * was written since. */
static void test_a_segment_without_usage_does_not_tell_what_day_it_is(void **state)
{
    struct story *story = *state;
    uint32_t seq = 1;
    set_up(&whole);
    story_begin(story, story_ignore, NULL);
    fill_until_open(story, 2, &seq, day_before_days_ago);
    fill_until_open(story, 3, &seq, 0);
    fill_until_open(story, 4, &seq, days_ago);
    fill_until_open(story, 5, &seq, 0);
    fill_until_open(story, 6, &seq, 0);
    story_end(story);
    assert_int_equal(ask(story, 5, "SELECT count(*) FROM usage WHERE period > 1e6"), 0);
    restart(story);
    assert_int_equal(day_oldest, day_before_days_ago);
    expect_same();
    story_end(story);
}

/* As if a clock that was right then ran ahead before the next segments were sealed. */
static void set_sealed_days_before(const struct story *story, uint32_t ordinal, uint32_t days)
{
    char path[128], sql[128];
    sqlite3 *database = NULL;
    snprintf(path, sizeof(path), "%s/segment-%06u.db", story->folder, ordinal);
    snprintf(sql, sizeof(sql), "UPDATE segment SET sealed_us = sealed_us - %u * 86400000000", days);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(database), 1);
    sqlite3_close(database);
    assert_int_equal(chmod(path, 0440), 0);
}

static void test_a_day_counts_whenever_its_segment_was_sealed(void **state)
{
    struct story *story = *state;
    uint32_t seq = 1;
    set_up(&whole);
    story_begin(story, story_ignore, NULL);
    fill_until_open(story, 2, &seq, month_ago);
    fill_until_open(story, 3, &seq, yesterday);
    fill_until_open(story, 4, &seq, 0);
    fill_until_open(story, 5, &seq, today);
    fill_until_open(story, 6, &seq, today);
    story_end(story);
    for (uint32_t ordinal = 1; ordinal < 5; ordinal++) {
        set_sealed_days_before(story, ordinal, 4);
    }
    restart(story);
    assert_int_equal(day_oldest, yesterday);
    expect_same();
    story_end(story);
}

static void test_of_months_the_two_latest_are_kept(void **state)
{
    struct story *story = *state;
    uint32_t seq = 1;
    set_up(&whole);
    story_begin(story, story_ignore, NULL);
    fill_until_open(story, 2, &seq, months_ago);
    fill_until_open(story, 3, &seq, month_ago);
    fill_until_open(story, 4, &seq, today);
    story_end(story);
    assert_int_equal(ask(story, 2, "SELECT count(DISTINCT period) FROM usage WHERE period < 1e6"),
                     2);
    assert_int_equal(ask(story, 3, "SELECT min(period) FROM usage"), month_ago / 100);
    restart(story);
    assert_int_equal(usage_hash(&restarted), usage_hash(&whole));
    story_end(story);
}

/* Which a clock has shown that ran ahead twice. */
static void test_months_to_come_do_not_push_out_this_one(void **state)
{
    struct story *story = *state;
    uint32_t seq = 1;
    set_up(&whole);
    story_begin(story, story_ignore, NULL);
    fill_until_open(story, 2, &seq, today);
    fill_until_open(story, 3, &seq, today + 100000);
    fill_until_open(story, 4, &seq, today + 200000);
    fill_until_open(story, 5, &seq, today + 300000);
    set_up(&whole);
    fill_until_open(story, 6, &seq, today);
    story_end(story);
    static const char SUMS[] = "SELECT sum(minor) FROM usage WHERE pan_hash = x'' AND period = ";
    static const char ROWS[] = "SELECT sum(usage_minor) FROM log WHERE usage_day / 100 = ";
    long long taken = 0;
    for (uint32_t ordinal = 1; ordinal <= 5; ordinal++) {
        taken += ask_of_month(story, ordinal, ROWS, today);
    }
    assert_true(taken > 0);
    assert_int_equal(ask_of_month(story, 5, SUMS, today), taken);
    assert_int_equal(ask(story, 5, "SELECT count(DISTINCT period) FROM usage WHERE period < 1e6"),
                     3);
}

static void test_what_is_given_back_later_is_taken_off_a_sealed_day(void **state)
{
    struct story *story = *state;
    uint32_t seq = 1;
    set_up(&whole);
    story_begin(story, story_ignore, NULL);
    fill_until_open(story, 2, &seq, today);
    struct record undone = story_record(story, RECORD_REVERSAL_DONE, seq, 1);
    undone.original = (struct txn_reference){1, 1};
    undone.state = TXN_REVERSED;
    undone.usage_day = today;
    undone.usage_count = -1;
    undone.usage_minor = -undone.amount.minor;
    take_row(&whole, &undone);
    story_put(story, undone);
    fill_until_open(story, 3, &seq, today);
    story_end(story);
    restart(story);
    assert_int_equal(usage_hash(&restarted), usage_hash(&whole));
    story_end(story);
}

int main(void)
{
    set_days();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_restart_adds_sealed_days_months_and_the_tail,
                                        story_set, story_strike),
        cmocka_unit_test_setup_teardown(test_days_longer_ago_are_not_read, story_set, story_strike),
        cmocka_unit_test_setup_teardown(test_a_segment_without_usage_does_not_tell_what_day_it_is,
                                        story_set, story_strike),
        cmocka_unit_test_setup_teardown(test_a_day_counts_whenever_its_segment_was_sealed,
                                        story_set, story_strike),
        cmocka_unit_test_setup_teardown(test_of_months_the_two_latest_are_kept, story_set,
                                        story_strike),
        cmocka_unit_test_setup_teardown(test_months_to_come_do_not_push_out_this_one, story_set,
                                        story_strike),
        cmocka_unit_test_setup_teardown(test_what_is_given_back_later_is_taken_off_a_sealed_day,
                                        story_set, story_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
