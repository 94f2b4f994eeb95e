/* Fees are exact to the minor unit, most specific rules win, and the parts add up (I16). */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "config/file_text.h"
#include "config/yaml_file.h"
#include "routing/fee_plan.h"

#define DEMO_FEES TILLWAY_SOURCE_DIR "/config/demo/fees.yaml"
#define DATE_2026_US (INT64_C(1767225600) * 1000000)

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
        "plan SP1: rule fees.yaml:11 (scheme unionpay, card_type debit, merchant_class standard)",
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

/* The fee of 1000.00 in that plan. */
static struct fee_quote quote_of(const struct fee_plan_set *plans, const struct fee_inputs *inputs)
{
    struct fee_quote quote;
    assert_int_equal(fee_quote(plans, inputs, &quote), STATUS_OK);
    return quote;
}

static void test_tiers_go_by_the_month_before_the_payment(void **state)
{
    (void)state;
    struct fee_plan_set *plans =
        plans_of("plans:\n  P:\n    rules:\n      - {month_max: 9999.99, rate: 0.60%}\n"
                 "      - {month_min: 10000, month_max: 99999.99, rate: 0.50%}\n"
                 "      - {month_min: 100000, rate: 0.40%}\n" COST);
    struct payment payment = purchase("051");
    struct merchant_row merchant = {.plan = "P", .mcc = "5812"};
    struct fee_inputs inputs = {
        .amount = {100000, MONEY_CNY}, .merchant = &merchant, .payment = &payment};
    static const struct {
        int64_t month, fee;
    } cases[] = {{0, 600}, {999999, 600}, {1000000, 500}, {9999999, 500}, {10000000, 400}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        inputs.month_minor = cases[i].month;
        assert_int_equal(quote_of(plans, &inputs).merchant_fee.minor, cases[i].fee);
        assert_int_equal(quote_of(plans, &inputs).basis.month_minor, cases[i].month);
    }
    fee_plan_set_destroy(plans);
}

static void test_an_exemption_ends_on_its_day(void **state)
{
    (void)state;
    struct fee_plan_set *plans = plans_of("plans:\n  P:\n    rules:\n"
                                          "      - {merchant_class: exempt, rate: 0%}\n"
                                          "      - {merchant_class: standard, rate: 1%}\n" COST);
    struct payment payment = purchase("051");
    struct merchant_row merchant = {.plan = "P",
                                    .mcc = "8062",
                                    .merchant_class = MERCHANT_EXEMPT,
                                    .exempt_until_day = 20454}; /* 2026-01-01 */
    struct fee_inputs inputs = {
        .amount = {1000, MONEY_CNY}, .merchant = &merchant, .payment = &payment};
    const int64_t midnight_us = DATE_2026_US - 8 * INT64_C(3600000000);
    inputs.wall_us = midnight_us - 1;
    assert_int_equal(quote_of(plans, &inputs).merchant_fee.minor, 0);
    assert_int_equal(quote_of(plans, &inputs).basis.merchant_class, MERCHANT_EXEMPT);
    inputs.wall_us = midnight_us;
    assert_int_equal(quote_of(plans, &inputs).merchant_fee.minor, 10);
    assert_int_equal(quote_of(plans, &inputs).basis.merchant_class, MERCHANT_STANDARD);
    merchant.exempt_until_day = 0;
    assert_int_equal(quote_of(plans, &inputs).merchant_fee.minor, 0);
    fee_plan_set_destroy(plans);
}

