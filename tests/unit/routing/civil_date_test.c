/* Days of the Gregorian calendar, there and back. */
#include "routing/civil_date.h"

#include <stdio.h>

#include "tests/unit/unit_test.h"

static void test_every_day_is_its_date_and_back(void **state)
{
    (void)state;
    struct civil_date before = civil_date_of(0);
    assert_int_equal(before.year, 1970);
    assert_int_equal(before.month, 1);
    assert_int_equal(before.day, 1);
    for (int32_t day = 1; day < 366 * 500; day++) {
        struct civil_date date = civil_date_of(day);
        assert_int_equal(civil_date_days(date), day);
        bool is_next = date.day == before.day + 1 && date.month == before.month;
        bool is_first = date.day == 1 && before.day == civil_month_days(before.year, before.month);
        assert_true(is_next || is_first);
        before = date;
    }
}

static void test_a_date_parses_to_its_day(void **state)
{
    (void)state;
    int64_t days = 0;
    assert_true(civil_date_parse(&days, "2026-03-02"));
    assert_int_equal(days, 20514);
    assert_true(civil_date_parse(&days, "2028-02-29"));
    assert_false(civil_date_parse(&days, "2026-02-29"));
    assert_false(civil_date_parse(&days, "2100-02-29"));
    assert_true(civil_date_parse(&days, "2000-02-29"));
    assert_false(civil_date_parse(&days, "2026-04-31"));
    assert_false(civil_date_parse(&days, "2026-3-2"));
}

static void test_months_have_their_days(void **state)
{
    (void)state;
    static const uint8_t DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (uint32_t month = 1; month <= 12; month++) {
        assert_int_equal(civil_month_days(2026, month), DAYS[month - 1]);
    }
    assert_int_equal(civil_month_days(2028, 2), 29);
    assert_int_equal(civil_month_days(2100, 2), 28);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day_is_its_date_and_back),
        cmocka_unit_test(test_a_date_parses_to_its_day),
        cmocka_unit_test(test_months_have_their_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
