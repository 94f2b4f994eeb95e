/* Fees are exact to the minor unit, most specific rules win, and the parts add up (I16). */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "config/yaml_file.h"
#include "routing/fee_plan.h"

#define DEMO_FEES TILLWAY_SOURCE_DIR "/config/demo/fees.yaml"
#define COLUMN_COUNT_MAX 40
#define DATE_2026_US (INT64_C(1767225600) * 1000000)
#define DATE_2022_US (INT64_C(1640995200) * 1000000)

static void print_faults(const struct document *document)
{
    for (uint32_t i = 0; i < document_fault_count(document) && i < DOCUMENT_FAULT_COUNT_MAX; i++) {
        print_error("%s\n", document_fault_text(document, i));
    }
}

static struct fee_plan_set *plans_of(const char *text)
{
    struct document *document = yaml_file_parse("fees.yaml", text, (uint32_t)strlen(text));
    assert_non_null(document);
    struct fee_plan_set *plans = fee_plan_set_compile(document, NULL);
    print_faults(document);
    document_destroy(document);
    assert_non_null(plans);
    return plans;
}

static struct fee_plan_set *demo_plans(void)
{
    struct document *document = file_text_load_yaml(DEMO_FEES);
    assert_non_null(document);
    struct fee_plan_set *plans = fee_plan_set_compile(document, NULL);
    print_faults(document);
    document_destroy(document);
    assert_non_null(plans);
    return plans;
}

