/* What memory has let go is found in the log: repeats, originals, and what became of them. */
#include "tests/flow/stage.h"

#include <string.h>

#define FILLER_COUNT 12 /* more than the small engine remembers */

static uint32_t filler_stan;

/* Pushes everything that is over out of memory. */
static void push_out(struct stage *stage)
{
    filler_stan = filler_stan < 500 ? 500 : filler_stan;
    for (uint32_t i = 0; i < FILLER_COUNT; i++) {
        struct payment filler = stage_purchase(TERMINAL_B, filler_stan++);
        uint32_t lookups = stage->lookup_count;
        stage_expect_answer(stage, &filler, "05");
        assert_int_equal(stage->lookup_count, lookups); /* above the highest: surely new */
    }
}

static int set_up(void **state)
{
    filler_stan = 0;
    return stage_set_up_small(state);
}

/* --- repeats ------------------------------------------------------------------------------ */

static void test_a_repeat_gets_its_stored_answer_out_of_the_log(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_ask(stage, &purchase);
    struct payment response = stage_response(stage, 0, "00");
    struct byte_view text = {(const uint8_t *)"CUP a text for the receipt", 26};
    assert_int_equal(payment_set_cargo(&response, PAYMENT_CARGO_CUSTOM_63, text), STATUS_OK);
    stage_give(stage, BANK_A, &response);
    struct payment first = stage_last_reply(stage)->payment;
    push_out(stage);
    stage_pass(stage, 100 * SECOND_NS);
    stage_expect_refusal(stage, &purchase, "00");
    assert_int_equal(stage->lookup_count, 1);
    const struct payment *again = &stage_last_reply(stage)->payment;
    assert_memory_equal(again, &first, offsetof(struct payment, cargo_bytes) + first.cargo_length);
    struct payment other = purchase;
    other.amount.minor++;
    push_out(stage);
    stage_expect_refusal(stage, &other, "94");
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_OTHER_CONTENT);
}

static void test_a_low_trace_number_that_the_log_does_not_hold_is_new(void **state)
{
    struct stage *stage = *state;
    stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment purchase = stage_purchase(TERMINAL_A, 100);
    stage_expect_answer(stage, &purchase, "00");
    assert_int_equal(stage->lookup_count, 1);
    assert_int_equal(stage->lookups[0].lookup.stan, 100);
    assert_true(stage->lookups[0].after > 0);
}

static void test_copies_wait_for_one_search_and_the_newest_connection_is_told(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "00");
    push_out(stage);
    stage->is_log_slow = true;
    uint32_t replies = stage->reply_count;
    stage_ask(stage, &purchase);
    uint32_t conn = stage_ask(stage, &purchase);
    assert_int_equal(stage->lookup_count, 1);
    assert_int_equal(stage->reply_count, replies);
    struct payment other = purchase;
    other.amount.minor++;
    stage_expect_refusal(stage, &other, "94");
    assert_int_equal(stage_counts(stage).txn_in_flight, 1);
    stage_answer_lookups(stage);
    stage_expect_reply(stage, replies + 2, "00");
    assert_int_equal(stage_last_reply(stage)->effect.conn.slot, conn);
}

static void test_a_search_that_fails_or_lasts_is_answered_96_and_sends_nothing(void **state)
{
    struct stage *stage = *state;
    stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment purchase = stage_purchase(TERMINAL_A, 100);
    stage->is_log_slow = true;
    uint32_t replies = stage->reply_count, forwards = stage->forward_count;
    stage_ask(stage, &purchase);
    stage_fail_lookups(stage);
    stage_expect_reply(stage, replies + 1, "96");
    stage_ask(stage, &purchase);
    stage_pass(stage, 6 * SECOND_NS);
    stage_expect_reply(stage, replies + 2, "96");
    assert_int_equal(stage_last_reply(stage)->effect.reason, TXN_REASON_LOG_UNREAD);
    stage_answer_lookups(stage); /* too late for anybody */
    assert_int_equal(stage->forward_count, forwards);
}

/* Found by the simulator: a copy that the network held up was taken for new, and its terminal had
 * moved on (I1). */
