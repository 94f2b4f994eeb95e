/* Silence is unknown, and unknown is reversed until acknowledged (I7 to I10). */
#include "tests/flow/stage.h"

#include <string.h>

#define FIRST_STAN 201

/* A purchase of which nothing was heard: forward 0 is the purchase, forward 1 its reversal. */
static struct payment time_out(struct stage *stage)
{
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_pass(stage, 45 * SECOND_NS);
    return purchase;
}

static void test_silence_is_told_as_98_and_reversed(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    uint32_t before = stage->reply_count;
    uint32_t conn = stage_ask(stage, &purchase);
    stage_pass(stage, 45 * SECOND_NS - 1);
    assert_int_equal(stage->reply_count, before);
    stage_pass(stage, 1);
    stage_expect_reply(stage, before + 1, "98");
    assert_int_equal(stage_last_reply(stage)->effect.conn.slot, conn);
    assert_int_equal(stage_last_reply(stage)->payment.stan, FIRST_STAN);
    assert_int_equal(stage->forward_count, 2);
    const struct payment *original = &stage->forwards[0].payment;
    const struct payment *reversal = &stage->forwards[1].payment;
    assert_int_equal(stage->forwards[1].effect.channel, BANK_A);
    assert_int_equal(reversal->kind, PAYMENT_REVERSAL);
    assert_int_equal(reversal->original_kind, PAYMENT_PURCHASE);
    assert_int_equal(reversal->is_repeat, 0);
    assert_string_equal(reversal->rrn, original->rrn);
    assert_int_not_equal(reversal->stan, original->stan);
    assert_int_equal(reversal->original.stan, original->stan);
    assert_string_equal(reversal->original.sent_at, original->sent_at);
    assert_string_equal(reversal->original.mti, "0200");
    assert_true(money_equals(reversal->amount, original->amount));
    assert_int_equal(reversal->pan_sealed.length, 3);
    assert_int_equal(reversal->pan.digit_count, 0);
    assert_int_equal(reversal->pin.length, 0);
    assert_string_equal(reversal->reversal_reason, "98");
    const struct record *record = stage_last_record(stage, RECORD_REVERSAL);
    assert_int_equal(record->original.seq, stage_last_record(stage, RECORD_INTENT)->txn.seq);
    assert_int_equal(record->reason, TXN_REASON_NO_ANSWER);
    assert_int_equal(record->channel_stan, reversal->stan);
}

static void test_repeats_say_so_and_carry_the_same_keys_until_acknowledged(void **state)
{
    struct stage *stage = *state;
    time_out(stage);
    stage_pass(stage, 1200 * SECOND_NS);
    assert_in_range(stage->forward_count, 8, 26);
    const struct payment *first = &stage->forwards[1].payment;
    for (uint32_t i = 2; i < stage->forward_count; i++) {
        const struct payment *repeat = &stage->forwards[i].payment;
        assert_int_equal(repeat->is_repeat, 1);
        assert_int_equal(stage->forwards[i].effect.attempt, i);
        assert_int_equal(repeat->stan, first->stan);
        assert_string_equal(repeat->rrn, first->rrn);
        assert_memory_equal(&repeat->original, &first->original, sizeof(first->original));
    }
    uint32_t sent = stage->forward_count;
    assert_int_equal(stage_counts(stage).reversals_pending, 1);
    stage_respond(stage, sent - 1, "00");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
    assert_int_equal(stage_counts(stage).reversals_in_flight, 0);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL_DONE), 1);
    stage_pass(stage, 7200 * SECOND_NS);
    assert_int_equal(stage->forward_count, sent);
}

static void test_pauses_grow_between_their_bounds(void **state)
{
    struct stage *stage = *state;
    time_out(stage);
    uint64_t left_ns = stage->now_ns;
    for (uint32_t attempt = 1; attempt < 8; attempt++) {
        stage_respond(stage, stage->forward_count - 1, "96");
        uint64_t due_ns = engine_deadline_ns(stage->engine);
        uint64_t pause_ns = due_ns - left_ns;
        uint64_t most = 5 * SECOND_NS << (attempt - 1);
        assert_in_range(pause_ns, 5 * SECOND_NS, most > 60 * SECOND_NS ? 60 * SECOND_NS : most);
        stage_pass(stage, pause_ns);
        assert_int_equal(stage->forward_count, attempt + 2);
        left_ns = stage->now_ns;
    }
}

