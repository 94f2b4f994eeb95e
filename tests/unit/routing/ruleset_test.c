/* A ruleset decides: who may ask, where the payment goes, what it costs, and why. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "config/yaml_file.h"
#include "routing/ruleset.h"

#define NOON_US INT64_C(1767268800000000) /* 2026-01-01 12:00 UTC */
#define ALL_UP UINT64_MAX
static const struct route_context AT_NOON = {.wall_us = NOON_US, .channel_is_up = ALL_UP};

static const char ROUTES[] = "routes:\n"
                             "  - when: {scheme: unionpay, bin: 624}\n"
                             "    channels: [bank_c]\n"
                             "  - when: {scheme: unionpay, amount_min: 5000.00}\n"
                             "    channels: [bank_b, bank_a]\n"
                             "  - when: {scheme: unionpay}\n"
                             "    channels: [bank_a, bank_b, bank_c]\n"
                             "  - when: {entry_mode: \"03\"}\n"
                             "    channels: [bank_b]\n";
static const char FEES[] =
    "plans:\n  SP1: {rules: [{card_type: debit, mcc: 5000-5999, merchant_class: standard, rate: "
    "0.50%, cap: 20.00}, {product: [qr, ic], amount_max: 9000, rate: "
    "0.38%}]}\n"
    "cost:\n  - {channel: bank_a, issuer_fee: {rate: 0.35%}, scheme_fee: {rate: 0.0325%}}\n"
    "  - {channel: [bank_b, bank_c], issuer_fee: {rate: 0.20%}, scheme_fee: {rate: 0%}}\n";

static void compile(struct ruleset *ruleset, const char *text,
                    void (*compile_into)(struct ruleset *, struct document *))
{
    struct document *document = yaml_file_parse("rules.yaml", text, (uint32_t)strlen(text));
    assert_non_null(document);
    compile_into(ruleset, document);
    for (uint32_t i = 0; i < document_fault_count(document); i++) {
        print_error("%s\n", document_fault_text(document, i));
    }
    assert_int_equal(document_fault_count(document), 0);
    document_destroy(document);
}

static void add_rows(struct ruleset *ruleset)
{
    static const struct channel_row channels[] = {
        {.name = "bank_a",
         .kinds = UINT64_C(1) << PAYMENT_PURCHASE | UINT64_C(1) << PAYMENT_BALANCE},
        {.name = "bank_b", .kinds = UINT64_C(1) << PAYMENT_PURCHASE},
        {.name = "bank_c"},
    };
    static const struct bin_rule bins[] = {
        {.prefix = 621094,
         .digit_count = 6,
         .pan_digits = 16,
         .card_type = CARD_TYPE_DEBIT,
         .issuer = 9},
        {.prefix = 411111, .digit_count = 6, .scheme = CARD_SCHEME_VISA},
        {.prefix = 625, .digit_count = 3, .card_type = CARD_TYPE_CREDIT},
    };
    static const struct merchant_row merchants[] = {
        {.merchant_id = "898110058120001",
         .mcc = "5812",
         .plan = "SP1",
         .is_active = true,
         .name = "Noodle house"},
        {.merchant_id = "898110058120002", .mcc = "5812", .plan = "SP1", .name = "Closed"},
        {.merchant_id = "898110058120003",
         .mcc = "5994",
         .plan = "SP1",
         .amount_max = 10000,
         .is_active = true,
         .name = "Kiosk"},
    };
    static const struct terminal_row terminals[] = {
        {.terminal_id = "10000001",
         .merchant_id = "898110058120001",
         .is_active = true,
         .brand = "newland"},
        {.terminal_id = "10000002", .merchant_id = "898110058120001", .is_active = false},
        {.terminal_id = "10000003", .merchant_id = "898110058120002", .is_active = true},
        {.terminal_id = "10000004", .merchant_id = "898110058120003", .is_active = true},
    };
    for (size_t i = 0; i < COUNT_OF(channels); i++) {
        assert_int_equal(channel_table_add(ruleset_channels(ruleset), &channels[i]), STATUS_OK);
    }
    for (size_t i = 0; i < COUNT_OF(bins); i++) {
        assert_int_equal(bin_table_add(ruleset_bins(ruleset), &bins[i]), STATUS_OK);
    }
    for (size_t i = 0; i < COUNT_OF(merchants); i++) {
        assert_int_equal(merchant_table_add(ruleset_merchants(ruleset), &merchants[i]), STATUS_OK);
    }
    for (size_t i = 0; i < COUNT_OF(terminals); i++) {
        assert_int_equal(terminal_table_add(ruleset_terminals(ruleset), &terminals[i]), STATUS_OK);
    }
}

