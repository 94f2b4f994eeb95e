/* A purchase: out, back, and all that may come between. */
#include "tests/flow/stage.h"

#include <string.h>

#define FIRST_STAN 101

static void test_an_approval_reaches_the_terminal_with_reference_and_code(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    uint32_t before = stage->reply_count;
    uint32_t conn = stage_ask(stage, &purchase);
    assert_int_equal(stage->forward_count, 1);
    const struct payment *forward = &stage->forwards[0].payment;
    assert_int_equal(stage->forwards[0].effect.channel, BANK_A);
    assert_int_equal(stage->forwards[0].effect.attempt, 1);
    assert_int_equal(forward->kind, PAYMENT_PURCHASE);
    assert_int_equal(forward->is_repeat, 0);
    assert_int_equal(forward->stan, 1);
    assert_string_equal(forward->rrn, "100010000003");
    assert_string_equal(forward->sent_at, "1125160000");
    assert_string_equal(forward->mcc, "5311");
    assert_string_equal(forward->acquirer_id, "48021000");
    assert_int_equal(forward->pin.length, 8);
    assert_int_equal(forward->track2.count, 21);

    stage_respond(stage, 0, "00");
    stage_expect_reply(stage, before + 1, "00");
    const struct stage_effect *reply = stage_last_reply(stage);
    assert_int_equal(reply->effect.conn.slot, conn);
    assert_int_equal(reply->effect.reason, TXN_REASON_CHANNEL_ANSWERED);
    assert_int_equal(reply->payment.leg, PAYMENT_RESPONSE);
    assert_int_equal(reply->payment.stan, FIRST_STAN);
    assert_string_equal(reply->payment.rrn, forward->rrn);
    assert_string_equal(reply->payment.auth_code, "A12345");
    assert_string_equal(reply->payment.settlement_date, "1126");
    assert_string_equal(reply->payment.local_date, "1125");
    assert_string_equal(reply->payment.pan.digits, CARD);
    assert_int_equal(stage_counts(stage).txn_in_flight, 0);
}

static void test_secrets_do_not_come_back_nor_into_records(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_respond(stage, 0, "00");
    const struct payment *reply = &stage_last_reply(stage)->payment;
    assert_int_equal(reply->pin.length, 0);
    assert_int_equal(reply->track2.count, 0);
    for (uint32_t i = 0; i < stage->record_count; i++) {
        const char *bytes = (const char *)&stage->records[i];
        for (size_t at = 0; at + 16 <= sizeof(struct record); at++) {
            size_t hash_at = offsetof(struct record, pan_hash); /* the stage's hash is the number */
            assert_true(at == hash_at || memcmp(bytes + at, CARD, 16) != 0);
        }
    }
}

static void test_intent_and_result_tell_the_whole_story(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_respond(stage, 0, "51");
    const struct record *intent = stage_last_record(stage, RECORD_INTENT);
    assert_int_equal(intent->txn.epoch, 1);
    assert_string_equal(intent->channel, "bank_a");
    assert_int_equal(intent->channel_stan, 1);
    assert_int_equal(intent->amount.minor, 12345);
    assert_string_equal(intent->pan_masked, "620000******0005");
    assert_int_equal(intent->pan_sealed.length, 3);
    assert_int_equal(intent->merchant_fee, 74);
    assert_int_equal(intent->ruleset_version, 7);
    assert_int_equal(intent->state, TXN_FORWARDED);
    const struct record *result = stage_last_record(stage, RECORD_RESULT);
    assert_int_equal(result->txn.seq, intent->txn.seq);
    assert_string_equal(result->response_code, "51");
    assert_int_equal(result->state, TXN_DECLINED);
    assert_int_equal(result->pan_sealed.length, 0);
    assert_int_equal(result->merchant_fee, 74);
}