static void test_code_25_is_final_only_when_the_original_cannot_be_in_flight(void **state)
{
    struct stage *stage = *state;
    time_out(stage);
    stage_respond(stage, 1, "25");
    assert_int_equal(stage_counts(stage).reversals_pending, 1);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL_DONE), 0);
    stage_pass(stage, 150 * SECOND_NS); /* more than 180 s since the original left, but how long
                                           the log held it back is not known */
    stage_respond(stage, stage->forward_count - 1, "25");
    assert_int_equal(stage_counts(stage).reversals_pending, 1);
    stage_pass(stage, 90 * SECOND_NS); /* more than 180 s since the first 25 */
    stage_respond(stage, stage->forward_count - 1, "25");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
    assert_string_equal(stage_last_record(stage, RECORD_REVERSAL_DONE)->response_code, "25");
}

static void pass_to_next_attempt(struct stage *stage)
{
    uint32_t before = stage->forward_count;
    while (stage->forward_count == before) {
        stage_pass(stage, SECOND_NS);
    }
}

/* Found by the simulator: an answer that was under way for long spoke of a time when the original
 * could still come, and it came. */
static void test_a_late_code_25_is_about_the_time_it_was_asked(void **state)
{
    struct stage *stage = *state;
    time_out(stage);
    stage_respond(stage, 1, "25");
    pass_to_next_attempt(stage);
    uint32_t early = stage->forward_count - 1;
    stage_pass(stage, 240 * SECOND_NS);
    pass_to_next_attempt(stage);
    stage_pass(stage, 46 * SECOND_NS); /* the attempt is given up, none is asked */
    stage_respond(stage, early, "25");
    assert_int_equal(stage_counts(stage).reversals_pending, 1);
    pass_to_next_attempt(stage);
    stage_respond(stage, stage->forward_count - 1, "25");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
}

static void test_a_late_approval_reopens_what_25_had_closed(void **state)
{
    struct stage *stage = *state;
    time_out(stage);
    stage_respond(stage, 1, "25");
    stage_pass(stage, 240 * SECOND_NS);
    pass_to_next_attempt(stage);
    uint32_t sent = stage->forward_count;
    stage_respond(stage, sent - 1, "25");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
    uint32_t replies = stage->reply_count;
    stage_respond(stage, 0, "00");
    assert_int_equal(stage->reply_count, replies);
    assert_int_equal(stage_counts(stage).reversals_pending, 1);
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_LATE_APPROVAL);
    assert_int_equal(stage_last_record(stage, RECORD_REVERSAL)->reason, TXN_REASON_LATE_APPROVAL);
    assert_int_equal(stage->forward_count, sent + 1);
    assert_int_equal(stage->forwards[sent].payment.is_repeat, 1);
    assert_int_equal(stage->forwards[sent].payment.stan, stage->forwards[1].payment.stan);
    stage_respond(stage, sent, "00");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
}

/* Found by the simulator: 25, said before the bank posted, closed the reversal of what it had
 * posted since. */
static void test_a_late_approval_begins_the_wait_behind_25_anew(void **state)
{
    struct stage *stage = *state;
    time_out(stage);
    stage_respond(stage, 1, "25");
    stage_pass(stage, 150 * SECOND_NS);
    stage_respond(stage, 0, "00");
    stage_pass(stage, 90 * SECOND_NS); /* more than 180 s since the first 25 */
    stage_respond(stage, stage->forward_count - 1, "25");
    assert_int_equal(stage_counts(stage).reversals_pending, 1);
    stage_pass(stage, 60 * SECOND_NS);
    stage_respond(stage, stage->forward_count - 1, "00");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
}

