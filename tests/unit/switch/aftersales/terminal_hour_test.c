/* What silence says, and what it does not: business days, rhythm, holidays. */
#include "tests/unit/switch/aftersales/watch_scene.h"

#define ONE 10000001u

static void scene_of(struct scene *scene, uint32_t count)
{
    scene_open(scene, 64);
    for (uint32_t i = 0; i < count; i++) {
        struct terminal_facts facts = facts_of(ONE + i);
        scene_learn(scene, &facts);
    }
}

static void work_day(struct scene *scene, uint32_t count)
{
    int64_t begin_us = scene->now_us;
    for (uint32_t i = 0; i < count; i++) {
        scene_see(scene, ONE + i, OBSERVATION_SIGNED_ON, OBSERVED_NONE);
    }
    scene_wait(scene, 10 * HOUR_US);
    for (uint32_t i = 0; i < count; i++) {
        scene_see(scene, ONE + i, OBSERVATION_BATCH_ENDED, OBSERVED_NONE);
    }
    scene_wait(scene, begin_us + DAY_US - scene->now_us);
}

/* Monday to Friday, so that its rhythm is known; then it is Monday, 09:00. */
static void office_week(struct scene *scene)
{
    for (int day = 0; day < 5; day++) {
        work_day(scene, 1);
    }
    scene_wait(scene, 2 * DAY_US);
}

static void test_silent_for_a_business_day_then_for_three(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of(&scene, 1);
    office_week(&scene);
    int64_t seen_us = scene.now_us;
    scene_see(&scene, ONE, OBSERVATION_SIGNED_ON, OBSERVED_NONE);
    scene_wait(&scene, 23 * HOUR_US);
    assert_int_equal(scene.flag_count, 0);
    scene_wait(&scene, HOUR_US);
    assert_int_equal(scene_flag(&scene, SIGNAL_SILENT)->severity, 1);
    scene_wait(&scene, 47 * HOUR_US);
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 1);
    scene_wait(&scene, HOUR_US);
    assert_int_equal(scene_flag(&scene, SIGNAL_SILENT)->severity, 2);
    assert_true(scene_flag(&scene, SIGNAL_SILENT)->window_begin_us == seen_us);
    scene_wait(&scene, 6 * DAY_US);
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 2);
    scene_close(&scene);
}

static void test_a_weekend_is_no_silence(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of(&scene, 1);
    office_week(&scene);
    for (int day = 0; day < 4; day++) {
        work_day(&scene, 1);
    }
    scene_see(&scene, ONE, OBSERVATION_SIGNED_ON, OBSERVED_NONE); /* Friday, 09:00 */
    scene_wait(&scene, 3 * DAY_US - HOUR_US);
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 0);
    scene_wait(&scene, HOUR_US); /* Monday, 09:00: 15 h on Friday, 9 h on Monday */
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 1);
    scene_close(&scene);
}

static void test_in_its_first_week_only_a_long_silence_counts(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of(&scene, 1);
    scene_see(&scene, ONE, OBSERVATION_SIGNED_ON, OBSERVED_NONE);
    scene_wait(&scene, 71 * HOUR_US);
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 0);
    scene_wait(&scene, HOUR_US);
    assert_int_equal(scene_flag(&scene, SIGNAL_SILENT)->severity, 2);
    scene_close(&scene);
}

/* A bar: from six to half past one, and never on the night from Monday to Tuesday. */
static void test_a_day_of_rest_begins_when_the_night_before_has_ended(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of(&scene, 1);
    scene_wait(&scene, 33 * HOUR_US); /* Tuesday, 18:00 */
    for (int day = 1; day < 21; day++) {
        if (day % 7 != 0) {
            scene_see(&scene, ONE, OBSERVATION_SIGNED_ON, OBSERVED_NONE);
            scene_wait(&scene, 7 * HOUR_US + HOUR_US / 2);
            scene_see(&scene, ONE, OBSERVATION_BATCH_ENDED, OBSERVED_NONE);
            scene_wait(&scene, 16 * HOUR_US + HOUR_US / 2);
        } else {
            scene_wait(&scene, DAY_US);
        }
    }
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 0);
    scene_wait(&scene, DAY_US); /* the last day of work was a Sunday */
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 0);
    scene_wait(&scene, 2 * DAY_US);
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 1);
    scene_close(&scene);
}

/* Open on Saturdays and Sundays, closed on Mondays and Tuesdays, for weeks. */
static void test_a_terminal_with_a_rhythm_of_its_own_is_left_alone(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of(&scene, 1);
    for (int week = 0; week < 8; week++) {
        scene_wait(&scene, 2 * DAY_US);
        for (int day = 0; day < 5; day++) {
            work_day(&scene, 1);
        }
    }
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 0);
    scene_wait(&scene, 2 * DAY_US + 25 * HOUR_US); /* Wednesday went by without it */
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 1);
    scene_close(&scene);
}

