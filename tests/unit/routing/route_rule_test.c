/* Route rules are checked whole at load: unknown words, unknown channels, rules never reached. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "config/yaml_file.h"
#include "routing/route_rule.h"

#define MOST (UINT64_MAX & ~(UINT64_C(1) << PAYMENT_BALANCE))

static struct channel_table *channels_make(void)
{
    struct channel_table *channels = channel_table_create();
    assert_int_equal(channel_table_add(channels, &(struct channel_row){"bank_a", MOST, false}),
                     STATUS_OK);
    assert_int_equal(channel_table_add(channels, &(struct channel_row){"bank_b", MOST, false}),
                     STATUS_OK);
    return channels;
}

static struct route_rules *compile(struct document *document, struct channel_table *channels)
{
    return route_rules_compile(document, &(struct route_tables){.channels = channels});
}

static const struct {
    const char *rules, *fault;
} FAULTS[] = {
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
    {"  - {when: {mcc: 5411}, channels: [bank_a]}\n"
     "  - {when: {mcc: [5411]}, channels: [bank_b]}\n",
     "3:5: this rule is never reached: the rule of line 2 has the same conditions"},
    {"  - {when: {scheme: [alipay, wechat], card_type: debit}, channels: [bank_a]}\n",
     "2:5: this rule never fits: no payment has both this scheme and this card_type"},
    {"  - {when: {scheme: alipay, entry_mode: \"05\"}, channels: [bank_a]}\n",
     "both this scheme and this entry_mode"},
    {"  - {when: {merchant: 898110058120001, region: 44}, channels: [bank_a]}\n",
     "both this merchant and this region"},
    {"  - {when: {currency: 840, amount_min: 5}, channels: [bank_a]}\n",
     "its amounts are of currency 156"},
    {"  - {when: {kind: [purchase, balance]}, channels: [bank_a, bank_b]}\n",
     "kind: balance is offered by none of this rule's channels"},
    {"  - {when: {kind: balance}, channels: [bank_a]}\n",
     "channels: bank_a offers none of this rule's kinds"},
    {"  - {strategy: wheighted, channels: [bank_a]}\n", "did you mean \"weighted\"?"},
    {"  - {strategy: weighted, channels: [bank_a]}\n",
     "expected 1 to 4 channels with their weights"},
    {"  - {strategy: weighted, channels: {bank_a: 0}}\n",
     "bank_a: expected a weight from 1 to 1000"},
    {"  - {strategy: weighted, channels: {bank_a: 1, bnk_b: 2}}\n", "did you mean \"bank_b\"?"},
    {"  - {channels: {bank_a: 1}}\n", "expected a list of 1 to 4 channels"},
    {"  - {when: {hours: 8-22}, channels: [bank_a]}\n",
     "hours: expected a time of the day as 08:30-22:00, got \"8-22\""},
    {"  - {when: {hours: \"08:00-08:00\"}, channels: [bank_a]}\n", "hours: expected"},
    {"  - {when: {hours: \"08:00-24:01\"}, channels: [bank_a]}\n", "hours: expected"},
    {"  - {when: {weekday: mond}, channels: [bank_a]}\n", "did you mean \"mon\"?"},
    {"  - {when: {brand: [a, b]}, channels: [bank_a]}\n"
     "  - {when: {brand: b}, channels: [bank_b]}\n",
     "rule of line 2 first"},
    /* Only together do those above leave nothing. */
    {"  - {when: {scheme: visa}, channels: [bank_a]}\n"
     "  - {when: {scheme: [mastercard, jcb]}, channels: [bank_b]}\n"
     "  - {when: {scheme: [visa, jcb], kind: purchase}, channels: [bank_b]}\n",
     "4:5: this rule is never reached: each scheme that fits it fits one of the 2 rules from line "
     "2 to line 3 first"},
    {"  - {when: {amount_max: 50, kind: purchase}, channels: [bank_a]}\n"
     "  - {when: {amount_min: 50.01, amount_max: 80}, channels: [bank_a]}\n"
     "  - {when: {amount_min: 10, amount_max: 70, kind: purchase}, channels: [bank_b]}\n",
     "4:5: this rule is never reached: each amount that fits it"},
    {"  - {when: {brand: a}, channels: [bank_a]}\n"
     "  - {when: {brand: b}, channels: [bank_a]}\n"
     "  - {when: {brand: [b, a]}, channels: [bank_b]}\n",
     "4:5: this rule is never reached: each brand that fits it"},
};

