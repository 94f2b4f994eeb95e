/* A disputed fee: found by its place in the log, judged by the file of its version, told in two
 * languages, beside what was signed and what the merchant thought of. */
#include <inttypes.h>

#include "switch/admin/fee_case.h"
#include "switch/engine/engine.h"
#include "tests/stage/log_stage.h"

#define NOON_US INT64_C(1789992000000000) /* 2026-09-21 12:00 UTC */

static const char FEES[] = "plans:\n"
                           "  SP1: {rules: [{card_type: credit, rate: 0.60%}]}\n"
                           "  FLAT55: {rules: [{rate: 55bp}]}\n"
                           "  DEBIT: {rules: [{card_type: debit, rate: 0.10%}]}\n"
                           "cost: [{issuer_fee: {rate: 0.45%}, scheme_fee: {rate: 0%}}]\n";

static struct log_stage stage;
static char fees_path[128];

static struct record purchase(uint32_t seq, uint32_t version)
{
    struct record record = {.kind = RECORD_INTENT,
                            .wall_us = NOON_US,
                            .txn = {1, seq},
                            .payment_kind = PAYMENT_PURCHASE,
                            .terminal_id = "10000001",
                            .merchant_id = "898290054110000",
                            .amount = {100000, MONEY_CNY},
                            .entry_mode = "051",
                            .channel = "bank_a",
                            .mcc = "5411",
                            .merchant_fee = 600,
                            .issuer_fee = 450,
                            .ruleset_version = version,
                            .fee_rule = 2,
                            .cost_rule = 5,
                            .fee_basis = "SP1 proportional unionpay credit standard ic 0"};
    snprintf(record.rrn, sizeof(record.rrn), "00001%07" PRIu32, seq);
    return record;
}

/* 1 is as it should be, 2 of a version that is gone, 3 a refund, 4 charged too much, 5 by a rule
 * that the file no longer has, 6 a row about a terminal, without a number of its own. */
static int stage_set(void **state)
{
    (void)state;
    log_stage_set(&stage);
    snprintf(fees_path, sizeof(fees_path), "%s/fees.yaml", stage.folder);
    FILE *out = fopen(fees_path, "wb");
    assert_non_null(out);
    assert_true(fputs(FEES, out) >= 0);
    assert_int_equal(fclose(out), 0);
    struct record row = purchase(1, 5);
    log_stage_add(&stage, &row);
    row = purchase(2, 4);
    log_stage_add(&stage, &row);
    log_stage_cut(&stage);
    row = purchase(3, 5);
    row.payment_kind = PAYMENT_REFUND;
    row.original = (struct txn_reference){1, 1};
    row.fee_basis[0] = '\0';
    log_stage_add(&stage, &row);
    row = purchase(4, 5);
    row.merchant_fee = 700;
    log_stage_add(&stage, &row);
    row = purchase(5, 5);
    row.fee_rule = 99;
    log_stage_add(&stage, &row);
    row = purchase(6, 5);
    row.rrn[0] = '\0';
    log_stage_add(&stage, &row);
    return 0;
}

static int stage_strike(void **state)
{
    (void)state;
    log_stage_close(&stage);
    log_stage_strike(&stage);
    return 0;
}

static struct fee_signed terms_of(const char *plan)
{
    struct fee_signed terms = {.complain = "hotline 95516"};
    snprintf(terms.plan, sizeof(terms.plan), "%s", plan);
    return terms;
}

static json_t *explain_about(const char *rrn, struct fee_case about)
{
    struct log_view view;
    struct fee_case_txn txn;
    const struct fee_files files = {stage.folder, fees_path, 5};
    about.files = &files;
    assert_true(log_view_open(&view, stage.folder));
    assert_true(fee_case_find(&view, rrn, &txn));
    assert_true(txn.position > 0);
    json_t *answer = fee_case_explain(&view, &about, txn.position);
    assert_non_null(answer);
    log_view_close(&view);
    return answer;
}

static json_t *explain(const char *rrn, const struct fee_signed *terms, const char *other_plan)
{
    return explain_about(rrn, (struct fee_case){.terms = terms, .other_plan = other_plan});
}

static int64_t number_of(const json_t *answer, const char *name)
{
    assert_true(json_is_integer(json_object_get(answer, name)));
    return json_integer_value(json_object_get(answer, name));
}

static bool says(const json_t *answer, const char *member, const char *words)
{
    const json_t *lines = json_object_get(answer, member);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        if (strstr(json_string_value(json_array_get(lines, i)), words) != NULL) {
            return true;
        }
    }
    return false;
}

static bool notes(const json_t *answer, const char *words)
{
    const char *note = json_string_value(json_object_get(answer, "note"));
    return note != NULL && strstr(note, words) != NULL;
}

static void test_a_payment_is_found_by_its_number(void **state)
{
    (void)state;
    struct log_view view;
    struct fee_case_txn txn;
    assert_true(log_view_open(&view, stage.folder));
    assert_true(fee_case_find(&view, "000010000004", &txn));
    assert_string_equal(txn.terminal_id, "10000001");
    assert_string_equal(txn.merchant_id, "898290054110000");
    assert_true(fee_case_find(&view, "000010000099", &txn));
    assert_int_equal(txn.position, 0);
    log_view_close(&view);
}

