/* Advices: answered at once, delivered for certain, under the same words until the bank says yes.
 */
#include "tests/flow/stage.h"

#include <string.h>

static struct payment advice(enum payment_kind kind, const char *type_code, uint32_t stan)
{
    struct payment payment = stage_purchase(TERMINAL_A, stan);
    payment.kind = kind;
    memcpy(payment.type_code, type_code, sizeof(payment.type_code));
    return payment;
}

static struct payment tip(const struct stage *stage, uint32_t index, uint32_t stan, int64_t total)
{
    struct payment payment = stage_follow_up(stage, PAYMENT_OFFLINE_ADVICE, index, stan);
    memcpy(payment.type_code, "34", sizeof(payment.type_code));
    payment.amount.minor = total;
    return payment;
}

static void test_an_advice_is_answered_once_it_is_durable_and_then_delivered(void **state)
{
    struct stage *stage = *state;
    uint32_t hold = stage_approved(stage, PAYMENT_PREAUTH, 101);
    stage->is_prompt = false;
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE_ADVICE, hold, 102);
    static const uint8_t chip[] = {0x9F, 0x26, 0x01, 0x55, 0x57, 0x02, 0x62, 0x00};
    assert_int_equal(
        payment_set_cargo(&capture, PAYMENT_CARGO_ICC, (struct byte_view){chip, sizeof(chip)}),
        STATUS_OK);
    uint32_t replies = stage->reply_count;
    stage_ask(stage, &capture);
    assert_int_equal(stage->reply_count, replies);
    assert_int_equal(stage->forward_count, 1);
    stage_sync(stage);
    stage_expect_reply(stage, replies + 1, "00");
    assert_int_equal(payment_cargo(&stage_last_reply(stage)->payment, PAYMENT_CARGO_ICC).length, 0);
    stage_pass(stage, 0);
    assert_int_equal(stage->forward_count, 2);
    const struct payment *sent = &stage->forwards[1].payment;
    assert_int_equal(sent->kind, PAYMENT_CAPTURE_ADVICE);
    assert_int_equal(sent->is_repeat, 0);
    assert_int_equal(sent->original.stan, stage->forwards[0].payment.stan);
    assert_string_equal(sent->original.mti, "0100");
    assert_int_equal(sent->pan_sealed.length, 3);
    assert_int_equal(payment_cargo(sent, PAYMENT_CARGO_ICC).length, 4); /* without tag 57 */
    stage_respond(stage, 1, "00");
    assert_int_equal(stage_count_records(stage, RECORD_ADVICE_DONE), 1);
    stage_expect_totals(stage, "12345 1");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
}

static void test_an_advice_without_room_leaves_soon_and_is_no_repeat(void **state)
{
    struct stage *stage = *state;
    uint32_t hold = stage_approved(stage, PAYMENT_PREAUTH, 101);
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE_ADVICE, hold, 102);
    stage_ask(stage, &capture);
    stage_pass(stage, 0);
    for (uint32_t i = 1; i < 4; i++) {
        assert_int_equal(stage->forward_count, i + 1);
        assert_int_equal(stage->forwards[i].payment.is_repeat, 0);
        assert_int_equal(stage->forwards[i].payment.stan, stage->forwards[1].payment.stan);
        stage_unsent(stage, i, TXN_REASON_CHANNEL_FULL);
        stage_pass(stage, SECOND_NS / 4);
    }
    stage_respond(stage, 4, "00");
    assert_int_equal(stage_count_records(stage, RECORD_ADVICE_DONE), 1);
}