static void test_what_was_searched_for_in_vain_stays_refused(void **state)
{
    struct stage *stage = *state;
    stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment purchase = stage_purchase(TERMINAL_A, 100);
    stage->is_log_slow = true;
    stage_ask(stage, &purchase);
    stage_fail_lookups(stage);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "96");
    assert_int_equal(stage_last_reply(stage)->effect.after,
                     stage_last_record(stage, RECORD_REFUSED)->position);
    stage->is_log_slow = false;
    stage_expect_refusal(stage, &purchase, "96");
    push_out(stage);
    stage_expect_refusal(stage, &purchase, "96");
    stage_restart(stage);
    stage_expect_refusal(stage, &purchase, "96");
    struct payment undo = stage_reversal(&purchase);
    stage_expect_refusal(stage, &undo, "00"); /* there is nothing to undo */
}

static void test_an_approval_stands_whatever_was_searched_for_in_vain_after_it(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "00");
    push_out(stage);
    stage->is_log_slow = true;
    stage_ask(stage, &purchase);
    stage_fail_lookups(stage);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "96");
    stage->is_log_slow = false;
    stage_expect_refusal(stage, &purchase, "00"); /* as it was answered at first */
    stage_restart(stage);
    stage_expect_refusal(stage, &purchase, "00");
    push_out(stage);
    struct payment undo = stage_reversal(&purchase);
    stage_ask(stage, &undo);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "00");
    const struct payment *sent = &stage->forwards[stage->forward_count - 1].payment;
    assert_int_equal(sent->kind, PAYMENT_REVERSAL);
    assert_int_equal(sent->original.stan, stage->forwards[0].payment.stan);
}

/* Its terminal has moved on, like that of any other refusal. */
static void test_what_found_no_room_stays_refused(void **state)
{
    struct stage *stage = *state;
    for (uint32_t stan = 111; stan < 119; stan++) {
        struct payment purchase = stage_purchase(TERMINAL_A, stan);
        stage_ask(stage, &purchase);
    }
    struct payment purchase = stage_purchase(TERMINAL_A, 119);
    stage_expect_refusal(stage, &purchase, "96");
    for (uint32_t i = 0; i < 8; i++) {
        stage_respond(stage, i, "00");
    }
    stage_expect_refusal(stage, &purchase, "96");
    assert_int_equal(stage->lookup_count, 1);
    stage_restart(stage);
    stage_expect_refusal(stage, &purchase, "96");
    purchase.stan = 120;
    stage_expect_answer(stage, &purchase, "00");
}

static void test_a_key_of_the_log_is_never_new_however_the_clock_jumps(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "00");
    push_out(stage);
    stage->wall_us += INT64_C(86400000000);
    stage_expect_refusal(stage, &purchase, "00");
    stage->wall_us -= 2 * INT64_C(86400000000);
    push_out(stage);
    stage_expect_refusal(stage, &purchase, "00");
    stage_pass(stage, stage->limits.duplicate_window_ns + SECOND_NS);
    stage_expect_refusal(stage, &purchase, "00"); /* memory may forget it, the log does not */
    assert_int_equal(stage->lookup_count, 3);
}

static void test_a_restart_that_reads_a_part_of_the_log_looks_up_lower_trace_numbers(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "00");
    push_out(stage);
    struct payment last = stage_purchase(TERMINAL_A, 110);
    stage_expect_answer(stage, &last, "05");
    stage->replay_from = stage->record_count - 2;
    stage_restart(stage);
    stage_expect_refusal(stage, &purchase, "00");
    assert_int_equal(stage->lookup_count, 1);
    purchase.stan = 102;
    stage_expect_answer(stage, &purchase, "00");
    assert_int_equal(stage->lookup_count, 2);
    purchase.stan = 111;
    stage_expect_answer(stage, &purchase, "00");
    assert_int_equal(stage->lookup_count, 2);
}