static void test_a_right_charge_is_right_in_both_languages(void **state)
{
    (void)state;
    const struct fee_signed terms = terms_of("SP1");
    json_t *answer = explain("000010000001", &terms, NULL);
    assert_int_equal(number_of(answer, "charged_minor"), 600);
    assert_int_equal(number_of(answer, "due_minor"), 600);
    assert_int_equal(number_of(answer, "difference_minor"), 0);
    assert_true(says(answer, "lines_en", "plan SP1, version 5, rule fees.yaml:2"));
    assert_true(says(answer, "lines_zh", "方案 SP1,版本 5"));
    assert_true(says(answer, "lines_zh", "hotline 95516"));
    assert_true(json_is_null(json_object_get(answer, "other")));
    assert_true(json_is_true(json_object_get(json_object_get(answer, "explanation"), "agrees")));
    json_decref(answer);
}

/* A merchant or an agent is told the price, not who shares in it. */
static void test_shares_are_hidden_and_the_verdict_is_not(void **state)
{
    (void)state;
    const struct fee_signed terms = terms_of("SP1");
    json_t *answer =
        explain_about("000010000001", (struct fee_case){.terms = &terms, .hides_shares = true});
    assert_true(json_is_null(json_object_get(answer, "explanation")));
    assert_int_equal(number_of(answer, "due_minor"), 600);
    assert_true(says(answer, "lines_en", "plan SP1, version 5, rule fees.yaml:2"));
    char *text = json_dumps(answer, JSON_COMPACT);
    assert_null(strstr(text, "is left"));
    free(text);
    json_decref(answer);
}

static void test_a_wrong_sum_and_a_wrong_plan_are_found(void **state)
{
    (void)state;
    const struct fee_signed own = terms_of("SP1");
    const struct fee_signed flat = terms_of("FLAT55");
    json_t *answer = explain("000010000004", &own, NULL);
    assert_int_equal(number_of(answer, "difference_minor"), 100);
    json_decref(answer);
    answer = explain("000010000001", &flat, NULL);
    assert_int_equal(number_of(answer, "due_minor"), 550);
    assert_int_equal(number_of(answer, "difference_minor"), 50);
    assert_true(says(answer, "lines_en", "Signed for that day: plan FLAT55"));
    json_decref(answer);
}

static void test_another_plan_says_what_it_would_have_taken(void **state)
{
    (void)state;
    const struct fee_signed terms = terms_of("SP1");
    json_t *answer = explain("000010000001", &terms, "FLAT55");
    assert_int_equal(number_of(json_object_get(answer, "other"), "fee_minor"), 550);
    assert_true(says(answer, "lines_en", "Under the one you thought of: plan FLAT55"));
    json_decref(answer);
    static const char *const NONE[] = {"NOBODYS", "DEBIT"}; /* no such plan; no rule for credit */
    for (size_t i = 0; i < COUNT_OF(NONE); i++) {
        answer = explain("000010000001", &terms, NONE[i]);
        assert_true(notes(json_object_get(answer, "other"), "no such plan"));
        json_decref(answer);
    }
}

static void test_what_cannot_be_judged_says_why(void **state)
{
    (void)state;
    const struct fee_signed terms = terms_of("");
    json_t *answer = explain("000010000002", &terms, NULL);
    assert_true(notes(answer, "no longer kept"));
    json_decref(answer);
    answer = explain("000010000003", &terms, NULL);
    assert_true(notes(answer, "no price of its own"));
    json_decref(answer);
    answer = explain("000010000005", &terms, NULL);
    assert_true(notes(answer, "no longer has the rule"));
    json_decref(answer);
    struct log_view view;
    const struct fee_files files = {stage.folder, fees_path, 5};
    const struct fee_case about = {.files = &files, .terms = &terms};
    assert_true(log_view_open(&view, stage.folder));
    answer = fee_case_explain(&view, &about, 999999);
    assert_true(notes(answer, "no longer holds"));
    json_decref(answer);
    assert_true(json_is_null(fee_case_explain(&view, &about, 6)));
    log_view_close(&view);
}

static void test_the_plan_of_a_day_is_the_one_before_the_next_change(void **state)
{
    (void)state;
    const struct fee_signed terms = {
        .plan = "C", .change_count = 2, .changes = {{100, "A"}, {200, "B"}}};
    assert_string_equal(fee_signed_at(&terms, 99), "A");
    assert_string_equal(fee_signed_at(&terms, 100), "B");
    assert_string_equal(fee_signed_at(&terms, 199), "B");
    assert_string_equal(fee_signed_at(&terms, 200), "C");
    const struct fee_signed entered = {.plan = "A", .change_count = 1, .changes = {{100, ""}}};
    assert_string_equal(fee_signed_at(&entered, 50), "A");
    assert_string_equal(fee_signed_at(&entered, 100), "A");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_payment_is_found_by_its_number),
        cmocka_unit_test(test_a_right_charge_is_right_in_both_languages),
        cmocka_unit_test(test_shares_are_hidden_and_the_verdict_is_not),
        cmocka_unit_test(test_a_wrong_sum_and_a_wrong_plan_are_found),
        cmocka_unit_test(test_another_plan_says_what_it_would_have_taken),
        cmocka_unit_test(test_what_cannot_be_judged_says_why),
        cmocka_unit_test(test_the_plan_of_a_day_is_the_one_before_the_next_change),
    };
    return cmocka_run_group_tests_name("switch/admin/fee_case", tests, stage_set, stage_strike);
}
