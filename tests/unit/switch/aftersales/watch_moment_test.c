/* Raising flags: what a rule allows, and what stands in the flag. */
#include "switch/aftersales/watch_moment.h"

#include <string.h>

#include "tests/unit/unit_test.h"

#define T0 (INT64_C(1767225600) * 1000000)
#define HOUR_US INT64_C(3600000000)

struct scene {
    struct watch_rules rules;
    struct observation seen;
    struct watch_moment moment;
    struct watch_subject subject;
    struct flag flags[2];
    struct flag_sink sink;
};

static void scene_set(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    watch_rules_default(&scene->rules);
    scene->rules.version = 7;
    scene->seen.position = 41;
    scene->moment = (struct watch_moment){.seen = &scene->seen,
                                          .rules = &scene->rules,
                                          .terminal_id = "10000001",
                                          .merchant_id = "898310148160568",
                                          .serial = "00000101N9NL00000001",
                                          .wall_us = T0};
    scene->sink = (struct flag_sink){scene->flags, 0, 2};
}

static bool raised(struct scene *scene, enum signal_code signal)
{
    return watch_raise(&scene->sink, &scene->moment, &scene->subject,
                       &(struct watch_finding){signal, 0, 6, 3, T0 - HOUR_US});
}

static void test_a_flag_says_whose_it_is_and_why(void **state)
{
    (void)state;
    struct scene scene;
    scene_set(&scene);
    watch_note(&scene.subject, SIGNAL_MAC_FAILURES, 11);
    watch_note(&scene.subject, SIGNAL_TIMEOUTS, 12);
    watch_note(&scene.subject, SIGNAL_MAC_FAILURES, 13);
    assert_true(raised(&scene, SIGNAL_MAC_FAILURES));
    const struct flag *flag = &scene.flags[0];
    assert_string_equal(flag->subject_id, "10000001");
    assert_string_equal(flag->merchant_id, "898310148160568");
    assert_string_equal(flag->serial, "00000101N9NL00000001");
    assert_int_equal(flag->rules_version, 7);
    assert_int_equal(flag->severity, 3);
    assert_int_equal(flag->evidence_count, 3);
    assert_int_equal(flag->evidence[0], 11);
    assert_int_equal(flag->evidence[1], 13);
    assert_int_equal(flag->evidence[2], 41);
    assert_int_equal(flag->score, 750);
    assert_true(flag->window_end_us == T0);
}

static void test_a_merchant_s_flag_names_the_merchant(void **state)
{
    (void)state;
    struct scene scene;
    scene_set(&scene);
    assert_true(raised(&scene, SIGNAL_SAME_CARD));
    assert_string_equal(scene.flags[0].subject_id, "898310148160568");
    assert_string_equal(scene.flags[0].terminal_id, "10000001");
}

static void test_the_same_signal_is_quiet_for_its_time_and_others_are_not(void **state)
{
    (void)state;
    struct scene scene;
    scene_set(&scene);
    assert_true(raised(&scene, SIGNAL_MAC_FAILURES));
    scene.moment.wall_us += 24 * HOUR_US - 1000000;
    assert_false(raised(&scene, SIGNAL_MAC_FAILURES));
    assert_true(raised(&scene, SIGNAL_MALFORMED));
    scene.sink.count = 0;
    scene.moment.wall_us += 1000000;
    assert_true(raised(&scene, SIGNAL_MAC_FAILURES));
}

static void test_money_is_never_quiet(void **state)
{
    (void)state;
    struct scene scene;
    scene_set(&scene);
    assert_true(raised(&scene, SIGNAL_LATE_APPROVAL));
    assert_true(raised(&scene, SIGNAL_LATE_APPROVAL));
}

static void test_a_rule_that_is_off_raises_nothing_and_a_watched_one_says_so(void **state)
{
    (void)state;
    struct scene scene;
    scene_set(&scene);
    scene.rules.items[SIGNAL_TIMEOUTS].is_on = false;
    scene.rules.items[SIGNAL_REVERSALS].is_watched_only = true;
    assert_false(raised(&scene, SIGNAL_TIMEOUTS));
    assert_true(raised(&scene, SIGNAL_REVERSALS));
    assert_true(scene.flags[0].is_watched_only);
}

static void test_a_full_sink_leaves_the_flag_for_later(void **state)
{
    (void)state;
    struct scene scene;
    scene_set(&scene);
    scene.sink.count = scene.sink.count_max;
    assert_false(raised(&scene, SIGNAL_TIMEOUTS));
    scene.sink.count = 0;
    assert_true(raised(&scene, SIGNAL_TIMEOUTS));
}

static void test_only_faults_are_explained_by_the_fleet(void **state)
{
    (void)state;
    struct scene scene;
    scene_set(&scene);
    scene.moment.is_fleet_linked = true;
    assert_true(raised(&scene, SIGNAL_TIMEOUTS));
    assert_true(raised(&scene, SIGNAL_SERIAL_DIFFERS));
    assert_true(scene.flags[0].is_fleet_linked);
    assert_false(scene.flags[1].is_fleet_linked);
}

static void test_every_signal_has_a_place_to_be_quiet_in(void **state)
{
    (void)state;
    for (unsigned signal = 0; signal < SIGNAL_COUNT; signal++) {
        struct scene scene;
        scene_set(&scene);
        if (signal_subject((enum signal_code)signal) != FLAG_OF_COHORT) {
            assert_true(raised(&scene, (enum signal_code)signal));
            assert_int_equal(scene.flags[0].severity, signal_severity((enum signal_code)signal));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flag_says_whose_it_is_and_why),
        cmocka_unit_test(test_a_merchant_s_flag_names_the_merchant),
        cmocka_unit_test(test_the_same_signal_is_quiet_for_its_time_and_others_are_not),
        cmocka_unit_test(test_money_is_never_quiet),
        cmocka_unit_test(test_a_rule_that_is_off_raises_nothing_and_a_watched_one_says_so),
        cmocka_unit_test(test_a_full_sink_leaves_the_flag_for_later),
        cmocka_unit_test(test_only_faults_are_explained_by_the_fleet),
        cmocka_unit_test(test_every_signal_has_a_place_to_be_quiet_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