static struct ruleset *unfrozen_ruleset(void)
{
    const struct ruleset_limits limits = {8, 8, 8};
    struct ruleset *ruleset = ruleset_create(7, &limits);
    assert_non_null(ruleset);
    add_rows(ruleset);
    compile(ruleset, ROUTES, ruleset_compile_routes);
    compile(ruleset, FEES, ruleset_compile_fees);
    return ruleset;
}

static struct ruleset *frozen_ruleset(void)
{
    char reason[160];
    struct ruleset *ruleset = unfrozen_ruleset();
    enum status status = ruleset_freeze(ruleset, reason);
    if (status != STATUS_OK) {
        fail_msg("%s", reason);
    }
    return ruleset;
}

/* A purchase of 100.00 with a debit card whose check digit is right. */
static struct payment purchase(void)
{
    struct payment payment;
    payment_clear(&payment);
    payment.kind = PAYMENT_PURCHASE;
    payment.amount = (struct money){10000, MONEY_CNY};
    snprintf(payment.terminal_id, sizeof(payment.terminal_id), "10000001");
    snprintf(payment.merchant_id, sizeof(payment.merchant_id), "898110058120001");
    snprintf(payment.entry_mode, sizeof(payment.entry_mode), "051");
    assert_int_equal(pan_parse(&payment.pan, "6210948000000060", 16), STATUS_OK);
    assert_true(pan_has_luhn(&payment.pan));
    return payment;
}

static void set_pan(struct payment *payment, const char *digits)
{
    assert_int_equal(pan_parse(&payment->pan, digits, strlen(digits)), STATUS_OK);
}

static struct route_decision decide(const struct ruleset *ruleset, const struct payment *payment,
                                    uint64_t up)
{
    struct route_decision decision;
    const struct route_context context = {.wall_us = NOON_US, .channel_is_up = up};
    ruleset_decide(ruleset, payment, &context, &decision);
    return decision;
}

static void test_first_rule_that_fits_names_the_channels(void **state)
{
    (void)state;
    struct ruleset *ruleset = frozen_ruleset();
    struct payment payment = purchase();
    struct route_decision decision = decide(ruleset, &payment, ALL_UP);
    assert_int_equal(decision.answer, ROUTE_FOUND);
    assert_int_equal(decision.rule, 6);
    assert_int_equal(decision.version, 7);
    assert_int_equal(decision.channel_count, 2); /* bank_c takes no purchases */
    assert_int_equal(decision.channels[0], 0);
    assert_int_equal(decision.channels[1], 1);
    assert_string_equal(decision.merchant->mcc, "5812");
    assert_int_equal(decision.terminal->index, 0);
    assert_int_equal(decision.bin->issuer, 9);
    payment.amount.minor = 500000;
    decision = decide(ruleset, &payment, ALL_UP);
    assert_int_equal(decision.rule, 4);
    assert_int_equal(decision.channels[0], 1);
    ruleset_destroy(ruleset);
}

static void test_fee_is_that_of_the_first_channel(void **state)
{
    (void)state;
    struct ruleset *ruleset = frozen_ruleset();
    struct payment payment = purchase();
    struct route_decision decision = decide(ruleset, &payment, ALL_UP);
    assert_int_equal(decision.fee.merchant_fee.minor, 50);
    assert_int_equal(decision.fee.issuer_fee.minor, 35);
    assert_int_equal(decision.fee.scheme_fee.minor, 3);
    assert_int_equal(fee_margin(&decision.fee).minor, 12);
    decision = decide(ruleset, &payment, 2); /* bank_a is down */
    assert_int_equal(decision.channels[0], 1);
    assert_int_equal(decision.fee.issuer_fee.minor, 20);
    ruleset_destroy(ruleset);
}

