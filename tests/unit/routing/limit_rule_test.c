/* Limit rules: what a file may say, what is refused of it, and where a payment breaks which bound.
 */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "config/yaml_file.h"
#include "routing/limit_rule.h"

static const struct {
    const char *rules, *fault;
} FAULTS[] = {
    {"  - x\n", "2:5: expected a rule"},
    {"  - {per: card, day_count_max: 1}\n", "name"},
    {"  - {name: \"a b\", per: card, day_count_max: 1}\n", "name: expected 1 to 31 letters"},
    {"  - {name: a, day_count_max: 1}\n", "per"},
    {"  - {name: a, per: cart, day_count_max: 1}\n", "did you mean \"card\"?"},
    {"  - {name: a, per: card, day_count_mx: 1}\n", "did you mean \"day_count_max\"?"},
    {"  - {name: a, per: card}\n", "2:5: expected at least one of amount_min"},
    {"  - {name: a, per: transaction, day_count_max: 1}\n", "a payment by itself has no day"},
    {"  - {name: a, per: card, month_amount_max: 1.00}\n",
     "months are counted of merchants and terminals alone"},
    {"  - {name: a, per: transaction, amount_min: 2.00, amount_max: 1.00}\n",
     "2:33: amount_min: expected at most amount_max; no payment keeps both"},
    {"  - {name: a, per: card, amount_max: 2.00, day_amount_max: 1.00}\n",
     "amount_max: expected at most day_amount_max; above it, it is never reached"},
    {"  - {name: a, per: merchant, day_amount_max: 2.00, month_amount_max: 1.00}\n",
     "day_amount_max: expected at most month_amount_max"},
    {"  - {name: a, per: card, day_amount_max: 1.001}\n", "expected an amount above zero"},
    {"  - {name: a, per: card, day_amount_max: 0}\n", "expected an amount above zero"},
    {"  - {name: a, per: card, day_count_max: 0}\n", "day_count_max"},
    {"  - {name: a, per: card, day_count_max: 1, response_code: 00}\n",
     "2 characters of field 39 that decline"},
    {"  - {name: a, per: card, day_count_max: 1, when: {kind: void}}\n",
     "kind: void is never limited"},
    {"  - {name: a, per: card, day_count_max: 1, when: {kind: refund}}\n",
     "kind: no day and no month counts a refund"},
    {"  - {name: a, per: card, day_amount_max: 5.00, when: {kind: cash_load}}\n",
     "kind: no day and no month counts a cash_load"},
    {"  - {name: a, per: card, day_count_max: 1, when: {schema: visa}}\n",
     "did you mean \"scheme\"?"},
    {"  - {name: a, per: card, day_count_max: 1, when: {amount_min: 5.00}}\n",
     "\"amount_min\" is not known here"},
    {"  - {name: a, per: card, day_count_max: 1, when: {scheme: alipay, card_type: debit}}\n",
     "this rule never fits: no payment has both this scheme and this card_type"},
    {"  - {name: a, per: card, day_count_max: 1}\n  - {name: a, per: terminal, day_count_max: 9}\n",
     "3:6: name: expected each once, got a again; it stands in line 2 too"},
    {"  - {name: a, per: card, day_count_max: 1}\n"
     "  - {name: b, per: card, day_count_max: 2, when: {scheme: visa}}\n",
     "3:5: this rule never decides: whatever it refuses the rule of line 2 refuses first"},
    {"  - {name: a, per: merchant, amount_min: 100.00, month_amount_max: 50.00}\n",
     "no payment keeps both"},
    {"  - {name: a, per: transaction, amount_min: 5.00}\n"
     "  - {name: b, per: transaction, amount_min: 4.00}\n",
     "this rule never decides"},
    /* What one payment may be does not depend on whose day it counts in. */
    {"  - {name: a, per: transaction, amount_max: 5.00}\n"
     "  - {name: b, per: terminal, amount_max: 6.00}\n",
     "3:5: this rule never decides"},
    {"  - {name: a, per: merchant, day_amount_max: 5.00}\n"
     "  - {name: b, per: card, amount_max: 5.00}\n",
     "3:5: this rule never decides"},
    /* All that a card pays is more than what it pays here. */
    {"  - {name: a, per: card, day_amount_max: 5.00, day_count_max: 3}\n"
     "  - {name: b, per: merchant_and_card, day_amount_max: 5.00, day_count_max: 3}\n",
     "3:5: this rule never decides"},
    {"  - {name: a, per: terminal, day_count_max: 3}\n"
     "  - {name: b, per: terminal_and_card, day_count_max: 4}\n",
     "3:5: this rule never decides"},
};