static void test_a_refusal_names_its_reason_and_forwards_nothing(void **state)
{
    struct stage *stage = *state;
    uint32_t before = stage->reply_count;
    struct payment payment = stage_purchase(TERMINAL_A, FIRST_STAN);
    payment.amount.minor = 0;
    stage_ask(stage, &payment);
    stage_expect_reply(stage, before + 1, "13");
    payment = stage_purchase("19999999", FIRST_STAN);
    stage_ask(stage, &payment);
    stage_expect_reply(stage, before + 2, "97");
    payment = stage_purchase(TERMINAL_STOPPED, FIRST_STAN);
    stage_ask(stage, &payment);
    stage_expect_reply(stage, before + 3, "58");
    payment = stage_purchase(TERMINAL_A, FIRST_STAN);
    payment.batch = 2;
    stage_ask(stage, &payment);
    stage_expect_reply(stage, before + 4, "77");
    assert_int_equal(stage_last_reply(stage)->effect.reason, TXN_REASON_OTHER_BATCH);
    payment = stage_payment(PAYMENT_MASTER_KEY, TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &payment);
    stage_expect_reply(stage, before + 5, "40");
    assert_int_equal(stage->forward_count, 0);
    assert_int_equal(stage_count_records(stage, RECORD_INTENT), 0);
    /* Strangers get no row; the terminals we know do. */
    assert_int_equal(stage_count_records(stage, RECORD_REFUSED), 3);
}

static void test_a_channel_that_is_down_is_passed_over(void **state)
{
    struct stage *stage = *state;
    stage_set_channel(stage, BANK_A, false);
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    assert_int_equal(stage->forward_count, 1);
    assert_int_equal(stage->forwards[0].effect.channel, BANK_B);
    stage_set_channel(stage, BANK_B, false);
    purchase = stage_purchase(TERMINAL_A, FIRST_STAN + 1);
    uint32_t before = stage->reply_count;
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, before + 1, "91");
    assert_int_equal(stage_last_reply(stage)->effect.reason, TXN_REASON_CHANNEL_DOWN);
    assert_int_equal(stage->forward_count, 1);
}

static void test_what_never_left_goes_to_the_next_candidate_then_91(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    uint32_t before = stage->reply_count;
    stage_ask(stage, &purchase);
    stage_unsent(stage, 0, TXN_REASON_UNSENT);
    assert_int_equal(stage->forward_count, 2);
    assert_int_equal(stage->forwards[1].effect.channel, BANK_B);
    assert_int_equal(stage->forwards[1].effect.attempt, 2);
    assert_string_equal(stage->forwards[1].payment.rrn, stage->forwards[0].payment.rrn);
    assert_int_equal(stage_count_records(stage, RECORD_INTENT), 2);
    stage_unsent(stage, 0, TXN_REASON_UNSENT); /* an old word about the first attempt */
    assert_int_equal(stage->reply_count, before);
    stage_unsent(stage, 1, TXN_REASON_UNSENT);
    stage_expect_reply(stage, before + 1, "91");
    assert_int_equal(stage_count_records(stage, RECORD_RESULT), 1);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 0);
}

static void test_where_every_window_is_full_it_is_91_with_its_reason(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    uint32_t before = stage->reply_count;
    stage_ask(stage, &purchase);
    stage_unsent(stage, 0, TXN_REASON_CHANNEL_FULL);
    assert_int_equal(stage->forward_count, 2);
    assert_int_equal(stage->forwards[1].effect.channel, BANK_B);
    stage_unsent(stage, 1, TXN_REASON_CHANNEL_FULL);
    stage_expect_reply(stage, before + 1, "91");
    assert_int_equal(stage_last_record(stage, RECORD_RESULT)->reason, TXN_REASON_CHANNEL_FULL);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 0);
}