static void test_an_advice_is_repeated_in_the_same_words_also_after_a_restart(void **state)
{
    struct stage *stage = *state;
    uint32_t hold = stage_approved(stage, PAYMENT_PREAUTH, 101);
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE_ADVICE, hold, 102);
    stage_ask(stage, &capture);
    stage_pass(stage, 120 * SECOND_NS);
    assert_true(stage->forward_count >= 3);
    stage_expect_same_after_restart(stage);
    uint32_t last = stage->forward_count - 1;
    const struct payment *first = &stage->forwards[1].payment;
    for (uint32_t i = 2; i <= last; i++) {
        const struct payment *again = &stage->forwards[i].payment;
        assert_int_equal(again->is_repeat, 1);
        assert_int_equal(again->stan, first->stan);
        assert_string_equal(again->sent_at, first->sent_at);
        assert_string_equal(again->rrn, first->rrn);
        assert_int_equal(again->original.stan, first->original.stan);
        assert_string_equal(again->original.auth_code, "A12345");
    }
    stage_expect_refusal(stage, &capture, "00"); /* a repeat gets the stored answer */
    stage_respond(stage, last, "00");
    stage_expect_same_after_restart(stage);
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
}

static void test_what_the_bank_declines_is_a_case_and_still_counts(void **state)
{
    struct stage *stage = *state;
    struct payment sale = advice(PAYMENT_OFFLINE_SALE, "36", 101);
    stage_ask(stage, &sale);
    stage_expect_totals(stage, "12345 1");
    stage_respond(stage, 0, "91"); /* it could not say: asked again */
    assert_int_equal(stage_count_records(stage, RECORD_ADVICE_CASE), 0);
    stage_pass(stage, 10 * SECOND_NS);
    assert_int_equal(stage->forward_count, 2);
    stage_respond(stage, 1, "05");
    assert_int_equal(stage_last_record(stage, RECORD_ADVICE_CASE)->reason,
                     TXN_REASON_ADVICE_DECLINED);
    assert_int_equal(stage_counts(stage).cases, 1);
    stage_expect_same_after_restart(stage);
    stage_respond(stage, 1, "00"); /* after all */
    assert_int_equal(stage_counts(stage).cases, 0);
    stage_expect_totals(stage, "12345 1");
}

static void test_a_case_ends_when_the_bank_takes_the_advice_after_all(void **state)
{
    struct stage *stage = *state;
    struct payment sale = advice(PAYMENT_OFFLINE_SALE, "36", 101);
    stage_ask(stage, &sale);
    stage_pass(stage, 2 * stage->limits.saf_life_ns);
    assert_int_equal(stage_last_record(stage, RECORD_ADVICE_CASE)->reason,
                     TXN_REASON_ADVICE_OUTLIVED);
    stage_respond(stage, stage->forward_count - 1, "05");
    assert_int_equal(stage_counts(stage).cases, 1);
    stage_respond(stage, stage->forward_count - 1, "00");
    assert_int_equal(stage_counts(stage).cases, 0);
}

static void test_an_answer_that_does_not_fit_ends_no_delivery(void **state)
{
    struct stage *stage = *state;
    struct payment sale = advice(PAYMENT_OFFLINE_SALE, "36", 101);
    stage_ask(stage, &sale);
    struct payment response = stage_response(stage, 0, "00");
    response.amount.minor++;
    stage_give(stage, BANK_A, &response);
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_MISMATCH);
    stage_pass(stage, 60 * SECOND_NS);
    assert_int_equal(stage->forward_count, 2);
}

static void test_a_tip_makes_a_new_total_under_its_ceiling(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment more = tip(stage, sale, 102, 14815);
    stage_expect_refusal(stage, &more, "64"); /* 120 % of 12345 is 14814 */
    more = tip(stage, sale, 103, 14814);
    stage_ask(stage, &more);
    stage_expect_totals(stage, "14814 1");
    assert_string_equal(stage->forwards[1].payment.original.mti, "0200");
    stage_respond(stage, 1, "00");
    more = tip(stage, sale, 104, 10000); /* down again, and below the first total */
    stage_ask(stage, &more);
    stage_expect_totals(stage, "10000 1");
    stage_respond(stage, 2, "00");
    stage_expect_same_after_restart(stage);
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 105);
    stage_expect_refusal(stage, &cancel, "64");
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 106);
    refund.amount.minor = 10001;
    stage_expect_refusal(stage, &refund, "64");
    cancel.stan = 107;
    cancel.amount.minor = 10000;
    stage_expect_answer(stage, &cancel, "00");
    stage_expect_totals(stage, "10000 1 10000 1");
    more = tip(stage, sale, 108, 11000);
    stage_expect_refusal(stage, &more, "22");
}

