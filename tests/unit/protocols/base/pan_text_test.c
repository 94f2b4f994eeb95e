/* Card numbers in what people write. Only well-known test numbers here. */
#include "protocols/base/pan_text.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit_test.h"

struct text_case {
    const char *text, *masked;
};

static void expect(const struct text_case *item, uint32_t count)
{
    char text[200];
    snprintf(text, sizeof(text), "%s", item->text);
    assert_int_equal(pan_text_mask(text), count);
    assert_string_equal(text, item->masked);
}

static void test_a_card_number_keeps_its_first_6_and_last_4(void **state)
{
    (void)state;
    static const struct text_case CASES[] = {
        {"4242424242424242", "424242******4242"},
        {"卡号6225000000000000148被吞", "卡号622500*********0148被吞"},
        {"card 4242 4242 4242 4242.", "card 4242 42** **** 4242."},
        {"4242-4242-4242-4242 on 20261129", "4242-42**-****-4242 on 20261129"},
        {"at 12 4242424242424242 9", "at 12 424242******4242 9"},
        {"378282246310005", "378282*****0005"},
        {"30569309025904", "305693****5904"},
        {"4222222222222", "422222***2222"},
        {"x4242424242424242x", "x424242******4242x"},
        {"track 4242424242424242=3012", "track 424242******4242=3012"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        expect(&CASES[i], 1);
    }
    expect(&(struct text_case){"4242424242424242, 5555555555554444",
                               "424242******4242, 555555******4444"},
           2);
    expect(&(struct text_case){"4242424242424242 5555555555554444",
                               "424242******4242 555555******4444"},
           2);
}

static void test_other_numbers_stay(void **state)
{
    (void)state;
    static const char *const OTHERS[] = {
        "",
        "no digit",
        "4242424242424243",     /* a wrong check digit */
        "424242424242",         /* 12 digits: a reference number */
        "42424242424242424242", /* 20 digits: a serial number */
        "898290054110004",      /* a merchant, whose last digit is right by chance */
        "4242  4242 4242 4242", /* too far apart */
        "0000000000000000",     /* no card begins so */
        "2026-11-29 15:00:00",
        "2026-11-29 15:00:00 +0800",
        "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5",
    };
    for (size_t i = 0; i < COUNT_OF(OTHERS); i++) {
        expect(&(struct text_case){OTHERS[i], OTHERS[i]}, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_card_number_keeps_its_first_6_and_last_4),
        cmocka_unit_test(test_other_numbers_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
