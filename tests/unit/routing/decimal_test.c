/* Decimal texts are read exactly or not at all. */
#include "tests/unit/unit_test.h"

#include "routing/decimal.h"

static void test_decimals_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned places;
        int64_t value;
    } cases[] = {
        {"0", 2, 0},          {"20", 2, 2000},
        {"20.5", 2, 2050},    {"20.00", 2, 2000},
        {"0.0325", 6, 32500}, {"0.60", 6, 600000},
        {"500", 0, 500},      {"00.01", 2, 1},
        {"0.00000001", 8, 1}, {"9999999999.99", 2, INT64_C(999999999999)},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t value = -1;
        assert_int_equal(decimal_parse(&value, cases[i].text, cases[i].places), STATUS_OK);
        assert_true(value == cases[i].value);
    }
}

static void test_what_is_no_exact_number_is_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {"",    ".",   ".5",    "5.", "1.234", "-1", "+1",
                                          "1e3", "1,5", "1.2.3", " 1", "1 ",    "0x1"};
    int64_t value = 7;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        assert_int_equal(decimal_parse(&value, refused[i], 2), STATUS_MALFORMED);
    }
    assert_int_equal(decimal_parse(&value, "99999999999999999999999999", 0), STATUS_BAD_VALUE);
    assert_int_equal(decimal_parse(&value, "999999999999999", 2), STATUS_BAD_VALUE);
    assert_int_equal(value, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimals_are_exact),
        cmocka_unit_test(test_what_is_no_exact_number_is_refused),
    };
    return cmocka_run_group_tests_name("routing/decimal", tests, NULL, NULL);
}