static void test_a_late_response_is_recorded_and_cancels_nothing(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = time_out(stage);
    uint32_t replies = stage->reply_count;
    stage_respond(stage, 0, "00");
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_LATE_APPROVAL);
    stage_respond(stage, 0, "05");
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_LATE_RESPONSE);
    assert_int_equal(stage->reply_count, replies);
    assert_int_equal(stage->notice_count, 2);
    assert_int_equal(stage_counts(stage).reversals_pending, 1);
    /* The terminal asks again: still unknown, and nothing is forwarded. */
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, replies + 1, "98");
    assert_int_equal(stage->forward_count, 2);
}

static void test_an_acknowledgement_during_a_pause_counts(void **state)
{
    struct stage *stage = *state;
    time_out(stage);
    stage_pass(stage, 45 * SECOND_NS); /* the first attempt's answer is overdue */
    assert_int_equal(stage_counts(stage).reversals_in_flight, 0);
    stage_respond(stage, 1, "00");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
    assert_int_equal(engine_deadline_ns(stage->engine), UINT64_MAX);
}

static void test_an_outlived_reversal_is_a_case_and_stays_listed(void **state)
{
    struct stage *stage = *state;
    time_out(stage);
    stage_set_channel(stage, BANK_A, false);
    stage_pass(stage, 86400 * SECOND_NS);
    assert_int_equal(stage_counts(stage).cases, 1);
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
    assert_int_equal(stage_last_record(stage, RECORD_REVERSAL_CASE)->reason,
                     TXN_REASON_REVERSAL_OUTLIVED);
    stage_restart(stage);
    assert_int_equal(stage_counts(stage).cases, 1);
    stage_respond(stage, 1, "00"); /* the bank did reverse it, days ago */
    assert_int_equal(stage_counts(stage).cases, 0);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL_DONE), 1);
}

static void test_a_channel_gets_no_more_reversals_than_its_window(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    purchase = stage_purchase(TERMINAL_B, FIRST_STAN);
    stage_ask(stage, &purchase);
    purchase = stage_purchase(TERMINAL_B, FIRST_STAN + 1);
    stage_ask(stage, &purchase);
    stage->limits.saf_window = 1;
    stage_restart(stage);
    assert_int_equal(stage_counts(stage).reversals_pending, 3);
    assert_int_equal(stage_counts(stage).reversals_in_flight, 1);
    assert_int_equal(stage->forward_count, 4);
    stage_respond(stage, 3, "00");
    assert_int_equal(stage_counts(stage).reversals_in_flight, 1);
    assert_int_equal(stage->forward_count, 5);
    stage_respond(stage, 4, "00");
    stage_respond(stage, 5, "00");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
}

static void test_a_lane_sends_one_reversal_of_a_terminal_at_a_time(void **state)
{
    struct stage *stage = *state;
    for (uint32_t i = 0; i < 3; i++) {
        struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN + i);
        stage_ask(stage, &purchase);
    }
    stage_pass(stage, 45 * SECOND_NS);
    assert_int_equal(stage_counts(stage).reversals_pending, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(stage->forward_count, 4 + i);
        assert_string_equal(stage->forwards[3 + i].payment.rrn, stage->forwards[i].payment.rrn);
        stage_respond(stage, 3 + i, "00");
    }
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
}

static void test_reversals_wait_for_a_channel_that_is_down(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_set_channel(stage, BANK_A, false);
    stage_pass(stage, 600 * SECOND_NS);
    assert_int_equal(stage->forward_count, 1);
    stage_set_channel(stage, BANK_A, true);
    assert_int_equal(stage->forward_count, 2);
    assert_int_equal(stage->forwards[1].effect.channel, BANK_A);
}

