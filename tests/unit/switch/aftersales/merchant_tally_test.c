/* Days, weeks, months of one merchant. */
#include "switch/aftersales/merchant_tally.h"

#include "tests/unit/unit_test.h"

#define JANUARY_1 20454 /* 2026-01-01, days since 1970 */

static void sell(struct merchant_state *merchant, int32_t day, int64_t amount_minor)
{
    (void)merchant_tally_day(merchant, day);
    merchant->today.sales++;
    merchant_tally_today(merchant)->sales++;
    merchant_tally_sale(merchant, amount_minor);
}

static void test_a_day_ends_once(void **state)
{
    (void)state;
    struct merchant_state merchant = {0};
    assert_false(merchant_tally_day(&merchant, 0)); /* a row without a time */
    assert_int_equal(merchant.first_day, 0);
    assert_false(merchant_tally_day(&merchant, JANUARY_1));
    sell(&merchant, JANUARY_1, 100);
    assert_false(merchant_tally_day(&merchant, JANUARY_1));
    assert_true(merchant_tally_day(&merchant, JANUARY_1 + 1));
    assert_int_equal(merchant.today.sales, 0);
    assert_false(merchant_tally_day(&merchant, JANUARY_1 + 2)); /* had no business */
    assert_false(merchant_tally_day(&merchant, JANUARY_1));     /* never goes back */
    assert_int_equal(merchant.day, JANUARY_1 + 2);
}

static void test_a_week_is_seven_days_with_the_running_one(void **state)
{
    (void)state;
    struct merchant_state merchant = {0};
    for (int32_t day = 0; day < 20; day++) {
        sell(&merchant, JANUARY_1 + day, 100 + day);
        struct merchant_week_day week = merchant_tally_week(&merchant);
        assert_int_equal(week.sales, day < 7 ? day + 1 : 7);
    }
    assert_int_equal(merchant_tally_week(&merchant).sale_minor, 7 * 116);
    (void)merchant_tally_day(&merchant, JANUARY_1 + 25);
    assert_int_equal(merchant_tally_week(&merchant).sales, 1);
    (void)merchant_tally_day(&merchant, JANUARY_1 + 26);
    assert_int_equal(merchant_tally_week(&merchant).sales, 0);
}

static void test_history_is_of_thirty_whole_days(void **state)
{
    (void)state;
    struct merchant_state merchant = {0};
    for (int32_t day = 0; day < 50; day++) {
        struct merchant_history before = merchant_tally_history(&merchant);
        assert_int_equal(merchant_history_speaks(&before), day > MERCHANT_HISTORY_DAYS);
        sell(&merchant, JANUARY_1 + day, 100);
        struct merchant_history history = merchant_tally_history(&merchant);
        assert_int_equal(history.day_count, day < 30 ? day : 30);
        assert_int_equal(history.sales, history.day_count);
    }
    (void)merchant_tally_day(&merchant, JANUARY_1 + 1000);
    assert_int_equal(merchant_tally_history(&merchant).day_count, 0);
}

static void test_a_month_is_thirty_days_wherever_it_begins(void **state)
{
    (void)state;
    struct merchant_state merchant = {0};
    for (int32_t day = 0; day < 60; day++) {
        sell(&merchant, JANUARY_1 + day, 1000);
        assert_int_equal(merchant_tally_month(&merchant), day < 30 ? 1000 * (day + 1) : 30000);
    }
    (void)merchant_tally_day(&merchant, JANUARY_1 + 60 + 28);
    assert_int_equal(merchant_tally_month(&merchant), 1000);
    (void)merchant_tally_day(&merchant, JANUARY_1 + 60 + 29);
    assert_int_equal(merchant_tally_month(&merchant), 0);
}