static void test_apply_rounds_half_up_before_floor_and_cap(void **state)
{
    (void)state;
    static const struct {
        struct fee_formula formula;
        int64_t amount, fee;
    } cases[] = {
        {{600000, 0, 0, FEE_NO_CAP}, 10000, 60},
        {{450000, 0, 0, FEE_NO_CAP}, 112, 1}, /* 0.504 */
        {{450000, 0, 0, FEE_NO_CAP}, 111, 0}, /* 0.4995 */
        {{50000000, 0, 0, FEE_NO_CAP}, 1, 1}, /* 0.5 exactly */
        {{49999999, 0, 0, FEE_NO_CAP}, 1, 0},
        {{600000, 10, 0, FEE_NO_CAP}, 10000, 70},
        {{600000, 0, 100, FEE_NO_CAP}, 10000, 100},
        {{600000, 0, 0, 50}, 10000, 50},
        {{600000, 0, 0, FEE_NO_CAP}, -10000, -60},
        {{450000, 0, 0, FEE_NO_CAP}, -112, -1}, /* half up on the magnitude */
        {{600000, 0, 0, 50}, -10000, -50},
        {{FEE_RATE_ONE, 0, 0, FEE_NO_CAP}, MONEY_MINOR_MAX, MONEY_MINOR_MAX},
        {{1, 0, 0, FEE_NO_CAP}, MONEY_MINOR_MAX, 10000}, /* 9999.99999999 */
        {{0, 0, 0, FEE_NO_CAP}, MONEY_MINOR_MAX, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(fee_apply(&cases[i].formula, cases[i].amount), cases[i].fee);
    }
}

__extension__ typedef __int128 wide_number; /* wide enough to be naive in */

static void test_apply_is_the_exact_product_rounded(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (unsigned i = 0; i < 200000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        int64_t amount = (int64_t)(seed % (uint64_t)(MONEY_MINOR_MAX + 1));
        int64_t rate = (int64_t)((seed >> 20) % (uint64_t)(FEE_RATE_ONE + 1));
        struct fee_formula formula = {rate, 0, 0, FEE_NO_CAP};
        wide_number product = (wide_number)amount * (wide_number)rate + FEE_RATE_ONE / 2;
        assert_true(fee_apply(&formula, amount) == (int64_t)(product / FEE_RATE_ONE));
    }
}

/* Cuts a CSV line at its commas, outside of quotes, in place. */
static unsigned cut_columns(char *line, const char *columns[COLUMN_COUNT_MAX])
{
    unsigned count = 0;
    bool is_quoted = false;
    columns[count++] = line;
    for (char *at = line; *at != '\0' && *at != '\n' && *at != '\r'; at++) {
        is_quoted = is_quoted != (*at == '"');
        if (*at == ',' && !is_quoted && count < COLUMN_COUNT_MAX) {
            *at = '\0';
            columns[count++] = at + 1;
        }
    }
    return count;
}

enum {
    V_ID,
    V_KIND,
    V_CHANNEL,
    V_CARD_TYPE,
    V_CLASS,
    V_MCC,
    V_AMOUNT,
    V_REGULATION,
    V_PLAN = 12,
    V_ISSUER_FEE = 20,
    V_NETWORK_FEE,
    V_MERCHANT_FEE = 23,
    V_MARGIN = 25
};

static void check_vector(const struct fee_plan_set *plans, const char *columns[COLUMN_COUNT_MAX])
{
    bool is_debit = strcmp(columns[V_CARD_TYPE], "debit") == 0;
    struct bin_rule bin = {.scheme = CARD_SCHEME_UNIONPAY,
                           .card_type = is_debit ? CARD_TYPE_DEBIT : CARD_TYPE_CREDIT};
    struct merchant_row merchant = {
        .merchant_class = strcmp(columns[V_CLASS], "standard") == 0       ? MERCHANT_STANDARD
                          : strcmp(columns[V_CLASS], "preferential") == 0 ? MERCHANT_PREFERENTIAL
                                                                          : MERCHANT_EXEMPT};
    snprintf(merchant.mcc, sizeof(merchant.mcc), "%s", columns[V_MCC]);
    /* Above the small amount a SMALL merchant pays by SP1: the plan is asked by its own name too.
     */
    snprintf(merchant.plan, sizeof(merchant.plan), "%s",
             strcmp(columns[V_ID], "F32") == 0 ? "SMALL" : columns[V_PLAN]);
    struct payment payment;
    payment_clear(&payment);
    payment.kind = PAYMENT_PURCHASE;
    snprintf(payment.entry_mode, sizeof(payment.entry_mode), "072");
    bool is_2022 = strcmp(columns[V_REGULATION], "169") == 0;
    struct fee_inputs inputs = {
        .amount = {strtoll(columns[V_AMOUNT], NULL, 10), MONEY_CNY},
        .wall_us = is_2022 ? DATE_2022_US : DATE_2026_US,
        .bin = &bin,
        .merchant = &merchant,
        .payment = &payment,
        .channel = "bank_a",
    };
    struct fee_quote quote;
    assert_int_equal(fee_quote(plans, &inputs, &quote), STATUS_OK);
    if (quote.issuer_fee.minor != strtoll(columns[V_ISSUER_FEE], NULL, 10) ||
        quote.scheme_fee.minor != strtoll(columns[V_NETWORK_FEE], NULL, 10) ||
        quote.merchant_fee.minor != strtoll(columns[V_MERCHANT_FEE], NULL, 10) ||
        fee_margin(&quote).minor != strtoll(columns[V_MARGIN], NULL, 10)) {
        fail_msg("%s: issuer %lld scheme %lld merchant %lld", columns[V_ID],
                 (long long)quote.issuer_fee.minor, (long long)quote.scheme_fee.minor,
                 (long long)quote.merchant_fee.minor);
    }
}

static void test_worked_card_fees(void **state)
{
    (void)state;
    char path[512];
    const char *folder = getenv("TILLWAY_VECTORS");
    snprintf(path, sizeof(path), "%s/fees.csv",
             folder != NULL ? folder : TILLWAY_SOURCE_DIR "/../shared/vectors");
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        print_message("%s is not there: skipped\n", path);
        skip();
    }
    struct fee_plan_set *plans = demo_plans();
    char line[1024];
    unsigned checked = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        const char *columns[COLUMN_COUNT_MAX] = {0};
        if (cut_columns(line, columns) > V_MARGIN && strcmp(columns[V_KIND], "card") == 0) {
            check_vector(plans, columns);
            checked++;
        }
    }
    fclose(file);
    assert_int_equal(checked, 24);
    fee_plan_set_destroy(plans);
}

static const struct bin_rule DEBIT = {.scheme = CARD_SCHEME_UNIONPAY, .card_type = CARD_TYPE_DEBIT};

static struct payment purchase(const char *entry_mode)
{
    struct payment payment;
    payment_clear(&payment);
    payment.kind = PAYMENT_PURCHASE;
    snprintf(payment.entry_mode, sizeof(payment.entry_mode), "%s", entry_mode);
    return payment;
}

