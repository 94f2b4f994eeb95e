/* Rules at their edges: what stands in the way of a void, a reversal, a follow-up's channel. */
#include "tests/flow/stage.h"

#include <string.h>

#define KIND(kind) (UINT64_C(1) << PAYMENT_##kind)

static int set_up_for_two_terminals(void **state)
{
    return stage_set_up_with(state, (struct stage_size){64, 2});
}

static int set_up_without_search(void **state)
{
    int result = stage_set_up(state);
    struct stage *stage = *state;
    stage->limits.lookup_timeout_ns = 0;
    stage_restart(stage);
    return result;
}

static void test_a_foreign_card_counts_in_its_own_half(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_set_card(&purchase, FOREIGN_CARD);
    stage_expect_answer(stage, &purchase, "00");
    stage_expect_totals(stage, "0 0 0 0 12345 1");
    assert_true(stage_last_record(stage, RECORD_RESULT)->is_foreign);
    struct payment undo = stage_reversal(&purchase);
    stage_expect_same_after_restart(stage);
    stage_ask(stage, &undo);
    stage_expect_totals(stage, "0");
}

static void test_what_has_followers_that_stand_is_not_reversed_by_itself(void **state)
{
    struct stage *stage = *state;
    static const enum payment_kind kinds[] = {PAYMENT_REFUND, PAYMENT_OFFLINE_ADVICE};
    for (uint32_t i = 0; i < 2; i++) {
        struct payment purchase = stage_purchase(TERMINAL_A, 110 + 10 * i);
        stage_expect_answer(stage, &purchase, "00");
        struct payment next =
            stage_follow_up(stage, kinds[i], stage->reply_count - 1, 111 + 10 * i);
        memcpy(next.type_code, "32", sizeof(next.type_code));
        next.amount.minor = 5000;
        stage_ask(stage, &next);
        stage_respond(stage, stage->forward_count - 1, "00");
        struct payment undo = stage_reversal(&purchase);
        stage_expect_refusal(stage, &undo, "22");
    }
    struct payment hold = stage_purchase(TERMINAL_A, 130);
    hold.kind = PAYMENT_PREAUTH;
    stage_expect_answer(stage, &hold, "00");
    struct payment more =
        stage_follow_up(stage, PAYMENT_PREAUTH_INCREMENT, stage->reply_count - 1, 131);
    stage_ask(stage, &more);
    struct payment undo = stage_reversal(&hold);
    stage_expect_refusal(stage, &undo, "22"); /* in flight */
    stage_respond(stage, stage->forward_count - 1, "00");
    stage_expect_refusal(stage, &undo, "22"); /* approved */
}

static void test_an_adjustment_is_for_its_own_terminal_and_a_sale_without_refunds(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment tip = stage_follow_up(stage, PAYMENT_OFFLINE_ADVICE, sale, 102);
    memcpy(tip.type_code, "32", sizeof(tip.type_code));
    memcpy(tip.terminal_id, TERMINAL_B, sizeof(tip.terminal_id));
    stage_expect_refusal(stage, &tip, "22");
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 103);
    refund.amount.minor = 1;
    stage_expect_answer(stage, &refund, "00");
    memcpy(tip.terminal_id, TERMINAL_A, sizeof(tip.terminal_id));
    tip.stan = 104;
    stage_expect_refusal(stage, &tip, "22");
}

static void test_other_words_of_authorisation_name_another_original(void **state)
{
    struct stage *stage = *state;
    uint32_t hold = stage_approved(stage, PAYMENT_PREAUTH, 101);
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE, hold, 102);
    memcpy(capture.original.auth_code, "B99999", sizeof(capture.original.auth_code));
    stage_expect_refusal(stage, &capture, "25");
    capture = stage_follow_up(stage, PAYMENT_CAPTURE, hold, 103);
    memset(capture.original.auth_code, 0, sizeof(capture.original.auth_code));
    memcpy(capture.original.rrn, "10001x000003", sizeof(capture.original.rrn));
    capture.original.stan = 0;
    stage_expect_refusal(stage, &capture, "25");
    capture = stage_follow_up(stage, PAYMENT_CAPTURE, hold, 104);
    memset(capture.original.auth_code, 0, sizeof(capture.original.auth_code));
    stage_expect_answer(stage, &capture, "00");
}

