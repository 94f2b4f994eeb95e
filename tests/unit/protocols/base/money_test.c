/* Money: one currency at a time, decimals from the table. */
#include "tests/unit/unit_test.h"

#include "protocols/base/money.h"

static void test_two_currencies_never_meet(void **state)
{
    (void)state;
    struct money sum = {7, 7};
    struct money yuan = {100, MONEY_CNY};
    struct money yen = {100, 392};
    assert_int_equal(money_add(&sum, yuan, yen), STATUS_BAD_VALUE);
    assert_int_equal(money_subtract(&sum, yuan, yen), STATUS_BAD_VALUE);
    assert_int_equal(sum.minor, 7);
    assert_int_equal(money_add(&sum, yuan, yuan), STATUS_OK);
    assert_int_equal(sum.minor, 200);
    assert_int_equal(money_subtract(&sum, yuan, (struct money){130, MONEY_CNY}), STATUS_OK);
    assert_int_equal(sum.minor, -30);
}

static void test_overflow_is_refused(void **state)
{
    (void)state;
    struct money sum = {0, MONEY_CNY};
    struct money most = {INT64_MAX, MONEY_CNY};
    assert_int_equal(money_add(&sum, most, (struct money){1, MONEY_CNY}), STATUS_BAD_VALUE);
    assert_int_equal(
        money_subtract(&sum, (struct money){INT64_MIN, MONEY_CNY}, (struct money){1, MONEY_CNY}),
        STATUS_BAD_VALUE);
}

static void test_decimals_follow_the_currency(void **state)
{
    (void)state;
    static const struct {
        struct money money;
        const char *text;
    } cases[] = {
        {{12345, 156}, "123.45 CNY"}, {{5, 156}, "0.05 CNY"},
        {{-5, 156}, "-0.05 CNY"},     {{500, 392}, "500 JPY"},
        {{12345, 414}, "12.345 KWD"}, {{0, 156}, "0.00 CNY"},
        {{7, 999}, "7 (999)"},        {{0, 392}, "0 JPY"},
        {{100, 156}, "1.00 CNY"},     {{INT64_MIN, 156}, "-92233720368547758.08 CNY"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[MONEY_TEXT_SIZE];
        money_format(text, cases[i].money);
        assert_string_equal(text, cases[i].text);
    }
    assert_int_equal(money_exponent(999), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_currencies_never_meet),
        cmocka_unit_test(test_overflow_is_refused),
        cmocka_unit_test(test_decimals_follow_the_currency),
    };
    return cmocka_run_group_tests_name("protocols/base/money", tests, NULL, NULL);
}
