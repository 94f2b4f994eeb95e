/* A machine's clock that jumps, beside one that never does. */
#include "switch/followup/clock_doubt.h"

#include "tests/unit/unit_test.h"

#define NOW_US INT64_C(1790000000000000)
#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
#define SECOND_NS UINT64_C(1000000000)
#define HOUR_NS (3600 * SECOND_NS)

static void test_a_clock_that_goes_on_is_believed_whatever_it_says_at_first(void **state)
{
    (void)state;
    struct clock_doubt doubt = {0};
    for (int64_t second = 0; second < 7200; second += 30) {
        /* a little faster than the other one, as a clock is that is led */
        int64_t wall_us = NOW_US + second * SECOND_US + second * 500;
        assert_true(clock_doubt_look(&doubt, wall_us, (uint64_t)second * SECOND_NS));
    }
    assert_false(doubt.is_in_doubt);
}

static void test_a_clock_that_jumps_ahead_is_doubted_until_it_is_back(void **state)
{
    (void)state;
    struct clock_doubt doubt = {0};
    assert_true(clock_doubt_look(&doubt, NOW_US, SECOND_NS));
    assert_true(clock_doubt_look(&doubt, NOW_US + 61 * SECOND_US, 2 * SECOND_NS));
    assert_false(clock_doubt_look(&doubt, NOW_US + DAY_US, 3 * SECOND_NS));
    assert_true(doubt.is_in_doubt);
    assert_true(doubt.ahead_us == DAY_US - 62 * SECOND_US);
    assert_false(clock_doubt_look(&doubt, NOW_US + DAY_US + 600 * SECOND_US, 603 * SECOND_NS));
    assert_true(clock_doubt_look(&doubt, NOW_US + 700 * SECOND_US, 640 * SECOND_NS));
    assert_false(doubt.is_in_doubt);
    assert_int_equal(doubt.ahead_us, 0);
}

static void test_a_clock_that_stays_ahead_for_an_hour_was_set_right(void **state)
{
    (void)state;
    struct clock_doubt doubt = {0};
    assert_true(clock_doubt_look(&doubt, NOW_US, 0));
    assert_false(clock_doubt_look(&doubt, NOW_US + DAY_US, SECOND_NS));
    assert_false(clock_doubt_look(&doubt, NOW_US + DAY_US, SECOND_NS + HOUR_NS - 1));
    assert_true(clock_doubt_look(&doubt, NOW_US + DAY_US, SECOND_NS + HOUR_NS));
    assert_true(clock_doubt_look(&doubt, NOW_US + DAY_US + SECOND_US, 2 * SECOND_NS + HOUR_NS));
    /* and another jump is another doubt, of a whole hour */
    assert_false(clock_doubt_look(&doubt, NOW_US + 2 * DAY_US, 3 * SECOND_NS + HOUR_NS));
    assert_false(clock_doubt_look(&doubt, NOW_US + 2 * DAY_US, 2 * HOUR_NS));
}

static void test_a_clock_that_jumps_back_is_believed(void **state)
{
    (void)state;
    struct clock_doubt doubt = {0};
    assert_true(clock_doubt_look(&doubt, NOW_US, 0));
    assert_true(clock_doubt_look(&doubt, NOW_US - DAY_US, SECOND_NS));
    assert_false(clock_doubt_look(&doubt, NOW_US, 2 * SECOND_NS)); /* until it is sure again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_clock_that_goes_on_is_believed_whatever_it_says_at_first),
        cmocka_unit_test(test_a_clock_that_jumps_ahead_is_doubted_until_it_is_back),
        cmocka_unit_test(test_a_clock_that_stays_ahead_for_an_hour_was_set_right),
        cmocka_unit_test(test_a_clock_that_jumps_back_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
