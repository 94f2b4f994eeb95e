/* A sliding count in eight buckets. */
#include "switch/aftersales/window.h"

#include "tests/unit/unit_test.h"

#define DAY_S 86400
#define HOUR_US INT64_C(3600000000)

static const int64_t START = INT64_C(1767225600) * 1000000; /* 2026-01-01, a bucket's beginning */

static void test_what_is_older_than_the_window_is_not_counted(void **state)
{
    (void)state;
    struct window window = {0};
    window_add(&window, DAY_S, START, 3);
    window_add(&window, DAY_S, START + 12 * HOUR_US, 4);
    assert_int_equal(window_sum(&window, DAY_S, START + 20 * HOUR_US), 7);
    assert_int_equal(window_sum(&window, DAY_S, START + 24 * HOUR_US), 4);
    assert_int_equal(window_sum(&window, DAY_S, START + 36 * HOUR_US), 0);
}

static void test_a_long_silence_empties_it(void **state)
{
    (void)state;
    struct window window = {0};
    window_add(&window, DAY_S, START, 9);
    window_add(&window, DAY_S, START + 1000 * HOUR_US, 1);
    assert_int_equal(window_sum(&window, DAY_S, START + 1000 * HOUR_US), 1);
}

static void test_each_bucket_is_cleared_once_on_the_way(void **state)
{
    (void)state;
    struct window window = {0};
    for (int hour = 0; hour < 200; hour++) {
        window_add(&window, DAY_S, START + hour * HOUR_US, 1);
        uint32_t sum = window_sum(&window, DAY_S, START + hour * HOUR_US);
        assert_true(sum <= 24);
        assert_true(hour < 24 || sum >= 22);
    }
}

static void test_time_that_went_back_counts_into_the_newest(void **state)
{
    (void)state;
    struct window window = {0};
    window_add(&window, 80, START, 1);
    window_add(&window, 80, START - 30000000, 1);
    assert_int_equal(window_sum(&window, 80, START), 2);
}

static void test_a_bucket_never_overflows(void **state)
{
    (void)state;
    struct window window = {0};
    window_add(&window, DAY_S, START, UINT32_MAX);
    window_add(&window, DAY_S, START, 5);
    assert_int_equal(window_sum(&window, DAY_S, START), UINT16_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_older_than_the_window_is_not_counted),
        cmocka_unit_test(test_a_long_silence_empties_it),
        cmocka_unit_test(test_each_bucket_is_cleared_once_on_the_way),
        cmocka_unit_test(test_time_that_went_back_counts_into_the_newest),
        cmocka_unit_test(test_a_bucket_never_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
