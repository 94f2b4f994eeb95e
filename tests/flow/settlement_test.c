/* A batch's end: totals compared, the answer kept, the next batch begun. */
#include "tests/flow/stage.h"

#include <string.h>

#include "switch/engine/batch_totals.h"

static struct payment settlement(uint32_t stan, uint32_t batch, int64_t minor, uint32_t count)
{
    struct payment payment = stage_payment(PAYMENT_SETTLEMENT, TERMINAL_A, stan);
    struct batch_totals totals = {.domestic_debit = {minor, count}};
    char digits[BATCH_FIELD_48_DIGITS + 1];
    batch_totals_to_field_48(digits, &totals, BATCH_ASKED);
    memcpy(payment.management_code, "201", 4);
    payment.batch = batch;
    assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_ADDITIONAL,
                                       (struct byte_view){(const uint8_t *)digits, 62}),
                     STATUS_OK);
    return payment;
}

static struct payment upload(const char *code, uint32_t stan, uint32_t batch, const char *field_48)
{
    struct payment payment = stage_payment(PAYMENT_BATCH_UPLOAD, TERMINAL_A, stan);
    memcpy(payment.management_code, code, 4);
    payment.batch = batch;
    assert_int_equal(payment_set_cargo(
                         &payment, PAYMENT_CARGO_ADDITIONAL,
                         (struct byte_view){(const uint8_t *)field_48, (uint32_t)strlen(field_48)}),
                     STATUS_OK);
    return payment;
}

static void sell(struct stage *stage, uint32_t stan, uint32_t batch)
{
    struct payment purchase = stage_purchase(TERMINAL_A, stan);
    purchase.batch = batch;
    stage_ask(stage, &purchase);
    stage_respond(stage, stage->forward_count - 1, "00");
}

static void expect_totals(const struct stage *stage, char result, const char *domestic_debit)
{
    struct byte_view field =
        payment_cargo(&stage_last_reply(stage)->payment, PAYMENT_CARGO_ADDITIONAL);
    assert_int_equal(field.length, BATCH_FIELD_48_DIGITS);
    assert_memory_equal(field.bytes, domestic_debit, 15);
    assert_int_equal(field.bytes[30], result);
    assert_int_equal(field.bytes[61], result);
}

static uint32_t batch_of_signon(struct stage *stage)
{
    stage_sign_on(stage, TERMINAL_A);
    return stage_last_reply(stage)->payment.batch;
}

static void test_equal_totals_end_the_batch_and_the_next_begins(void **state)
{
    struct stage *stage = *state;
    sell(stage, 11, 1);
    sell(stage, 12, 1);
    stage->is_prompt = false;
    uint32_t before = stage->reply_count;
    struct payment asked = settlement(13, 1, 24690, 2);
    stage_ask(stage, &asked);
    assert_int_equal(stage->reply_count, before); /* durable first */
    stage_sync(stage);
    stage->is_prompt = true;
    stage_expect_reply(stage, before + 1, "");
    expect_totals(stage, '1', "000000024690002");
    assert_string_equal(stage_last_reply(stage)->payment.settlement_date, "1125");
    const struct record *row = stage_last_record(stage, RECORD_SETTLEMENT);
    assert_string_equal(row->totals, "24690 2");
    struct payment end = upload("207", 14, 1, "0002");
    stage_ask(stage, &end);
    stage_expect_reply(stage, before + 2, "00");
    assert_string_equal(stage_last_record(stage, RECORD_BATCH_END)->totals, "0");
    assert_int_equal(stage_last_record(stage, RECORD_BATCH_END)->batch, 1);
    assert_int_equal(batch_of_signon(stage), 2);
    sell(stage, 15, 2);
    stage_expect_reply(stage, stage->reply_count, "00");
    asked = settlement(16, 2, 12345, 1);
    stage_ask(stage, &asked);
    expect_totals(stage, '1', "000000012345001");
}