#define COST "cost:\n  - {issuer_fee: {rate: 0%}, scheme_fee: {rate: 0%}}\n"

static void test_most_specific_rule_wins(void **state)
{
    (void)state;
    struct fee_plan_set *plans = plans_of(
        "plans:\n  P:\n    rules:\n"
        "      - {rate: 1%}\n"
        "      - {card_type: debit, rate: 2%}\n"
        "      - {card_type: debit, mcc: [5411-5499, 5812], rate: 3%}\n"
        "      - {card_type: debit, mcc: 5812, product: qr, channel: bank_b, rate: 4%}\n" COST);
    static const struct {
        const char *mcc, *entry_mode, *channel;
        int64_t fee;
        uint32_t line;
    } cases[] = {
        {"7011", "051", "bank_a", 20, 5}, {"5450", "051", "bank_a", 30, 6},
        {"5812", "032", "bank_a", 30, 6}, {"5812", "032", "bank_b", 40, 7},
        {"5500", "032", "bank_b", 20, 5},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct payment payment = purchase(cases[i].entry_mode);
        struct merchant_row merchant = {.plan = "P"};
        snprintf(merchant.mcc, sizeof(merchant.mcc), "%s", cases[i].mcc);
        struct fee_inputs inputs = {.amount = {1000, MONEY_CNY},
                                    .bin = &DEBIT,
                                    .merchant = &merchant,
                                    .payment = &payment,
                                    .channel = cases[i].channel};
        struct fee_quote quote;
        assert_int_equal(fee_quote(plans, &inputs, &quote), STATUS_OK);
        assert_int_equal(quote.merchant_fee.minor, cases[i].fee);
        assert_int_equal(quote.merchant_rule, cases[i].line);
    }
    fee_plan_set_destroy(plans);
}

static void test_dates_begin_and_end_at_local_midnight(void **state)
{
    (void)state;
    struct fee_plan_set *plans =
        plans_of("plans:\n  P:\n    rules:\n      - {rate: 1%}\n"
                 "      - {from: 2026-02-28, until: 2026-03-01, rate: 2%}\n" COST);
    struct payment payment = purchase("051");
    struct merchant_row merchant = {.plan = "P", .mcc = "5812"};
    const int64_t begin_us = (INT64_C(1772236800) - 8 * 3600) * 1000000; /* 2026-02-28 00:00 +08 */
    static const struct {
        int64_t shift_us, fee;
    } cases[] = {{-1, 10}, {0, 20}, {INT64_C(86400000000) - 1, 20}, {INT64_C(86400000000), 10}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fee_inputs inputs = {.amount = {1000, MONEY_CNY},
                                    .wall_us = begin_us + cases[i].shift_us,
                                    .bin = &DEBIT,
                                    .merchant = &merchant,
                                    .payment = &payment};
        struct fee_quote quote;
        assert_int_equal(fee_quote(plans, &inputs, &quote), STATUS_OK);
        assert_int_equal(quote.merchant_fee.minor, cases[i].fee);
    }
    fee_plan_set_destroy(plans);
}

static void test_another_currency_finds_no_fee(void **state)
{
    (void)state;
    struct fee_plan_set *plans = plans_of("plans:\n  P:\n    rules:\n      - {rate: 1%}\n" COST);
    struct payment payment = purchase("051");
    struct merchant_row merchant = {.plan = "P", .mcc = "5812"};
    struct fee_inputs inputs = {
        .amount = {1000, 392}, .bin = &DEBIT, .merchant = &merchant, .payment = &payment};
    struct fee_quote quote;
    assert_int_equal(fee_quote(plans, &inputs, &quote), STATUS_NOT_FOUND);
    fee_plan_set_destroy(plans);
}