static struct limit_rules *compile(const char *rules, struct document **document)
{
    char text[1024];
    snprintf(text, sizeof(text), "limits:\n%s", rules);
    *document = yaml_file_parse("limits.yaml", text, (uint32_t)strlen(text));
    assert_non_null(*document);
    return limit_rules_compile(*document, NULL, MONEY_CNY);
}

static struct limit_rules *compile_well(const char *rules)
{
    struct document *document = NULL;
    struct limit_rules *limits = compile(rules, &document);
    if (limits == NULL) {
        fail_msg("%s", document_fault_text(document, 0));
    }
    document_destroy(document);
    return limits;
}

static void test_each_fault_is_told_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(FAULTS) / sizeof(FAULTS[0]); i++) {
        struct document *document = NULL;
        struct limit_rules *limits = compile(FAULTS[i].rules, &document);
        bool is_told = false;
        for (uint32_t k = 0; k < document_fault_count(document); k++) {
            is_told = is_told || strstr(document_fault_text(document, k), FAULTS[i].fault) != NULL;
        }
        if (limits != NULL || !is_told) {
            fail_msg("%s wanted \"%s\", got \"%s\"", FAULTS[i].rules, FAULTS[i].fault,
                     document_fault_count(document) > 0 ? document_fault_text(document, 0) : "");
        }
        document_destroy(document);
    }
}

static void test_rules_that_are_not_stricter_stand_side_by_side(void **state)
{
    (void)state;
    limit_rules_destroy(
        compile_well("  - {name: a, per: card, day_count_max: 9}\n"
                     "  - {name: b, per: card, day_count_max: 2, when: {scheme: visa}}\n"
                     "  - {name: c, per: terminal, day_count_max: 9}\n"
                     "  - {name: d, per: transaction, amount_max: 1.00}\n"
                     "  - {name: e, per: transaction, amount_max: 1.00, when: "
                     "{kind: refund}}\n"));
}

/* Pairs of which each decides for some payment, although the first has the lower bound. */
static void test_rules_per_something_else_stand_side_by_side(void **state)
{
    (void)state;
    static const char *const PAIRS[] = {
        /* A payment by code has no card. */
        "  - {name: a, per: card, amount_max: 1.00}\n"
        "  - {name: b, per: transaction, amount_max: 2.00}\n",
        /* A card pays at many terminals, and a terminal takes many cards. */
        "  - {name: a, per: terminal_and_card, day_count_max: 1}\n"
        "  - {name: b, per: card, day_count_max: 2}\n",
        "  - {name: a, per: terminal_and_card, day_count_max: 1}\n"
        "  - {name: b, per: merchant_and_card, day_count_max: 2}\n",
        "  - {name: a, per: card, day_amount_max: 1.00}\n"
        "  - {name: b, per: terminal, day_amount_max: 2.00}\n",
        /* A terminal may have been another merchant's this morning. */
        "  - {name: a, per: merchant, day_count_max: 1}\n"
        "  - {name: b, per: terminal, day_count_max: 2}\n",
        "  - {name: a, per: merchant, day_count_max: 1}\n"
        "  - {name: b, per: terminal_and_card, day_count_max: 2}\n",
        /* Of the wider one nothing bounds the sum. */
        "  - {name: a, per: card, amount_max: 1.00}\n"
        "  - {name: b, per: merchant_and_card, day_amount_max: 2.00}\n",
    };
    for (size_t i = 0; i < COUNT_OF(PAIRS); i++) {
        limit_rules_destroy(compile_well(PAIRS[i]));
    }
}

