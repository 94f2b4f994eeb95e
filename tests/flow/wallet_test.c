/* Payments by a customer's code, and what a wallet is told of them: it has no reversal of a void,
 * and knows an order by what the engine quotes. */
#include "tests/flow/stage.h"

#include <string.h>

#include "switch/engine/txn_state.h"

static struct payment code_purchase(uint32_t stan)
{
    struct payment payment = stage_payment(PAYMENT_PURCHASE, TERMINAL_A, stan);
    payment.amount = (struct money){12345, MONEY_CNY};
    memcpy(payment.entry_mode, "032", 4);
    memcpy(payment.pay_code, "281234567890123456", 19);
    return payment;
}

static const struct payment *last_forward(const struct stage *stage)
{
    return &stage->forwards[stage->forward_count - 1].payment;
}

static void respond_last(struct stage *stage, const char *code)
{
    stage_respond(stage, stage->forward_count - 1, code);
}

static int set_up(void **state)
{
    int status = stage_set_up(state);
    stage_use_wallets(*state);
    return status;
}

static void approve(struct stage *stage, struct payment *purchase)
{
    stage_ask(stage, purchase);
    assert_string_equal(last_forward(stage)->pay_code, purchase->pay_code);
    respond_last(stage, "00");
    assert_string_equal(stage->replies[stage->reply_count - 1].payment.response_code, "00");
}

/* No card: the order is found by its reference. */
static struct payment follow_up(struct stage *stage, enum payment_kind kind, uint32_t stan)
{
    struct payment payment = stage_follow_up(stage, kind, stage->reply_count - 1, stan);
    memset(&payment.pan, 0, sizeof(payment.pan));
    memset(&payment.pan_hash, 0, sizeof(payment.pan_hash));
    memcpy(payment.entry_mode, "032", 4);
    return payment;
}

static void assert_quotes(const struct payment *forward, const struct payment *original)
{
    assert_string_equal(forward->original.rrn, original->rrn);
    assert_string_equal(forward->original.terminal_id, original->terminal_id);
    assert_int_equal(forward->original.stan, original->stan);
    assert_true(money_equals(forward->original.amount, original->amount));
    assert_string_equal(forward->pay_code, "");
}

static void test_a_reversal_says_whether_the_wallet_had_approved(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = code_purchase(101);
    approve(stage, &purchase);
    struct payment order = *last_forward(stage);
    struct payment undo = stage_reversal(&purchase);
    stage_ask(stage, &undo);
    assert_int_equal(last_forward(stage)->kind, PAYMENT_REVERSAL);
    assert_quotes(last_forward(stage), &order);
    assert_true(last_forward(stage)->original.is_approved);
    respond_last(stage, "00");

    purchase = code_purchase(102);
    stage_ask(stage, &purchase);
    order = *last_forward(stage);
    stage_pass(stage, stage->limits.response_timeout_ns + SECOND_NS);
    assert_int_equal(last_forward(stage)->kind, PAYMENT_REVERSAL);
    assert_quotes(last_forward(stage), &order);
    assert_false(last_forward(stage)->original.is_approved);
}

static void test_it_is_known_after_a_restart(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = code_purchase(101);
    approve(stage, &purchase);
    struct payment order = *last_forward(stage);
    struct payment undo = stage_reversal(&purchase);
    stage_set_channel(stage, BANK_A, false);
    stage_ask(stage, &undo);
    stage_restart(stage);
    stage_pass(stage, SECOND_NS);
    assert_int_equal(last_forward(stage)->kind, PAYMENT_REVERSAL);
    assert_quotes(last_forward(stage), &order);
    assert_true(last_forward(stage)->original.is_approved);
}

static void test_a_late_approval_is_reversed_as_approved(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = code_purchase(101);
    stage_ask(stage, &purchase);
    uint32_t sent = stage->forward_count - 1;
    respond_last(stage, "96");
    stage_respond(stage, sent, "00"); /* a notify says that it is paid after all */
    assert_int_equal(last_forward(stage)->kind, PAYMENT_REVERSAL);
    assert_true(last_forward(stage)->original.is_approved);
}