/* Found by the simulator: the channel was told trace number 0 and did not find the original. */
static void test_a_reversal_names_an_original_that_a_restart_does_not_read(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "00");
    const struct payment sent = stage->forwards[stage->forward_count - 1].payment;
    struct payment undo = stage_reversal(&purchase);
    stage_ask(stage, &undo);
    stage->replay_from = stage->record_count - 1; /* the REVERSAL row, and not the sale's */
    stage_restart(stage);
    stage_pass(stage, SECOND_NS);
    const struct payment *last = &stage->forwards[stage->forward_count - 1].payment;
    assert_int_equal(last->kind, PAYMENT_REVERSAL);
    assert_int_equal(last->original.stan, sent.stan);
    assert_string_equal(last->original.sent_at, sent.sent_at);
}

/* --- originals ---------------------------------------------------------------------------- */

static void test_a_sale_of_the_log_is_voided_once(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 102);
    push_out(stage);
    uint32_t forwards = stage->forward_count;
    stage_expect_answer(stage, &cancel, "00");
    assert_int_equal(stage->forwards[forwards].payment.original.stan,
                     stage->forwards[0].payment.stan);
    assert_string_equal(stage->forwards[forwards].payment.original.mti, "0200");
    push_out(stage);
    cancel.stan = 103;
    stage_expect_refusal(stage, &cancel, "22");
    struct payment undo = stage_reversal(&cancel);
    undo.stan = 102;
    push_out(stage);
    uint32_t sent = stage->forward_count;
    stage_ask(stage, &undo); /* the void comes out of the log to be undone */
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "00");
    push_out(stage);
    cancel.stan = 104;
    stage_expect_refusal(stage, &cancel, "22"); /* as long as that is not acknowledged */
    stage_respond(stage, sent, "00");
    push_out(stage);
    cancel.stan = 105;
    stage_expect_answer(stage, &cancel, "00");
}

static void test_refunds_over_days_never_exceed_the_sale(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 102);
    refund.amount.minor = 10000;
    stage_expect_answer(stage, &refund, "00");
    push_out(stage);
    refund.stan = 103;
    refund.amount.minor = 2346;
    stage_expect_refusal(stage, &refund, "64");
    push_out(stage);
    refund.stan = 104;
    refund.amount.minor = 2345;
    stage_expect_answer(stage, &refund, "51"); /* declined: given back, also in the log */
    push_out(stage);
    refund.stan = 105;
    stage_expect_answer(stage, &refund, "00");
    push_out(stage);
    refund.stan = 106;
    refund.amount.minor = 1;
    stage_expect_refusal(stage, &refund, "64");
}

static void test_a_refund_to_another_card_is_known_after_days(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 102);
    push_out(stage);
    refund.pan_hash.bytes[0] ^= 1;
    stage_expect_refusal(stage, &refund, "25");
    assert_int_equal(stage_last_record(stage, RECORD_REFUSED)->reason,
                     TXN_REASON_FOLLOWED_OTHER_CARD);
    push_out(stage);
    refund.stan = 103;
    memcpy(refund.original.rrn, "100010009999", sizeof(refund.original.rrn));
    stage_expect_refusal(stage, &refund, "25");
    assert_int_equal(stage_last_record(stage, RECORD_REFUSED)->reason, TXN_REASON_FOLLOWED_UNKNOWN);
}

static void test_a_refund_in_flight_counts_at_the_sale_that_comes_back_meanwhile(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 102);
    uint32_t forward = stage->forward_count;
    stage_ask(stage, &refund);
    push_out(stage); /* the sale, but not what is in flight */
    struct payment more = refund;
    more.stan = 103;
    stage_expect_refusal(stage, &more, "64");
    stage_respond(stage, forward, "05"); /* the sale that came back hears of it */
    more.stan = 104;
    stage_expect_answer(stage, &more, "00");
}

static void test_what_the_log_shows_as_open_and_memory_does_not_hold_is_asked_again(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "00");
    const struct record intent = *stage_last_record(stage, RECORD_INTENT);
    push_out(stage);
    stage->is_log_slow = true;
    uint32_t replies = stage->reply_count;
    stage_ask(stage, &purchase);
    struct engine_event event = {.kind = ENGINE_FOUND};
    event.found.txn = stage->lookups[0].txn;
    event.found.records = &intent; /* seen before its RESULT */
    event.found.count = 1;
    stage_step(stage, event);
    assert_int_equal(stage->reply_count, replies);
    assert_int_equal(stage->lookup_count, 2);
    for (uint32_t i = 0; i < 3; i++) {
        stage_step(stage, event);
    }
    stage_expect_reply(stage, replies + 1, "96"); /* not for ever */
    stage->is_log_slow = false;
    stage_expect_refusal(stage, &purchase, "00");
}

