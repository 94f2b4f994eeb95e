/* The black list: keys, dates, and which row a payment stands in. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "routing/black_list.h"

#define DAY_US INT64_C(86400000000)
#define DAY 20000                           /* 2024-10-04 */
#define NOON_US (DAY * DAY_US + DAY_US / 6) /* 12:00 in China */

static const struct {
    enum black_list_kind kind;
    const char *key;
    bool is_good;
} KEYS[] = {
    {BLACK_LIST_CARD_HASH, "000102030405060708090a0b0c0d0e0F", true},
    {BLACK_LIST_CARD_HASH, "000102030405060708090a0b0c0d0e0", false},
    {BLACK_LIST_CARD_HASH, "000102030405060708090a0b0c0d0e0g", false},
    {BLACK_LIST_CARD_HASH, "000102030405060708090a0b0c0d0e0f0", false},
    {BLACK_LIST_CARD_HASH, "6200000000000005", false}, /* a card number is no hash */
    {BLACK_LIST_BIN, "622848", true},
    {BLACK_LIST_BIN, "6228480000", true},
    {BLACK_LIST_BIN, "62284800001", false}, /* it could name a card */
    {BLACK_LIST_BIN, "622", false},
    {BLACK_LIST_BIN, "62284x", false},
    {BLACK_LIST_MERCHANT, "898110053110001", true},
    {BLACK_LIST_MERCHANT, "8981100531100011", false},
    {BLACK_LIST_MERCHANT, "", false},
    {BLACK_LIST_TERMINAL, "10000001", true},
    {BLACK_LIST_TERMINAL, "1000001", false},
    {BLACK_LIST_PAY_CODE_PREFIX, "28", true},
    {BLACK_LIST_PAY_CODE_PREFIX, "2", false},
};

static void test_a_key_is_what_its_kind_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++) {
        struct black_list_row row = {.kind = (uint8_t)KEYS[i].kind};
        enum status wanted = KEYS[i].is_good ? STATUS_OK : STATUS_BAD_VALUE;
        if (black_list_key_read(&row, KEYS[i].key) != wanted) {
            fail_msg("%s %s", black_list_kind_word(KEYS[i].kind), KEYS[i].key);
        }
    }
    assert_int_equal(black_list_kind_find("bin"), BLACK_LIST_BIN);
    assert_int_equal(black_list_kind_find("pan"), BLACK_LIST_KIND_COUNT);
}

static void add(struct black_list *list, enum black_list_kind kind, const char *key, uint32_t line)
{
    struct black_list_row row = {
        .kind = (uint8_t)kind, .line = line, .from_day = INT32_MIN, .until_day = INT32_MAX};
    assert_int_equal(black_list_key_read(&row, key), STATUS_OK);
    assert_int_equal(black_list_add(list, &row), STATUS_OK);
}

static void freeze(struct black_list *list)
{
    const struct black_list_row *fault = NULL, *first = NULL;
    assert_int_equal(black_list_freeze(list, &fault, &first), STATUS_OK);
}

static struct payment payment_of(const char *digits)
{
    struct payment payment;
    payment_clear(&payment);
    payment.kind = PAYMENT_PURCHASE;
    memcpy(payment.merchant_id, "898110053110001", 16);
    memcpy(payment.terminal_id, "10000001", 9);
    assert_int_equal(pan_parse(&payment.pan, digits, strlen(digits)), STATUS_OK);
    memset(&payment.pan_hash, 7, sizeof(payment.pan_hash));
    return payment;
}

static uint32_t line_of(const struct black_list *list, const struct payment *payment)
{
    const struct black_list_row *row = black_list_find(list, payment, NOON_US);
    return row == NULL ? 0 : row->line;
}

