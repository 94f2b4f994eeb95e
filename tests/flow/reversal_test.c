/* The terminal's own reversal (unionpay 5 and 12; I5, I6, I12). */
#include "tests/flow/stage.h"

#include <string.h>

#define FIRST_STAN 401

static void test_an_approved_purchase_is_reversed_and_told_after_it_is_durable(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_respond(stage, 0, "00");
    uint32_t before = stage->reply_count;
    stage->is_prompt = false;
    struct payment reversal = stage_reversal(&purchase);
    stage_ask(stage, &reversal);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 1);
    assert_int_equal(stage->reply_count, before);
    assert_int_equal(stage->forward_count, 1);
    stage_sync(stage);
    stage_expect_reply(stage, before + 1, "00");
    assert_int_equal(stage_last_reply(stage)->payment.kind, PAYMENT_REVERSAL);
    assert_string_equal(stage_last_reply(stage)->payment.rrn, stage->forwards[0].payment.rrn);
    assert_int_equal(stage->forward_count, 2);
    assert_string_equal(stage->forwards[1].payment.reversal_reason, "98");
    assert_string_equal(stage->forwards[1].payment.auth_code, "A12345");
}

static void test_a_repeated_reversal_changes_nothing_and_gets_00_again(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_respond(stage, 0, "00");
    struct payment reversal = stage_reversal(&purchase);
    uint32_t before = stage->reply_count;
    for (uint32_t i = 0; i < 3; i++) {
        stage_ask(stage, &reversal);
        stage_expect_reply(stage, before + 1 + i, "00");
    }
    stage_respond(stage, 1, "00");
    stage_ask(stage, &reversal);
    stage_expect_reply(stage, before + 4, "00");
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 1);
    assert_int_equal(stage->forward_count, 2);
}

static void test_in_flight_it_is_reversed_whatever_the_channel_answers(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    uint32_t before = stage->reply_count;
    stage_ask(stage, &purchase);
    struct payment reversal = stage_reversal(&purchase);
    stage_ask(stage, &reversal);
    stage_expect_reply(stage, before + 1, "00");
    stage_respond(stage, 0, "00");
    assert_int_equal(stage->reply_count, before + 1); /* the approval is not told any more */
    assert_int_equal(stage_counts(stage).reversals_pending, 1);
    stage_respond(stage, 1, "00");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, before + 2, "22");
    assert_int_equal(stage->forward_count, 2);
}

/* I18: the reversal is posted on the new day, its original stays where it was. */
static void test_a_reversal_acknowledged_after_a_cut_over_counts_for_the_new_day(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_respond(stage, 0, "00");
    assert_int_equal(stage_last_record(stage, RECORD_RESULT)->settlement_day, 20251126);
    struct payment reversal = stage_reversal(&purchase);
    stage_ask(stage, &reversal);
    stage_cut_over(stage, BANK_A, 20251127);
    struct payment response = stage_response(stage, 1, "00");
    memcpy(response.settlement_date, "1127", sizeof(response.settlement_date));
    stage_give(stage, BANK_A, &response);
    assert_int_equal(stage_last_record(stage, RECORD_REVERSAL_DONE)->settlement_day, 20251127);
    stage_expect_same_after_restart(stage);
}

static void test_after_a_time_out_it_is_00_at_once_and_reversed_once(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_pass(stage, 45 * SECOND_NS);
    uint32_t before = stage->reply_count;
    struct payment reversal = stage_reversal(&purchase);
    stage_ask(stage, &reversal);
    stage_expect_reply(stage, before + 1, "00");
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 1);
}

static void test_a_declined_purchase_needs_no_reversal(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_respond(stage, 0, "51");
    uint32_t before = stage->reply_count;
    struct payment reversal = stage_reversal(&purchase);
    stage_ask(stage, &reversal);
    stage_expect_reply(stage, before + 1, "00");
    assert_int_equal(stage->forward_count, 1);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 0);
}

static void test_an_unknown_original_is_blocked_before_25_is_told(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    struct payment reversal = stage_reversal(&purchase);
    uint32_t before = stage->reply_count;
    stage->is_prompt = false;
    stage_ask(stage, &reversal);
    assert_int_equal(stage->reply_count, before);
    assert_int_equal(stage_count_records(stage, RECORD_TOMBSTONE), 1);
    stage_sync(stage);
    stage->is_prompt = true;
    stage_expect_reply(stage, before + 1, "25");
    stage_ask(stage, &reversal);
    stage_expect_reply(stage, before + 2, "25");
    assert_int_equal(stage_count_records(stage, RECORD_TOMBSTONE), 1);
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, before + 3, "22");
    stage_restart(stage);
    before = stage->reply_count;
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, before + 1, "22");
    assert_int_equal(stage->forward_count, 0);
}

static void test_tombstones_may_fill_a_part_of_the_room_only(void **state)
{
    struct stage *stage = *state;
    for (uint32_t i = 0; i < 64 / 4; i++) {
        struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN + i);
        struct payment reversal = stage_reversal(&purchase);
        stage_ask(stage, &reversal);
        assert_string_equal(stage_last_reply(stage)->payment.response_code, "25");
    }
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN + 64);
    struct payment reversal = stage_reversal(&purchase);
    stage_ask(stage, &reversal);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "96");
    stage_pass(stage, 3600 * SECOND_NS);
    stage_ask(stage, &reversal);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "25");
}

static void test_a_reversal_of_another_amount_undoes_nothing(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_respond(stage, 0, "00");
    struct payment reversal = stage_reversal(&purchase);
    reversal.amount.minor--;
    uint32_t before = stage->reply_count;
    stage_ask(stage, &reversal);
    stage_expect_reply(stage, before + 1, "94");
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 0);
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 1);
    /* Without a card number it is still known by its key. */
    reversal = stage_reversal(&purchase);
    memset(&reversal.pan, 0, sizeof(reversal.pan));
    memset(&reversal.pan_hash, 0, sizeof(reversal.pan_hash));
    stage_ask(stage, &reversal);
    stage_expect_reply(stage, before + 2, "00");
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_an_approved_purchase_is_reversed_and_told_after_it_is_durable),
        TEST(test_a_repeated_reversal_changes_nothing_and_gets_00_again),
        TEST(test_in_flight_it_is_reversed_whatever_the_channel_answers),
        TEST(test_a_reversal_acknowledged_after_a_cut_over_counts_for_the_new_day),
        TEST(test_after_a_time_out_it_is_00_at_once_and_reversed_once),
        TEST(test_a_declined_purchase_needs_no_reversal),
        TEST(test_an_unknown_original_is_blocked_before_25_is_told),
        TEST(test_tombstones_may_fill_a_part_of_the_room_only),
        TEST(test_a_reversal_of_another_amount_undoes_nothing),
    };
    return cmocka_run_group_tests_name("flow/reversal", tests, NULL, NULL);
}
