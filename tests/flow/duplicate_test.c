/* The same key again: answered from memory, never forwarded (I3, I4, I14). */
#include "tests/flow/stage.h"

#include <string.h>

#define FIRST_STAN 301

static void test_a_repeat_gets_the_stored_answer(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_respond(stage, 0, "00");
    struct payment first = stage_last_reply(stage)->payment;
    uint32_t records = stage->record_count;
    uint32_t conn = stage_ask(stage, &purchase);
    const struct stage_effect *again = stage_last_reply(stage);
    assert_int_equal(again->effect.conn.slot, conn);
    assert_string_equal(again->payment.response_code, "00");
    assert_string_equal(again->payment.rrn, first.rrn);
    assert_string_equal(again->payment.auth_code, first.auth_code);
    assert_string_equal(again->payment.local_time, first.local_time);
    assert_int_equal(stage->forward_count, 1);
    assert_int_equal(stage->record_count, records);
}

static void test_a_repeat_in_flight_takes_over_the_reply(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    uint32_t before = stage->reply_count;
    stage_ask(stage, &purchase);
    uint32_t newer = stage_ask(stage, &purchase);
    assert_int_equal(stage->forward_count, 1);
    assert_int_equal(stage->reply_count, before);
    stage_respond(stage, 0, "00");
    stage_expect_reply(stage, before + 1, "00");
    assert_int_equal(stage_last_reply(stage)->effect.conn.slot, newer);
}

static void test_other_content_is_refused_94_and_recorded(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_respond(stage, 0, "00");
    uint32_t before = stage->reply_count;
    struct payment other = purchase;
    other.amount.minor++;
    stage_ask(stage, &other);
    stage_expect_reply(stage, before + 1, "94");
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_OTHER_CONTENT);
    other = purchase;
    memcpy(other.pan_hash.bytes, OTHER_CARD, sizeof(other.pan_hash.bytes));
    stage_ask(stage, &other);
    stage_expect_reply(stage, before + 2, "94");
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 2);
    assert_int_equal(stage->forward_count, 1);
    /* The honest repeat is still answered. */
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, before + 3, "00");
}

static void test_after_the_duplicate_window_the_log_still_knows_the_key(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_expect_answer(stage, &purchase, "00");
    stage_pass(stage, stage->limits.duplicate_window_ns + SECOND_NS);
    stage_expect_refusal(stage, &purchase, "00");
    assert_int_equal(stage->lookup_count, 1);
}

static void test_the_same_trace_of_another_terminal_is_another_purchase(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    purchase = stage_purchase(TERMINAL_B, FIRST_STAN);
    stage_ask(stage, &purchase);
    assert_int_equal(stage->forward_count, 2);
    assert_int_not_equal(stage->forwards[0].payment.stan, stage->forwards[1].payment.stan);
}

static void test_a_refusal_is_remembered_and_its_copy_is_not_forwarded(void **state)
{
    struct stage *stage = *state;
    stage_set_channel(stage, BANK_A, false);
    stage_set_channel(stage, BANK_B, false);
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    uint32_t before = stage->reply_count;
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, before + 1, "91");
    stage_set_channel(stage, BANK_A, true);
    stage_ask(stage, &purchase); /* the network kept a copy */
    stage_expect_reply(stage, before + 2, "91");
    stage_restart(stage);
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, before + 3, "91");
    assert_int_equal(stage->forward_count, 0);
    assert_int_equal(stage_count_records(stage, RECORD_REFUSED), 1);
}

static void test_answered_ones_give_way_and_those_in_flight_do_not(void **state)
{
    struct stage *stage = *state;
    for (uint32_t i = 0; i < 100; i++) { /* the limit is 64 */
        struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN + i);
        stage_ask(stage, &purchase);
        stage_respond(stage, i, "00");
    }
    assert_int_equal(stage_counts(stage).txn_remembered, 64);
    for (uint32_t i = 0; i < 64; i++) {
        struct payment purchase = stage_purchase(TERMINAL_B, FIRST_STAN + i);
        stage_ask(stage, &purchase);
    }
    assert_int_equal(stage_counts(stage).txn_in_flight, 64);
    uint32_t before = stage->reply_count;
    struct payment purchase = stage_purchase(TERMINAL_B, FIRST_STAN + 64);
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, before + 1, "96");
    assert_int_equal(stage_last_reply(stage)->effect.reason, TXN_REASON_NO_ROOM);
    stage_respond(stage, 100, "00"); /* old work proceeds */
    stage_expect_reply(stage, before + 2, "00");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_repeat_gets_the_stored_answer),
        TEST(test_a_repeat_in_flight_takes_over_the_reply),
        TEST(test_other_content_is_refused_94_and_recorded),
        TEST(test_after_the_duplicate_window_the_log_still_knows_the_key),
        TEST(test_the_same_trace_of_another_terminal_is_another_purchase),
        TEST(test_a_refusal_is_remembered_and_its_copy_is_not_forwarded),
        TEST(test_answered_ones_give_way_and_those_in_flight_do_not),
    };
    return cmocka_run_group_tests_name("flow/duplicate", tests, NULL, NULL);
}