static void test_a_follow_up_needs_a_channel_that_takes_its_kind(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    stage_set_kinds(stage, KIND(PURCHASE) | KIND(SCRIPT_RESULT));
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 102);
    stage_expect_refusal(stage, &cancel, "40");
    struct payment result = stage_follow_up(stage, PAYMENT_SCRIPT_RESULT, sale, 103);
    memcpy(result.original.rrn, "100019999999", sizeof(result.original.rrn));
    result.original.stan = 0;
    stage_ask(stage, &result); /* of what nobody knows: by the rules, to the first bank */
    assert_int_equal(stage->forwards[1].effect.channel, BANK_A);
    assert_int_equal(stage->forwards[1].payment.original.stan, 0);
}

static void test_where_its_channel_is_down_a_follow_up_is_told_91(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    stage_set_channel(stage, BANK_A, false);
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 102);
    stage_expect_refusal(stage, &cancel, "91");
    stage_expect_same_after_restart(stage);
    cancel.stan = 103;
    stage_expect_answer(stage, &cancel, "00"); /* it counted nowhere */
}

static void test_a_delivery_that_could_not_be_sent_is_tried_again(void **state)
{
    struct stage *stage = *state;
    struct payment sale = stage_purchase(TERMINAL_A, 101);
    sale.kind = PAYMENT_OFFLINE_SALE;
    static const uint8_t chip[] = {0x9F, 0x26, 0x09, 0x55}; /* ends inside its tag */
    assert_int_equal(
        payment_set_cargo(&sale, PAYMENT_CARGO_ICC, (struct byte_view){chip, sizeof(chip)}),
        STATUS_OK);
    stage_cut_over(stage, BANK_A, 20251127);
    stage_cut_over(stage, 9, 20251127); /* no such channel */
    stage_ask(stage, &sale);
    assert_int_equal(stage_last_record(stage, RECORD_ADVICE)->settlement_day, 20251127);
    stage_unsent(stage, 0, TXN_REASON_UNSENT);
    stage_unsent(stage, 0, TXN_REASON_UNSENT); /* stale: it waits already */
    stage_respond(stage, 0, "91");             /* a late word that says nothing */
    stage_pass(stage, 20 * SECOND_NS);
    assert_int_equal(stage->forward_count, 2);
    stage_respond(stage, 1, "00");
    stage_unsent(stage, 1, TXN_REASON_UNSENT);
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
    struct payment undo = stage_reversal(&sale);
    stage_expect_refusal(stage, &undo, "22");
}

static void test_a_refund_that_was_declined_and_then_approved_is_an_anomaly(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 102);
    stage_expect_answer(stage, &refund, "05");
    stage_respond(stage, 1, "00");
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_LATE_APPROVAL);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 0);
}

static void test_where_no_terminal_can_be_enrolled_any_more_it_is_told_96(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_STOPPED, 101);
    stage_expect_refusal(stage, &purchase, "96");
    struct payment undo = stage_reversal(&purchase);
    stage_expect_refusal(stage, &undo, "96");
    memcpy(undo.terminal_id, "19999999", sizeof(undo.terminal_id));
    stage_expect_refusal(stage, &undo, "97");
}

static void test_an_answer_with_half_a_code_or_no_clock(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_ask(stage, &purchase);
    struct payment response = stage_response(stage, 0, "00");
    memset(response.local_date, 0, sizeof(response.local_date));
    stage_give(stage, BANK_A, &response); /* ours is told then */
    assert_string_equal(stage_last_reply(stage)->payment.local_date, "1125");
    purchase.stan = 102;
    stage_ask(stage, &purchase);
    response = stage_response(stage, 1, "00");
    response.response_code[1] = '\0';
    stage_give(stage, BANK_A, &response);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "98");
    assert_int_equal(stage_last_record(stage, RECORD_REVERSAL)->reason, TXN_REASON_MISMATCH);
}