static void test_a_sale_after_the_settlement_is_compared_before_the_batch_ends(void **state)
{
    struct stage *stage = *state;
    sell(stage, 11, 1);
    struct payment asked = settlement(12, 1, 12345, 1);
    stage_ask(stage, &asked);
    expect_totals(stage, '1', "000000012345001");
    sell(stage, 13, 1);
    struct payment end = upload("207", 14, 1, "0001");
    stage_expect_refusal(stage, &end, "22");
    stage_restart(stage);
    end.stan = 15;
    stage_expect_refusal(stage, &end, "22");
    asked = settlement(16, 1, 24690, 2);
    stage_ask(stage, &asked);
    expect_totals(stage, '1', "000000024690002");
    end = upload("207", 17, 1, "0002");
    stage_ask(stage, &end);
    stage_expect_reply(stage, stage->reply_count, "00");
    assert_int_equal(batch_of_signon(stage), 2);
}

static void test_a_sale_of_an_ended_batch_is_not_adjusted(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 11);
    struct payment tip = stage_follow_up(stage, PAYMENT_OFFLINE_ADVICE, sale, 15);
    struct payment asked = settlement(13, 1, stage->replies[sale].payment.amount.minor, 1);
    memcpy(tip.type_code, "32", sizeof(tip.type_code));
    tip.amount.minor -= 1;
    stage_ask(stage, &asked);
    struct payment end = upload("207", 14, 1, "0001");
    stage_ask(stage, &end);
    assert_int_equal(batch_of_signon(stage), 2);
    tip.batch = 2;
    stage_expect_refusal(stage, &tip, "22"); /* the open batch would owe what it never had */
    asked = settlement(16, 2, 0, 0);
    stage_ask(stage, &asked);
    expect_totals(stage, '1', "000000000000000");
}

static void test_other_totals_are_answered_with_ours(void **state)
{
    struct stage *stage = *state;
    sell(stage, 11, 1);
    uint32_t notices = stage->notice_count;
    struct payment asked = settlement(12, 1, 99900, 1);
    stage_ask(stage, &asked);
    expect_totals(stage, '2', "000000012345001");
    assert_int_equal(stage->notices[notices].effect.reason, TXN_REASON_TOTALS_DIFFER);
    struct payment end = upload("207", 13, 1, "0000"); /* not equal: this is not its end */
    stage_ask(stage, &end);
    stage_expect_reply(stage, stage->reply_count, "22");
    assert_int_equal(stage_count_records(stage, RECORD_BATCH_END), 0);
}

static void test_a_repeat_gets_the_same_answer_and_other_totals_94(void **state)
{
    struct stage *stage = *state;
    sell(stage, 11, 1);
    struct payment asked = settlement(12, 1, 12345, 1);
    stage_ask(stage, &asked);
    struct payment first = stage_last_reply(stage)->payment;
    stage_pass(stage, 7 * SECOND_NS);
    stage_ask(stage, &asked);
    assert_memory_equal(&stage_last_reply(stage)->payment, &first,
                        offsetof(struct payment, cargo_bytes));
    assert_int_equal(stage_count_records(stage, RECORD_SETTLEMENT), 1);
    stage_restart(stage);
    stage_ask(stage, &asked);
    assert_memory_equal(&stage_last_reply(stage)->payment, &first,
                        offsetof(struct payment, cargo_bytes));
    struct payment other = settlement(12, 1, 12344, 1);
    stage_ask(stage, &other);
    stage_expect_reply(stage, stage->reply_count, "94");
    expect_totals(stage, '3', "000000000000000");
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_OTHER_CONTENT);
}

static void test_a_reversed_purchase_is_not_in_the_totals(void **state)
{
    struct stage *stage = *state;
    sell(stage, 11, 1);
    struct payment second = stage_purchase(TERMINAL_A, 12);
    stage_ask(stage, &second);
    stage_respond(stage, stage->forward_count - 1, "00");
    struct payment reversal = stage_reversal(&second);
    stage_ask(stage, &reversal);
    struct payment unknown = stage_purchase(TERMINAL_A, 13);
    stage_ask(stage, &unknown);
    stage_pass(stage, 45 * SECOND_NS);
    struct payment asked = settlement(14, 1, 12345, 1);
    stage_ask(stage, &asked);
    expect_totals(stage, '1', "000000012345001");
    const struct record *row = stage_last_record(stage, RECORD_SETTLEMENT);
    assert_non_null(strstr((const char *)row->payload, "reversals 2\n"));
}

