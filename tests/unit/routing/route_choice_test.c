/* Which of a rule's channels is asked: by order, weight, cost or health; up, and not tripped. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "config/yaml_file.h"
#include "routing/ruleset.h"

#define NOON_US INT64_C(1767268800000000) /* 2026-01-01 12:00 UTC */
#define SECOND UINT64_C(1000000000)

static const char FEES[] =
    "plans:\n  P: {rules: [{rate: 0.50%}]}\n"
    "cost:\n  - {channel: bank_a, issuer_fee: {rate: 0.35%}, scheme_fee: {rate: 0%}}\n"
    "  - {channel: bank_b, issuer_fee: {fixed: 0.20, rate: 0%}, scheme_fee: {rate: 0%}}\n";
static const char BREAKER[] = "breaker: {request_min: 2, probe_count: 1}\n";

static void compile(struct ruleset *ruleset, const char *text,
                    void (*compile_into)(struct ruleset *, struct document *))
{
    struct document *document = yaml_file_parse("rules.yaml", text, (uint32_t)strlen(text));
    compile_into(ruleset, document);
    if (document_fault_count(document) > 0) {
        fail_msg("%s", document_fault_text(document, 0));
    }
    document_destroy(document);
}

static struct ruleset *ruleset_of(const char *routes)
{
    const struct ruleset_limits limits = {2, 2, 2};
    const struct merchant_row merchant = {
        .merchant_id = "898110058120001", .mcc = "5812", .plan = "P", .is_active = true};
    const struct terminal_row terminal = {
        .terminal_id = "10000001", .merchant_id = "898110058120001", .is_active = true};
    char text[1024], reason[160];
    struct ruleset *ruleset = ruleset_create(1, &limits);
    struct bin_rule bin = {.prefix = 62, .digit_count = 2};
    bin.group = bin_table_group(ruleset_bins(ruleset), "fleet");
    assert_int_equal(bin.group, 1);
    assert_int_equal(bin_table_add(ruleset_bins(ruleset), &bin), STATUS_OK);
    assert_int_equal(merchant_table_add(ruleset_merchants(ruleset), &merchant), STATUS_OK);
    assert_int_equal(terminal_table_add(ruleset_terminals(ruleset), &terminal), STATUS_OK);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const names[] = {"bank_a", "bank_b", "wallet"};
        struct channel_row row = {.kinds = UINT64_MAX};
        snprintf(row.name, sizeof(row.name), "%s", names[i]);
        assert_int_equal(channel_table_add(ruleset_channels(ruleset), &row), STATUS_OK);
    }
    snprintf(text, sizeof(text), "%sroutes:\n%s", BREAKER, routes);
    compile(ruleset, FEES, ruleset_compile_fees);
    compile(ruleset, text, ruleset_compile_routes);
    assert_int_equal(ruleset_freeze(ruleset, reason), STATUS_OK);
    return ruleset;
}

static struct payment purchase(uint32_t stan, int64_t minor)
{
    struct payment payment;
    payment_clear(&payment);
    payment.kind = PAYMENT_PURCHASE;
    payment.stan = stan;
    payment.batch = 1;
    payment.amount = (struct money){minor, MONEY_CNY};
    snprintf(payment.terminal_id, sizeof(payment.terminal_id), "10000001");
    snprintf(payment.merchant_id, sizeof(payment.merchant_id), "898110058120001");
    snprintf(payment.entry_mode, sizeof(payment.entry_mode), "051");
    assert_int_equal(pan_parse(&payment.pan, "6210948000000060", 16), STATUS_OK);
    return payment;
}

static const uint8_t PLACES[CHANNEL_COUNT_MAX] = {5, 6, 7};