static void test_a_payment_by_code_counts_as_domestic(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    memset(&purchase.pan, 0, sizeof(purchase.pan));
    memcpy(purchase.entry_mode, "030", sizeof(purchase.entry_mode));
    stage_expect_answer(stage, &purchase, "00");
    stage_expect_totals(stage, "12345 1");
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, stage->reply_count - 1, 102);
    memset(&cancel.pan, 0, sizeof(cancel.pan));
    memcpy(cancel.entry_mode, "030", sizeof(cancel.entry_mode));
    stage_expect_answer(stage, &cancel, "00"); /* without a card its reference names it */
}

static void test_a_completion_without_words_of_its_original_is_unknown(void **state)
{
    struct stage *stage = *state;
    uint32_t hold = stage_approved(stage, PAYMENT_PREAUTH, 101);
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE, hold, 102);
    memset(&capture.original, 0, sizeof(capture.original));
    stage_expect_refusal(stage, &capture, "25");
    assert_int_equal(stage->lookup_count, 0); /* nothing to search by */
    memcpy(capture.original.auth_code, "B99999", sizeof(capture.original.auth_code));
    capture.stan = 103;
    memset(&capture.pan, 0, sizeof(capture.pan));
    memcpy(capture.entry_mode, "030", sizeof(capture.entry_mode));
    stage_expect_refusal(stage, &capture, "25"); /* nor by an authorisation code alone */
    assert_int_equal(stage->lookup_count, 0);
}

static void test_without_a_search_memory_is_all_there_is(void **state)
{
    struct stage *stage = *state;
    stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment purchase = stage_purchase(TERMINAL_A, 100);
    stage_expect_answer(stage, &purchase, "00");
    struct payment undo = stage_reversal(&purchase);
    undo.stan = 99;
    stage_expect_refusal(stage, &undo, "25");
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, stage->reply_count - 2, 102);
    memcpy(cancel.original.rrn, "100019999999", sizeof(cancel.original.rrn));
    stage_expect_refusal(stage, &cancel, "25");
    assert_int_equal(stage->lookup_count, 0);
}

static void test_a_reversal_of_another_kind_or_day_undoes_nothing(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "00");
    struct payment undo = stage_reversal(&purchase);
    undo.original_kind = PAYMENT_VOID;
    stage_expect_refusal(stage, &undo, "94");
    undo.original_kind = PAYMENT_UNKNOWN;
    undo.pan.digit_count = 0; /* the card may be left out */
    stage_ask(stage, &undo);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "00");
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_foreign_card_counts_in_its_own_half),
        TEST(test_what_has_followers_that_stand_is_not_reversed_by_itself),
        TEST(test_an_adjustment_is_for_its_own_terminal_and_a_sale_without_refunds),
        TEST(test_other_words_of_authorisation_name_another_original),
        TEST(test_a_follow_up_needs_a_channel_that_takes_its_kind),
        TEST(test_where_its_channel_is_down_a_follow_up_is_told_91),
        TEST(test_a_delivery_that_could_not_be_sent_is_tried_again),
        TEST(test_a_refund_that_was_declined_and_then_approved_is_an_anomaly),
        cmocka_unit_test_setup_teardown(
            test_where_no_terminal_can_be_enrolled_any_more_it_is_told_96, set_up_for_two_terminals,
            stage_tear_down),
        cmocka_unit_test_setup_teardown(test_without_a_search_memory_is_all_there_is,
                                        set_up_without_search, stage_tear_down),
        TEST(test_an_answer_with_half_a_code_or_no_clock),
        TEST(test_a_payment_by_code_counts_as_domestic),
        TEST(test_a_completion_without_words_of_its_original_is_unknown),
        TEST(test_a_reversal_of_another_kind_or_day_undoes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
