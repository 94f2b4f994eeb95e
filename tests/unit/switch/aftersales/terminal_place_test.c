/* Where a terminal is: its fence, its city, bad positions, impossible travel. */
#include "tests/unit/switch/aftersales/watch_scene.h"

#define ONE 10000001u

static void scene_placed(struct scene *scene, uint32_t radius_m)
{
    scene_open(scene, 64);
    struct terminal_facts facts = facts_of(ONE);
    facts.has_place = true;
    facts.latitude_e3 = 31230;
    facts.longitude_e3 = 121474;
    facts.radius_m = radius_m;
    scene_learn(scene, &facts);
}

static void at_cell(struct scene *scene, int32_t north_e3, uint32_t flags, uint32_t cell)
{
    struct observation seen = row_of(ONE, OBSERVATION_ASKED, OBSERVED_NONE);
    seen.device_flags = flags;
    seen.latitude_e3 = 31230 + north_e3;
    seen.longitude_e3 = 121474;
    seen.cell = cell;
    scene_row(scene, seen);
    scene->now_us += 4 * HOUR_US;
}

static void at(struct scene *scene, int32_t north_e3)
{
    at_cell(scene, north_e3, DEVICE_NOTE_HAS_POSITION, 0);
}

static void test_two_of_three_positions_outside_the_fence(void **state)
{
    (void)state;
    static struct scene scene;
    scene_placed(&scene, 1000);
    at(&scene, 15);
    at(&scene, 1);
    at(&scene, 2);
    at(&scene, 14);
    at(&scene, 10); /* 1112 m: within the radius and its margin */
    assert_int_equal(scene_count(&scene, SIGNAL_OUTSIDE_FENCE), 0);
    at(&scene, 14);
    assert_int_equal(scene_flag(&scene, SIGNAL_OUTSIDE_FENCE)->severity, 3);
    assert_in_range(scene_flag(&scene, SIGNAL_OUTSIDE_FENCE)->value, 1550, 1560);
    assert_int_equal(scene_flag(&scene, SIGNAL_OUTSIDE_FENCE)->threshold, 1200);
    scene_close(&scene);
}

static void test_another_city_is_severity_four_and_is_seen_without_a_fence(void **state)
{
    (void)state;
    static struct scene scene;
    scene_placed(&scene, 1000);
    at(&scene, 900);
    at(&scene, 900);
    assert_int_equal(scene_flag(&scene, SIGNAL_OUTSIDE_FENCE)->severity, 4);
    assert_int_equal(scene_count(&scene, SIGNAL_CITY_CHANGED), 1);
    scene_close(&scene);
    scene_placed(&scene, 0);
    at(&scene, 900);
    at(&scene, 100);
    at(&scene, 900);
    assert_int_equal(scene.flag_count, 0);
    at(&scene, 900);
    assert_int_equal(scene_count(&scene, SIGNAL_OUTSIDE_FENCE), 0);
    assert_int_equal(scene_count(&scene, SIGNAL_CITY_CHANGED), 1);
    scene_close(&scene);
}

static void test_neighbouring_cells_are_no_move_and_a_new_one_for_long_is(void **state)
{
    (void)state;
    static struct scene scene;
    scene_placed(&scene, 0);
    for (uint32_t i = 0; i < 101; i++) {
        at_cell(&scene, 0, 0, 1 + i % 5);
    }
    assert_int_equal(scene.flag_count, 0);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(scene.flag_count, 0);
        at_cell(&scene, 0, 0, 77);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_CITY_CHANGED), 1);
    scene_close(&scene);
}

static void test_three_bad_positions_in_ten_payments(void **state)
{
    (void)state;
    static struct scene scene;
    scene_placed(&scene, 0);
    for (int i = 0; i < 20; i++) {
        at_cell(&scene, 0,
                i % 5 == 0 ? DEVICE_NOTE_HAS_POSITION | DEVICE_NOTE_POSITION_FROZEN
                           : DEVICE_NOTE_HAS_POSITION,
                0);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_POSITION_BAD), 0);
    at_cell(&scene, 0, 0, 0);
    at_cell(&scene, 0, DEVICE_NOTE_HAS_POSITION | DEVICE_NOTE_POSITION_ZERO, 0);
    assert_int_equal(scene_count(&scene, SIGNAL_POSITION_BAD), 1);
    scene_close(&scene);
}

static void test_a_terminal_that_never_told_its_position_misses_none(void **state)
{
    (void)state;
    static struct scene scene;
    scene_placed(&scene, 0);
    for (int i = 0; i < 30; i++) {
        at_cell(&scene, 0, 0, 0);
    }
    assert_int_equal(scene.flag_count, 0);
    scene_close(&scene);
}

static void test_faster_than_it_can_travel(void **state)
{
    (void)state;
    static struct scene scene;
    scene_placed(&scene, 0);
    at(&scene, 0);
    scene.now_us -= 3 * HOUR_US; /* an hour later: 480 km, in the same hour more */
    at(&scene, 4320);
    assert_int_equal(scene_count(&scene, SIGNAL_TRAVEL), 0);
    scene.now_us -= 3 * HOUR_US;
    at(&scene, -300);
    assert_int_equal(scene_count(&scene, SIGNAL_TRAVEL), 1);
    assert_in_range(scene_flag(&scene, SIGNAL_TRAVEL)->value, 505, 520);
    scene_close(&scene);
}

static void test_an_inexact_position_is_no_travel(void **state)
{
    (void)state;
    static struct scene scene;
    scene_placed(&scene, 0);
    at(&scene, 0);
    scene.now_us -= 4 * HOUR_US - SECOND_US;
    at(&scene, 100);
    assert_int_equal(scene_count(&scene, SIGNAL_TRAVEL), 0);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_of_three_positions_outside_the_fence),
        cmocka_unit_test(test_another_city_is_severity_four_and_is_seen_without_a_fence),
        cmocka_unit_test(test_neighbouring_cells_are_no_move_and_a_new_one_for_long_is),
        cmocka_unit_test(test_three_bad_positions_in_ten_payments),
        cmocka_unit_test(test_a_terminal_that_never_told_its_position_misses_none),
        cmocka_unit_test(test_faster_than_it_can_travel),
        cmocka_unit_test(test_an_inexact_position_is_no_travel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
