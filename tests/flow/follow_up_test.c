/* Voids and refunds: what may follow a sale, once, and what is given back when it does not stand.
 */
#include "tests/flow/stage.h"

#include <string.h>

static void test_a_void_goes_where_its_sale_went_and_names_it(void **state)
{
    struct stage *stage = *state;
    stage_set_channel(stage, BANK_A, false);
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    const struct payment sent = stage->forwards[0].payment;
    stage_set_channel(stage, BANK_A, true);
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 102);
    stage_ask(stage, &cancel);
    const struct stage_effect *forward = &stage->forwards[1];
    assert_int_equal(forward->effect.channel, BANK_B);
    assert_string_equal(forward->payment.original.mti, "0200");
    assert_int_equal(forward->payment.original.stan, sent.stan);
    assert_string_equal(forward->payment.original.sent_at, sent.sent_at);
    assert_string_equal(forward->payment.original.auth_code, "A12345");
    assert_string_not_equal(forward->payment.rrn, sent.rrn);
    const struct record *intent = stage_last_record(stage, RECORD_INTENT);
    assert_int_equal(intent->original.seq, stage->records[intent->position - 3].txn.seq);
    stage_respond(stage, 1, "00");
    stage_expect_totals(stage, "12345 1 12345 1");
    stage_expect_same_after_restart(stage);
}

static void test_a_void_is_refused_where_it_does_not_fit(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 102);
    cancel.amount.minor--;
    stage_expect_refusal(stage, &cancel, "64");
    cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 103);
    memcpy(cancel.terminal_id, TERMINAL_B, sizeof(cancel.terminal_id));
    stage_expect_refusal(stage, &cancel, "22");
    cancel = stage_follow_up(stage, PAYMENT_CAPTURE_VOID, sale, 104);
    stage_expect_refusal(stage, &cancel, "25");
    cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 105);
    memcpy(cancel.original.rrn, "100010009999", sizeof(cancel.original.rrn));
    stage_expect_refusal(stage, &cancel, "25");
    cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 106);
    cancel.pan_hash.bytes[0] ^= 1;
    stage_expect_refusal(stage, &cancel, "25");
}

/* The answer is the same as for what is not known; the row tells more. */
static void test_money_back_to_another_card_is_told_from_an_unknown_original(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    static const enum payment_kind KINDS[] = {PAYMENT_REFUND, PAYMENT_VOID};
    for (uint32_t i = 0; i < 2; i++) {
        struct payment back = stage_follow_up(stage, KINDS[i], sale, 102 + i * 10);
        struct payment other = back;
        other.pan_hash.bytes[0] ^= 1;
        stage_expect_refusal(stage, &other, "25");
        assert_int_equal(stage_last_record(stage, RECORD_REFUSED)->reason,
                         TXN_REASON_FOLLOWED_OTHER_CARD);
        other.stan++;
        memcpy(other.original.rrn, "100010009999", sizeof(other.original.rrn));
        stage_expect_refusal(stage, &other, "25");
        assert_int_equal(stage_last_record(stage, RECORD_REFUSED)->reason,
                         TXN_REASON_FOLLOWED_UNKNOWN);
    }
    struct payment by_trace = stage_follow_up(stage, PAYMENT_VOID, sale, 130);
    memset(by_trace.original.rrn, 0, sizeof(by_trace.original.rrn));
    by_trace.pan_hash.bytes[0] ^= 1;
    stage_expect_refusal(stage, &by_trace, "25");
    assert_int_equal(stage_last_record(stage, RECORD_REFUSED)->reason,
                     TXN_REASON_FOLLOWED_OTHER_CARD);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 140);
    stage_expect_answer(stage, &refund, "00"); /* to the right one it still goes */
}

static void test_what_was_declined_was_paid_with_no_card(void **state)
{
    struct stage *stage = *state;
    struct payment sale = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &sale, "05");
    struct payment back = stage_follow_up(stage, PAYMENT_REFUND, stage->reply_count - 1, 102);
    back.pan_hash.bytes[0] ^= 1;
    stage_expect_refusal(stage, &back, "25");
    assert_int_equal(stage_last_record(stage, RECORD_REFUSED)->reason, TXN_REASON_FOLLOWED_UNKNOWN);
}

