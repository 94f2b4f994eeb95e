/* Route rules are checked whole at load: unknown words, unknown channels, rules never reached. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "config/yaml_file.h"
#include "routing/route_rule.h"

static struct channel_table *channels_make(void)
{
    struct channel_table *channels = channel_table_create();
    assert_int_equal(channel_table_add(channels, &(struct channel_row){"bank_a", 1}), STATUS_OK);
    assert_int_equal(channel_table_add(channels, &(struct channel_row){"bank_b", 1}), STATUS_OK);
    return channels;
}

static void test_faults_say_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *fault;
    } cases[] = {
        {"  - {channels: [bnk_a]}\n",
         "2:17: channels: expected a channel, got \"bnk_a\"; did you mean \"bank_a\"?"},
        {"  - {when: {scheme: visa}}\n", "channels: expected a list of 1 to 4 channels"},
        {"  - {channels: []}\n", "channels: expected a list of 1 to 4 channels"},
        {"  - {channels: bank_a}\n", "channels: expected a list of 1 to 4 channels"},
        {"  - {channels: [bank_a, bank_a]}\n", "expected each once, got bank_a twice"},
        {"  - {chanels: [bank_a]}\n", "did you mean \"channels\"?"},
        {"  - {when: {schema: visa}, channels: [bank_a]}\n", "did you mean \"scheme\"?"},
        {"  - {when: {kind: purchas}, channels: [bank_a]}\n", "did you mean \"purchase\"?"},
        {"  - {when: {product: qr}, channels: [bank_a]}\n", "\"product\" is not known here"},
        {"  - {when: {bin: 1234567890123}, channels: [bank_a]}\n", "bin: expected 1 to 12 digits"},
        {"  - {when: {merchant: 8981100581200011}, channels: [bank_a]}\n",
         "merchant: expected 1 to 15 characters"},
        {"  - {when: {scheme: [[visa]]}, channels: [bank_a]}\n", "scheme: \"\" is not known here"},
        {"  - {when: x, channels: [bank_a]}\n", "when: expected a section"},
        {"  - x\n", "expected a rule"},
        {"  - {channels: [bank_a]}\n  - {when: {scheme: visa}, channels: [bank_b]}\n",
         "3:5: this rule is never reached: whatever fits it fits the rule of line 2 first"},
        {"  - {when: {bin: [62, 4]}, channels: [bank_a]}\n"
         "  - {when: {bin: 6221, scheme: unionpay}, channels: [bank_b]}\n",
         "rule of line 2 first"},
        {"  - {when: {amount_max: 100}, channels: [bank_a]}\n"
         "  - {when: {amount_min: 5, amount_max: 50}, channels: [bank_b]}\n",
         "rule of line 2 first"},
        {"  - {when: {brand: [a, b]}, channels: [bank_a]}\n"
         "  - {when: {brand: b}, channels: [bank_b]}\n",
         "rule of line 2 first"},
    };
    struct channel_table *channels = channels_make();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[512];
        snprintf(text, sizeof(text), "routes:\n%s", cases[i].rules);
        struct document *document = yaml_file_parse("routes.yaml", text, (uint32_t)strlen(text));
        assert_null(route_rules_compile(document, channels));
        assert_true(document_fault_count(document) >= 1);
        if (strstr(document_fault_text(document, 0), cases[i].fault) == NULL) {
            fail_msg("expected \"%s\", got \"%s\"", cases[i].fault,
                     document_fault_text(document, 0));
        }
        document_destroy(document);
    }
    channel_table_destroy(channels);
}

static void test_rules_that_only_overlap_are_fine(void **state)
{
    (void)state;
    static const char TEXT[] = "routes:\n"
                               "  - {when: {bin: 6221}, channels: [bank_a]}\n"
                               "  - {when: {bin: 62}, channels: [bank_b]}\n"
                               "  - {when: {amount_max: 50}, channels: [bank_b]}\n"
                               "  - {when: {amount_max: 50.01}, channels: [bank_b]}\n"
                               "  - {when: {mcc: [5411-5499], region: 11}, channels: [bank_b]}\n"
                               "  - {when: {mcc: [5411-5500]}, channels: [bank_b]}\n"
                               "  - {channels: [bank_b, bank_a]}\n";
    struct channel_table *channels = channels_make();
    struct document *document = yaml_file_parse("routes.yaml", TEXT, sizeof(TEXT) - 1);
    struct route_rules *rules = route_rules_compile(document, channels);
    assert_int_equal(document_fault_count(document), 0);
    assert_non_null(rules);
    assert_int_equal(route_rules_count(rules), 7);
    assert_int_equal(route_rules_at(rules, 6)->line, 8);
    document_destroy(document);
    route_rules_destroy(rules);
    channel_table_destroy(channels);
}

/* One condition at a time against one payment. */
static void test_each_condition_looks_at_its_own_fact(void **state)
{
    (void)state;
    static const struct {
        const char *when;
        bool fits;
    } cases[] = {
        {"scheme: unionpay", true},
        {"scheme: [visa, jcb]", false},
        {"card_type: debit", true},
        {"card_type: credit", false},
        {"kind: [refund, purchase]", true},
        {"kind: refund", false},
        {"entry_mode: \"05\"", true},
        {"entry_mode: \"0\"", true},
        {"entry_mode: \"052\"", false},
        {"entry_mode: [\"07\", \"051\"]", true},
        {"amount_min: 100", true},
        {"amount_min: 100.01", false},
        {"amount_max: 100.00", true},
        {"amount_max: 99.99", false},
        {"currency: 156", true},
        {"currency: 840", false},
        {"merchant: 898110058120001", true},
        {"merchant: 898110058120002", false},
        {"mcc: 5812", true},
        {"mcc: [5411, 5800-5813]", true},
        {"mcc: 5811", false},
        {"region: 1100", true},
        {"region: 11", true},
        {"region: 12", false},
        {"brand: [pax, newland]", true},
        {"brand: pax", false},
        {"bin: 62", true},
        {"bin: 621094800000", true},
        {"bin: 621094800001", false},
        {"merchant_class: standard", true},
        {"merchant_class: [exempt]", false},
    };
    struct channel_table *channels = channels_make();
    struct payment payment;
    payment_clear(&payment);
    payment.kind = PAYMENT_PURCHASE;
    snprintf(payment.entry_mode, sizeof(payment.entry_mode), "051");
    assert_int_equal(pan_parse(&payment.pan, "6210948000000060", 16), STATUS_OK);
    const struct bin_rule bin = {.card_type = CARD_TYPE_DEBIT};
    const struct merchant_row merchant = {.merchant_id = "898110058120001", .mcc = "5812"};
    const struct terminal_row terminal = {.brand = "newland"};
    const struct condition_subject subject = {.payment = &payment,
                                              .amount = {10000, MONEY_CNY},
                                              .bin = &bin,
                                              .merchant = &merchant,
                                              .terminal = &terminal};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[256];
        snprintf(text, sizeof(text), "routes:\n  - {when: {%s}, channels: [bank_a]}\n",
                 cases[i].when);
        struct document *document = yaml_file_parse("routes.yaml", text, (uint32_t)strlen(text));
        struct route_rules *rules = route_rules_compile(document, channels);
        if (rules == NULL) {
            fail_msg("%s", document_fault_text(document, 0));
        }
        struct condition_facts facts;
        condition_facts_fill(&facts, &subject, route_rules_form(rules));
        if ((route_rules_find(rules, &facts) != NULL) != cases[i].fits) {
            fail_msg("{%s} should%s fit", cases[i].when, cases[i].fits ? "" : " not");
        }
        route_rules_destroy(rules);
        document_destroy(document);
    }
    channel_table_destroy(channels);
}

