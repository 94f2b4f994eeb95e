/* Card numbers: 12 to 19 digits, never shown whole. Only well-known test numbers here. */
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/pan.h"

static struct pan pan_of(const char *digits)
{
    struct pan pan;
    assert_int_equal(pan_parse(&pan, digits, strlen(digits)), STATUS_OK);
    return pan;
}

static void test_only_12_to_19_digits_are_a_card_number(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "42424242424", "42424242424242424242",
                                        "4242 4242 4242 4242", "424242424242424x"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct pan pan = {.digit_count = 3};
        assert_int_equal(pan_parse(&pan, wrong[i], strlen(wrong[i])), STATUS_BAD_VALUE);
        assert_int_equal(pan.digit_count, 3);
    }
    assert_int_equal(pan_of("424242424242").digit_count, 12);
    assert_string_equal(pan_of("6225000000000000148").digits, "6225000000000000148");
}

static void test_a_mask_shows_first_6_and_last_4(void **state)
{
    (void)state;
    static const struct {
        const char *digits, *masked;
    } cases[] = {{"4242424242424242", "424242******4242"},
                 {"424242424242", "424242**4242"},
                 {"6225000000000000148", "622500*********0148"}};
    char masked[PAN_MASKED_SIZE];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pan pan = pan_of(cases[i].digits);
        pan_mask(masked, &pan);
        assert_string_equal(masked, cases[i].masked);
    }
    struct pan none = {.digit_count = 0};
    pan_mask(masked, &none);
    assert_string_equal(masked, "");
}

static void test_the_check_digit_is_that_of_iso_7812(void **state)
{
    (void)state;
    struct pan good = pan_of("4242424242424242");
    struct pan odd = pan_of("378282246310005");
    struct pan bad = pan_of("4242424242424243");
    struct pan none = {.digit_count = 0};
    assert_true(pan_has_luhn(&good));
    assert_true(pan_has_luhn(&odd));
    assert_false(pan_has_luhn(&bad));
    assert_false(pan_has_luhn(&none));
}

/* Every digit at every place, in numbers of odd and even length. */
static void test_the_check_digit_weighs_each_place(void **state)
{
    (void)state;
    for (uint8_t count = PAN_DIGITS_MIN; count <= PAN_DIGITS_MAX; count++) {
        for (uint8_t place = 0; place < count; place++) {
            for (unsigned digit = 0; digit <= 9; digit++) {
                struct pan pan = {.digit_count = count};
                memset(pan.digits, '0', count);
                pan.digits[place] = (char)('0' + digit);
                bool is_doubled = (count - place) % 2 == 0;
                unsigned weight = is_doubled ? digit * 2 / 10 + digit * 2 % 10 : digit;
                assert_int_equal(pan_has_luhn(&pan), weight == 0);
                if (place + 1 < count) { /* and the check digit that makes it good */
                    pan.digits[count - 1] = (char)('0' + (10 - weight) % 10);
                    assert_true(pan_has_luhn(&pan));
                }
            }
        }
    }
}

static void test_a_prefix_is_a_number(void **state)
{
    (void)state;
    struct pan pan = pan_of("6225000000000014");
    assert_int_equal(pan_prefix(&pan, 0), 0);
    assert_int_equal(pan_prefix(&pan, 6), 622500);
    assert_int_equal(pan_prefix(&pan, 16), UINT64_C(6225000000000014));
    pan = pan_of("9876543210123456789");
    for (uint8_t count = 1; count < PAN_DIGITS_MAX; count++) {
        char text[PAN_DIGITS_MAX + 1] = "";
        memcpy(text, pan.digits, count);
        assert_int_equal(pan_prefix(&pan, count), strtoull(text, NULL, 10));
    }
    pan = pan_of("6225000000000014");
    expect_assert_failure(pan_prefix(&pan, 17));
}

static void test_equal_means_every_digit(void **state)
{
    (void)state;
    struct pan card = pan_of("6225000000000014");
    struct pan same = pan_of("6225000000000014");
    struct pan other = pan_of("6225000000000015");
    struct pan longer = pan_of("62250000000000148");
    assert_true(pan_equals(&card, &same));
    assert_false(pan_equals(&card, &other));
    assert_false(pan_equals(&card, &longer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_12_to_19_digits_are_a_card_number),
        cmocka_unit_test(test_a_mask_shows_first_6_and_last_4),
        cmocka_unit_test(test_the_check_digit_is_that_of_iso_7812),
        cmocka_unit_test(test_the_check_digit_weighs_each_place),
        cmocka_unit_test(test_a_prefix_is_a_number),
        cmocka_unit_test(test_equal_means_every_digit),
    };
    return cmocka_run_group_tests_name("protocols/base/pan", tests, NULL, NULL);
}
