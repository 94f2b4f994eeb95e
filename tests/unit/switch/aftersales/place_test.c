/* Distances between places. */
#include "switch/aftersales/place.h"

#include "tests/unit/unit_test.h"

static const struct place SHANGHAI = {31230, 121474}, BEIJING = {39904, 116407};

static void test_a_thousandth_of_a_degree_is_some_hundred_metres(void **state)
{
    (void)state;
    struct place north = {31231, 121474}, east = {31230, 121475};
    assert_in_range(place_distance_m(SHANGHAI, north), 110, 112);
    assert_in_range(place_distance_m(SHANGHAI, east), 93, 96);
    assert_int_equal(place_distance_m(SHANGHAI, SHANGHAI), 0);
}

static void test_shanghai_is_1067_km_from_beijing(void **state)
{
    (void)state;
    assert_in_range(place_distance_m(SHANGHAI, BEIJING), 1055000, 1080000);
    assert_true(place_distance_m(SHANGHAI, BEIJING) == place_distance_m(BEIJING, SHANGHAI));
}

static void test_the_way_around_the_date_line_is_the_short_one(void **state)
{
    (void)state;
    struct place west = {0, 179900}, east = {0, -179900};
    assert_in_range(place_distance_m(west, east), 22000, 22500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thousandth_of_a_degree_is_some_hundred_metres),
        cmocka_unit_test(test_shanghai_is_1067_km_from_beijing),
        cmocka_unit_test(test_the_way_around_the_date_line_is_the_short_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