/* A payment without card, merchant or brand fits no rule that asks for them. */
static void test_absent_facts_fit_nothing(void **state)
{
    (void)state;
    static const char *const whens[] = {"scheme: unionpay",
                                        "bin: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]",
                                        "mcc: 0000-9999",
                                        "brand: newland",
                                        "merchant: x",
                                        "entry_mode: [0, 9]",
                                        "region: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"};
    struct channel_table *channels = channels_make();
    struct payment payment;
    payment_clear(&payment);
    const struct condition_subject subject = {.payment = &payment};
    for (size_t i = 0; i < COUNT_OF(whens); i++) {
        char text[256];
        snprintf(text, sizeof(text), "routes:\n  - {when: {%s}, channels: [bank_a]}\n", whens[i]);
        struct document *document = yaml_file_parse("routes.yaml", text, (uint32_t)strlen(text));
        struct route_rules *rules = route_rules_compile(document, channels);
        assert_non_null(rules);
        struct condition_facts facts;
        condition_facts_fill(&facts, &subject, route_rules_form(rules));
        assert_null(route_rules_find(rules, &facts));
        route_rules_destroy(rules);
        document_destroy(document);
    }
    channel_table_destroy(channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_say_what_was_expected),
        cmocka_unit_test(test_rules_that_only_overlap_are_fine),
        cmocka_unit_test(test_each_condition_looks_at_its_own_fact),
        cmocka_unit_test(test_absent_facts_fit_nothing),
    };
    return cmocka_run_group_tests_name("routing/route_rule", tests, NULL, NULL);
}
