/* Why a transaction cost what it cost: what the log has, then each step by the file of its version;
 * and where that file is gone, or says something else now, that is told. */
#include <inttypes.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "switch/admin/fee_answer.h"
#include "switch/engine/engine.h"
#include "tests/stage/log_stage.h"

#define NOON_US INT64_C(1789992000000000) /* 2026-09-21 12:00 UTC */

static const char FEES[] = "plans: {SP1: {rules: [{card_type: credit, rate: 0.60%}]}}\n"
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
                            .fee_rule = 1,
                            .cost_rule = 2,
                            .fee_basis = "SP1 proportional unionpay credit standard ic 0"};
    snprintf(record.rrn, sizeof(record.rrn), "00001%07" PRIu32, seq);
    return record;
}

static void write_fees(const char *text)
{
    FILE *out = fopen(fees_path, "wb");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

/* 1 is of version 5, 2 of version 4; 3 is a refund of 1; 4 was charged what cannot be. */
static int stage_set(void **state)
{
    (void)state;
    log_stage_set(&stage);
    snprintf(fees_path, sizeof(fees_path), "%s/fees.yaml", stage.folder);
    write_fees(FEES);
    struct record first = purchase(1, 5);
    log_stage_add(&stage, &first);
    struct record old = purchase(2, 4);
    log_stage_add(&stage, &old);
    log_stage_cut(&stage);
    struct record refund = purchase(3, 5);
    refund.payment_kind = PAYMENT_REFUND;
    refund.original = first.txn;
    refund.fee_basis[0] = '\0';
    log_stage_add(&stage, &refund);
    struct record wrong = purchase(4, 5);
    wrong.agent_fee = 9;
    log_stage_add(&stage, &wrong);
    return 0;
}

static int stage_strike(void **state)
{
    (void)state;
    log_stage_close(&stage);
    log_stage_strike(&stage);
    return 0;
}

static json_t *explain(const char *rrn)
{
    struct log_view view;
    bool is_failed = true;
    const struct fee_files files = {stage.folder, fees_path, 5};
    assert_true(log_view_open(&view, stage.folder));
    json_t *answer = fee_answer_explain(&view, &files, rrn, &is_failed);
    assert_false(is_failed);
    log_view_close(&view);
    return answer;
}

static bool says(const json_t *answer, const char *words)
{
    const json_t *lines = json_object_get(answer, "lines");
    for (size_t i = 0; i < json_array_size(lines); i++) {
        if (strstr(json_string_value(json_array_get(lines, i)), words) != NULL) {
            return true;
        }
    }
    return false;
}

static void test_what_was_charged_is_found_again_step_by_step(void **state)
{
    (void)state;
    json_t *answer = explain("000010000001");
    assert_string_equal(json_string_value(json_object_get(answer, "file")), fees_path);
    assert_true(says(answer, "amount 1000.00 CNY of merchant 898290054110000 through bank_a"));
    assert_true(says(answer, "merchant fee 6.00 CNY, issuer fee 4.50 CNY"));
    assert_true(says(answer, "1.50 CNY is left"));
    assert_true(json_is_true(json_object_get(answer, "agrees")));
    json_decref(answer);
}

static void test_a_file_that_says_something_else_now_does_not_agree(void **state)
{
    (void)state;
    write_fees("plans: {SP1: {rules: [{card_type: credit, rate: 0.61%}]}}\n"
               "cost: [{issuer_fee: {rate: 0.45%}, scheme_fee: {rate: 0%}}]\n");
    json_t *answer = explain("000010000001");
    assert_true(json_is_false(json_object_get(answer, "agrees")));
    json_decref(answer);
    write_fees("plans: [\n");
    answer = explain("000010000001");
    assert_true(json_is_null(json_object_get(answer, "agrees")));
    assert_true(says(answer, "is no good fees file any more"));
    json_decref(answer);
    write_fees(FEES);
}

static void test_without_the_file_of_its_version_steps_are_not_made_up(void **state)
{
    (void)state;
    json_t *answer = explain("000010000002");
    assert_true(json_is_null(json_object_get(answer, "file")));
    assert_true(says(answer, "the fees file of version 4 is no longer kept"));
    assert_true(says(answer, "merchant fee 6.00 CNY"));
    json_decref(answer);
}

static void test_a_refund_is_led_back_to_its_original(void **state)
{
    (void)state;
    json_t *answer = explain("000010000003");
    assert_true(says(answer, "refund has no price of its own"));
    assert_true(says(answer, "it gives back of the fees of 000010000001"));
    json_decref(answer);
}

static void test_figures_that_do_not_add_up_are_named(void **state)
{
    (void)state;
    json_t *answer = explain("000010000004");
    assert_true(says(answer, "these figures cannot be right: agents' shares do not add up"));
    json_decref(answer);
    assert_null(explain("000010000099"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_charged_is_found_again_step_by_step),
        cmocka_unit_test(test_a_file_that_says_something_else_now_does_not_agree),
        cmocka_unit_test(test_without_the_file_of_its_version_steps_are_not_made_up),
        cmocka_unit_test(test_a_refund_is_led_back_to_its_original),
        cmocka_unit_test(test_figures_that_do_not_add_up_are_named),
    };
    return cmocka_run_group_tests(tests, stage_set, stage_strike);
}