static void test_a_completion_on_another_terminal_finds_its_pre_authorisation_by_card(void **state)
{
    struct stage *stage = *state;
    uint32_t hold = stage_approved(stage, PAYMENT_PREAUTH, 101);
    struct payment more = stage_follow_up(stage, PAYMENT_PREAUTH_INCREMENT, hold, 102);
    more.amount.minor = 10000;
    stage_expect_answer(stage, &more, "00");
    push_out(stage);
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE, hold, 3);
    memset(capture.original.rrn, 0, sizeof(capture.original.rrn));
    memcpy(capture.terminal_id, TERMINAL_B, sizeof(capture.terminal_id));
    capture.stan = filler_stan++;
    capture.amount.minor = 25697; /* 115 % of 22345 is 25696.75 */
    stage_expect_refusal(stage, &capture, "64");
    capture.stan = filler_stan++;
    capture.amount.minor = 25696;
    stage_expect_answer(stage, &capture, "00");
    bool was_by_card = false;
    for (uint32_t i = 0; i < stage->lookup_count; i++) {
        was_by_card |= stage->lookups[i].lookup.kind == LOOKUP_BY_CARD;
    }
    assert_true(was_by_card);
    push_out(stage);
    struct payment cancel = stage_follow_up(stage, PAYMENT_PREAUTH_VOID, hold, 104);
    stage_expect_refusal(stage, &cancel, "22");
}

static void test_an_adjusted_sale_comes_back_with_its_new_total(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment tip = stage_follow_up(stage, PAYMENT_OFFLINE_ADVICE, sale, 102);
    memcpy(tip.type_code, "34", sizeof(tip.type_code));
    tip.amount.minor = 13000;
    stage_ask(stage, &tip);
    stage_respond(stage, 1, "00");
    push_out(stage);
    stage_expect_refusal(stage, &tip, "00"); /* the repeat of an advice */
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 103);
    push_out(stage);
    stage_expect_refusal(stage, &cancel, "64");
    push_out(stage);
    cancel.stan = 104;
    cancel.amount.minor = 13000;
    stage_expect_answer(stage, &cancel, "00");
}

static void test_an_original_that_is_nowhere_is_unknown(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE, sale, 102);
    memset(capture.original.rrn, 0, sizeof(capture.original.rrn));
    capture.original.stan = 77;
    stage_expect_refusal(stage, &capture, "25");
    assert_int_equal(stage->lookup_count, 2); /* by key, then by card */
    capture.stan = 103;
    capture.original.stan = 101;
    push_out(stage);
    stage_expect_refusal(stage, &capture, "25"); /* found, but it is no pre-authorisation */
    stage->is_log_slow = true;
    capture.stan = 104;
    uint32_t replies = stage->reply_count;
    stage_ask(stage, &capture);
    stage_fail_lookups(stage);
    stage_expect_reply(stage, replies + 1, "96");
    stage->is_log_slow = false;
    stage_expect_refusal(stage, &capture, "96"); /* it was new, so a copy gets that answer */
}

/* --- reversals ---------------------------------------------------------------------------- */

static void test_an_approval_of_the_log_can_be_undone(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "00");
    push_out(stage);
    struct payment undo = stage_reversal(&purchase);
    stage_ask(stage, &undo);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "00");
    const struct payment *sent = &stage->forwards[stage->forward_count - 1].payment;
    assert_int_equal(sent->kind, PAYMENT_REVERSAL);
    assert_int_equal(sent->original.stan, stage->forwards[0].payment.stan);
    assert_int_equal(sent->pan_sealed.length, 3);
    stage_expect_totals(stage, "0");
    stage_respond(stage, stage->forward_count - 1, "00");
    push_out(stage);
    stage_ask(stage, &undo);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "00");
    push_out(stage);
    stage_expect_refusal(stage, &purchase, "22");
}