static void test_channels_that_are_down_come_last(void **state)
{
    (void)state;
    struct ruleset *ruleset = frozen_ruleset();
    struct payment payment = purchase();
    struct route_decision decision = decide(ruleset, &payment, 0);
    assert_int_equal(decision.answer, ROUTE_FOUND);
    assert_int_equal(decision.channel_count, 2);
    assert_int_equal(decision.channels[0], 0);
    decision = decide(ruleset, &payment, 2);
    assert_int_equal(decision.channels[0], 1);
    assert_int_equal(decision.channels[1], 0);
    ruleset_destroy(ruleset);
}

static void expect_answer(const struct ruleset *ruleset, const struct payment *payment,
                          enum route_answer answer)
{
    char text[ROUTE_EXPLANATION_SIZE];
    struct route_decision decision = decide(ruleset, payment, ALL_UP);
    if (decision.answer != answer) {
        fail_msg("expected \"%s\", got \"%s\"", route_answer_text(answer),
                 route_answer_text(decision.answer));
    }
    assert_int_equal(decision.channel_count, 0);
    ruleset_explain(ruleset, payment, &AT_NOON, text);
    assert_non_null(strstr(text, route_answer_text(answer)));
}

static void test_each_refusal_has_its_answer(void **state)
{
    (void)state;
    struct ruleset *ruleset = frozen_ruleset();
    static const struct {
        const char *terminal_id, *merchant_id;
        enum route_answer answer;
    } parties[] = {
        {"19999999", "898110058120001", ROUTE_TERMINAL_UNKNOWN},
        {"", "898110058120001", ROUTE_TERMINAL_UNKNOWN},
        {"10000002", "898110058120001", ROUTE_TERMINAL_STOPPED},
        {"10000001", "898110058129999", ROUTE_MERCHANT_UNKNOWN},
        {"10000001", "898110058120003", ROUTE_MERCHANT_MISMATCH},
        {"10000003", "898110058120002", ROUTE_MERCHANT_STOPPED},
    };
    for (size_t i = 0; i < COUNT_OF(parties); i++) {
        struct payment payment = purchase();
        snprintf(payment.terminal_id, sizeof(payment.terminal_id), "%s", parties[i].terminal_id);
        snprintf(payment.merchant_id, sizeof(payment.merchant_id), "%s", parties[i].merchant_id);
        expect_answer(ruleset, &payment, parties[i].answer);
    }
    ruleset_destroy(ruleset);
}

static void test_amounts_that_cannot_be(void **state)
{
    (void)state;
    struct ruleset *ruleset = frozen_ruleset();
    static const struct money amounts[] = {
        {0, MONEY_CNY}, {-1, MONEY_CNY}, {MONEY_MINOR_MAX + 1, MONEY_CNY}, {100, 840}};
    for (size_t i = 0; i < COUNT_OF(amounts); i++) {
        struct payment payment = purchase();
        payment.amount = amounts[i];
        expect_answer(ruleset, &payment, ROUTE_AMOUNT_INVALID);
    }
    struct payment payment = purchase();
    snprintf(payment.terminal_id, sizeof(payment.terminal_id), "10000004");
    snprintf(payment.merchant_id, sizeof(payment.merchant_id), "898110058120003");
    assert_int_equal(decide(ruleset, &payment, ALL_UP).answer, ROUTE_FOUND);
    payment.amount.minor++;
    expect_answer(ruleset, &payment, ROUTE_LIMIT_AMOUNT);
    ruleset_destroy(ruleset);
}