static void test_a_sale_is_voided_once_also_while_the_first_void_is_on_its_way(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 102);
    struct payment again = stage_follow_up(stage, PAYMENT_VOID, sale, 103);
    stage_ask(stage, &cancel);
    stage_expect_refusal(stage, &again, "22");
    stage_respond(stage, 1, "05"); /* declined: the sale stands and may be voided */
    again.stan = 104;
    stage_expect_answer(stage, &again, "00");
    again.stan = 105;
    stage_expect_refusal(stage, &again, "22");
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 106);
    stage_expect_refusal(stage, &refund, "22");
}

static void test_an_unknown_void_counts_until_its_reversal_is_acknowledged(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 102);
    stage_ask(stage, &cancel);
    stage_pass(stage, 46 * SECOND_NS);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "98");
    const struct payment *undo = &stage->forwards[2].payment;
    assert_int_equal(undo->kind, PAYMENT_REVERSAL);
    assert_int_equal(undo->original_kind, PAYMENT_VOID);
    struct payment again = stage_follow_up(stage, PAYMENT_VOID, sale, 103);
    stage_expect_refusal(stage, &again, "22");
    stage_expect_same_after_restart(stage);
    stage_respond(stage, stage->forward_count - 1, "00");
    again.stan = 104;
    stage_expect_answer(stage, &again, "00");
    stage_expect_totals(stage, "12345 1 12345 1");
}

static void test_a_reversed_void_lets_the_sale_stand_again(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 102);
    stage_expect_answer(stage, &cancel, "00");
    struct payment undo = stage_reversal(&cancel);
    stage_ask(stage, &undo);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "00");
    stage_expect_totals(stage, "12345 1");
    stage_respond(stage, stage->forward_count - 1, "00");
    stage_expect_same_after_restart(stage);
    struct payment again = stage_follow_up(stage, PAYMENT_VOID, sale, 103);
    stage_expect_answer(stage, &again, "00");
}

static void test_a_voided_sale_is_not_reversed_by_itself(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "00");
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, stage->reply_count - 1, 102);
    stage_expect_answer(stage, &cancel, "00");
    struct payment undo = stage_reversal(&purchase);
    stage_expect_refusal(stage, &undo, "22");
}

static void test_refunds_never_exceed_the_sale(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 102);
    refund.amount.minor = 10000;
    stage_expect_answer(stage, &refund, "00");
    stage_expect_totals(stage, "12345 1 10000 1");
    refund.stan = 103;
    refund.amount.minor = 2346;
    stage_expect_refusal(stage, &refund, "64");
    refund.stan = 104;
    refund.amount.minor = 2345;
    uint32_t forwards = stage->forward_count;
    stage_ask(stage, &refund);
    struct payment more = refund;
    more.stan = 105;
    more.amount.minor = 1;
    stage_expect_refusal(stage, &more, "64"); /* what is in flight is used */
    stage_respond(stage, forwards, "51");
    more.stan = 106;
    stage_expect_answer(stage, &more, "00"); /* declined: given back */
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 107);
    stage_expect_refusal(stage, &cancel, "22");
    stage_expect_same_after_restart(stage);
    refund.stan = 108;
    refund.amount.minor = 2345;
    stage_expect_refusal(stage, &refund, "64");
}

static void test_another_terminal_of_the_merchant_may_refund(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 5);
    memcpy(refund.terminal_id, TERMINAL_B, sizeof(refund.terminal_id));
    stage_expect_answer(stage, &refund, "00");
    stage_expect_totals(stage, "0 0 12345 1");
    struct payment undo = stage_reversal(&refund);
    stage_expect_refusal(stage, &undo, "22"); /* a refund is not reversible */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_void_goes_where_its_sale_went_and_names_it),
        TEST(test_a_void_is_refused_where_it_does_not_fit),
        TEST(test_money_back_to_another_card_is_told_from_an_unknown_original),
        TEST(test_what_was_declined_was_paid_with_no_card),
        TEST(test_a_sale_is_voided_once_also_while_the_first_void_is_on_its_way),
        TEST(test_an_unknown_void_counts_until_its_reversal_is_acknowledged),
        TEST(test_a_reversed_void_lets_the_sale_stand_again),
        TEST(test_a_voided_sale_is_not_reversed_by_itself),
        TEST(test_refunds_never_exceed_the_sale),
        TEST(test_another_terminal_of_the_merchant_may_refund),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