static void test_explanation_shows_the_arithmetic(void **state)
{
    (void)state;
    struct fee_plan_set *plans = demo_plans();
    struct payment payment = purchase("051");
    struct merchant_row merchant = {.plan = "SP1", .mcc = "5812"};
    struct fee_inputs inputs = {.amount = {371428, MONEY_CNY},
                                .wall_us = DATE_2026_US,
                                .bin = &DEBIT,
                                .merchant = &merchant,
                                .payment = &payment,
                                .channel = "bank_a"};
    char text[2048];
    fee_explain(plans, &inputs, text, sizeof(text));
    static const char *const expected[] = {
        "plan SP1: rule of line 11 (card_type debit, merchant_class standard)",
        ("issuer fee: 3714.28 CNY x 0.350000 % = 1299.99800000 minor units, half up 1300; "
         "fixed none, floor none, cap 13.00 CNY: 13.00 CNY"),
        "margin: 4.36 CNY",
    };
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        if (strstr(text, expected[i]) == NULL) {
            fail_msg("\"%s\" is not in \"%s\"", expected[i], text);
        }
    }
    fee_explain(plans, &inputs, text, 40);
    assert_true(strlen(text) < 40);
    fee_plan_set_destroy(plans);
}

static void test_faults_say_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *fault;
    } cases[] = {
        {"{rate: 1%}\n      - {rate: 2%}",
         "the rules of line 4 and line 5 both state 0 conditions"},
        {"{card_type: debit, rate: 1%}\n      - {mcc: 5812, rate: 2%}",
         "line 4 and line 5 both state 1"},
        {"{rate: 0.60}", "rate: expected per cent"},
        {"{rate: 0.0000001%}", "rate: expected per cent"},
        {"{rate: 101%}", "rate: expected per cent"},
        {"{}", "rate is missing"},
        {"{rate: 1%, cap: 1.005}",
         "cap: expected an amount with at most 2 decimals, got \"1.005\""},
        {"{rate: 1%, floor: 2, cap: 1}", "cap: expected at least the floor"},
        {"{rate: 1%, card_type: debt}",
         "card_type: \"debt\" is not known here; did you mean \"debit\"?"},
        {"{rate: 1%, mcc: 541}", "mcc: expected 4 to 4 digits or a range (5411-5499), got \"541\""},
        {"{rate: 1%, mcc: 5499-5411}", "mcc: expected 4 to 4 digits"},
        {"{rate: 1%, from: 2026-02-29}", "from: expected a date"},
        {"{rate: 1%, from: 2026-02-02, until: 2026-02-02}", "until: expected a later day"},
        {"{rate: 1%, amount_min: 5, amount_max: 4}", "amount_max: expected at least amount_min"},
        {"{rate: 1%, brand: x}", "\"brand\" is not known here"},
        {"{rate: 1%, ratte: 1%}", "did you mean \"rate\"?"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[512];
        snprintf(text, sizeof(text), "plans:\n  P:\n    rules:\n      - %s\n%s", cases[i].rule,
                 COST);
        struct document *document = yaml_file_parse("fees.yaml", text, (uint32_t)strlen(text));
        assert_null(fee_plan_set_compile(document, NULL));
        assert_true(document_fault_count(document) >= 1);
        if (strstr(document_fault_text(document, 0), cases[i].fault) == NULL) {
            fail_msg("expected \"%s\", got \"%s\"", cases[i].fault,
                     document_fault_text(document, 0));
        }
        document_destroy(document);
    }
}

static void test_plans_that_lead_in_a_ring_are_refused(void **state)
{
    (void)state;
    static const char TEXT[] = "plans:\n  A: {otherwise: B, rules: [{rate: 1%, mcc: 5812}]}\n"
                               "  B: {otherwise: A, rules: [{rate: 1%, mcc: 5812}]}\n" COST;
    struct document *document = yaml_file_parse("fees.yaml", TEXT, sizeof(TEXT) - 1);
    assert_null(fee_plan_set_compile(document, NULL));
    assert_int_equal(document_fault_count(document), 1);
    assert_non_null(strstr(document_fault_text(document, 0), "does not lead back here"));
    document_destroy(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apply_rounds_half_up_before_floor_and_cap),
        cmocka_unit_test(test_apply_is_the_exact_product_rounded),
        cmocka_unit_test(test_worked_card_fees),
        cmocka_unit_test(test_most_specific_rule_wins),
        cmocka_unit_test(test_dates_begin_and_end_at_local_midnight),
        cmocka_unit_test(test_another_currency_finds_no_fee),
        cmocka_unit_test(test_explanation_shows_the_arithmetic),
        cmocka_unit_test(test_faults_say_what_was_expected),
        cmocka_unit_test(test_plans_that_lead_in_a_ring_are_refused),
    };
    return cmocka_run_group_tests_name("routing/fee_plan", tests, NULL, NULL);
}