static void test_cards_that_cannot_be(void **state)
{
    (void)state;
    struct ruleset *ruleset = frozen_ruleset();
    struct payment payment = purchase();
    set_pan(&payment, "6210948000000061"); /* check digit */
    expect_answer(ruleset, &payment, ROUTE_CARD_INVALID);
    set_pan(&payment, "6210948000000000004"); /* 19 digits where the range says 16 */
    assert_true(pan_has_luhn(&payment.pan));
    expect_answer(ruleset, &payment, ROUTE_CARD_INVALID);
    payment.pan = (struct pan){0};
    expect_answer(ruleset, &payment, ROUTE_CARD_INVALID);
    set_pan(&payment, "5555555555554444");
    expect_answer(ruleset, &payment, ROUTE_NO_ISSUER);
    set_pan(&payment, "4111111111111111");
    expect_answer(ruleset, &payment, ROUTE_NO_ROUTE);
    ruleset_destroy(ruleset);
}

static void test_a_kind_that_no_channel_offers(void **state)
{
    (void)state;
    struct ruleset *ruleset = frozen_ruleset();
    struct payment payment = purchase();
    payment.kind = PAYMENT_REFUND;
    expect_answer(ruleset, &payment, ROUTE_NOT_SUPPORTED);
    ruleset_destroy(ruleset);
}

static void test_a_payment_without_price_is_refused(void **state)
{
    (void)state;
    struct ruleset *ruleset = frozen_ruleset();
    struct payment payment = purchase();
    set_pan(&payment, "6250941006528599"); /* credit, and above 9000.00 no rule fits */
    assert_true(pan_has_luhn(&payment.pan));
    assert_int_equal(decide(ruleset, &payment, ALL_UP).answer, ROUTE_FOUND);
    payment.amount.minor = 900001;
    expect_answer(ruleset, &payment, ROUTE_NO_FEE);
    ruleset_destroy(ruleset);
}

static void test_balance_needs_no_amount_and_costs_nothing(void **state)
{
    (void)state;
    struct ruleset *ruleset = frozen_ruleset();
    struct payment payment = purchase();
    payment.kind = PAYMENT_BALANCE;
    payment.amount = (struct money){0};
    struct route_decision decision = decide(ruleset, &payment, ALL_UP);
    assert_int_equal(decision.answer, ROUTE_FOUND);
    assert_int_equal(decision.fee.merchant_fee.minor, 0);
    ruleset_destroy(ruleset);
}

static void test_qr_payment_needs_no_card(void **state)
{
    (void)state;
    struct ruleset *ruleset = frozen_ruleset();
    struct payment payment = purchase();
    payment.pan = (struct pan){0};
    snprintf(payment.entry_mode, sizeof(payment.entry_mode), "032");
    struct route_decision decision = decide(ruleset, &payment, ALL_UP);
    assert_int_equal(decision.answer, ROUTE_FOUND);
    assert_int_equal(decision.channels[0], 1);
    assert_int_equal(decision.fee.merchant_fee.minor, 38);
    assert_null(decision.bin);
    ruleset_destroy(ruleset);
}

static void test_explanation_tells_each_step(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "rules of version 7: a channel was found",
        "terminal 10000001: active, of merchant 898110058120001, brand newland",
        "category 5812, standard, plan SP1",
        "card: BIN 621094, unionpay debit, issuer 9",
        "route rule of line 2 does not fit: bin",
        "route rule of line 4 does not fit: amount",
        "route rule of line 6 fits (scheme unionpay): ordered, channels bank_a, bank_b, bank_c",
        "  channel bank_c: does not offer purchase",
        "it goes to bank_a",
        "merchant fee: 100.00 CNY x 0.500000 % = 50.00000000 minor units, half up 50",
        "margin: 0.12 CNY",
    };
    struct ruleset *ruleset = frozen_ruleset();
    struct payment payment = purchase();
    char text[ROUTE_EXPLANATION_SIZE];
    ruleset_explain(ruleset, &payment, &AT_NOON, text);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        if (strstr(text, expected[i]) == NULL) {
            fail_msg("\"%s\" is not in \"%s\"", expected[i], text);
        }
    }
    assert_null(strstr(text, payment.pan.digits)); /* I32 */
    ruleset_destroy(ruleset);
}

