/* A duration is counted in a cell at most one eighth wide. */
#include "tests/unit/unit_test.h"

#include "switch/net/histogram.h"

static void test_quantiles_are_right_to_an_eighth(void **state)
{
    (void)state;
    static struct histogram histogram;
    for (uint64_t i = 1; i <= 100000; i++) {
        histogram_record(&histogram, i * 1000);
    }
    uint64_t p50 = histogram_quantile_ns(&histogram, 500);
    uint64_t p99 = histogram_quantile_ns(&histogram, 990);
    assert_true(p50 >= 50000000 && p50 <= 56250000);
    assert_true(p99 >= 99000000 && p99 <= 111400000);
    assert_int_equal(count_get(&histogram.total), 100000);
}

static void test_below_counts_whole_cells_up_to_the_limit(void **state)
{
    (void)state;
    static struct histogram histogram;
    histogram_record(&histogram, 500000);
    histogram_record(&histogram, 5000000);
    histogram_record(&histogram, UINT64_C(600000000000));
    assert_int_equal(histogram_below(&histogram, 1000000), 1);
    assert_int_equal(histogram_below(&histogram, 10000000), 2);
    assert_int_equal(histogram_below(&histogram, UINT64_MAX), 3);
}

static void test_empty_histogram_has_no_quantile(void **state)
{
    (void)state;
    static struct histogram histogram;
    assert_int_equal(histogram_quantile_ns(&histogram, 990), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles_are_right_to_an_eighth),
        cmocka_unit_test(test_below_counts_whole_cells_up_to_the_limit),
        cmocka_unit_test(test_empty_histogram_has_no_quantile),
    };
    return cmocka_run_group_tests_name("switch/net/histogram", tests, NULL, NULL);
}
