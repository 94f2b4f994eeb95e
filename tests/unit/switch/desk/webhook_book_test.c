/* Positions of webhooks, and the letters that they could not deliver. */
#include "switch/desk/webhook_book.h"

#include "switch/desk/retire.h"
#include "tests/unit/switch/desk/case_scene.h"

static const char NAMES[][WEBHOOK_NAME_SIZE] = {"shop", "tickets"};

static void flags_add(struct scene *scene, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i <= to; i++) {
        struct flag flag = scene_flag(SIGNAL_TIMEOUTS, "10000001", i);
        uint64_t id;
        bool is_new;
        assert_int_equal(flag_book_add(scene->desk, &flag, &id, &is_new), STATUS_OK);
    }
}

static struct webhook_row row_of(struct scene *scene, const char *name)
{
    struct webhook_row row;
    assert_int_equal(webhook_book_find(scene->desk, name, &row), STATUS_OK);
    return row;
}

static void enroll(struct scene *scene, uint32_t count)
{
    assert_int_equal(webhook_book_enroll(scene->desk, NAMES, count), STATUS_OK);
}

static const struct webhook_failure FAILURE = {SCENE_NOW, SCENE_NOW + 1000, "HTTP 500"};

static void test_one_that_is_new_begins_behind_the_newest_event(void **state)
{
    struct scene *scene = *state;
    struct webhook_row row;
    enroll(scene, 1);
    flags_add(scene, 1, 3);
    enroll(scene, 2);
    flags_add(scene, 4, 4);
    row = row_of(scene, "shop");
    assert_int_equal(row.position, 0);
    assert_int_equal(row.waiting, 4);
    assert_int_equal(row.state, WEBHOOK_GOING);
    row = row_of(scene, "tickets");
    assert_int_equal(row.position, 3);
    assert_int_equal(row.waiting, 1);
    assert_int_equal(webhook_book_find(scene->desk, "nobody", &row), STATUS_NOT_FOUND);
    assert_non_null(strstr(desk_reason(scene->desk), "\"nobody\""));
}

static void test_what_failed_is_remembered_until_one_is_delivered(void **state)
{
    struct scene *scene = *state;
    enroll(scene, 2);
    flags_add(scene, 1, 3);
    struct webhook_failure later = FAILURE;
    later.now_us += 5;
    later.next_try_us += 9;
    assert_int_equal(webhook_book_fail(scene->desk, "shop", &FAILURE), STATUS_OK);
    assert_int_equal(webhook_book_fail(scene->desk, "shop", &later), STATUS_OK);
    struct webhook_row row = row_of(scene, "shop");
    assert_int_equal(row.attempts, 2);
    assert_int_equal(row.failing_since_us, SCENE_NOW);
    assert_int_equal(row.next_try_us, SCENE_NOW + 1009);
    assert_string_equal(row.fault, "HTTP 500");
    assert_int_equal(row.position, 0);
    assert_int_equal(row_of(scene, "tickets").attempts, 0);
    assert_int_equal(webhook_book_advance(scene->desk, "shop", 1, 0), STATUS_OK);
    assert_int_equal(row_of(scene, "shop").attempts, 2);
    assert_int_equal(webhook_book_advance(scene->desk, "shop", 2, SCENE_NOW + 20), STATUS_OK);
    row = row_of(scene, "shop");
    assert_int_equal(row.position, 2);
    assert_int_equal(row.attempts, 0);
    assert_int_equal(row.failing_since_us, 0);
    assert_int_equal(row.next_try_us, 0);
    assert_int_equal(row.delivered_us, SCENE_NOW + 20);
    assert_string_equal(row.fault, "");
    assert_int_equal(row.waiting, 1);
}

static bool note_number(void *argument, const struct event_line *line)
{
    assert_int_equal(line->kind, EVENT_OUT_FLAG);
    assert_int_equal(line->case_kind, CASE_FAULT);
    assert_string_equal(line->subject, "10000001");
    assert_true(line->length > 10);
    *(uint64_t *)argument = line->number;
    return true;
}