static void test_a_refused_pin_is_answered_99_and_tried_nowhere_else(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    uint32_t before = stage->reply_count;
    stage_ask(stage, &purchase);
    stage_unsent(stage, 0, TXN_REASON_PIN_REFUSED);
    stage_expect_reply(stage, before + 1, "99");
    assert_int_equal(stage->forward_count, 1);
}

static void test_chip_data_and_texts_of_the_answer_are_passed_on(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    struct byte_view request_icc = {(const uint8_t *)"request", 7};
    assert_int_equal(payment_set_cargo(&purchase, PAYMENT_CARGO_ICC, request_icc), STATUS_OK);
    stage_ask(stage, &purchase);
    assert_int_equal(payment_cargo(&stage->forwards[0].payment, PAYMENT_CARGO_ICC).length, 7);
    struct payment response = stage_response(stage, 0, "00");
    response.cargo_length = 0;
    memset(response.cargo, 0, sizeof(response.cargo));
    struct byte_view icc = {(const uint8_t *)"\x91\x02xx", 4};
    struct byte_view institutions = {(const uint8_t *)"01020000", 8};
    assert_int_equal(payment_set_cargo(&response, PAYMENT_CARGO_ICC, icc), STATUS_OK);
    assert_int_equal(payment_set_cargo(&response, PAYMENT_CARGO_INSTITUTIONS, institutions),
                     STATUS_OK);
    stage_give(stage, BANK_A, &response);
    const struct payment *reply = &stage_last_reply(stage)->payment;
    struct byte_view passed = payment_cargo(reply, PAYMENT_CARGO_ICC);
    assert_int_equal(passed.length, icc.length);
    assert_memory_equal(passed.bytes, icc.bytes, icc.length);
    assert_int_equal(payment_cargo(reply, PAYMENT_CARGO_INSTITUTIONS).length, 8);
    /* A repeat still has the chip data. */
    stage_ask(stage, &purchase);
    passed = payment_cargo(&stage_last_reply(stage)->payment, PAYMENT_CARGO_ICC);
    assert_int_equal(passed.length, icc.length);
}

static void test_a_short_log_refuses_new_purchases_and_serves_reversals_and_repeats(void **state)
{
    struct stage *stage = *state;
    struct payment first = stage_purchase(TERMINAL_A, FIRST_STAN);
    struct payment second = stage_purchase(TERMINAL_A, FIRST_STAN + 1);
    stage_ask(stage, &first);
    stage_respond(stage, 0, "00");
    stage->is_log_short = true;
    uint32_t replies = stage->reply_count;
    stage_ask(stage, &second);
    stage_expect_reply(stage, replies + 1, "96");
    assert_int_equal(stage_last_reply(stage)->effect.reason, TXN_REASON_LOG_SHORT);
    assert_int_equal(stage->forward_count, 1);
    stage_ask(stage, &first); /* the repeat gets the kept answer */
    stage_expect_reply(stage, replies + 2, "00");
    struct payment reversal = stage_reversal(&first);
    stage_ask(stage, &reversal);
    assert_int_equal(stage->forward_count, 2);
    assert_int_equal(stage->forwards[1].payment.kind, PAYMENT_REVERSAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_an_approval_reaches_the_terminal_with_reference_and_code),
        TEST(test_secrets_do_not_come_back_nor_into_records),
        TEST(test_intent_and_result_tell_the_whole_story),
        TEST(test_a_refusal_names_its_reason_and_forwards_nothing),
        TEST(test_a_channel_that_is_down_is_passed_over),
        TEST(test_what_never_left_goes_to_the_next_candidate_then_91),
        TEST(test_where_every_window_is_full_it_is_91_with_its_reason),
        TEST(test_a_refused_pin_is_answered_99_and_tried_nowhere_else),
        TEST(test_chip_data_and_texts_of_the_answer_are_passed_on),
        TEST(test_a_short_log_refuses_new_purchases_and_serves_reversals_and_repeats),
    };
    return cmocka_run_group_tests_name("flow/purchase", tests, NULL, NULL);
}