static void test_scopes_are_told_by_the_words_of_the_file(void **state)
{
    (void)state;
    char text[LIMIT_SCOPES_TEXT_SIZE];
    limit_scopes_text(LIMIT_SCOPE_BIT(LIMIT_CARD) | LIMIT_SCOPE_BIT(LIMIT_TERMINAL_AND_CARD), text);
    assert_string_equal(text, "card, terminal_and_card");
    limit_scopes_text((1u << LIMIT_SCOPE_COUNT) - 1, text);
    assert_non_null(strstr(text, ", merchant_and_card"));
    limit_scopes_text(0, text);
    assert_string_equal(text, "");
}

static void test_another_currency_than_the_fees_is_refused(void **state)
{
    (void)state;
    static const char TEXT[] =
        "currency: 840\nlimits:\n  - {name: a, per: card, day_count_max: 1}\n";
    struct document *document = yaml_file_parse("limits.yaml", TEXT, sizeof(TEXT) - 1);
    assert_null(limit_rules_compile(document, NULL, MONEY_CNY));
    assert_non_null(
        strstr(document_fault_text(document, 0), "currency: expected that of the fees"));
    document_destroy(document);
}

/* A purchase of a card by the clock of the file. */
static struct condition_facts facts_of(const struct limit_rules *rules, enum payment_kind kind,
                                       const struct bin_rule *bin)
{
    static struct payment payment;
    struct condition_facts facts;
    payment_clear(&payment);
    payment.kind = kind;
    memcpy(payment.entry_mode, "051", 4);
    const struct condition_subject subject = {
        .payment = &payment, .amount = {100, MONEY_CNY}, .bin = bin};
    condition_facts_fill(&facts, &subject, limit_rules_form(rules));
    return facts;
}

static struct limit_use uses[LIMIT_SCOPE_COUNT];

static void expect_breach(const struct limit_rules *rules, const struct limit_subject *subject,
                          const char *name, const char *code)
{
    const struct bin_rule visa = {.scheme = CARD_SCHEME_VISA, .card_type = CARD_TYPE_CREDIT};
    struct condition_facts facts = facts_of(rules, subject->kind, &visa);
    struct limit_breach breach = {0};
    bool is_broken = limit_rules_break(rules, &facts, subject, &breach);
    if (name == NULL) {
        assert_false(is_broken);
        return;
    }
    assert_true(is_broken);
    assert_string_equal(breach.rule->name, name);
    assert_string_equal(limit_breach_code(&breach), code);
}

static void test_each_bound_includes_its_end_and_has_its_code(void **state)
{
    (void)state;
    struct limit_rules *rules =
        compile_well("  - {name: one, per: transaction, amount_min: 1.00, amount_max: 500.00}\n"
                     "  - {name: sum, per: terminal, day_amount_max: 1000.00}\n"
                     "  - {name: often, per: card, day_count_max: 3}\n"
                     "  - {name: month, per: merchant, month_amount_max: 5000.00}\n"
                     "  - {name: own, per: terminal_and_card, day_count_max: 2, response_code: "
                     "\"57\"}\n");
    struct limit_subject subject = {PAYMENT_PURCHASE, true, 50000, uses};
    memset(uses, 0, sizeof(uses));
    expect_breach(rules, &subject, NULL, NULL);
    subject.amount_minor = 50001;
    expect_breach(rules, &subject, "one", "61");
    subject.amount_minor = 99;
    expect_breach(rules, &subject, "one", "13");
    subject.amount_minor = 100;
    uses[LIMIT_TERMINAL].day_minor = 99900;
    expect_breach(rules, &subject, NULL, NULL);
    uses[LIMIT_TERMINAL].day_minor = 99901;
    expect_breach(rules, &subject, "sum", "61");
    uses[LIMIT_TERMINAL].day_minor = 0;
    uses[LIMIT_CARD].day_count = 2;
    expect_breach(rules, &subject, NULL, NULL);
    uses[LIMIT_CARD].day_count = 3;
    expect_breach(rules, &subject, "often", "65");
    subject.has_card = false; /* a code: nothing per card */
    expect_breach(rules, &subject, NULL, NULL);
    uses[LIMIT_MERCHANT].month_minor = 499901;
    expect_breach(rules, &subject, "month", "61");
    uses[LIMIT_MERCHANT].month_minor = 0;
    subject.has_card = true;
    uses[LIMIT_CARD].day_count = 0;
    uses[LIMIT_TERMINAL_AND_CARD].day_count = 2;
    expect_breach(rules, &subject, "own", "57");
    assert_int_equal(limit_rules_scopes(rules), LIMIT_SCOPE_BIT(LIMIT_TERMINAL) |
                                                    LIMIT_SCOPE_BIT(LIMIT_CARD) |
                                                    LIMIT_SCOPE_BIT(LIMIT_MERCHANT) |
                                                    LIMIT_SCOPE_BIT(LIMIT_TERMINAL_AND_CARD));
    limit_rules_destroy(rules);
}

