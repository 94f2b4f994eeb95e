/* Percentiles out of cells of a quarter octave. */
#include "switch/aftersales/amount_sketch.h"

#include "tests/unit/unit_test.h"

static void test_nothing_seen_has_no_percentile(void **state)
{
    (void)state;
    struct amount_sketch sketch = {0};
    assert_int_equal(amount_sketch_percentile(&sketch, 990), 0);
}

static void test_a_percentile_errs_upwards_by_a_quarter_at_most(void **state)
{
    (void)state;
    for (int64_t amount = 64; amount < INT64_C(50000000000); amount = amount * 17 / 16 + 1) {
        struct amount_sketch sketch = {0};
        amount_sketch_add(&sketch, amount);
        int64_t found = amount_sketch_percentile(&sketch, 990);
        assert_true(found >= amount);
        assert_true(found < amount + amount / 4 + 1);
    }
}

static void test_one_in_a_hundred_does_not_move_the_percentile(void **state)
{
    (void)state;
    struct amount_sketch sketch = {0};
    for (int i = 0; i < 99; i++) {
        amount_sketch_add(&sketch, 10000);
    }
    amount_sketch_add(&sketch, 100000000);
    assert_true(amount_sketch_percentile(&sketch, 990) < 12500);
    assert_true(amount_sketch_percentile(&sketch, 991) > 100000000);
}

static void test_what_lies_outside_counts_into_the_ends(void **state)
{
    (void)state;
    struct amount_sketch sketch = {0};
    amount_sketch_add(&sketch, -5);
    amount_sketch_add(&sketch, 0);
    amount_sketch_add(&sketch, INT64_MAX);
    assert_int_equal(sketch.cells[0], 2);
    assert_int_equal(sketch.cells[AMOUNT_SKETCH_CELL_COUNT - 1], 1);
}

static void test_what_was_long_ago_fades(void **state)
{
    (void)state;
    struct amount_sketch sketch = {0};
    for (int i = 0; i < AMOUNT_SKETCH_TOTAL_MAX; i++) {
        amount_sketch_add(&sketch, 1000000);
    }
    for (int i = 0; i < 10 * AMOUNT_SKETCH_TOTAL_MAX; i++) {
        amount_sketch_add(&sketch, 1000);
        assert_true(sketch.total <= AMOUNT_SKETCH_TOTAL_MAX);
    }
    assert_true(amount_sketch_percentile(&sketch, 990) < 1250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_seen_has_no_percentile),
        cmocka_unit_test(test_a_percentile_errs_upwards_by_a_quarter_at_most),
        cmocka_unit_test(test_one_in_a_hundred_does_not_move_the_percentile),
        cmocka_unit_test(test_what_lies_outside_counts_into_the_ends),
        cmocka_unit_test(test_what_was_long_ago_fades),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
