/* Answers that fit nothing are never believed (I11). */
#include "tests/flow/stage.h"

#include <string.h>

#define FIRST_STAN 501

/* One purchase in flight, and the answer that the bank would give. */
static struct payment answer_of(struct stage *stage)
{
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    return stage_response(stage, 0, "00");
}

static void expect_distrust(struct stage *stage, const struct payment *response)
{
    uint32_t before = stage->reply_count;
    stage_give(stage, BANK_A, response);
    stage_expect_reply(stage, before + 1, "98");
    assert_int_equal(stage_last_reply(stage)->effect.reason, TXN_REASON_MISMATCH);
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_MISMATCH);
    assert_int_equal(stage_last_record(stage, RECORD_REVERSAL)->reason, TXN_REASON_MISMATCH);
    assert_int_equal(stage_counts(stage).reversals_pending, 1);
    assert_int_equal(stage_count_records(stage, RECORD_RESULT), 0);
}

static void test_a_wrong_rrn_is_unknown_and_reversed(void **state)
{
    struct stage *stage = *state;
    struct payment response = answer_of(stage);
    response.rrn[11] ^= 1;
    expect_distrust(stage, &response);
}

static void test_a_wrong_terminal_is_unknown_and_reversed(void **state)
{
    struct stage *stage = *state;
    struct payment response = answer_of(stage);
    memcpy(response.terminal_id, TERMINAL_B, 9);
    expect_distrust(stage, &response);
}

static void test_a_wrong_amount_is_unknown_and_reversed(void **state)
{
    struct stage *stage = *state;
    struct payment response = answer_of(stage);
    response.amount.minor--;
    expect_distrust(stage, &response);
}

static void test_a_wrong_currency_is_unknown_and_reversed(void **state)
{
    struct stage *stage = *state;
    struct payment response = answer_of(stage);
    response.amount.currency = 840;
    expect_distrust(stage, &response);
}

static void test_an_answer_without_a_code_is_unknown_and_reversed(void **state)
{
    struct stage *stage = *state;
    struct payment response = answer_of(stage);
    memset(response.response_code, 0, sizeof(response.response_code));
    expect_distrust(stage, &response);
}

static void test_an_answer_without_a_request_is_recorded_only(void **state)
{
    struct stage *stage = *state;
    struct payment response = answer_of(stage);
    uint32_t before = stage->reply_count;
    response.stan = 77;
    stage_give(stage, BANK_A, &response);
    response.stan = stage->forwards[0].payment.stan;
    stage_give(stage, BANK_B, &response); /* the right STAN of the wrong bank */
    stage_give(stage, 63, &response);     /* a channel that is none */
    assert_int_equal(stage->reply_count, before);
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 3);
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_UNMATCHED);
    assert_int_equal(stage_counts(stage).txn_in_flight, 1);
}

static void test_a_second_answer_changes_nothing(void **state)
{
    struct stage *stage = *state;
    struct payment response = answer_of(stage);
    stage_give(stage, BANK_A, &response);
    uint32_t before = stage->reply_count;
    stage_give(stage, BANK_A, &response);
    memcpy(response.response_code, "05", 3);
    stage_give(stage, BANK_A, &response);
    assert_int_equal(stage->reply_count, before);
    assert_int_equal(stage_count_records(stage, RECORD_RESULT), 1);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 0);
}

static void test_an_approval_after_a_decline_is_reversed(void **state)
{
    struct stage *stage = *state;
    struct payment response = answer_of(stage);
    memcpy(response.response_code, "05", 3);
    stage_give(stage, BANK_A, &response);
    uint32_t before = stage->reply_count;
    memcpy(response.response_code, "00", 3);
    stage_give(stage, BANK_A, &response);
    assert_int_equal(stage->reply_count, before);
    assert_int_equal(stage_last_record(stage, RECORD_REVERSAL)->reason, TXN_REASON_LATE_APPROVAL);
    assert_int_equal(stage->forward_count, 2);
    /* The terminal was told "declined", and is told so again. */
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, before + 1, "05");
}

static void test_a_reversal_is_not_ended_by_an_answer_that_does_not_fit(void **state)
{
    struct stage *stage = *state;
    answer_of(stage);
    stage_pass(stage, 45 * SECOND_NS);
    struct payment response = stage_response(stage, 1, "00");
    response.amount.minor++;
    stage_give(stage, BANK_A, &response);
    response = stage_response(stage, 1, "00");
    response.kind = PAYMENT_PURCHASE;
    stage_give(stage, BANK_A, &response);
    assert_int_equal(stage_counts(stage).reversals_pending, 1);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL_DONE), 0);
    stage_respond(stage, 1, "00");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_wrong_rrn_is_unknown_and_reversed),
        TEST(test_a_wrong_terminal_is_unknown_and_reversed),
        TEST(test_a_wrong_amount_is_unknown_and_reversed),
        TEST(test_a_wrong_currency_is_unknown_and_reversed),
        TEST(test_an_answer_without_a_code_is_unknown_and_reversed),
        TEST(test_an_answer_without_a_request_is_recorded_only),
        TEST(test_a_second_answer_changes_nothing),
        TEST(test_an_approval_after_a_decline_is_reversed),
        TEST(test_a_reversal_is_not_ended_by_an_answer_that_does_not_fit),
    };
    return cmocka_run_group_tests_name("flow/mismatch", tests, NULL, NULL);
}