static void test_totals_that_are_no_digits_are_an_error(void **state)
{
    struct stage *stage = *state;
    struct payment asked = upload("201", 12, 1, "12");
    asked.kind = PAYMENT_SETTLEMENT;
    stage_ask(stage, &asked);
    stage_expect_reply(stage, stage->reply_count, "30");
    expect_totals(stage, '3', "000000000000000");
    assert_int_equal(stage_count_records(stage, RECORD_SETTLEMENT), 0);
}

static void test_another_batch_or_no_sign_on_is_told_77(void **state)
{
    struct stage *stage = *state;
    struct payment asked = settlement(12, 2, 0, 0);
    stage_ask(stage, &asked);
    stage_expect_reply(stage, stage->reply_count, "77");
    assert_int_equal(stage_last_reply(stage)->effect.reason, TXN_REASON_OTHER_BATCH);
    expect_totals(stage, '3', "000000000000000");
    struct payment signoff = stage_payment(PAYMENT_SIGNOFF, TERMINAL_A, 13);
    stage_ask(stage, &signoff);
    asked = settlement(14, 1, 0, 0);
    stage_ask(stage, &asked);
    stage_expect_reply(stage, stage->reply_count, "77");
    assert_int_equal(stage_last_reply(stage)->effect.reason, TXN_REASON_NOT_SIGNED_ON);
}

static void test_a_request_of_the_next_batch_closes_one_that_was_equal(void **state)
{
    struct stage *stage = *state;
    sell(stage, 11, 1);
    struct payment early = stage_purchase(TERMINAL_A, 12);
    early.batch = 2;
    stage_ask(stage, &early); /* not settled yet */
    stage_expect_reply(stage, stage->reply_count, "77");
    struct payment asked = settlement(13, 1, 12345, 1);
    stage_ask(stage, &asked);
    sell(stage, 14, 2);
    stage_expect_reply(stage, stage->reply_count, "00");
    const struct record *end = stage_last_record(stage, RECORD_BATCH_END);
    assert_int_equal(end->batch, 1);
    assert_int_equal(end->amount.minor, 0);
    assert_int_equal(end->stan, 0);
    asked = settlement(15, 2, 12345, 1);
    stage_ask(stage, &asked);
    expect_totals(stage, '1', "000000012345001");
}

static void test_a_different_settlement_is_not_closed_by_the_next_batch(void **state)
{
    struct stage *stage = *state;
    struct payment asked = settlement(13, 1, 1, 1);
    stage_ask(stage, &asked);
    struct payment next = stage_purchase(TERMINAL_A, 14);
    next.batch = 2;
    stage_ask(stage, &next);
    stage_expect_reply(stage, stage->reply_count, "77");
}

static void test_the_last_batch_is_followed_by_the_first(void **state)
{
    struct stage *stage = *state;
    for (uint32_t i = 0; i < stage->record_count; i++) { /* as if it had signed on in that one */
        if (stage->records[i].kind == RECORD_SIGNON) {
            stage->records[i].batch = 999999;
        }
    }
    stage_restart(stage);
    sell(stage, 11, 999999);
    struct payment asked = settlement(12, 999999, 12345, 1);
    stage_ask(stage, &asked);
    expect_totals(stage, '1', "000000012345001");
    struct payment end = upload("207", 13, 999999, "0001");
    stage_ask(stage, &end);
    stage_expect_reply(stage, stage->reply_count, "00");
    stage_restart(stage);
    assert_int_equal(batch_of_signon(stage), 1);
}