static void test_conditions_choose_the_payments_and_refunds_want_to_be_named(void **state)
{
    (void)state;
    struct limit_rules *rules =
        compile_well("  - {name: debit, per: transaction, amount_max: 1.00, when: {card_type: "
                     "debit}}\n"
                     "  - {name: back, per: transaction, amount_max: 2.00, when: {kind: refund}}\n"
                     "  - {name: all, per: transaction, amount_max: 9.00}\n");
    struct limit_subject subject = {PAYMENT_PURCHASE, true, 800, uses};
    memset(uses, 0, sizeof(uses));
    expect_breach(rules, &subject, NULL, NULL); /* a credit card */
    subject.amount_minor = 901;
    expect_breach(rules, &subject, "all", "61");
    subject.kind = PAYMENT_REFUND;
    expect_breach(rules, &subject, "back", "61");
    subject.amount_minor = 200;
    expect_breach(rules, &subject, NULL, NULL);
    assert_false(limit_kind_is_limited(PAYMENT_VOID));
    assert_false(limit_kind_is_limited(PAYMENT_OFFLINE_SALE));
    limit_rules_destroy(rules);
}

static void test_words_say_where_each_bound_would_stand(void **state)
{
    (void)state;
    struct limit_rules *rules =
        compile_well("  - {name: sum, per: card, day_amount_max: 10.00, day_count_max: 3}\n");
    memset(uses, 0, sizeof(uses));
    uses[LIMIT_CARD] = (struct limit_use){.day_count = 2, .day_minor = 950};
    struct limit_subject subject = {PAYMENT_PURCHASE, true, 100, uses};
    struct condition_facts facts = facts_of(rules, PAYMENT_PURCHASE, NULL);
    char text[512];
    limit_rules_explain(rules, &facts, &subject, text, sizeof(text));
    assert_string_equal(text, "limit sum of line 2, per card: day_amount_max 10.00 CNY, with this "
                              "payment 10.50 CNY: broken\n"
                              "limit sum of line 2, per card: day_count_max 3, with this payment "
                              "3: kept\n");
    assert_int_equal(limit_rules_explain(rules, &facts, &subject, text, 20), 0);
    limit_rules_destroy(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fault_is_told_with_its_line),
        cmocka_unit_test(test_rules_that_are_not_stricter_stand_side_by_side),
        cmocka_unit_test(test_rules_per_something_else_stand_side_by_side),
        cmocka_unit_test(test_scopes_are_told_by_the_words_of_the_file),
        cmocka_unit_test(test_another_currency_than_the_fees_is_refused),
        cmocka_unit_test(test_each_bound_includes_its_end_and_has_its_code),
        cmocka_unit_test(test_conditions_choose_the_payments_and_refunds_want_to_be_named),
        cmocka_unit_test(test_words_say_where_each_bound_would_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
