/* Settlement days: the year that brings month and day nearest to the wall date. */
#include "tests/unit/unit_test.h"

#include "switch/engine/settlement_day.h"

static void test_the_nearest_year_is_taken(void **state)
{
    (void)state;
    assert_int_equal(settlement_day_near("1126", 20251125), 20251126);
    assert_int_equal(settlement_day_near("0101", 20251231), 20260101);
    assert_int_equal(settlement_day_near("1231", 20260101), 20251231);
    assert_int_equal(settlement_day_near("0701", 20260101), 20260701);
}

static void test_what_is_no_date_is_none(void **state)
{
    (void)state;
    assert_int_equal(settlement_day_near((const char[5]){0}, 20251125), 0);
    assert_int_equal(settlement_day_near("0000", 20251125), 0);
    assert_int_equal(settlement_day_near("1301", 20251125), 0);
    assert_int_equal(settlement_day_near("0132", 20251125), 0);
    assert_int_equal(settlement_day_near("0200", 20251125), 0);
    assert_int_equal(settlement_day_near("12a1", 20251125), 0);
}

static void test_a_month_is_near_and_two_are_not(void **state)
{
    (void)state;
    assert_true(settlement_day_is_near(20251126, 20251125));
    assert_true(settlement_day_is_near(20260101, 20251231));
    assert_true(settlement_day_is_near(20251225, 20251125));
    assert_true(settlement_day_is_near(20251120, 20251125));
    assert_false(settlement_day_is_near(20260125, 20251125));
    assert_false(settlement_day_is_near(20250925, 20251125));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_nearest_year_is_taken),
        cmocka_unit_test(test_what_is_no_date_is_none),
        cmocka_unit_test(test_a_month_is_near_and_two_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