static void test_a_letter_is_kept_whole_and_sent_again_when_asked(void **state)
{
    struct scene *scene = *state;
    struct webhook_letter letters[4];
    uint32_t count = 0;
    uint64_t number = 0;
    const struct event_sink sink = {note_number, &number};
    enroll(scene, 2);
    flags_add(scene, 1, 3);
    assert_int_equal(webhook_book_fail(scene->desk, "shop", &FAILURE), STATUS_OK);
    assert_int_equal(webhook_book_bury(scene->desk, "shop", 1, &FAILURE), STATUS_OK);
    assert_int_equal(webhook_book_bury(scene->desk, "shop", 2, &FAILURE), STATUS_OK);
    assert_int_equal(webhook_book_bury(scene->desk, "shop", 9, &FAILURE), STATUS_NOT_FOUND);
    assert_int_equal(row_of(scene, "shop").position, 2);
    assert_int_equal(row_of(scene, "shop").letter_count, 2);
    assert_int_equal(row_of(scene, "tickets").letter_count, 0);
    assert_int_equal(webhook_book_next_letter(scene->desk, "shop", &sink), STATUS_NOT_FOUND);
    assert_int_equal(webhook_book_retry(scene->desk, "shop", &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(webhook_book_next_letter(scene->desk, "shop", &sink), STATUS_OK);
    assert_int_equal(number, 1);
    assert_int_equal(webhook_book_letter_failed(scene->desk, "shop", 1, &FAILURE), STATUS_OK);
    assert_int_equal(webhook_book_next_letter(scene->desk, "shop", &sink), STATUS_OK);
    assert_int_equal(number, 2);
    assert_int_equal(webhook_book_letter_sent(scene->desk, "shop", 2), STATUS_OK);
    assert_int_equal(webhook_book_next_letter(scene->desk, "shop", &sink), STATUS_NOT_FOUND);
    assert_int_equal(webhook_book_letters(scene->desk, "shop", letters, 4, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(letters[0].number, 1);
    assert_int_equal(letters[0].attempts, 2);
    assert_int_equal(letters[0].died_us, SCENE_NOW);
    assert_int_equal(letters[0].wall_us, SCENE_NOW);
    assert_int_equal(letters[0].kind, EVENT_OUT_FLAG);
    assert_false(letters[0].is_again);
    assert_string_equal(letters[0].fault, "HTTP 500");
}

static void test_one_that_stopped_goes_on_when_asked(void **state)
{
    struct scene *scene = *state;
    uint32_t count = 9;
    enroll(scene, 1);
    flags_add(scene, 1, 1);
    assert_int_equal(webhook_book_stop(scene->desk, "shop", &FAILURE), STATUS_OK);
    assert_int_equal(row_of(scene, "shop").state, WEBHOOK_STOPPED);
    enroll(scene, 1); /* a restart does not */
    assert_int_equal(row_of(scene, "shop").state, WEBHOOK_STOPPED);
    assert_int_equal(webhook_book_retry(scene->desk, "shop", &count), STATUS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(row_of(scene, "shop").state, WEBHOOK_GOING);
    assert_int_equal(row_of(scene, "shop").position, 0);
    assert_int_equal(webhook_book_retry(scene->desk, "nobody", &count), STATUS_NOT_FOUND);
}

static struct retire_counts retire_old(struct scene *scene)
{
    struct retire_rules rules;
    struct retire_counts counts;
    bool has_more = false;
    const struct desk_actor night = {"night", SCENE_NOW + 100 * SCENE_DAY_US};
    retire_rules_default(&rules);
    assert_int_equal(desk_retire(scene->desk, &rules, &night, &counts, &has_more), STATUS_OK);
    return counts;
}

static void test_one_that_is_gone_holds_nothing_and_comes_back_to_what_is_kept(void **state)
{
    struct scene *scene = *state;
    struct webhook_row rows[4];
    uint32_t count = 0;
    enroll(scene, 2);
    flags_add(scene, 1, 4);
    assert_int_equal(webhook_book_advance(scene->desk, "shop", 3, SCENE_NOW), STATUS_OK);
    enroll(scene, 1);
    assert_int_equal(row_of(scene, "tickets").state, WEBHOOK_ABSENT);
    assert_int_equal(webhook_book_retry(scene->desk, "tickets", &count), STATUS_DENIED);
    assert_int_equal(retire_old(scene).events, 4);
    flags_add(scene, 5, 5);
    enroll(scene, 2);
    assert_int_equal(row_of(scene, "tickets").state, WEBHOOK_GOING);
    assert_int_equal(row_of(scene, "tickets").position, 4);
    assert_int_equal(row_of(scene, "tickets").given_up, 0);
    assert_int_equal(row_of(scene, "shop").given_up, 1);
    assert_int_equal(webhook_book_list(scene->desk, rows, 4, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].name, "shop");
    assert_int_equal(rows[1].waiting, 1);
    enroll(scene, 0);
    assert_int_equal(row_of(scene, "shop").state, WEBHOOK_ABSENT);
}

/* A ticket system that is dead or wants no more fills no disk, and what it lost is counted. */
static void test_nothing_is_kept_without_end_and_what_is_lost_is_counted(void **state)
{
    struct scene *scene = *state;
    struct webhook_letter letters[2];
    uint32_t count = 0;
    enroll(scene, 2);
    flags_add(scene, 1, 3);
    assert_int_equal(webhook_book_stop(scene->desk, "shop", &FAILURE), STATUS_OK);
    assert_int_equal(retire_old(scene).events, 3);
    struct webhook_row row = row_of(scene, "shop");
    assert_int_equal(row.state, WEBHOOK_STOPPED);
    assert_int_equal(row.given_up, 3);
    assert_int_equal(row.waiting, 0);
    /* An attempt that was under way meanwhile leads not back. */
    assert_int_equal(webhook_book_advance(scene->desk, "shop", 1, SCENE_NOW), STATUS_OK);
    assert_int_equal(row_of(scene, "shop").position, 3);
    assert_string_equal(
        scene_sql(scene, "WITH RECURSIVE n(i) AS (SELECT -9999 UNION ALL SELECT i + 1 FROM n WHERE"
                         " i < 0) INSERT INTO webhook_dead SELECT 'tickets', i, 1, 'flag', 'FAULT',"
                         " 'x', x'00', 9, 1, '500', 0 FROM n"),
        "");
    flags_add(scene, 4, 5);
    assert_int_equal(webhook_book_bury(scene->desk, "tickets", 4, &FAILURE), STATUS_OK);
    assert_int_equal(webhook_book_bury(scene->desk, "tickets", 5, &FAILURE), STATUS_OK);
    row = row_of(scene, "tickets");
    assert_int_equal(row.letter_count, WEBHOOK_LETTER_COUNT_MAX);
    assert_int_equal(row.given_up, 3 + 2); /* of the outbox, and the oldest put aside */
    assert_int_equal(webhook_book_letters(scene->desk, "tickets", letters, 2, &count), STATUS_OK);
    assert_int_equal((int64_t)letters[0].number, -9997);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(test_one_that_is_new_begins_behind_the_newest_event),
        SCENE(test_what_failed_is_remembered_until_one_is_delivered),
        SCENE(test_a_letter_is_kept_whole_and_sent_again_when_asked),
        SCENE(test_one_that_stopped_goes_on_when_asked),
        SCENE(test_nothing_is_kept_without_end_and_what_is_lost_is_counted),
        SCENE(test_one_that_is_gone_holds_nothing_and_comes_back_to_what_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