static void test_a_discount_lowers_rates_and_caps_by_its_own_factors(void **state)
{
    (void)state;
    struct fee_plan_set *plans = plans_of(
        "plans:\n  P: {rules: [{rate: 1%}]}\ncost:\n"
        "  - {issuer_fee: {rate: 0.35%, cap: 13.00}, scheme_fee: {rate: 0.0325%, cap: 3.25}}\n"
        "discounts:\n"
        "  - {mcc: 5411, from: 2021-09-30, until: 2024-09-30, factor: 0.78, cap_factor: 0.78}\n"
        "  - {mcc: 5812, from: 2021-09-30, until: 2024-09-30, factor: 0.9}\n");
    struct payment payment = purchase("051");
    struct merchant_row merchant = {.plan = "P"};
    struct fee_inputs inputs = {.merchant = &merchant, .payment = &payment};
    static const struct {
        const char *mcc;
        int64_t day, amount, issuer, scheme;
        uint32_t line;
    } cases[] = {
        {"5411", 18993, 100000, 273, 25, 6}, {"5411", 18993, 10000000, 1014, 254, 6},
        {"5812", 18993, 100000, 315, 29, 7}, {"5812", 18993, 10000000, 1300, 325, 7},
        {"5411", 20454, 100000, 350, 33, 0}, {"7011", 18993, 10000000, 1300, 325, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        snprintf(merchant.mcc, sizeof(merchant.mcc), "%s", cases[i].mcc);
        inputs.amount = (struct money){cases[i].amount, MONEY_CNY};
        inputs.wall_us = cases[i].day * INT64_C(86400000000);
        struct fee_quote quote = quote_of(plans, &inputs);
        assert_int_equal(quote.issuer_fee.minor, cases[i].issuer);
        assert_int_equal(quote.scheme_fee.minor, cases[i].scheme);
        assert_int_equal(quote.discount_rule, cases[i].line);
    }
    fee_plan_set_destroy(plans);
}

static void test_a_wallet_takes_one_fee(void **state)
{
    (void)state;
    struct fee_plan_set *plans = plans_of("plans:\n  P: {rules: [{rate: 0.38%}]}\ncost:\n"
                                          "  - {channel: alipay, wallet_fee: {rate: 0.20%}}\n");
    struct payment payment = purchase("032");
    struct merchant_row merchant = {.plan = "P", .mcc = "5812"};
    struct fee_inputs inputs = {.amount = {8880, MONEY_CNY},
                                .merchant = &merchant,
                                .payment = &payment,
                                .channel = "alipay"};
    struct fee_quote quote = quote_of(plans, &inputs);
    assert_int_equal(quote.issuer_fee.minor, 18);
    assert_int_equal(quote.scheme_fee.minor, 0);
    assert_int_equal(fee_margin(&quote).minor, 16);
    fee_plan_set_destroy(plans);
}

static void test_what_sells_below_cost_is_told(void **state)
{
    (void)state;
    char text[2048];
    struct fee_plan_set *plans = demo_plans();
    fee_plan_set_losses(plans, text, sizeof(text));
    assert_non_null(strstr(text, "plan SMALL sells below the cost of line"));
    assert_non_null(strstr(text, "plan CAP50 sells below the cost of line"));
    assert_null(strstr(text, "plan SP1"));
    assert_int_equal(fee_plan_set_losses(plans, text, 40), 0);
    fee_plan_set_destroy(plans);
    plans = plans_of("plans:\n  P: {rules: [{rate: 0.60%}]}\n"
                     "cost:\n  - {issuer_fee: {rate: 0.45%}, scheme_fee: {rate: 0.0325%}}\n");
    assert_int_equal(fee_plan_set_losses(plans, text, sizeof(text)), 0);
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

static void test_faults_of_costs_and_discounts_say_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"plans: {P: {refund_fee_policy: half, rules: [{rate: 1%}]}}\n" COST,
         "one of proportional, full, none was expected"},
        {"plans: {\"P 1\": {rules: [{rate: 1%}]}}\n" COST, "expected a name of 1 to 15 letters"},
        {"plans: {P: {rules: [{rate: 1%, month_min: 5, month_max: 4}]}}\n" COST,
         "month_max: expected at least month_min"},
        {"plans: {P: {rules: [{rate: 1%}]}}\n"
         "cost:\n  - {wallet_fee: {rate: 1%}, scheme_fee: {rate: 0%}}\n",
         "without issuer_fee and scheme_fee"},
        {"plans: {P: {rules: [{rate: 1%}]}}\n" COST "discounts: [{factor: 1.5}]\n",
         "factor: expected a factor from 0 to 1"},
        {"plans: {P: {rules: [{rate: 1%}]}}\n" COST "discounts: [{cap_factor: 0.5}]\n",
         "factor is missing"},
        {"plans: {P: {rules: [{rate: 1%}]}}\n" COST "discounts: [{factor: 0.9}, {factor: 0.8}]\n",
         "both state 0 conditions"},
        {"plans: {P: {rules: [{rate: 1%}]}}\n"
         "cost: [{issuer_fee: {rate: 0.000001%}, scheme_fee: {rate: 0%}}]\n"
         "discounts: [{factor: 0.9}]\n",
         "finer than 0.000001 %"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct document *document =
            yaml_file_parse("fees.yaml", cases[i].text, (uint32_t)strlen(cases[i].text));
        assert_null(fee_plan_set_compile(document, NULL));
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
        cmocka_unit_test(test_tiers_go_by_the_month_before_the_payment),
        cmocka_unit_test(test_an_exemption_ends_on_its_day),
        cmocka_unit_test(test_a_discount_lowers_rates_and_caps_by_its_own_factors),
        cmocka_unit_test(test_a_wallet_takes_one_fee),
        cmocka_unit_test(test_what_sells_below_cost_is_told),
        cmocka_unit_test(test_most_specific_rule_wins),
        cmocka_unit_test(test_dates_begin_and_end_at_local_midnight),
        cmocka_unit_test(test_another_currency_finds_no_fee),
        cmocka_unit_test(test_explanation_shows_the_arithmetic),
        cmocka_unit_test(test_faults_say_what_was_expected),
        cmocka_unit_test(test_faults_of_costs_and_discounts_say_what_was_expected),
        cmocka_unit_test(test_plans_that_lead_in_a_ring_are_refused),
    };
    return cmocka_run_group_tests_name("routing/fee_plan", tests, NULL, NULL);
}
