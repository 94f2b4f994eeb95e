/* Who was seen: one row a terminal, a minute at a time. */
#include "switch/followup/sighting_burst.h"

#include "tests/unit/switch/desk/desk_scene.h"

static struct observation seen_at(uint32_t terminal, int64_t wall_us, const char *firmware)
{
    struct observation seen = {.kind = OBSERVATION_ENDED, .wall_us = wall_us};
    snprintf(seen.terminal_id, sizeof(seen.terminal_id), "%08u", terminal);
    snprintf(seen.firmware, sizeof(seen.firmware), "%s", firmware);
    return seen;
}

static void test_a_terminal_is_one_row_with_its_latest(void **state)
{
    struct scene *scene = *state;
    struct sighting_burst *burst = sighting_burst_create();
    int64_t minute_us = SCENE_NOW / SIGHTING_BURST_US * SIGHTING_BURST_US;
    const struct observation rows[] = {seen_at(1, minute_us + 5, "1.0"),
                                       seen_at(2, minute_us + 6, ""), seen_at(1, minute_us + 9, ""),
                                       seen_at(1, minute_us + 7, "1.1")};
    assert_false(sighting_burst_is_due(burst, minute_us)); /* nobody was seen */
    for (uint32_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(sighting_burst_note(burst, &rows[i]));
    }
    assert_false(sighting_burst_is_due(burst, minute_us + SIGHTING_BURST_US - 1));
    assert_true(sighting_burst_is_due(burst, minute_us + SIGHTING_BURST_US));
    assert_int_equal(sighting_burst_write(burst, scene->desk), STATUS_OK);
    assert_false(sighting_burst_is_due(burst, minute_us + SIGHTING_BURST_US));
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM terminal_seen"), 2);
    assert_int_equal(scene_number(scene, "SELECT seen_us FROM terminal_seen"
                                         " WHERE terminal_id = '00000001' AND firmware = '1.1'"),
                     minute_us + 9);
    sighting_burst_destroy(burst);
    sighting_burst_destroy(NULL);
}

static void test_nobody_and_who_only_says_so_are_passed_over(void **state)
{
    struct scene *scene = *state;
    struct sighting_burst *burst = sighting_burst_create();
    struct observation seen = seen_at(1, SCENE_NOW, "1.0");
    seen.kind = OBSERVATION_SIGHTING;
    assert_true(sighting_burst_note(burst, &seen));
    seen.kind = OBSERVATION_TIME;
    assert_true(sighting_burst_note(burst, &seen));
    seen.kind = OBSERVATION_ENDED;
    seen.terminal_id[0] = '\0';
    assert_true(sighting_burst_note(burst, &seen));
    assert_int_equal(sighting_burst_write(burst, scene->desk), STATUS_OK);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM terminal_seen"), 0);
    sighting_burst_destroy(burst);
}

static void test_a_full_burst_says_so_and_a_failed_write_keeps_it(void **state)
{
    struct scene *scene = *state;
    struct sighting_burst *burst = sighting_burst_create();
    for (uint32_t i = 0; i < SIGHTING_BURST_COUNT_MAX; i++) {
        const struct observation seen = seen_at(i, SCENE_NOW, "");
        assert_true(sighting_burst_note(burst, &seen));
    }
    const struct observation again = seen_at(3, SCENE_NOW + 1, "2.0");
    const struct observation more = seen_at(SIGHTING_BURST_COUNT_MAX, SCENE_NOW, "");
    assert_true(sighting_burst_note(burst, &again)); /* it has a place */
    assert_false(sighting_burst_note(burst, &more));
    scene_sql(scene, "CREATE TRIGGER full BEFORE INSERT ON terminal_seen BEGIN"
                     " SELECT RAISE(ABORT, 'no space'); END");
    assert_int_equal(sighting_burst_write(burst, scene->desk), STATUS_BROKEN);
    assert_false(sighting_burst_note(burst, &more));
    scene_sql(scene, "DROP TRIGGER full");
    assert_int_equal(sighting_burst_write(burst, scene->desk), STATUS_OK);
    assert_true(sighting_burst_note(burst, &more));
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM terminal_seen"),
                     SIGHTING_BURST_COUNT_MAX);
    sighting_burst_destroy(burst);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_terminal_is_one_row_with_its_latest, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_nobody_and_who_only_says_so_are_passed_over, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_a_full_burst_says_so_and_a_failed_write_keeps_it,
                                        scene_set, scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