static void test_a_sign_on_of_the_next_batch_closes_one_that_was_equal(void **state)
{
    struct stage *stage = *state;
    struct payment asked = settlement(12, 1, 0, 0);
    stage_ask(stage, &asked);
    assert_int_equal(batch_of_signon(stage), 1); /* it says 1: the end may still come */
    struct payment signon = stage_payment(PAYMENT_SIGNON, TERMINAL_A, 13);
    memcpy(signon.management_code, "003", 4);
    signon.batch = 2;
    stage_ask(stage, &signon);
    struct engine_event event = {.kind = ENGINE_KEYS};
    event.keys.txn = stage->keys[stage->keys_count - 1].effect.txn;
    event.keys.is_made = true;
    stage_step(stage, event);
    assert_int_equal(stage_last_reply(stage)->payment.batch, 2);
    assert_int_equal(stage_count_records(stage, RECORD_BATCH_END), 1);
}

static void test_with_little_room_in_the_log_no_batch_ends(void **state)
{
    struct stage *stage = *state;
    struct payment asked = settlement(12, 1, 0, 0);
    stage->is_log_short = true;
    uint32_t records = stage->record_count;
    stage_ask(stage, &asked);
    stage_expect_reply(stage, stage->reply_count, "96");
    expect_totals(stage, '3', "000000000000000");
    assert_int_equal(stage->record_count, records);
    stage->is_log_short = false;
    stage_ask(stage, &asked);
    expect_totals(stage, '1', "000000000000000");
    struct payment end = upload("207", 13, 1, "0000");
    stage->is_log_short = true;
    stage_ask(stage, &end);
    stage_expect_reply(stage, stage->reply_count, "96");
    stage->is_log_short = false;
    stage_ask(stage, &end);
    stage_expect_reply(stage, stage->reply_count, "00");
}

static void test_who_may_not_act_settles_nothing(void **state)
{
    struct stage *stage = *state;
    struct payment asked = settlement(12, 1, 0, 0);
    memcpy(asked.terminal_id, "19999999", 9);
    stage_ask(stage, &asked);
    stage_expect_reply(stage, stage->reply_count, "97");
    struct payment end = upload("207", 13, 1, "0000");
    memcpy(end.terminal_id, TERMINAL_STOPPED, 9);
    stage_ask(stage, &end);
    stage_expect_reply(stage, stage->reply_count, "58");
}

/* A row that somebody else wrote by hand does not bring down a start. */
static void test_a_settlement_row_that_says_nothing_is_passed_over(void **state)
{
    struct stage *stage = *state;
    struct payment asked = settlement(12, 1, 0, 0);
    stage_ask(stage, &asked);
    for (uint32_t i = 0; i < stage->record_count; i++) {
        if (stage->records[i].kind == RECORD_SETTLEMENT) {
            stage->records[i].payload_length = 20;
        }
    }
    stage_restart(stage);
    struct payment end = upload("207", 13, 1, "0000");
    stage_ask(stage, &end);
    stage_expect_reply(stage, stage->reply_count, "22"); /* not settled, as far as we know */
}

static void test_an_end_that_is_told_again_ends_nothing_more(void **state)
{
    struct stage *stage = *state;
    struct payment asked = settlement(13, 1, 0, 0);
    stage_ask(stage, &asked);
    struct payment end = upload("207", 14, 1, "0000");
    stage_ask(stage, &end);
    struct payment first = stage_last_reply(stage)->payment;
    stage_restart(stage);
    stage_ask(stage, &end);
    stage_expect_reply(stage, stage->reply_count, "00");
    assert_string_equal(stage_last_reply(stage)->payment.rrn, first.rrn);
    assert_int_equal(stage_count_records(stage, RECORD_BATCH_END), 1);
    assert_int_equal(batch_of_signon(stage), 2);
}