static struct route_decision decide(const struct ruleset *ruleset, const struct payment *payment,
                                    const struct channel_health *health)
{
    struct route_decision decision;
    const struct route_context context = {.wall_us = NOON_US,
                                          .channel_is_up = 7,
                                          .now_ns = SECOND,
                                          .health = health,
                                          .health_places = PLACES};
    ruleset_decide(ruleset, payment, &context, &decision);
    return decision;
}

static void test_weights_split_and_a_repeat_goes_the_same_way(void **state)
{
    (void)state;
    struct ruleset *ruleset =
        ruleset_of("  - {strategy: weighted, channels: {bank_a: 70, bank_b: 30}}\n");
    unsigned to_a = 0;
    for (uint32_t stan = 1; stan <= 10000; stan++) {
        struct payment payment = purchase(stan, 10000);
        struct route_decision decision = decide(ruleset, &payment, NULL);
        assert_int_equal(decision.answer, ROUTE_FOUND);
        assert_int_equal(decision.channel_count, 2);
        assert_int_equal(decide(ruleset, &payment, NULL).channels[0], decision.channels[0]);
        to_a += decision.channels[0] == 0;
    }
    assert_in_range(to_a, 6800, 7200);
    ruleset_destroy(ruleset);
}

static void test_the_cheapest_depends_on_the_amount(void **state)
{
    (void)state;
    struct ruleset *ruleset = ruleset_of("  - {strategy: cheapest, channels: [bank_a, bank_b]}\n");
    struct payment payment = purchase(1, 1000); /* 0.04 against 0.20 */
    assert_int_equal(decide(ruleset, &payment, NULL).channels[0], 0);
    payment.amount.minor = 100000; /* 3.50 against 0.20 */
    struct route_decision decision = decide(ruleset, &payment, NULL);
    assert_int_equal(decision.channels[0], 1);
    assert_int_equal(decision.channels[1], 0);
    assert_int_equal(decision.fee.issuer_fee.minor, 20);
    ruleset_destroy(ruleset);
}

static void test_what_cannot_be_priced_is_no_bargain(void **state)
{
    (void)state;
    struct ruleset *ruleset = ruleset_of("  - {strategy: cheapest, channels: [wallet, bank_b]}\n");
    struct payment payment = purchase(1, 1000);
    assert_int_equal(decide(ruleset, &payment, NULL).channels[0], 1);
    ruleset_destroy(ruleset);
}

static void fault(struct channel_health *health, const struct ruleset *ruleset, uint16_t channel,
                  bool is_fault)
{
    const struct health_outcome outcome = {
        .is_fault = is_fault, .fault = HEALTH_CODE, .latency_ns = SECOND};
    channel_health_end(health, (struct health_spot){PLACES[channel], 1},
                       ruleset_breaker(ruleset, channel), &outcome, SECOND);
}

static void test_the_healthiest_has_the_fewest_faults(void **state)
{
    (void)state;
    struct ruleset *ruleset =
        ruleset_of("  - {strategy: healthiest, channels: [bank_a, bank_b]}\n");
    struct channel_health *health = channel_health_create();
    struct payment payment = purchase(1, 1000);
    assert_int_equal(decide(ruleset, &payment, health).channels[0], 0); /* nothing is known */
    for (int i = 0; i < 3; i++) {
        fault(health, ruleset, 0, false);
        fault(health, ruleset, 1, false);
    }
    fault(health, ruleset, 0, true); /* one of four: not enough to open */
    assert_int_equal(decide(ruleset, &payment, health).channels[0], 1);
    channel_health_destroy(health);
    ruleset_destroy(ruleset);
}