static void test_an_offline_settlement_stands_for_itself_and_may_be_adjusted(void **state)
{
    struct stage *stage = *state;
    struct payment sale = advice(PAYMENT_OFFLINE_ADVICE, "30", 101);
    stage_ask(stage, &sale);
    assert_int_equal(stage->forwards[0].payment.original.stan, 0);
    uint32_t reply = stage->reply_count - 1;
    struct payment more = tip(stage, reply, 102, 13000); /* its original still waits */
    stage_ask(stage, &more);
    stage_expect_totals(stage, "13000 1");
    assert_int_equal(stage->forward_count, 1); /* one of a lane at a time */
    stage_respond(stage, 0, "00");
    assert_int_equal(stage->forward_count, 2);
    assert_int_equal(stage->forwards[1].payment.original.stan, stage->forwards[0].payment.stan);
    struct payment twice = tip(stage, reply + 1, 103, 13000);
    memset(twice.original.rrn, 0, sizeof(twice.original.rrn)); /* found by batch and trace */
    stage_expect_refusal(stage, &twice, "22");                 /* an adjustment is no original */
    struct payment undo = stage_reversal(&sale);
    stage_expect_refusal(stage, &undo, "22");
}

static void test_a_refund_in_doubt_at_a_restart_keeps_its_card_class(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 102);
    stage_ask(stage, &refund);
    /* As if its card were of another scheme: what the intent says must come back. */
    struct record *intent = &stage->records[stage->record_count - 1];
    assert_int_equal(intent->kind, RECORD_INTENT);
    intent->is_foreign = true;
    stage_restart(stage);
    stage_pass(stage, SECOND_NS);
    assert_true(stage_last_record(stage, RECORD_ADVICE)->is_foreign);
}

static void test_a_refund_in_doubt_names_its_original_after_a_partial_replay(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 102);
    stage_ask(stage, &refund);
    uint32_t sent = stage->forward_count;
    struct payment_original quoted = stage->forwards[sent - 1].payment.original;
    assert_int_not_equal(quoted.stan, 0);
    stage->replay_from = stage->record_count - 1; /* the sale stands in a segment before */
    stage_restart(stage);
    stage_pass(stage, 120 * SECOND_NS);
    assert_true(stage->forward_count > sent);
    const struct payment *again = &stage->forwards[stage->forward_count - 1].payment;
    assert_int_equal(again->kind, PAYMENT_REFUND);
    assert_int_equal(again->original.stan, quoted.stan);
    assert_string_equal(again->original.sent_at, quoted.sent_at);
    assert_string_equal(again->original.mti, quoted.mti);
}

static void test_a_refund_without_an_answer_is_sent_again_until_there_is_one(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 102);
    stage_ask(stage, &refund);
    stage_pass(stage, 46 * SECOND_NS);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "98");
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 0);
    const struct payment *again = &stage->forwards[2].payment;
    assert_int_equal(again->kind, PAYMENT_REFUND);
    assert_int_equal(again->is_repeat, 1);
    assert_int_equal(again->stan, stage->forwards[1].payment.stan);
    assert_int_equal(again->original.stan, stage->forwards[0].payment.stan);
    stage_expect_refusal(stage, &refund, "09");
    struct payment more = refund;
    more.stan = 103;
    stage_expect_refusal(stage, &more, "64"); /* what is unknown is used */
    stage_expect_same_after_restart(stage);
    stage_respond(stage, 2, "00");
    stage_expect_totals(stage, "12345 1 12345 1");
    stage_expect_refusal(stage, &refund, "00");
    stage_expect_same_after_restart(stage);
    stage_expect_refusal(stage, &refund, "00");
}

