/* Queries, loads and other sales: forwarded like a purchase, told apart where money does not move.
 */
#include "tests/flow/stage.h"

#include <string.h>

static void test_a_query_that_is_not_answered_ends_98_and_undoes_nothing(void **state)
{
    struct stage *stage = *state;
    struct payment balance = stage_purchase(TERMINAL_A, 101);
    balance.kind = PAYMENT_BALANCE;
    balance.amount.minor = 0;
    stage_ask(stage, &balance);
    stage_pass(stage, 46 * SECOND_NS);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "98");
    assert_int_equal(stage->forward_count, 1);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 0);
    assert_int_equal(stage_last_record(stage, RECORD_RESULT)->reason, TXN_REASON_NO_ANSWER);
    stage_respond(stage, 0, "00"); /* too late, and nothing to undo */
    assert_int_equal(stage->forward_count, 1);
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_LATE_RESPONSE);
    stage_expect_same_after_restart(stage);
}

static void test_a_balance_comes_back_and_counts_nowhere(void **state)
{
    struct stage *stage = *state;
    struct payment balance = stage_purchase(TERMINAL_A, 101);
    balance.kind = PAYMENT_BALANCE;
    balance.amount.minor = 0;
    stage_ask(stage, &balance);
    struct payment response = stage_response(stage, 0, "00");
    response.amount.minor = 777; /* says nothing of money moved */
    struct byte_view text = {(const uint8_t *)"0202156C000000012345", 20};
    assert_int_equal(payment_set_cargo(&response, PAYMENT_CARGO_BALANCE, text), STATUS_OK);
    stage_give(stage, BANK_A, &response);
    const struct payment *reply = &stage_last_reply(stage)->payment;
    assert_int_equal(payment_cargo(reply, PAYMENT_CARGO_BALANCE).length, 20);
    assert_string_equal(stage_last_record(stage, RECORD_RESULT)->totals, "");
    struct payment undo = stage_reversal(&balance);
    undo.amount = balance.amount;
    stage_expect_refusal(stage, &undo, "22");
}

static void test_other_sales_count_and_loads_do_not(void **state)
{
    struct stage *stage = *state;
    stage_approved(stage, PAYMENT_CASH_LOAD, 101);
    assert_string_equal(stage_last_record(stage, RECORD_RESULT)->totals, "");
    uint32_t sale = stage_approved(stage, PAYMENT_OTHER_SALE, 102);
    stage_expect_totals(stage, "12345 1");
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 103);
    stage_expect_refusal(stage, &cancel, "25");
    cancel = stage_follow_up(stage, PAYMENT_OTHER_VOID, sale, 104);
    stage_expect_answer(stage, &cancel, "00");
    stage_expect_totals(stage, "12345 1 12345 1");
}

static void test_a_result_tells_the_day_that_its_money_counts_for(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "00");
    assert_int_equal(stage_last_record(stage, RECORD_RESULT)->settlement_day, 20251126);
    purchase.stan = 102;
    stage_ask(stage, &purchase);
    struct payment response = stage_response(stage, 1, "00");
    memset(response.settlement_date, 0, sizeof(response.settlement_date));
    stage_give(stage, BANK_A, &response);
    assert_int_equal(stage_last_record(stage, RECORD_RESULT)->settlement_day, 20251125);
}

static void test_an_approval_of_an_earlier_settlement_day_is_not_reversed(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "00"); /* counts for the 26th */
    stage_cut_over(stage, BANK_A, 20251126);
    stage_cut_over(stage, BANK_A, 20251126);
    assert_int_equal(stage_count_records(stage, RECORD_CUT_OVER), 1);
    stage_cut_over(stage, BANK_A, 20251127);
    stage_expect_same_after_restart(stage);
    struct payment undo = stage_reversal(&purchase);
    stage_expect_refusal(stage, &undo, "22");
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_EARLIER_DAY);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 0);
    stage_cut_over(stage, BANK_A, 20251125); /* a day never goes back */
    assert_int_equal(stage_count_records(stage, RECORD_CUT_OVER), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_query_that_is_not_answered_ends_98_and_undoes_nothing),
        TEST(test_a_balance_comes_back_and_counts_nowhere),
        TEST(test_other_sales_count_and_loads_do_not),
        TEST(test_an_approval_of_an_earlier_settlement_day_is_not_reversed),
        TEST(test_a_result_tells_the_day_that_its_money_counts_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
