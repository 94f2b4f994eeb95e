/* Payment: names, cargo, copies, what counts as approved. */
#include "tests/unit/unit_test.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "protocols/payment.h"

static void test_every_kind_has_its_enumerator_as_name(void **state)
{
    (void)state;
    static const char *const enumerators[] = {
#define X(name, is_reversible, text) #name,
        PAYMENT_KIND_MAP(X)
#undef X
    };
    for (unsigned kind = 0; kind < PAYMENT_KIND_COUNT; kind++) {
        char lower[40] = {0};
        for (size_t i = 0; enumerators[kind][i] != '\0'; i++) {
            lower[i] = (char)tolower((unsigned char)enumerators[kind][i]);
        }
        assert_string_equal(payment_kind_name((enum payment_kind)kind), lower);
        assert_int_equal(payment_kind_from_name(lower), kind);
        assert_true(strlen(payment_kind_text((enum payment_kind)kind)) > 0);
    }
    assert_int_equal(payment_kind_from_name("barter"), PAYMENT_UNKNOWN);
    assert_true(payment_kind_is_reversible(PAYMENT_PURCHASE));
    assert_false(payment_kind_is_reversible(PAYMENT_REVERSAL));
}

static void test_cargo_is_set_once_and_found_again(void **state)
{
    (void)state;
    struct payment payment;
    payment_clear(&payment);
    struct byte_view icc = {(const uint8_t *)"\x9F\x36\x02\x00\x01", 5};
    struct byte_view text = {(const uint8_t *)"01 ", 3};
    assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_ICC, icc), STATUS_OK);
    assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_CUSTOM_63, text), STATUS_OK);
    assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_ICC, text), STATUS_DUPLICATE);
    struct byte_view found = payment_cargo(&payment, PAYMENT_CARGO_CUSTOM_63);
    assert_int_equal(found.length, 3);
    assert_memory_equal(found.bytes, "01 ", 3);
    assert_int_equal(payment_cargo(&payment, PAYMENT_CARGO_BALANCE).length, 0);
    assert_int_equal(
        payment_set_cargo(&payment, PAYMENT_CARGO_BALANCE, (struct byte_view){NULL, 0}), STATUS_OK);
}

static void test_a_full_cargo_refuses_one_byte_more(void **state)
{
    (void)state;
    static uint8_t bytes[PAYMENT_CARGO_BYTES_MAX];
    struct payment payment;
    payment_clear(&payment);
    struct byte_view most = {bytes, sizeof(bytes) - 1};
    assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_CUSTOM_62, most), STATUS_OK);
    struct byte_view two = {bytes, 2};
    struct byte_view one = {bytes, 1};
    assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_ICC, two), STATUS_NO_ROOM);
    assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_ICC, one), STATUS_OK);
    assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_BALANCE, one), STATUS_NO_ROOM);
}

static void test_a_copy_carries_what_is_there(void **state)
{
    (void)state;
    struct payment from, to;
    payment_clear(&from);
    memset(&to, 0xAA, sizeof(to));
    from.kind = PAYMENT_PURCHASE;
    from.stan = 7;
    struct byte_view icc = {(const uint8_t *)"\x9F\x36\x02\x00\x01", 5};
    assert_int_equal(payment_set_cargo(&from, PAYMENT_CARGO_ICC, icc), STATUS_OK);
    payment_copy(&to, &from);
    assert_int_equal(to.kind, PAYMENT_PURCHASE);
    assert_int_equal(to.stan, 7);
    assert_memory_equal(payment_cargo(&to, PAYMENT_CARGO_ICC).bytes, icc.bytes, 5);
    assert_int_equal(to.cargo_bytes[5], 0xAA);
}

static void test_a_wipe_leaves_no_card_data(void **state)
{
    (void)state;
    static const struct payment empty;
    struct payment payment;
    memset(&payment, 0x55, sizeof(payment));
    payment_wipe(&payment);
    assert_memory_equal(&payment, &empty, sizeof(payment));
}

static void test_only_seven_codes_post_money(void **state)
{
    (void)state;
    static const char *const approved[] = {"00", "10", "11", "A2", "A4", "A5", "A6"};
    static const char *const refused[] = {"",   "01", "05", "12", "1",  "0",  "25", "51",
                                          "98", "A0", "A1", "A3", "A7", "a2", "A",  "99"};
    for (size_t i = 0; i < COUNT_OF(approved); i++) {
        char code[3] = {approved[i][0], approved[i][1], 0};
        assert_true(payment_is_approval(code));
    }
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        char code[3] = {0};
        memcpy(code, refused[i], strlen(refused[i]));
        assert_false(payment_is_approval(code));
    }
}

static void test_a_kind_outside_the_map_is_our_fault(void **state)
{
    (void)state;
    expect_assert_failure(payment_kind_name(PAYMENT_KIND_COUNT));
    expect_assert_failure(payment_kind_from_name(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_has_its_enumerator_as_name),
        cmocka_unit_test(test_cargo_is_set_once_and_found_again),
        cmocka_unit_test(test_a_full_cargo_refuses_one_byte_more),
        cmocka_unit_test(test_a_copy_carries_what_is_there),
        cmocka_unit_test(test_a_wipe_leaves_no_card_data),
        cmocka_unit_test(test_only_seven_codes_post_money),
        cmocka_unit_test(test_a_kind_outside_the_map_is_our_fault),
    };
    return cmocka_run_group_tests_name("protocols/payment", tests, NULL, NULL);
}