static void test_a_holiday_of_the_fleet_is_no_silence_of_each(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of(&scene, 40);
    for (int day = 0; day < 28; day++) {
        if (day % 7 < 5) {
            work_day(&scene, 40);
        } else {
            scene_wait(&scene, DAY_US);
        }
    }
    scene_wait(&scene, 7 * DAY_US);
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 0);
    for (int day = 0; day < 5; day++) {
        work_day(&scene, 39); /* back again, but for one */
    }
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 2);
    assert_string_equal(scene_flag(&scene, SIGNAL_SILENT)->subject_id, "10000040");
    scene_close(&scene);
}

static void test_a_day_that_the_rules_name_is_no_silence(void **state)
{
    (void)state;
    static struct scene scene;
    struct watch_rules rules;
    scene_of(&scene, 1);
    office_week(&scene);
    int32_t monday = (int32_t)((scene.now_us / 1000000 + 8 * 3600) / 86400);
    watch_rules_default(&rules);
    rules.holiday_count = 2;
    rules.holidays[0] = monday + 2;
    rules.holidays[1] = monday + 1;
    watcher_set_rules(scene.watcher, &rules);
    scene_see(&scene, ONE, OBSERVATION_SIGNED_ON, OBSERVED_NONE);
    scene_wait(&scene, 3 * DAY_US - HOUR_US);
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 0);
    scene_wait(&scene, HOUR_US); /* Thursday, 09:00: 15 h on Monday, 9 h on Thursday */
    assert_int_equal(scene_count(&scene, SIGNAL_SILENT), 1);
    scene_close(&scene);
}

static void test_payments_without_a_settlement_for_three_days(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of(&scene, 1);
    scene_pay(&scene, ONE, OBSERVED_APPROVED, SECOND_US);
    scene_wait(&scene, 2 * DAY_US);
    scene_see(&scene, ONE, OBSERVATION_SETTLED, OBSERVED_TOTALS_EQUAL);
    scene_wait(&scene, 9 * DAY_US);
    assert_int_equal(scene_count(&scene, SIGNAL_NOT_SETTLED), 0);
    scene_pay(&scene, ONE, OBSERVED_APPROVED, SECOND_US);
    scene_wait(&scene, 3 * DAY_US);
    assert_int_equal(scene_count(&scene, SIGNAL_NOT_SETTLED), 0);
    scene_wait(&scene, HOUR_US);
    assert_int_equal(scene_flag(&scene, SIGNAL_NOT_SETTLED)->value, 3);
    scene_close(&scene);
}

static void test_idle_for_ninety_days_and_for_a_year_except_spares(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of(&scene, 1);
    struct terminal_facts spare = facts_of(ONE + 1);
    spare.is_spare = true;
    scene_learn(&scene, &spare);
    scene_pay(&scene, ONE, OBSERVED_APPROVED, SECOND_US);
    scene_see(&scene, ONE, OBSERVATION_BATCH_ENDED, OBSERVED_NONE);
    scene_wait(&scene, 90 * DAY_US);
    assert_int_equal(scene_count(&scene, SIGNAL_IDLE), 0);
    scene_wait(&scene, HOUR_US);
    assert_int_equal(scene_count(&scene, SIGNAL_IDLE), 1);
    scene_wait(&scene, 275 * DAY_US - HOUR_US);
    assert_int_equal(scene_count(&scene, SIGNAL_IDLE_LONG), 0);
    scene_wait(&scene, HOUR_US);
    assert_int_equal(scene_count(&scene, SIGNAL_IDLE_LONG), 1);
    for (uint32_t i = 0; i < scene.flag_count; i++) {
        assert_string_equal(scene.flags[i].subject_id, "10000001");
    }
    scene_close(&scene);
}

/* More than one step has room for: all are flagged, each once. */
static void test_a_time_with_much_to_say_is_given_again(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of(&scene, 64);
    for (uint32_t i = 0; i < 64; i++) {
        scene_pay(&scene, ONE + i, OBSERVED_APPROVED, SECOND_US);
    }
    scene_wait(&scene, 3 * DAY_US + HOUR_US);
    assert_int_equal(scene_count(&scene, SIGNAL_NOT_SETTLED), 64);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silent_for_a_business_day_then_for_three),
        cmocka_unit_test(test_a_weekend_is_no_silence),
        cmocka_unit_test(test_a_day_of_rest_begins_when_the_night_before_has_ended),
        cmocka_unit_test(test_in_its_first_week_only_a_long_silence_counts),
        cmocka_unit_test(test_a_terminal_with_a_rhythm_of_its_own_is_left_alone),
        cmocka_unit_test(test_a_holiday_of_the_fleet_is_no_silence_of_each),
        cmocka_unit_test(test_a_day_that_the_rules_name_is_no_silence),
        cmocka_unit_test(test_payments_without_a_settlement_for_three_days),
        cmocka_unit_test(test_idle_for_ninety_days_and_for_a_year_except_spares),
        cmocka_unit_test(test_a_time_with_much_to_say_is_given_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