static void test_a_reversal_of_what_the_log_does_not_hold_leaves_a_tombstone(void **state)
{
    struct stage *stage = *state;
    stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment purchase = stage_purchase(TERMINAL_A, 100);
    struct payment undo = stage_reversal(&purchase);
    stage->is_log_slow = true;
    uint32_t replies = stage->reply_count;
    stage_ask(stage, &undo);
    stage_ask(stage, &undo);
    assert_int_equal(stage->lookup_count, 1);
    stage_expect_refusal(stage, &purchase, "22"); /* its reversal came first */
    stage_answer_lookups(stage);
    stage_expect_reply(stage, replies + 2, "25");
    assert_int_equal(stage_count_records(stage, RECORD_TOMBSTONE), 1);
    stage_expect_refusal(stage, &purchase, "22");
}

static void test_a_request_that_is_searched_for_may_be_undone_meanwhile(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    stage->is_log_slow = true;
    struct payment purchase = stage_purchase(TERMINAL_A, 100);
    uint32_t forwards = stage->forward_count, replies = stage->reply_count;
    stage_ask(stage, &purchase);
    struct payment undo = stage_reversal(&purchase);
    stage_ask(stage, &undo);
    stage_answer_lookups(stage);
    stage_expect_reply(stage, replies + 1, "25");
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 102);
    memcpy(cancel.original.rrn, "100019999999", sizeof(cancel.original.rrn));
    stage_ask(stage, &cancel);
    undo = stage_reversal(&cancel);
    stage_ask(stage, &undo); /* nothing of it was sent, so nothing need be searched */
    stage_expect_reply(stage, replies + 2, "25");
    stage_answer_lookups(stage);
    assert_int_equal(stage->forward_count, forwards);
    stage_expect_refusal(stage, &cancel, "22");
}

static void test_where_all_slots_are_at_work_a_reversal_is_told_so(void **state)
{
    struct stage *stage = *state;
    stage_approved(stage, PAYMENT_PURCHASE, 110);
    for (uint32_t stan = 111; stan < 119; stan++) {
        struct payment purchase = stage_purchase(TERMINAL_A, stan);
        stage_ask(stage, &purchase);
    }
    struct payment purchase = stage_purchase(TERMINAL_A, 100);
    struct payment undo = stage_reversal(&purchase);
    stage_expect_refusal(stage, &undo, "96");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_repeat_gets_its_stored_answer_out_of_the_log),
        TEST(test_a_low_trace_number_that_the_log_does_not_hold_is_new),
        TEST(test_copies_wait_for_one_search_and_the_newest_connection_is_told),
        TEST(test_a_search_that_fails_or_lasts_is_answered_96_and_sends_nothing),
        TEST(test_what_was_searched_for_in_vain_stays_refused),
        TEST(test_an_approval_stands_whatever_was_searched_for_in_vain_after_it),
        TEST(test_what_found_no_room_stays_refused),
        TEST(test_a_key_of_the_log_is_never_new_however_the_clock_jumps),
        TEST(test_a_restart_that_reads_a_part_of_the_log_looks_up_lower_trace_numbers),
        TEST(test_a_reversal_names_an_original_that_a_restart_does_not_read),
        TEST(test_a_sale_of_the_log_is_voided_once),
        TEST(test_refunds_over_days_never_exceed_the_sale),
        TEST(test_a_refund_to_another_card_is_known_after_days),
        TEST(test_a_refund_in_flight_counts_at_the_sale_that_comes_back_meanwhile),
        TEST(test_what_the_log_shows_as_open_and_memory_does_not_hold_is_asked_again),
        TEST(test_a_completion_on_another_terminal_finds_its_pre_authorisation_by_card),
        TEST(test_an_adjusted_sale_comes_back_with_its_new_total),
        TEST(test_an_original_that_is_nowhere_is_unknown),
        TEST(test_an_approval_of_the_log_can_be_undone),
        TEST(test_a_reversal_of_what_the_log_does_not_hold_leaves_a_tombstone),
        TEST(test_a_request_that_is_searched_for_may_be_undone_meanwhile),
        TEST(test_where_all_slots_are_at_work_a_reversal_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