static void test_a_refund_that_is_declined_late_gives_its_amount_back(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 102);
    stage_ask(stage, &refund);
    struct payment odd = stage_response(stage, 1, "00");
    odd.amount.minor--; /* does not fit: as good as silence */
    stage_give(stage, BANK_A, &odd);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "98");
    stage_respond(stage, 2, "05");
    stage_expect_refusal(stage, &refund, "05");
    refund.stan = 103;
    stage_expect_answer(stage, &refund, "00");
    stage_expect_same_after_restart(stage);
}

static void test_a_script_result_goes_to_the_bank_of_its_original_and_counts_nowhere(void **state)
{
    struct stage *stage = *state;
    stage_set_channel(stage, BANK_A, false);
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    stage_set_channel(stage, BANK_A, true);
    struct payment result = stage_follow_up(stage, PAYMENT_SCRIPT_RESULT, sale, 102);
    result.amount.minor = 0;
    stage_ask(stage, &result);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "00");
    assert_int_equal(stage->forwards[1].effect.channel, BANK_B);
    assert_int_equal(stage->forwards[1].payment.original.stan, stage->forwards[0].payment.stan);
    assert_string_equal(stage_last_record(stage, RECORD_ADVICE)->totals, "");
    stage_expect_same_after_restart(stage);
    stage_respond(stage, stage->forward_count - 1, "00");
    assert_int_equal(stage_count_records(stage, RECORD_ADVICE_DONE), 1);
}

static void test_an_advice_of_an_unknown_original_is_refused(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE_ADVICE, sale, 102);
    stage_expect_refusal(stage, &capture, "25"); /* a purchase is not completed */
    assert_int_equal(stage_count_records(stage, RECORD_ADVICE), 0);
}

/* Its terminal was told 00, it counts, and nothing undoes it: to answer 00 would be a lie. */
static void test_a_case_that_still_counts_is_not_undone_by_its_terminal(void **state)
{
    struct stage *stage = *state;
    struct payment sale = advice(PAYMENT_OFFLINE_SALE, "36", 101);
    stage_ask(stage, &sale);
    stage_respond(stage, 0, "05");
    assert_int_equal(stage_counts(stage).cases, 1);
    struct payment undo = stage_reversal(&sale);
    stage_expect_refusal(stage, &undo, "22");
    stage_expect_refusal(stage, &sale, "00"); /* as it was told */
    stage_expect_totals(stage, "12345 1");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_an_advice_is_answered_once_it_is_durable_and_then_delivered),
        TEST(test_an_advice_without_room_leaves_soon_and_is_no_repeat),
        TEST(test_an_advice_is_repeated_in_the_same_words_also_after_a_restart),
        TEST(test_what_the_bank_declines_is_a_case_and_still_counts),
        TEST(test_a_case_that_still_counts_is_not_undone_by_its_terminal),
        TEST(test_a_case_ends_when_the_bank_takes_the_advice_after_all),
        TEST(test_an_answer_that_does_not_fit_ends_no_delivery),
        TEST(test_a_tip_makes_a_new_total_under_its_ceiling),
        TEST(test_an_offline_settlement_stands_for_itself_and_may_be_adjusted),
        TEST(test_a_refund_without_an_answer_is_sent_again_until_there_is_one),
        TEST(test_a_refund_in_doubt_at_a_restart_keeps_its_card_class),
        TEST(test_a_refund_in_doubt_names_its_original_after_a_partial_replay),
        TEST(test_a_refund_that_is_declined_late_gives_its_amount_back),
        TEST(test_a_script_result_goes_to_the_bank_of_its_original_and_counts_nowhere),
        TEST(test_an_advice_of_an_unknown_original_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
