/* The table of kinds: what may follow what, and what counts where. */
#include "switch/engine/payment_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_what_follows_an_original_knows_its_amount_rule(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < PAYMENT_KIND_COUNT; kind++) {
        const struct payment_rule *rule = payment_rule_of((enum payment_kind)kind);
        bool is_increment = kind == PAYMENT_PREAUTH_INCREMENT;
        assert_true(is_increment || (rule->originals != 0) == (rule->amount != PAYMENT_AMOUNT_ANY));
    }
}

static void test_what_can_be_reversed_is_forwarded_and_has_a_message_type(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < PAYMENT_KIND_COUNT; kind++) {
        const struct payment_rule *rule = payment_rule_of((enum payment_kind)kind);
        if (payment_kind_is_reversible((enum payment_kind)kind)) {
            assert_int_equal(rule->travel, PAYMENT_TRAVEL_FORWARD);
            assert_true(rule->mti[1] == '1' || rule->mti[1] == '2');
        }
        if (rule->side != BATCH_NEITHER) {
            assert_true(rule->travel == PAYMENT_TRAVEL_FORWARD ||
                        rule->travel == PAYMENT_TRAVEL_ADVICE);
        }
    }
}

static void test_sides_are_those_of_a_settlement(void **state)
{
    (void)state;
    assert_int_equal(payment_rule_of(PAYMENT_PURCHASE)->side, BATCH_DEBIT);
    assert_int_equal(payment_rule_of(PAYMENT_CAPTURE_ADVICE)->side, BATCH_DEBIT);
    assert_int_equal(payment_rule_of(PAYMENT_REFUND)->side, BATCH_CREDIT);
    assert_int_equal(payment_rule_of(PAYMENT_CAPTURE_VOID)->side, BATCH_CREDIT);
    assert_int_equal(payment_rule_of(PAYMENT_PREAUTH)->side, BATCH_NEITHER);
    assert_int_equal(payment_rule_of(PAYMENT_PREAUTH_VOID)->side, BATCH_NEITHER);
    assert_int_equal(payment_rule_of(PAYMENT_CASH_LOAD)->side, BATCH_NEITHER);
}

static void test_a_void_follows_its_own_kind_of_sale_only(void **state)
{
    (void)state;
    assert_true(payment_rule_may_follow(PAYMENT_VOID, PAYMENT_PURCHASE));
    assert_false(payment_rule_may_follow(PAYMENT_VOID, PAYMENT_OTHER_SALE));
    assert_false(payment_rule_may_follow(PAYMENT_VOID, PAYMENT_CAPTURE));
    assert_true(payment_rule_may_follow(PAYMENT_CAPTURE_VOID, PAYMENT_CAPTURE));
    assert_false(payment_rule_may_follow(PAYMENT_CAPTURE, PAYMENT_CAPTURE));
    assert_false(payment_rule_may_follow(PAYMENT_PURCHASE, PAYMENT_PURCHASE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_follows_an_original_knows_its_amount_rule),
        cmocka_unit_test(test_what_can_be_reversed_is_forwarded_and_has_a_message_type),
        cmocka_unit_test(test_sides_are_those_of_a_settlement),
        cmocka_unit_test(test_a_void_follows_its_own_kind_of_sale_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