static void test_a_tripped_channel_is_left_out(void **state)
{
    (void)state;
    struct ruleset *ruleset = ruleset_of("  - {channels: [bank_a, bank_b]}\n");
    struct channel_health *health = channel_health_create();
    struct payment payment = purchase(1, 1000);
    fault(health, ruleset, 0, true);
    fault(health, ruleset, 0, true);
    struct route_decision decision = decide(ruleset, &payment, health);
    assert_int_equal(decision.channel_count, 1);
    assert_int_equal(decision.channels[0], 1);
    char text[ROUTE_EXPLANATION_SIZE];
    const struct route_context context = {.wall_us = NOON_US,
                                          .channel_is_up = 7,
                                          .now_ns = SECOND,
                                          .health = health,
                                          .health_places = PLACES};
    ruleset_explain(ruleset, &payment, &context, text);
    assert_non_null(strstr(text, "channel bank_a: up, breaker open: answers said that the bank"));
    assert_non_null(strstr(text, "it goes to bank_b"));
    fault(health, ruleset, 1, true);
    fault(health, ruleset, 1, true);
    assert_int_equal(decide(ruleset, &payment, health).answer, ROUTE_CHANNEL_TRIPPED);
    channel_health_destroy(health);
    ruleset_destroy(ruleset);
}

static void test_what_is_bound_goes_there_whatever_rules_say(void **state)
{
    (void)state;
    struct ruleset *ruleset = ruleset_of("  - {when: {kind: purchase}, channels: [bank_a]}\n");
    struct payment payment = purchase(1, 1000);
    payment.kind = PAYMENT_REFUND;
    struct route_context context = {.wall_us = NOON_US, .channel_is_up = 7};
    struct route_decision decision;
    ruleset_decide(ruleset, &payment, &context, &decision);
    assert_int_equal(decision.answer, ROUTE_NO_ROUTE);
    context.is_bound = true;
    context.bound_channel = 1;
    ruleset_decide(ruleset, &payment, &context, &decision);
    assert_int_equal(decision.answer, ROUTE_FOUND);
    assert_int_equal(decision.channels[0], 1);
    ruleset_destroy(ruleset);
}

static void test_a_code_has_the_scheme_of_its_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int channel; /* -1: refused */
    } cases[] = {
        {"287654321098765432", 2},  {"250000000000000000000000", 2}, {"2500000000000000", 2},
        {"130987654321098765", 1},  {"6221234567890123456", 0},      {"13098765432109876", -1},
        {"990987654321098765", -1}, {"28765432109876543x", -1},      {"3", -1},
    };
    struct ruleset *ruleset = ruleset_of("  - {when: {scheme: alipay}, channels: [wallet]}\n"
                                         "  - {when: {scheme: wechat}, channels: [bank_b]}\n"
                                         "  - {when: {scheme: unionpay}, channels: [bank_a]}\n");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct payment payment = purchase(1, 1000);
        payment.pan = (struct pan){0};
        snprintf(payment.entry_mode, sizeof(payment.entry_mode), "031");
        snprintf(payment.pay_code, sizeof(payment.pay_code), "%s", cases[i].code);
        struct route_decision decision;
        const struct route_context context = {.wall_us = NOON_US, .channel_is_up = 7};
        ruleset_decide(ruleset, &payment, &context, &decision);
        if (cases[i].channel < 0) {
            assert_int_equal(decision.answer, ROUTE_CODE_UNKNOWN);
        } else if (cases[i].channel == 2) {
            assert_int_equal(decision.answer, ROUTE_NO_FEE); /* no cost of the wallet is known */
        } else {
            assert_int_equal(decision.answer, ROUTE_FOUND);
            assert_int_equal(decision.channels[0], cases[i].channel);
        }
    }
    ruleset_destroy(ruleset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_split_and_a_repeat_goes_the_same_way),
        cmocka_unit_test(test_the_cheapest_depends_on_the_amount),
        cmocka_unit_test(test_what_cannot_be_priced_is_no_bargain),
        cmocka_unit_test(test_the_healthiest_has_the_fewest_faults),
        cmocka_unit_test(test_a_tripped_channel_is_left_out),
        cmocka_unit_test(test_what_is_bound_goes_there_whatever_rules_say),
        cmocka_unit_test(test_a_code_has_the_scheme_of_its_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
