/* Transaction anomalies: rows of money, and a merchant that may not. */
#include "tests/flow/aftersales_stage.h"

#include <string.h>

static void test_each_late_approval_is_looked_into_once(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct service_case *first = desk_flag(&desk, SIGNAL_LATE_APPROVAL);
    struct service_case *second = desk_flag(&desk, SIGNAL_LATE_APPROVAL);
    assert_ptr_not_equal(first, second);
    assert_int_equal(first->kind, CASE_TRANSACTION);
    assert_null(desk_raise(&desk, desk.flags[0])); /* the log is read again */
    assert_int_equal(desk.case_count, 2);

    desk_do(&desk, first, CASE_EVENT_INVESTIGATE, CASE_ROLE_STAFF);
    desk_refuse(&desk, first, desk_event(&desk, CASE_EVENT_CLEAR, CASE_ROLE_STAFF),
                "CHECK_NETWORK");
    desk_try(&desk, first, 1, CASE_STEP_DONE);
    desk_refuse(&desk, first, desk_event(&desk, CASE_EVENT_CLEAR, CASE_ROLE_STAFF),
                "CHECK_MERCHANT");
    desk_try(&desk, first, 2, CASE_STEP_DONE);
    desk_do(&desk, first, CASE_EVENT_CLEAR, CASE_ROLE_STAFF);
    desk_close(&desk, first, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN);
    assert_null(desk_raise(&desk, desk.flags[0]));
    assert_non_null(desk_flag(&desk, SIGNAL_LATE_APPROVAL)); /* another row, another case */
}

static void test_declines_come_from_a_licence_that_has_run_out(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    desk.merchant.licence_to_day = desk_today(&desk) - 1;
    struct service_case *it = desk_flag(&desk, SIGNAL_DECLINES);
    struct cause_question question = {.flags = desk.flags,
                                      .flag_count = desk.flag_count,
                                      .channel = "bank_a",
                                      .merchant = &desk.merchant,
                                      .today = desk_today(&desk)};
    struct cause_answer answer;
    cause_find(&question, &answer);
    assert_int_equal(answer.place, CAUSE_AT_MERCHANT);
    assert_int_equal(answer.ranks[0].fault, FAULT_MERCHANT);
    char text[1024];
    cause_explain(&answer, false, text, sizeof(text));
    assert_non_null(strstr(text, "the licence has run out"));
    assert_non_null(strstr(text, "ruled out, channel"));

    desk_try(&desk, it, 1, CASE_STEP_DONE);
    desk_try(&desk, it, 2, CASE_STEP_DONE);
    desk_do(&desk, it, CASE_EVENT_INVESTIGATE, CASE_ROLE_STAFF);
    desk_do(&desk, it, CASE_EVENT_CONFIRM, CASE_ROLE_STAFF);
    assert_true(desk_followed(&desk, CASE_EFFECT_REPORT));
    struct case_event close = desk_event(&desk, CASE_EVENT_CLOSE, CASE_ROLE_STAFF);
    close.outcome = CASE_OUTCOME_BENIGN;
    desk_refuse(&desk, it, close, "expects the outcome confirmed");
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);

    /* again within the week: the same case is opened by a person, not another by the rule */
    desk_wait(&desk, 6 * DESK_DAY_US);
    assert_null(desk_flag(&desk, SIGNAL_DECLINES));
    desk_do(&desk, it, CASE_EVENT_REOPEN, CASE_ROLE_STAFF);
    desk_do(&desk, it, CASE_EVENT_INVESTIGATE, CASE_ROLE_STAFF);
    desk_do(&desk, it, CASE_EVENT_CONFIRM, CASE_ROLE_STAFF);
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
    assert_int_equal(desk.case_count, 1);
}

static void test_a_bank_that_is_down_is_nobodys_fault_here(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    desk_flag(&desk, SIGNAL_TIMEOUTS);
    desk_flag(&desk, SIGNAL_REVERSALS);
    assert_int_equal(desk.case_count, 1);
    struct cause_question question = {.flags = desk.flags,
                                      .flag_count = desk.flag_count,
                                      .channel = "bank_a",
                                      .is_channel_down = true};
    struct cause_answer answer;
    cause_find(&question, &answer);
    assert_int_equal(answer.place, CAUSE_AT_CHANNEL);
    struct service_case *it = &desk.cases[0];
    desk_do(&desk, it, CASE_EVENT_TRIAGE, CASE_ROLE_STAFF);
    desk_try(&desk, it, 1, CASE_STEP_DONE);
    desk_try(&desk, it, 2, CASE_STEP_DONE);
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_late_approval_is_looked_into_once),
        cmocka_unit_test(test_declines_come_from_a_licence_that_has_run_out),
        cmocka_unit_test(test_a_bank_that_is_down_is_nobodys_fault_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