static void test_a_restart_knows_batch_totals_and_settlement(void **state)
{
    struct stage *stage = *state;
    sell(stage, 11, 1);
    struct payment asked = settlement(12, 1, 12345, 1);
    stage_ask(stage, &asked);
    uint64_t hash = engine_state_hash(stage->engine);
    stage_restart(stage);
    assert_int_equal(engine_state_hash(stage->engine), hash);
    struct payment end = upload("207", 13, 1, "0001");
    stage_ask(stage, &end);
    stage_expect_reply(stage, stage->reply_count, "00");
    sell(stage, 14, 2);
    hash = engine_state_hash(stage->engine);
    stage_restart(stage);
    assert_int_equal(engine_state_hash(stage->engine), hash);
    asked = settlement(15, 2, 12345, 1);
    stage_ask(stage, &asked);
    expect_totals(stage, '1', "000000012345001");
}

/* Ends batch 1 equal and sells once in batch 2. */
static void go_to_next_batch(struct stage *stage, int64_t minor, uint32_t count)
{
    struct payment asked = settlement(31, 1, minor, count);
    stage_ask(stage, &asked);
    struct payment end = upload("207", 32, 1, "0001");
    stage_ask(stage, &end);
    stage_expect_reply(stage, stage->reply_count, "00");
    sell(stage, 41, 2);
}

static void expect_second_batch_after_restart(struct stage *stage)
{
    struct engine_terminal_view view;
    stage_restart(stage);
    assert_true(engine_terminal(stage->engine, TERMINAL_A, &view));
    assert_int_equal(view.batch, 2);
    assert_int_equal(view.totals.domestic_debit.minor, 12345);
    assert_int_equal(view.totals.domestic_debit.count, 1);
}

static void test_a_refund_that_is_repeated_after_its_batch_does_not_open_it_again(void **state)
{
    struct stage *stage = *state;
    sell(stage, 11, 1);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, stage->reply_count - 1, 12);
    stage_ask(stage, &refund);
    go_to_next_batch(stage, 12345, 1);
    stage_pass(stage, 46 * SECOND_NS);
    assert_int_equal(stage_last_record(stage, RECORD_ADVICE)->batch, 1);
    expect_second_batch_after_restart(stage);
}

static void test_another_candidate_after_the_end_of_the_batch_does_not_open_it_again(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 11);
    stage_ask(stage, &purchase);
    uint32_t first_attempt = stage->forward_count - 1;
    go_to_next_batch(stage, 0, 0);
    stage_unsent(stage, first_attempt, TXN_REASON_CHANNEL_DOWN);
    assert_int_equal(stage_last_record(stage, RECORD_INTENT)->batch, 1);
    assert_int_equal(stage_last_record(stage, RECORD_INTENT)->attempt, 2);
    expect_second_batch_after_restart(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_equal_totals_end_the_batch_and_the_next_begins),
        TEST(test_a_sale_after_the_settlement_is_compared_before_the_batch_ends),
        TEST(test_a_sale_of_an_ended_batch_is_not_adjusted),
        TEST(test_other_totals_are_answered_with_ours),
        TEST(test_a_repeat_gets_the_same_answer_and_other_totals_94),
        TEST(test_a_reversed_purchase_is_not_in_the_totals),
        TEST(test_totals_that_are_no_digits_are_an_error),
        TEST(test_another_batch_or_no_sign_on_is_told_77),
        TEST(test_a_request_of_the_next_batch_closes_one_that_was_equal),
        TEST(test_a_different_settlement_is_not_closed_by_the_next_batch),
        TEST(test_the_last_batch_is_followed_by_the_first),
        TEST(test_a_sign_on_of_the_next_batch_closes_one_that_was_equal),
        TEST(test_with_little_room_in_the_log_no_batch_ends),
        TEST(test_who_may_not_act_settles_nothing),
        TEST(test_a_settlement_row_that_says_nothing_is_passed_over),
        TEST(test_an_end_that_is_told_again_ends_nothing_more),
        TEST(test_a_restart_knows_batch_totals_and_settlement),
        TEST(test_a_refund_that_is_repeated_after_its_batch_does_not_open_it_again),
        TEST(test_another_candidate_after_the_end_of_the_batch_does_not_open_it_again),
    };
    return cmocka_run_group_tests_name("flow/settlement", tests, NULL, NULL);
}