static void test_a_lost_link_does_not_hold_the_window_shut(void **state)
{
    struct stage *stage = *state;
    time_out(stage); /* a reversal is on its way */
    uint32_t sent = stage->forward_count;
    assert_int_equal(stage_counts(stage).reversals_in_flight, 1);
    stage_set_channel(stage, BANK_B, false);
    assert_int_equal(stage_counts(stage).reversals_in_flight, 1);
    stage_set_channel(stage, BANK_A, false);
    assert_int_equal(stage_counts(stage).reversals_in_flight, 0);
    assert_int_equal(stage_counts(stage).reversals_pending, 1);
    stage_set_channel(stage, BANK_A, true);
    stage_pass(stage, stage->limits.saf_retry_min_ns);
    assert_int_equal(stage->forward_count, sent + 1);
    assert_int_equal(stage->forwards[sent].payment.is_repeat, 1);
}

/* A bank in HTTP takes one request at a time: a payment waits on it, and the reversal finds no
 * room.
 */
static void test_an_attempt_without_room_is_none_and_leaves_soon(void **state)
{
    struct stage *stage = *state;
    time_out(stage);
    for (uint32_t i = 1; i <= 20; i++) {
        assert_int_equal(stage->forward_count, i + 1);
        assert_int_equal(stage->forwards[i].effect.attempt, 1);
        assert_int_equal(stage->forwards[i].payment.is_repeat, 0);
        assert_int_equal(stage->forwards[i].payment.stan, stage->forwards[1].payment.stan);
        stage_unsent(stage, i, TXN_REASON_CHANNEL_FULL);
        assert_int_equal(stage_counts(stage).reversals_in_flight, 0);
        assert_in_range(engine_deadline_ns(stage->engine) - stage->now_ns, SECOND_NS / 10,
                        SECOND_NS / 4);
        stage_pass(stage, SECOND_NS / 4);
    }
    stage_respond(stage, 21, "96"); /* it left; and its pause is the first */
    uint64_t pause_ns = engine_deadline_ns(stage->engine) - stage->now_ns;
    assert_in_range(pause_ns, 5 * SECOND_NS, 5 * SECOND_NS);
    stage_pass(stage, pause_ns);
    assert_int_equal(stage->forwards[22].payment.is_repeat, 1);
    stage_respond(stage, 22, "00");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
}

/* The payment itself was held so long that its reversal was asked for meanwhile: that it had no
 * room says nothing of the reversal, which has left.
 */
static void test_a_late_word_of_the_payment_is_none_of_its_reversal(void **state)
{
    struct stage *stage = *state;
    time_out(stage);
    assert_int_equal(stage->forward_count, 2);
    stage_unsent(stage, 0, TXN_REASON_CHANNEL_FULL);
    assert_int_equal(stage_counts(stage).reversals_in_flight, 1);
    stage_pass(stage, SECOND_NS);
    assert_int_equal(stage->forward_count, 2);
    stage_respond(stage, 1, "00");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
}