static void test_sign_on_asks_only_who_it_is(void **state)
{
    (void)state;
    struct ruleset *ruleset = frozen_ruleset();
    struct payment payment = purchase();
    const struct terminal_row *terminal;
    payment.kind = PAYMENT_SIGNON;
    payment.pan = (struct pan){0};
    assert_int_equal(ruleset_admit(ruleset, &payment, &terminal), ROUTE_FOUND);
    assert_string_equal(terminal->terminal_id, "10000001");
    payment.terminal_id[7] = '9';
    assert_int_equal(ruleset_admit(ruleset, &payment, &terminal), ROUTE_TERMINAL_UNKNOWN);
    assert_null(terminal);
    ruleset_destroy(ruleset);
}

static void test_freeze_refuses_loose_ends(void **state)
{
    (void)state;
    char reason[160];
    struct ruleset *ruleset = unfrozen_ruleset();
    struct terminal_row stray = {.terminal_id = "10000009", .merchant_id = "898110058129999"};
    assert_int_equal(terminal_table_add(ruleset_terminals(ruleset), &stray), STATUS_OK);
    assert_int_equal(ruleset_freeze(ruleset, reason), STATUS_MISSING);
    assert_string_equal(reason, "terminal 10000009: its merchant is not registered");
    assert_int_equal(ruleset_freeze_fault(ruleset)->part, RULESET_TERMINALS);
    assert_string_equal(ruleset_freeze_fault(ruleset)->key, "10000009");
    ruleset_destroy(ruleset);

    ruleset = unfrozen_ruleset();
    struct merchant_row unpriced = {.merchant_id = "898110058120009", .plan = "SP2"};
    assert_int_equal(merchant_table_add(ruleset_merchants(ruleset), &unpriced), STATUS_OK);
    assert_int_equal(ruleset_freeze(ruleset, reason), STATUS_MISSING);
    assert_string_equal(reason, "merchant 898110058120009: its plan is not in the fees file");
    ruleset_destroy(ruleset);

    ruleset = unfrozen_ruleset();
    struct terminal_row twice = {.terminal_id = "10000001", .merchant_id = "898110058120001"};
    assert_int_equal(terminal_table_add(ruleset_terminals(ruleset), &twice), STATUS_OK);
    assert_int_equal(ruleset_freeze(ruleset, reason), STATUS_DUPLICATE);
    assert_string_equal(ruleset_freeze_fault(ruleset)->key, "10000001");
    ruleset_destroy(ruleset);

    const struct ruleset_limits limits = {1, 1, 1};
    ruleset = ruleset_create(1, &limits);
    assert_int_equal(ruleset_freeze(ruleset, reason), STATUS_MISSING);
    assert_string_equal(reason, "no route rules were compiled");
    ruleset_destroy(ruleset);
}

static void test_decide_before_freeze_is_our_bug(void **state)
{
    (void)state;
    struct ruleset *ruleset = unfrozen_ruleset();
    struct payment payment = purchase();
    struct route_decision decision;
    expect_assert_failure(ruleset_decide(ruleset, &payment, &AT_NOON, &decision));
    ruleset_destroy(ruleset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_rule_that_fits_names_the_channels),
        cmocka_unit_test(test_fee_is_that_of_the_first_channel),
        cmocka_unit_test(test_channels_that_are_down_come_last),
        cmocka_unit_test(test_each_refusal_has_its_answer),
        cmocka_unit_test(test_amounts_that_cannot_be),
        cmocka_unit_test(test_cards_that_cannot_be),
        cmocka_unit_test(test_a_kind_that_no_channel_offers),
        cmocka_unit_test(test_a_payment_without_price_is_refused),
        cmocka_unit_test(test_balance_needs_no_amount_and_costs_nothing),
        cmocka_unit_test(test_qr_payment_needs_no_card),
        cmocka_unit_test(test_explanation_tells_each_step),
        cmocka_unit_test(test_sign_on_asks_only_who_it_is),
        cmocka_unit_test(test_freeze_refuses_loose_ends),
        cmocka_unit_test(test_decide_before_freeze_is_our_bug),
    };
    return cmocka_run_group_tests_name("routing/ruleset", tests, NULL, NULL);
}