static void test_faults_say_what_was_expected(void **state)
{
    (void)state;
    struct channel_table *channels = channels_make();
    for (size_t i = 0; i < COUNT_OF(FAULTS); i++) {
        char text[512];
        snprintf(text, sizeof(text), "routes:\n%s", FAULTS[i].rules);
        struct document *document = yaml_file_parse("routes.yaml", text, (uint32_t)strlen(text));
        assert_null(compile(document, channels));
        assert_true(document_fault_count(document) >= 1);
        if (strstr(document_fault_text(document, 0), FAULTS[i].fault) == NULL) {
            fail_msg("expected \"%s\", got \"%s\"", FAULTS[i].fault,
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
                               "  - {when: {amount_max: 60, scheme: visa}, channels: [bank_b]}\n"
                               "  - {when: {amount_min: 50.02, amount_max: 60},"
                               " channels: [bank_b]}\n"
                               "  - {when: {amount_min: 40, amount_max: 60.01},"
                               " channels: [bank_b]}\n"
                               "  - {when: {scheme: [visa, jcb], kind: purchase},"
                               " channels: [bank_b]}\n"
                               "  - {when: {scheme: mastercard, kind: refund},"
                               " channels: [bank_b]}\n"
                               "  - {when: {scheme: [visa, mastercard], kind: [purchase, refund]},"
                               " channels: [bank_b]}\n"
                               "  - {when: {mcc: [5411-5499], region: 11}, channels: [bank_b]}\n"
                               "  - {when: {mcc: [5411-5500]}, channels: [bank_b]}\n"
                               "  - {channels: [bank_b, bank_a]}\n";
    struct channel_table *channels = channels_make();
    struct document *document = yaml_file_parse("routes.yaml", TEXT, sizeof(TEXT) - 1);
    struct route_rules *rules = compile(document, channels);
    assert_int_equal(document_fault_count(document), 0);
    assert_non_null(rules);
    assert_int_equal(route_rules_count(rules), 13);
    assert_int_equal(route_rules_at(rules, 12)->line, 14);
    document_destroy(document);
    route_rules_destroy(rules);
    channel_table_destroy(channels);
}

static const struct {
    const char *when;
    bool fits;
} CONDITIONS[] = {
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
    {"hours: \"12:00-12:01\"", true},
    {"hours: \"12:01-12:00\"", false},
    {"hours: [\"01:00-02:00\", \"22:00-24:00\"]", false},
    {"weekday: thu", true}, /* 2026-01-01, 12:00 by the clock at UTC */
    {"weekday: [sat, sun]", false},
    {"model: ME31", true},
    {"model: ME30S", false},
    {"agent: north", true},
    {"agent: south", false},
    {"bin_group: fleet", true},
    {"bin_group: [gold, silver]", false},
    {"from: 2026-01-01, until: 2026-01-02", true},
    {"until: 2026-01-01", false},
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

/* One condition at a time against one payment. */
static void test_each_condition_looks_at_its_own_fact(void **state)
{
    (void)state;
    struct channel_table *channels = channels_make();
    struct payment payment;
    payment_clear(&payment);
    payment.kind = PAYMENT_PURCHASE;
    snprintf(payment.entry_mode, sizeof(payment.entry_mode), "051");
    assert_int_equal(pan_parse(&payment.pan, "6210948000000060", 16), STATUS_OK);
    const struct bin_rule bin = {.card_type = CARD_TYPE_DEBIT};
    const struct merchant_row merchant = {.merchant_id = "898110058120001", .mcc = "5812"};
    const struct terminal_row terminal = {.brand = "newland", .model = "ME31"};
    const struct condition_subject subject = {.payment = &payment,
                                              .amount = {10000, MONEY_CNY},
                                              .bin = &bin,
                                              .merchant = &merchant,
                                              .terminal = &terminal,
                                              .wall_us = INT64_C(1767268800000000),
                                              .bin_group = "fleet",
                                              .agent = "north"};
    for (size_t i = 0; i < COUNT_OF(CONDITIONS); i++) {
        char text[256];
        snprintf(text, sizeof(text),
                 "utc_offset_hours: 0\nroutes:\n  - {when: {%s}, channels: [bank_a]}\n",
                 CONDITIONS[i].when);
        struct document *document = yaml_file_parse("routes.yaml", text, (uint32_t)strlen(text));
        struct route_rules *rules = compile(document, channels);
        if (rules == NULL) {
            fail_msg("%s", document_fault_text(document, 0));
        }
        struct condition_facts facts;
        condition_facts_fill(&facts, &subject, route_rules_form(rules));
        if ((route_rules_find(rules, &facts) != NULL) != CONDITIONS[i].fits) {
            fail_msg("{%s} should%s fit", CONDITIONS[i].when, CONDITIONS[i].fits ? "" : " not");
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
    static const char *const whens[] = {
        "scheme: unionpay",   "bin: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]",
        "mcc: 0000-9999",     "brand: newland",
        "merchant: x",        "agent: x",
        "model: x",           "bin_group: x",
        "entry_mode: [0, 9]", "region: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"};
    struct channel_table *channels = channels_make();
    struct payment payment;
    payment_clear(&payment);
    const struct condition_subject subject = {.payment = &payment};
    for (size_t i = 0; i < COUNT_OF(whens); i++) {
        char text[256];
        snprintf(text, sizeof(text), "routes:\n  - {when: {%s}, channels: [bank_a]}\n", whens[i]);
        struct document *document = yaml_file_parse("routes.yaml", text, (uint32_t)strlen(text));
        struct route_rules *rules = compile(document, channels);
        assert_non_null(rules);
        struct condition_facts facts;
        condition_facts_fill(&facts, &subject, route_rules_form(rules));
        assert_null(route_rules_find(rules, &facts));
        route_rules_destroy(rules);
        document_destroy(document);
    }
    channel_table_destroy(channels);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *state >> 33;
}

/* A list of many rules, each with up to three conditions out of few values. */
static uint32_t random_rules(char *text, uint32_t size, uint64_t *random)
{
    static const char *const conditions[][4] = {
        {"mcc: 5411", "mcc: 5400-5499", "mcc: [5000-5410, 5412]", "mcc: 5999"},
        {"scheme: unionpay", "scheme: [visa, jcb]", "scheme: amex", "scheme: [unionpay, visa]"},
        {"merchant: \"1\"", "merchant: [\"2\", \"3\"]", "merchant: \"4\"",
         "merchant: [\"1\", \"4\"]"},
        {"amount_max: 1", "amount_min: 2, amount_max: 3", "amount_min: 3", "amount_max: 5"},
    };
    uint32_t used = (uint32_t)snprintf(text, size, "routes:\n");
    for (unsigned i = 0; i < 150; i++) {
        used += (uint32_t)snprintf(text + used, size - used, "  - {when: {region: [\"%04u\"", i);
        for (unsigned k = 0; i > 0 && k < 20; k++) {
            used += (uint32_t)snprintf(text + used, size - used, ", \"%04u\"",
                                       (unsigned)(next_random(random) % i));
        }
        used += (uint32_t)snprintf(text + used, size - used, "]");
        for (unsigned k = 0; k < COUNT_OF(conditions); k++) {
            uint64_t which = next_random(random) % 8;
            if (which < 4) {
                used += (uint32_t)snprintf(text + used, size - used, ", %s", conditions[k][which]);
            }
        }
        /* No rule is shadowed: its own region stands in none above it. */
        used += (uint32_t)snprintf(text + used, size - used, "}, channels: [bank_%c]}\n",
                                   next_random(random) % 2 == 0 ? 'a' : 'b');
    }
    return used;
}

/* The index is a quicker way to what a walk finds. */
static void test_the_index_finds_what_a_walk_finds(void **state)
{
    (void)state;
    static char text[64 * 1024];
    uint64_t random = 4711;
    struct channel_table *channels = channels_make();
    for (unsigned round = 0; round < 20; round++) {
        uint32_t length = random_rules(text, sizeof(text), &random);
        struct document *document = yaml_file_parse("routes.yaml", text, length);
        struct route_rules *rules = compile(document, channels);
        if (rules == NULL) {
            fail_msg("%s", document_fault_text(document, 0));
        }
        for (unsigned i = 0; i < 2000; i++) {
            static const char *const names[] = {"1", "2", "3", "4", "5", NULL};
            struct condition_facts facts = {0};
            facts.bits[CONDITION_SCHEME] = UINT64_C(1) << next_random(&random) % 5;
            facts.numbers[CONDITION_MCC - CONDITION_NUMBERS_FIRST] =
                5409 + next_random(&random) % 5;
            facts.numbers[CONDITION_AMOUNT - CONDITION_NUMBERS_FIRST] = next_random(&random) % 600;
            facts.numbers[CONDITION_REGION - CONDITION_NUMBERS_FIRST] =
                next_random(&random) % 8 == 0 ? CONDITION_ABSENT : next_random(&random) % 152;
            facts.names[CONDITION_MERCHANT - CONDITION_NAMES_FIRST] =
                names[next_random(&random) % COUNT_OF(names)];
            const struct route_rule *found = NULL;
            for (uint32_t k = 0; found == NULL && k < route_rules_count(rules); k++) {
                const struct route_rule *rule = route_rules_at(rules, k);
                found = condition_matches(&rule->condition, &facts) ? rule : NULL;
            }
            assert_ptr_equal(route_rules_find(rules, &facts), found);
        }
        route_rules_destroy(rules);
        document_destroy(document);
    }
    channel_table_destroy(channels);
}

static void test_notes_tell_what_is_not_caught(void **state)
{
    (void)state;
    static const char TEXT[] = "routes:\n  - {when: {kind: purchase}, channels: [bank_a]}\n";
    struct channel_table *channels = channels_make();
    struct document *document = yaml_file_parse("routes.yaml", TEXT, sizeof(TEXT) - 1);
    struct route_rules *rules = compile(document, channels);
    assert_non_null(rules);
    const char *notes = route_rules_notes(rules);
    assert_non_null(strstr(notes, "routes.yaml:1: no rule leads to a channel for signon"));
    assert_non_null(strstr(notes, ", refund, "));
    assert_null(strstr(notes, ", purchase, "));
    assert_non_null(strstr(notes, "routes.yaml:2: no rule without `when` ends the list"));
    route_rules_destroy(rules);
    document_destroy(document);
    channel_table_destroy(channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_say_what_was_expected),
        cmocka_unit_test(test_rules_that_only_overlap_are_fine),
        cmocka_unit_test(test_each_condition_looks_at_its_own_fact),
        cmocka_unit_test(test_absent_facts_fit_nothing),
        cmocka_unit_test(test_the_index_finds_what_a_walk_finds),
        cmocka_unit_test(test_notes_tell_what_is_not_caught),
    };
    return cmocka_run_group_tests_name("routing/route_rule", tests, NULL, NULL);
}
