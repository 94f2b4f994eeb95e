/* Digits: a number is parsed with count and range together; BCD keeps its pad nibble apart. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "protocols/base/digits.h"

static void test_a_number_has_count_and_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct number_range range;
        enum status status;
        uint64_t value;
    } cases[] = {
        {"0", {0, 9}, STATUS_OK, 0},
        {"000123", {0, 999999}, STATUS_OK, 123},
        {"9999999999999999999", {0, UINT64_MAX}, STATUS_OK, UINT64_C(9999999999999999999)},
        {"", {0, 9}, STATUS_MALFORMED, 77},
        {"00000000000000000001", {0, 9}, STATUS_MALFORMED, 77},
        {"12a", {0, 999}, STATUS_MALFORMED, 77},
        {"-1", {0, 9}, STATUS_MALFORMED, 77},
        {" 1", {0, 9}, STATUS_MALFORMED, 77},
        {"10", {0, 9}, STATUS_BAD_VALUE, 77},
        {"1", {2, 9}, STATUS_BAD_VALUE, 77},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t value = 77;
        assert_int_equal(
            digits_parse(&value, cases[i].text, (uint32_t)strlen(cases[i].text), cases[i].range),
            cases[i].status);
        assert_int_equal(value, cases[i].value);
    }
}

static void test_formatting_fills_with_zeros_and_must_fit(void **state)
{
    (void)state;
    char text[6] = "xxxxx";
    digits_format(text, 42, 4);
    assert_memory_equal(text, "0042x", 5);
    digits_format(text, 9999, 4);
    assert_memory_equal(text, "9999x", 5);
    expect_assert_failure(digits_format(text, 10000, 4));
}

static void test_only_0_to_9_are_decimal(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        const char text[3] = {'1', (char)byte, '2'};
        assert_int_equal(digits_are_decimal(text, 3), byte >= '0' && byte <= '9');
    }
    assert_true(digits_are_decimal("x", 0));
}

static void test_an_odd_count_leaves_its_pad_nibble_where_it_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *digits;
        enum digits_align align;
        uint32_t length;
        uint8_t bytes[4];
    } cases[] = {
        {"021", DIGITS_LEFT, 2, {0x02, 0x10}},          {"001", DIGITS_RIGHT, 2, {0x00, 0x01}},
        {"1234", DIGITS_LEFT, 2, {0x12, 0x34}},         {"1234", DIGITS_RIGHT, 2, {0x12, 0x34}},
        {"12345", DIGITS_RIGHT, 3, {0x01, 0x23, 0x45}}, {"", DIGITS_LEFT, 0, {0}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t bytes[4] = {0xEE, 0xEE, 0xEE, 0xEE};
        char digits[8] = "";
        const uint32_t count = (uint32_t)strlen(cases[i].digits);
        assert_int_equal(digits_to_bcd(bytes, cases[i].digits, count, cases[i].align), STATUS_OK);
        assert_memory_equal(bytes, cases[i].bytes, cases[i].length);
        assert_int_equal(bytes[cases[i].length], 0xEE);
        assert_int_equal(digits_from_bcd(digits, bytes, count, cases[i].align), STATUS_OK);
        assert_string_equal(digits, cases[i].digits);
    }
}

static void test_what_is_no_digit_is_malformed(void **state)
{
    (void)state;
    uint8_t bytes[4];
    char text[8];
    assert_int_equal(digits_to_bcd(bytes, "12:4", 4, DIGITS_LEFT), STATUS_MALFORMED);
    assert_int_equal(digits_from_bcd(text, (const uint8_t *)"\x1A", 2, DIGITS_LEFT),
                     STATUS_MALFORMED);
    assert_int_equal(digits_from_bcd(text, (const uint8_t *)"\xA1", 2, DIGITS_LEFT),
                     STATUS_MALFORMED);
    assert_int_equal(digits_from_bcd(text, (const uint8_t *)"\x12\x3F", 3, DIGITS_LEFT),
                     STATUS_OK); /* the pad nibble is not looked at */
    assert_int_equal(digits_from_bcd(text, (const uint8_t *)"\xF1\x23", 3, DIGITS_RIGHT),
                     STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_number_has_count_and_range),
        cmocka_unit_test(test_formatting_fills_with_zeros_and_must_fit),
        cmocka_unit_test(test_only_0_to_9_are_decimal),
        cmocka_unit_test(test_an_odd_count_leaves_its_pad_nibble_where_it_is_told),
        cmocka_unit_test(test_what_is_no_digit_is_malformed),
    };
    return cmocka_run_group_tests_name("protocols/base/digits", tests, NULL, NULL);
}