static void test_a_refund_quotes_its_order_whatever_terminal_asks(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = code_purchase(101);
    approve(stage, &purchase);
    struct payment order = *last_forward(stage);
    struct payment refund = follow_up(stage, PAYMENT_REFUND, 55);
    memcpy(refund.terminal_id, TERMINAL_B, sizeof(refund.terminal_id));
    refund.amount.minor = 1000;
    stage_ask(stage, &refund);
    assert_int_equal(last_forward(stage)->kind, PAYMENT_REFUND);
    assert_quotes(last_forward(stage), &order);
    stage_restart(stage); /* in doubt: sent again, with the same words */
    stage_pass(stage, stage->limits.response_timeout_ns + SECOND_NS);
    assert_int_equal(last_forward(stage)->kind, PAYMENT_REFUND);
    assert_int_equal(last_forward(stage)->is_repeat, 1);
    assert_quotes(last_forward(stage), &order);
}

static void test_a_void_in_doubt_is_sent_again_and_not_reversed(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = code_purchase(101);
    approve(stage, &purchase);
    struct payment order = *last_forward(stage);
    struct payment cancel = follow_up(stage, PAYMENT_VOID, 102);
    stage_ask(stage, &cancel);
    struct payment first = *last_forward(stage);
    stage_pass(stage, stage->limits.response_timeout_ns + SECOND_NS);
    assert_string_equal(stage->replies[stage->reply_count - 1].payment.response_code, "98");
    assert_int_equal(last_forward(stage)->kind, PAYMENT_VOID);
    assert_int_equal(last_forward(stage)->stan, first.stan);
    assert_string_equal(last_forward(stage)->rrn, first.rrn);
    assert_quotes(last_forward(stage), &order);
    struct payment undo = stage_reversal(&cancel);
    stage_expect_refusal(stage, &undo, "22");
    stage_expect_totals(stage, "12345 1");
    stage_restart(stage);
    stage_pass(stage, stage->limits.response_timeout_ns + SECOND_NS);
    assert_int_equal(last_forward(stage)->kind, PAYMENT_VOID);
    assert_quotes(last_forward(stage), &order);
    respond_last(stage, "00");
    stage_expect_totals(stage, "12345 1 12345 1");
    stage_expect_same_after_restart(stage);
}

static void test_an_approved_void_is_not_reversed(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = code_purchase(101);
    approve(stage, &purchase);
    struct payment cancel = follow_up(stage, PAYMENT_VOID, 102);
    stage_expect_answer(stage, &cancel, "00");
    struct payment undo = stage_reversal(&cancel);
    stage_expect_refusal(stage, &undo, "22");
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 1); /* an operator is told (I31) */
    stage_expect_same_after_restart(stage);
}

static void test_a_void_that_the_wallet_refuses_lets_the_sale_stand(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = code_purchase(101);
    approve(stage, &purchase);
    struct payment cancel = follow_up(stage, PAYMENT_VOID, 102);
    stage_ask(stage, &cancel);
    stage_pass(stage, stage->limits.response_timeout_ns + SECOND_NS);
    respond_last(stage, "57");
    stage_expect_totals(stage, "12345 1");
    stage_expect_same_after_restart(stage);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, stage_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_reversal_says_whether_the_wallet_had_approved),
        TEST(test_it_is_known_after_a_restart),
        TEST(test_a_late_approval_is_reversed_as_approved),
        TEST(test_a_refund_quotes_its_order_whatever_terminal_asks),
        TEST(test_a_void_in_doubt_is_sent_again_and_not_reversed),
        TEST(test_an_approved_void_is_not_reversed),
        TEST(test_a_void_that_the_wallet_refuses_lets_the_sale_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