static void test_what_was_before_is_held_as_a_month(void **state)
{
    (void)state;
    struct merchant_state merchant = {0};
    for (int32_t day = 0; day < 119; day++) {
        sell(&merchant, JANUARY_1 + day, day < 30 ? 1000 : day < 60 ? 2000 : 6000);
    }
    (void)merchant_tally_day(&merchant, JANUARY_1 + 119);
    assert_int_equal(merchant_tally_month(&merchant), 29 * 6000);
    assert_int_equal(merchant_tally_month_before(&merchant), 30 * 3000);
    (void)merchant_tally_day(&merchant, JANUARY_1 + 120);
    assert_int_equal(merchant_tally_month_before(&merchant), 30 * (3000 * 90 + 5000) / 90);
    (void)merchant_tally_day(&merchant, JANUARY_1 + 119 + 119);
    assert_int_equal(merchant_tally_month_before(&merchant), 0);
    (void)merchant_tally_day(&merchant, JANUARY_1 + 5000);
    assert_int_equal(merchant_tally_month(&merchant), 0);
    assert_int_equal(merchant_tally_month_before(&merchant), 0);
}

static void test_less_than_a_month_before_is_no_measure(void **state)
{
    (void)state;
    struct merchant_state merchant = {0};
    for (int32_t day = 0; day < 75; day++) {
        sell(&merchant, JANUARY_1 + day, 500);
        /* the month ends today; of what was before, thirty days are seen from the sixtieth on */
        assert_int_equal(merchant_tally_month_before(&merchant), day < 59 ? 0 : 30 * 500);
    }
}

static void test_a_day_that_ended_is_kept_in_yuan_and_no_day_turns_over(void **state)
{
    (void)state;
    struct merchant_state merchant = {0};
    sell(&merchant, JANUARY_1, 199);
    assert_int_equal(merchant_tally_month(&merchant), 199);
    (void)merchant_tally_day(&merchant, JANUARY_1 + 1);
    assert_int_equal(merchant_tally_month(&merchant), 100);
    sell(&merchant, JANUARY_1 + 1, INT64_C(100) * UINT32_MAX + 100);
    (void)merchant_tally_day(&merchant, JANUARY_1 + 2);
    assert_true(merchant_tally_month(&merchant) == 100 + INT64_C(100) * UINT32_MAX);
}

static void test_scaled_is_exact_and_stays_at_its_end(void **state)
{
    (void)state;
    assert_int_equal(merchant_tally_scaled(999, 500, 1000), 499);
    assert_true(merchant_tally_scaled(INT64_MAX / 2, 1000, 1000) <= INT64_MAX / 2);
    assert_true(merchant_tally_scaled(INT64_MAX / 2, 1000, 1000) > INT64_MAX / 2 - 1000);
    assert_true(merchant_tally_scaled(INT64_MAX, 100000, 100) == INT64_MAX);
}

static void test_damaged_bytes_are_no_merchant(void **state)
{
    (void)state;
    struct merchant_state merchant = {0};
    assert_true(merchant_tally_is_sound(&merchant));
    for (int32_t day = 0; day < 400; day++) {
        sell(&merchant, JANUARY_1 + day, INT64_C(999999999999));
    }
    assert_true(merchant_tally_is_sound(&merchant));
    struct merchant_state damaged = merchant;
    damaged.subject.next = WATCH_NOTE_COUNT;
    assert_false(merchant_tally_is_sound(&damaged));
    damaged = merchant;
    damaged.day = -1;
    assert_false(merchant_tally_is_sound(&damaged));
    damaged = merchant;
    damaged.month_minor = -1;
    assert_false(merchant_tally_is_sound(&damaged));
    damaged = merchant;
    damaged.before_minor++;
    assert_false(merchant_tally_is_sound(&damaged));
    damaged = merchant;
    damaged.turnover_yuan[7]++;
    assert_false(merchant_tally_is_sound(&damaged));
    damaged = merchant;
    damaged.week[6].refund_minor = INT64_MAX;
    assert_false(merchant_tally_is_sound(&damaged));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_day_ends_once),
        cmocka_unit_test(test_a_week_is_seven_days_with_the_running_one),
        cmocka_unit_test(test_history_is_of_thirty_whole_days),
        cmocka_unit_test(test_a_month_is_thirty_days_wherever_it_begins),
        cmocka_unit_test(test_what_was_before_is_held_as_a_month),
        cmocka_unit_test(test_less_than_a_month_before_is_no_measure),
        cmocka_unit_test(test_a_day_that_ended_is_kept_in_yuan_and_no_day_turns_over),
        cmocka_unit_test(test_scaled_is_exact_and_stays_at_its_end),
        cmocka_unit_test(test_damaged_bytes_are_no_merchant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
