/* What an answer said comes back byte for byte, and nothing else does. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "switch/engine/answer_cargo.h"

static void put(struct payment *payment, enum payment_cargo which, const char *text)
{
    struct byte_view value = {(const uint8_t *)text, (uint32_t)strlen(text)};
    assert_int_equal(payment_set_cargo(payment, which, value), STATUS_OK);
}

static void expect(const struct payment *payment, enum payment_cargo which, const char *text)
{
    struct byte_view value = payment_cargo(payment, which);
    assert_int_equal(value.length, strlen(text));
    assert_memory_equal(value.bytes, text, value.length);
}

static void test_texts_and_chip_data_come_back(void **state)
{
    (void)state;
    static struct payment response, reply;
    uint8_t packed[RECORD_ANSWER_BYTES_MAX];
    payment_clear(&response);
    put(&response, PAYMENT_CARGO_CUSTOM_63, "CUP issuer");
    put(&response, PAYMENT_CARGO_ICC, "\x91\x02xx");
    put(&response, PAYMENT_CARGO_CUSTOM_62, "keys");
    uint16_t length = answer_cargo_pack(packed, &response);
    assert_int_equal(length, 3 + 4 + 3 + 10);
    payment_clear(&reply);
    answer_cargo_unpack(&reply, (struct byte_view){packed, length});
    expect(&reply, PAYMENT_CARGO_CUSTOM_63, "CUP issuer");
    expect(&reply, PAYMENT_CARGO_ICC, "\x91\x02xx");
    expect(&reply, PAYMENT_CARGO_CUSTOM_62, "");
}

static void test_what_does_not_fit_is_left_out(void **state)
{
    (void)state;
    static struct payment response, reply;
    static char chip[256], text[600];
    uint8_t packed[RECORD_ANSWER_BYTES_MAX];
    memset(chip, 'c', sizeof(chip) - 1);
    memset(text, 't', sizeof(text) - 1);
    payment_clear(&response);
    put(&response, PAYMENT_CARGO_ICC, chip);
    put(&response, PAYMENT_CARGO_PRIVATE_59, text);
    put(&response, PAYMENT_CARGO_CUSTOM_63, "short");
    uint16_t length = answer_cargo_pack(packed, &response);
    payment_clear(&reply);
    answer_cargo_unpack(&reply, (struct byte_view){packed, length});
    expect(&reply, PAYMENT_CARGO_ICC, chip);
    expect(&reply, PAYMENT_CARGO_PRIVATE_59, "");
    expect(&reply, PAYMENT_CARGO_CUSTOM_63, "short");
}

static void test_a_voucher_comes_back(void **state)
{
    (void)state;
    static struct payment response, reply;
    uint8_t packed[RECORD_ANSWER_BYTES_MAX];
    payment_clear(&response);
    memcpy(response.voucher, "58210526789789570802", 21);
    uint16_t length = answer_cargo_pack(packed, &response);
    assert_int_equal(length, 3 + 20);
    payment_clear(&reply);
    answer_cargo_unpack(&reply, (struct byte_view){packed, length});
    assert_string_equal(reply.voucher, "58210526789789570802");
    assert_int_equal(reply.cargo_length, 0);
}

static void test_broken_bytes_end_it(void **state)
{
    (void)state;
    static struct payment reply;
    static const uint8_t cut[] = {PAYMENT_CARGO_ICC, 0, 9, 'x'};
    static const uint8_t unknown[] = {PAYMENT_CARGO_COUNT, 0, 1, 'x'};
    payment_clear(&reply);
    answer_cargo_unpack(&reply, (struct byte_view){cut, sizeof(cut)});
    answer_cargo_unpack(&reply, (struct byte_view){unknown, sizeof(unknown)});
    assert_int_equal(reply.cargo_length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_and_chip_data_come_back),
        cmocka_unit_test(test_what_does_not_fit_is_left_out),
        cmocka_unit_test(test_a_voucher_comes_back),
        cmocka_unit_test(test_broken_bytes_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
