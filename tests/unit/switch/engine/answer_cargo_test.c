/* What an answer said comes back byte for byte, and nothing else does. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
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
    static char chip[256], text[700];
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

static uint16_t put_words(uint8_t packed[RECORD_ANSWER_BYTES_MAX], const struct payment *response,
                          const char *words, bool is_put)
{
    uint16_t length = answer_cargo_pack(packed, response);
    uint16_t before = length;
    bool was_put = answer_cargo_put_words(
        packed, &length, (struct byte_view){(const uint8_t *)words, (uint32_t)strlen(words)});
    assert_int_equal(was_put, is_put);
    assert_true(is_put || length == before);
    return length;
}

static void expect_read(const uint8_t packed[RECORD_ANSWER_BYTES_MAX], uint16_t length,
                        const char *words)
{
    struct byte_view read = answer_cargo_words((struct byte_view){packed, length});
    assert_int_equal(read.length, strlen(words));
    assert_true(read.length == 0 || memcmp(read.bytes, words, read.length) == 0);
}

static void expect_words(const uint8_t packed[RECORD_ANSWER_BYTES_MAX], uint16_t length,
                         const char *front, const char *words)
{
    static struct payment reply;
    char expected[PAYMENT_WORDS_AT + PAYMENT_WORDS_BYTES_MAX + 1];
    snprintf(expected, sizeof(expected), "%-*s%s", PAYMENT_WORDS_AT, front, words);
    payment_clear(&reply);
    answer_cargo_unpack(&reply, (struct byte_view){packed, length});
    expect(&reply, PAYMENT_CARGO_CUSTOM_63, expected);
}

static void test_words_stand_behind_what_the_channel_says(void **state)
{
    (void)state;
    static struct payment response;
    uint8_t packed[RECORD_ANSWER_BYTES_MAX];
    char longest[PAYMENT_WORDS_BYTES_MAX + 2];
    payment_clear(&response);
    uint16_t length = put_words(packed, &response, "sign on", true);
    expect_words(packed, length, "", "sign on");
    put(&response, PAYMENT_CARGO_ICC, "\x91\x02xx");
    put(&response, PAYMENT_CARGO_CUSTOM_63, "CUP issuer");
    length = put_words(packed, &response, "sign on", true);
    expect_words(packed, length, "CUP issuer", "sign on");
    expect_read(packed, length, "sign on");
    expect_read(packed, (uint16_t)(length - 1), ""); /* cut off */
    memset(longest, 'w', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    put_words(packed, &response, longest, false);
    longest[PAYMENT_WORDS_BYTES_MAX] = '\0';
    length = put_words(packed, &response, longest, true);
    expect_words(packed, length, "CUP issuer", longest);
    put_words(packed, &response, "", false);
}

static void test_words_never_replace_the_channels_own(void **state)
{
    (void)state;
    static struct payment response;
    uint8_t packed[RECORD_ANSWER_BYTES_MAX];
    char own[PAYMENT_WORDS_AT + 4];
    snprintf(own, sizeof(own), "%-*s  ", PAYMENT_WORDS_AT, "CUP");
    payment_clear(&response);
    put(&response, PAYMENT_CARGO_CUSTOM_63, own);
    uint16_t length = put_words(packed, &response, "sign on", true); /* blanks say nothing */
    expect_words(packed, length, "CUP", "sign on");
    own[PAYMENT_WORDS_AT + 1] = '!';
    payment_clear(&response);
    put(&response, PAYMENT_CARGO_CUSTOM_63, own);
    put_words(packed, &response, "sign on", false);
}

static void test_words_that_find_no_room_are_left_out(void **state)
{
    (void)state;
    static struct payment response;
    static char text[RECORD_ANSWER_BYTES_MAX - 3 - 3 - PAYMENT_WORDS_AT - 4 + 1];
    uint8_t packed[RECORD_ANSWER_BYTES_MAX];
    memset(text, 't', sizeof(text) - 1);
    payment_clear(&response);
    put(&response, PAYMENT_CARGO_PRIVATE_59, text);
    put_words(packed, &response, "12345", false);
    uint16_t length = put_words(packed, &response, "1234", true);
    assert_int_equal(length, RECORD_ANSWER_BYTES_MAX);
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
        cmocka_unit_test(test_words_stand_behind_what_the_channel_says),
        cmocka_unit_test(test_words_never_replace_the_channels_own),
        cmocka_unit_test(test_words_that_find_no_room_are_left_out),
        cmocka_unit_test(test_broken_bytes_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