static void test_hash_range_merchant_terminal_and_code_are_found(void **state)
{
    (void)state;
    struct black_list *list = black_list_create(8);
    add(list, BLACK_LIST_BIN, "6200", 2);
    add(list, BLACK_LIST_BIN, "62000000", 3);
    add(list, BLACK_LIST_CARD_HASH, "07070707070707070707070707070707", 4);
    add(list, BLACK_LIST_PAY_CODE_PREFIX, "2812", 5);
    add(list, BLACK_LIST_TERMINAL, "10000002", 6);
    add(list, BLACK_LIST_MERCHANT, "898110053110002", 7);
    freeze(list);
    struct payment payment = payment_of("6200000000000005");
    assert_int_equal(line_of(list, &payment), 4);
    payment.pan_hash.bytes[15] = 8;
    assert_int_equal(line_of(list, &payment), 3); /* the longest range */
    payment = payment_of("6200100000000003");
    payment.pan_hash.bytes[0] = 0;
    assert_int_equal(line_of(list, &payment), 2);
    payment = payment_of("6300000000000004");
    payment.pan_hash.bytes[0] = 0;
    assert_int_equal(line_of(list, &payment), 0);
    memcpy(payment.pay_code, "281234567890123456", 19);
    assert_int_equal(line_of(list, &payment), 5);
    payment.terminal_id[7] = '2';
    assert_int_equal(line_of(list, &payment), 6);
    payment.merchant_id[14] = '2';
    assert_int_equal(line_of(list, &payment), 7);
    assert_string_equal(black_list_code(black_list_find(list, &payment, NOON_US)), "03");
    black_list_destroy(list);
}

static void test_a_row_is_in_force_from_its_first_day_until_before_its_last(void **state)
{
    (void)state;
    struct black_list *list = black_list_create(1);
    struct black_list_row row = {
        .kind = BLACK_LIST_TERMINAL, .from_day = DAY, .until_day = DAY + 1, .response_code = "57"};
    assert_int_equal(black_list_key_read(&row, "10000001"), STATUS_OK);
    assert_int_equal(black_list_add(list, &row), STATUS_OK);
    assert_int_equal(black_list_add(list, &row), STATUS_NO_ROOM);
    freeze(list);
    struct payment payment = payment_of("6200000000000005");
    const int64_t midnight_us = DAY * DAY_US - DAY_US / 3; /* in China */
    assert_null(black_list_find(list, &payment, midnight_us - 1));
    assert_non_null(black_list_find(list, &payment, midnight_us));
    assert_non_null(black_list_find(list, &payment, midnight_us + DAY_US - 1));
    assert_null(black_list_find(list, &payment, midnight_us + DAY_US));
    assert_string_equal(black_list_code(black_list_find(list, &payment, NOON_US)), "57");
    black_list_destroy(list);
}

static void test_a_key_twice_is_told_with_both_rows(void **state)
{
    (void)state;
    struct black_list *list = black_list_create(3);
    const struct black_list_row *fault = NULL, *first = NULL;
    add(list, BLACK_LIST_BIN, "622848", 2);
    add(list, BLACK_LIST_PAY_CODE_PREFIX, "622848", 3);
    add(list, BLACK_LIST_BIN, "622848", 4);
    assert_int_equal(black_list_freeze(list, &fault, &first), STATUS_DUPLICATE);
    assert_int_equal(fault->line, 4);
    assert_int_equal(first->line, 2);
    black_list_destroy(list);
}

static void test_what_undoes_is_not_held_against_it(void **state)
{
    (void)state;
    assert_true(black_list_kind_is_held(PAYMENT_PURCHASE));
    assert_true(black_list_kind_is_held(PAYMENT_BALANCE));
    assert_false(black_list_kind_is_held(PAYMENT_VOID));
    assert_false(black_list_kind_is_held(PAYMENT_REFUND));
    assert_false(black_list_kind_is_held(PAYMENT_CAPTURE_ADVICE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_is_what_its_kind_says),
        cmocka_unit_test(test_hash_range_merchant_terminal_and_code_are_found),
        cmocka_unit_test(test_a_row_is_in_force_from_its_first_day_until_before_its_last),
        cmocka_unit_test(test_a_key_twice_is_told_with_both_rows),
        cmocka_unit_test(test_what_undoes_is_not_held_against_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