/* What is answered makes room, and a reversal takes it before the next payment asks. */
static void test_the_room_of_what_was_answered_is_the_reversals(void **state)
{
    struct stage *stage = *state;
    time_out(stage);
    struct payment purchase = stage_purchase(TERMINAL_B, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_unsent(stage, 1, TXN_REASON_CHANNEL_FULL);
    assert_int_equal(stage->forward_count, 3);
    stage_respond(stage, 2, "00");
    assert_int_equal(stage->forward_count, 4);
    assert_int_equal(stage->forwards[3].payment.kind, PAYMENT_REVERSAL);
    stage_respond(stage, 3, "00");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
    assert_int_equal(engine_deadline_ns(stage->engine), UINT64_MAX);
}

/* However many wait: else each would ask the full channel five times a second. */
static void test_a_channel_without_room_is_asked_one_at_a_time(void **state)
{
    struct stage *stage = *state;
    for (uint32_t i = 0; i < 2; i++) {
        struct payment purchase = stage_purchase(i == 0 ? TERMINAL_A : TERMINAL_B, FIRST_STAN);
        stage_ask(stage, &purchase);
    }
    stage_pass(stage, 45 * SECOND_NS);
    assert_int_equal(stage->forward_count, 4); /* the window is two wide */
    stage_unsent(stage, 2, TXN_REASON_CHANNEL_FULL);
    stage_unsent(stage, 3, TXN_REASON_CHANNEL_FULL);
    stage_pass(stage, SECOND_NS / 4);
    assert_int_equal(stage->forward_count, 5);
    stage_respond(stage, 4, "00");
    assert_int_equal(stage->forward_count, 6);
    stage_respond(stage, 5, "00");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
}

static void test_a_repeat_without_room_stays_one_after_a_restart(void **state)
{
    struct stage *stage = *state;
    time_out(stage);
    stage_unsent(stage, 1, TXN_REASON_CHANNEL_FULL);
    stage_restart(stage);
    for (uint32_t i = 2; i < 5; i++) {
        assert_int_equal(stage->forward_count, i + 1);
        assert_int_equal(stage->forwards[i].payment.is_repeat, 1);
        stage_unsent(stage, i, TXN_REASON_CHANNEL_FULL);
        stage_pass(stage, SECOND_NS / 4);
    }
}

static void test_what_could_not_be_sent_for_another_reason_pauses_as_ever(void **state)
{
    struct stage *stage = *state;
    time_out(stage);
    stage_unsent(stage, 1, TXN_REASON_UNSENT);
    stage_pass(stage, 5 * SECOND_NS - 1);
    assert_int_equal(stage->forward_count, 2);
    stage_pass(stage, 1);
    assert_int_equal(stage->forward_count, 3);
    assert_int_equal(stage->forwards[2].payment.is_repeat, 1);
}

static void test_many_time_outs_at_once_take_many_steps_of_bounded_effects(void **state)
{
    struct stage *stage = *state;
    uint32_t before = stage->reply_count;
    for (uint32_t i = 0; i < 40; i++) {
        struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN + i);
        stage_ask(stage, &purchase);
    }
    stage->now_ns += 60 * SECOND_NS;
    stage_step(stage, (struct engine_event){.kind = ENGINE_TICK});
    assert_in_range(stage->reply_count - before, 1, ENGINE_EFFECT_COUNT_MAX);
    assert_true(engine_deadline_ns(stage->engine) <= stage->now_ns);
    stage_pass(stage, 0);
    assert_int_equal(stage->reply_count, before + 40);
    assert_int_equal(stage_counts(stage).reversals_pending, 40);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_silence_is_told_as_98_and_reversed),
        TEST(test_repeats_say_so_and_carry_the_same_keys_until_acknowledged),
        TEST(test_pauses_grow_between_their_bounds),
        TEST(test_code_25_is_final_only_when_the_original_cannot_be_in_flight),
        TEST(test_a_late_code_25_is_about_the_time_it_was_asked),
        TEST(test_a_late_approval_reopens_what_25_had_closed),
        TEST(test_a_late_approval_begins_the_wait_behind_25_anew),
        TEST(test_a_late_response_is_recorded_and_cancels_nothing),
        TEST(test_an_acknowledgement_during_a_pause_counts),
        TEST(test_an_outlived_reversal_is_a_case_and_stays_listed),
        TEST(test_a_channel_gets_no_more_reversals_than_its_window),
        TEST(test_a_lane_sends_one_reversal_of_a_terminal_at_a_time),
        TEST(test_reversals_wait_for_a_channel_that_is_down),
        TEST(test_a_lost_link_does_not_hold_the_window_shut),
        TEST(test_an_attempt_without_room_is_none_and_leaves_soon),
        TEST(test_a_late_word_of_the_payment_is_none_of_its_reversal),
        TEST(test_the_room_of_what_was_answered_is_the_reversals),
        TEST(test_a_channel_without_room_is_asked_one_at_a_time),
        TEST(test_a_repeat_without_room_stays_one_after_a_restart),
        TEST(test_what_could_not_be_sent_for_another_reason_pauses_as_ever),
        TEST(test_many_time_outs_at_once_take_many_steps_of_bounded_effects),
    };
    return cmocka_run_group_tests_name("flow/unknown", tests, NULL, NULL);
}
