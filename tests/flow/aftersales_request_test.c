/* What merchants ask for: paper, a move; and fees they do not understand. */
#include "tests/flow/aftersales_stage.h"

#include <stdio.h>
#include <string.h>

#include "switch/aftersales/fee_dispute.h"

static void test_paper_is_sent_once_the_question_was_answered(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct service_case *it = desk_call(&desk, CASE_SERVICE, "no more paper");
    assert_int_equal(it->source, CASE_SOURCE_HOTLINE);
    desk_do(&desk, it, CASE_EVENT_ANSWER, CASE_ROLE_STAFF);
    assert_true(desk_followed(&desk, CASE_EFFECT_TELL_MERCHANT));
    desk_refuse(&desk, it, desk_event(&desk, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF),
                "KNOWLEDGE_BASE");
    desk_try(&desk, it, 1, CASE_STEP_DONE);
    desk_do(&desk, it, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF);
    desk_do(&desk, it, CASE_EVENT_FIX, CASE_ROLE_ENGINEER);
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
    assert_true(desk_followed(&desk, CASE_EFFECT_ASK_SCORE));
}

static void test_a_move_is_seen_by_the_switch_and_may_come_back_for_a_week(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct service_case *it = desk_call(&desk, CASE_SERVICE, "we move to the next street");
    desk_do(&desk, it, CASE_EVENT_TRIAGE, CASE_ROLE_STAFF);
    desk_try(&desk, it, 1, CASE_STEP_IMPOSSIBLE);
    desk_do(&desk, it, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF);
    desk_do(&desk, it, CASE_EVENT_ACCEPT, CASE_ROLE_ENGINEER);
    desk_do(&desk, it, CASE_EVENT_ARRIVE, CASE_ROLE_ENGINEER);
    desk_do(&desk, it, CASE_EVENT_FIX, CASE_ROLE_ENGINEER);
    struct case_event seen = desk_event(&desk, CASE_EVENT_OBSERVED, CASE_ROLE_SWITCH);
    seen.is_good = true;
    desk_tell(&desk, it, seen);
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
    struct case_event again = desk_event(&desk, CASE_EVENT_REOPEN, CASE_ROLE_MERCHANT);
    desk_wait(&desk, 7 * DESK_DAY_US);
    desk.now_us += DESK_HOUR_US;
    desk_refuse(&desk, it, again, "the days for reopening are over");
    desk.now_us -= 2 * DESK_HOUR_US;
    desk_tell(&desk, it, again);
    assert_int_equal(it->state, CASE_STATE_REOPENED);
    desk_do(&desk, it, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF);
}

static struct fee_dispute dispute_of(int64_t charged)
{
    struct fee_dispute dispute = {
        .rrn = "606112345678",
        .date = "2026-09-27",
        .amount = {1000000, MONEY_CNY},
        .scheme = "unionpay",
        .channel = "bank_a",
        .product = "ic",
        .mcc = "5812",
        .applied = {.plan = "SP1", .version = "v7", .rule = "fees.yaml:3"},
        .charged_minor = charged,
        .complain = "95516"};
    dispute.applied.formula = (struct fee_formula){.rate_e8 = 500000, .cap = 2000};
    return dispute;
}

/* The rule is shown and explained; the merchant does not agree. */
static struct service_case *disputed(struct desk *desk, const struct fee_dispute *dispute)
{
    struct service_case *it = desk_call(desk, CASE_FEE, "20 yuan for one payment?");
    char text[FEE_DISPUTE_TEXT_SIZE];
    fee_dispute_explain(dispute, true, text, sizeof(text));
    assert_non_null(strstr(text, "10000.00 CNY × 0.500000 %"));
    desk_refuse(desk, it, desk_event(desk, CASE_EVENT_EXPLAIN, CASE_ROLE_STAFF), "SHOW_RULE");
    desk_try(desk, it, 1, CASE_STEP_DONE);
    desk_do(desk, it, CASE_EVENT_EXPLAIN, CASE_ROLE_STAFF);
    assert_true(desk_followed(desk, CASE_EFFECT_TELL_MERCHANT));
    desk_do(desk, it, CASE_EVENT_DISPUTE, CASE_ROLE_MERCHANT);
    return it;
}

static void test_a_fee_that_was_wrong_is_paid_back_by_two(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct fee_dispute dispute = dispute_of(2000);
    dispute.has_signed = true;
    snprintf(dispute.signed_rule.plan, sizeof(dispute.signed_rule.plan), "CAP50");
    dispute.signed_rule.formula = (struct fee_formula){.rate_e8 = 600000, .cap = 50};
    struct service_case *it = disputed(&desk, &dispute);
    struct fee_judgement judgement;
    fee_dispute_judge(&dispute, &judgement);
    assert_int_equal(judgement.verdict, FEE_VERDICT_WRONG_PLAN);
    assert_int_equal(judgement.difference_minor, 1950);
    struct case_event correct = desk_event(&desk, CASE_EVENT_CORRECT, CASE_ROLE_MANAGER);
    desk_refuse(&desk, it, correct, "a second person");
    snprintf(correct.second_actor, sizeof(correct.second_actor), "MANAGER 2");
    desk_tell(&desk, it, correct);
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
}

static void test_a_fee_that_was_right_is_refused_with_the_way_to_complain(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct fee_dispute dispute = dispute_of(2000);
    struct service_case *it = disputed(&desk, &dispute);
    struct fee_judgement judgement;
    fee_dispute_judge(&dispute, &judgement);
    assert_int_equal(judgement.verdict, FEE_VERDICT_RIGHT);
    char text[FEE_DISPUTE_TEXT_SIZE];
    fee_dispute_explain(&dispute, false, text, sizeof(text));
    assert_non_null(strstr(text, "you can complain further: 95516"));
    desk_do(&desk, it, CASE_EVENT_REFUSE, CASE_ROLE_STAFF);
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN);
}

static void test_a_merchant_who_understands_ends_it_there(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct service_case *it = desk_call(&desk, CASE_FEE, "why 20 yuan?");
    desk_try(&desk, it, 1, CASE_STEP_DONE);
    desk_do(&desk, it, CASE_EVENT_EXPLAIN, CASE_ROLE_STAFF);
    desk_do(&desk, it, CASE_EVENT_AGREE, CASE_ROLE_MERCHANT);
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paper_is_sent_once_the_question_was_answered),
        cmocka_unit_test(test_a_move_is_seen_by_the_switch_and_may_come_back_for_a_week),
        cmocka_unit_test(test_a_fee_that_was_wrong_is_paid_back_by_two),
        cmocka_unit_test(test_a_fee_that_was_right_is_refused_with_the_way_to_complain),
        cmocka_unit_test(test_a_merchant_who_understands_ends_it_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
