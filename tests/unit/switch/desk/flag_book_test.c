/* Flags stored once, and how often each rule was right. */
#include "tests/unit/switch/desk/case_scene.h"

static uint64_t add(struct scene *scene, struct flag flag, bool expect_new)
{
    uint64_t id = 0;
    bool is_new = false;
    assert_int_equal(flag_book_add(scene->desk, &flag, &id, &is_new), STATUS_OK);
    assert_int_equal(is_new, expect_new);
    return id;
}

static void test_a_flag_is_stored_once(void **state)
{
    struct scene *scene = *state;
    struct flag flag = scene_flag(SIGNAL_TIMEOUTS, "10000001", 500);
    uint64_t id = add(scene, flag, true);
    assert_int_equal(add(scene, flag, false), id);
    assert_true(add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", 501), true) != id);
    assert_true(add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000002", 500), true) != id);
    assert_true(add(scene, scene_flag(SIGNAL_REVERSALS, "10000001", 500), true) != id);
    struct flag_entry entry;
    assert_int_equal(flag_book_find(scene->desk, id, &entry), STATUS_OK);
    assert_memory_equal(&entry.flag, &flag, sizeof(flag));
    assert_int_equal(entry.case_id, 0);
    assert_int_equal(flag_book_find(scene->desk, 99, &entry), STATUS_NOT_FOUND);
}

static void test_flags_of_time_are_told_apart_by_their_moment(void **state)
{
    struct scene *scene = *state;
    struct flag flag = scene_flag(SIGNAL_SILENT, "10000001", 0);
    flag.evidence_count = 0;
    uint64_t id = add(scene, flag, true);
    assert_int_equal(add(scene, flag, false), id);
    flag.window_end_us += SCENE_DAY_US;
    assert_true(add(scene, flag, true) != id);
    struct flag_entry entries[8];
    uint32_t count = 0;
    assert_int_equal(flag_book_list(scene->desk, "10000001", entries, 8, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(entries[1].id, id);
    assert_int_equal(flag_book_list(scene->desk, NULL, entries, 1, &count), STATUS_OK);
    assert_int_equal(count, 1);
}

static void test_a_flag_with_a_member_that_none_may_have_is_refused(void **state)
{
    struct scene *scene = *state;
    struct flag flag = scene_flag(SIGNAL_TIMEOUTS, "10000001", 5);
    uint64_t id;
    bool is_new;
    flag.severity = 5;
    assert_int_equal(flag_book_add(scene->desk, &flag, &id, &is_new), STATUS_BAD_VALUE);
    assert_non_null(
        strstr(desk_reason(scene->desk), "\"severity\": expected a number from 1 to 4"));
}

static void judge(struct scene *scene, uint64_t id, enum case_outcome outcome)
{
    assert_int_equal(flag_book_judge(scene->desk, id, outcome, &scene->ann), STATUS_OK);
}

static void test_a_rule_that_is_seldom_right_should_be_watched(void **state)
{
    struct scene *scene = *state;
    struct flag_precision precisions[SIGNAL_COUNT];
    const struct flag_window week = {SCENE_NOW, SCENE_NOW + 7 * SCENE_DAY_US};
    uint32_t count = 0;
    for (uint32_t i = 0; i < 29; i++) {
        uint64_t id = add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", 100 + i), true);
        judge(scene, id, i < 5 ? CASE_OUTCOME_CONFIRMED : CASE_OUTCOME_BENIGN);
    }
    assert_int_equal(flag_book_precision(scene->desk, &week, precisions, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(precisions[0].signal, SIGNAL_TIMEOUTS);
    assert_int_equal(precisions[0].confirmed, 5);
    assert_int_equal(precisions[0].benign, 24);
    assert_int_equal(precisions[0].per_mille, 172);
    assert_false(precisions[0].is_watch_suggested);
    judge(scene, add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", 200), true),
          CASE_OUTCOME_BENIGN);
    assert_int_equal(flag_book_precision(scene->desk, &week, precisions, &count), STATUS_OK);
    assert_true(precisions[0].is_watch_suggested);
    const struct flag_window later = {week.end_us, week.end_us + SCENE_DAY_US};
    assert_int_equal(flag_book_precision(scene->desk, &later, precisions, &count), STATUS_OK);
    assert_int_equal(count, 0);
}

static void test_a_case_says_what_its_flags_were(void **state)
{
    struct scene *scene = *state;
    struct flag_precision precisions[SIGNAL_COUNT];
    const struct flag_window week = {SCENE_NOW, SCENE_NOW + 7 * SCENE_DAY_US};
    uint32_t count = 0;
    uint64_t case_id = scene_case(scene, CASE_FAULT, "10000001");
    uint64_t ids[2];
    for (uint32_t i = 0; i < 2; i++) {
        ids[i] = add(scene, scene_flag(SIGNAL_TIMEOUTS, "10000001", 100 + i), true);
        assert_int_equal(case_book_link_flag(scene->desk, case_id, ids[i]), STATUS_OK);
    }
    assert_int_equal(flag_book_judge(scene->desk, ids[0], CASE_OUTCOME_BENIGN, &scene->ann),
                     STATUS_DENIED);
    assert_int_equal(flag_book_precision(scene->desk, &week, precisions, &count), STATUS_OK);
    assert_int_equal(count, 0);
    scene_close(scene, case_id, CASE_OUTCOME_BENIGN);
    struct flag_entry entry;
    assert_int_equal(flag_book_find(scene->desk, ids[1], &entry), STATUS_OK);
    assert_int_equal(entry.outcome, CASE_OUTCOME_BENIGN);
    assert_int_equal(flag_book_precision(scene->desk, &week, precisions, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(precisions[0].benign, 1); /* one case, whatever number of flags */
    assert_true(
        scene_step(scene, scene->desk, case_id,
                   scene_event(CASE_EVENT_REOPEN, CASE_ROLE_MANAGER, SCENE_NOW + SCENE_DAY_US)));
    assert_int_equal(flag_book_find(scene->desk, ids[1], &entry), STATUS_OK);
    assert_int_equal(entry.outcome, CASE_OUTCOME_NONE);
}

static void test_flags_are_listed_by_their_case(void **state)
{
    struct scene *scene = *state;
    struct flag_entry entries[4];
    uint64_t first = 0, second = 0;
    uint32_t count = 9;
    bool is_new = false;
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    struct flag flag = scene_flag(SIGNAL_TIMEOUTS, "10000001", 50);
    assert_int_equal(flag_book_add(scene->desk, &flag, &first, &is_new), STATUS_OK);
    flag = scene_flag(SIGNAL_SLOW, "10000001", 60);
    assert_int_equal(flag_book_add(scene->desk, &flag, &second, &is_new), STATUS_OK);
    assert_int_equal(case_book_link_flag(scene->desk, id, second), STATUS_OK);
    assert_int_equal(flag_book_of_case(scene->desk, id, entries, 4, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(entries[0].id, second);
    assert_int_equal(entries[0].flag.evidence_count, 2);
    assert_int_equal(flag_book_list(scene->desk, NULL, entries, 1, &count), STATUS_OK);
    assert_int_equal(count, 1); /* the newest */
    assert_int_equal(entries[0].id, second);
    assert_int_equal(flag_book_of_case(scene->desk, id + 1, entries, 4, &count), STATUS_OK);
    assert_int_equal(count, 0);
}

static void test_cohorts_that_stand_are_listed(void **state)
{
    struct scene *scene = *state;
    struct flag_entry entries[4];
    uint64_t old = 0, benign = 0, standing = 0;
    uint32_t count = 9;
    bool is_new = false;
    struct flag flag = scene_flag(SIGNAL_COHORT, "PAX A920", 50);
    flag.subject = FLAG_OF_COHORT;
    flag.terminal_id[0] = '\0';
    flag.window_end_us = SCENE_NOW - 10;
    assert_int_equal(flag_book_add(scene->desk, &flag, &old, &is_new), STATUS_OK);
    flag.position = 60;
    flag.window_end_us = SCENE_NOW;
    assert_int_equal(flag_book_add(scene->desk, &flag, &benign, &is_new), STATUS_OK);
    assert_int_equal(flag_book_judge(scene->desk, benign, CASE_OUTCOME_BENIGN, &scene->ann),
                     STATUS_OK);
    flag.position = 70;
    assert_int_equal(flag_book_add(scene->desk, &flag, &standing, &is_new), STATUS_OK);
    flag = scene_flag(SIGNAL_TIMEOUTS, "10000001", 80);
    assert_int_equal(flag_book_add(scene->desk, &flag, &old, &is_new), STATUS_OK);
    assert_int_equal(flag_book_cohorts(scene->desk, SCENE_NOW, entries, 4, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(entries[0].id, standing);
    uint64_t id = scene_case(scene, CASE_FAULT, "10000001");
    assert_int_equal(case_book_link_flag(scene->desk, id, standing), STATUS_OK);
    scene_close(scene, id, CASE_OUTCOME_BENIGN);
    assert_int_equal(flag_book_cohorts(scene->desk, SCENE_NOW, entries, 4, &count), STATUS_OK);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_flag_is_stored_once, scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_flags_of_time_are_told_apart_by_their_moment,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_a_flag_with_a_member_that_none_may_have_is_refused,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_a_rule_that_is_seldom_right_should_be_watched,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_a_case_says_what_its_flags_were, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_flags_are_listed_by_their_case, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_cohorts_that_stand_are_listed, scene_set,
                                        scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
