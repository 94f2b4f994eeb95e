/* A question of which some digits are unknown becomes a payment that the rules decide, and says so
 * where those digits would decide. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "config/yaml_file.h"
#include "routing/route_question.h"

static const char ROUTES[] = "routes:\n"
                             "  - {when: {bin: 62109455}, channels: [bank_b]}\n"
                             "  - {channels: [bank_a, bank_b]}\n";
static const char FEES[] = "plans: {SP1: {rules: [{rate: 0.50%}]}}\n"
                           "cost: [{issuer_fee: {rate: 0.35%}, scheme_fee: {rate: 0%}}]\n";

static const char LIMITS[] =
    "limits:\n"
    "  - {name: narrow, when: {bin: 62284811, kind: purchase}, per: card, amount_max: 1.00}\n";

static struct ruleset *ruleset;

static void compile(const char *text, void (*into)(struct ruleset *, struct document *))
{
    struct document *document = yaml_file_parse("rules.yaml", text, (uint32_t)strlen(text));
    into(ruleset, document);
    assert_int_equal(document_fault_count(document), 0);
    document_destroy(document);
}

static void list_add(struct black_list *list, const char *key, int32_t until_day, uint32_t line)
{
    struct black_list_row row = {
        .kind = BLACK_LIST_BIN, .from_day = INT32_MIN, .until_day = until_day, .line = line};
    assert_int_equal(black_list_key_read(&row, key), STATUS_OK);
    assert_int_equal(black_list_add(list, &row), STATUS_OK);
}

static struct black_list *list_make(void)
{
    const struct black_list_row *fault, *first;
    struct black_list *list = black_list_create(8);
    list_add(list, "6228483355", INT32_MAX, 4);
    list_add(list, "62284822", 20000, 5); /* until 2024 */
    list_add(list, "6228", 1, 6);         /* the known digits hold it: no more would decide */
    assert_int_equal(black_list_freeze(list, &fault, &first), STATUS_OK);
    return list;
}

static int rules_set(void **state)
{
    (void)state;
    static const struct bin_rule bins[] = {
        {.prefix = 621094, .digit_count = 6, .pan_digits = 19, .issuer = 1},
        {.prefix = 622202, .digit_count = 6, .issuer = 2},
        {.prefix = 62220278, .digit_count = 8, .issuer = 3},
        {.prefix = 622848, .digit_count = 6, .issuer = 4},
    };
    char reason[160];
    ruleset = ruleset_create(7, &(struct ruleset_limits){8, 4, 4});
    for (uint32_t i = 0; i < COUNT_OF(bins); i++) {
        assert_int_equal(bin_table_add(ruleset_bins(ruleset), &bins[i]), STATUS_OK);
    }
    assert_int_equal(
        channel_table_add(ruleset_channels(ruleset),
                          &(struct channel_row){.name = "bank_a", .kinds = UINT64_MAX}),
        STATUS_OK);
    assert_int_equal(
        channel_table_add(ruleset_channels(ruleset),
                          &(struct channel_row){.name = "bank_b", .kinds = UINT64_MAX}),
        STATUS_OK);
    assert_int_equal(merchant_table_add(ruleset_merchants(ruleset),
                                        &(struct merchant_row){.merchant_id = "898110058120001",
                                                               .mcc = "5812",
                                                               .plan = "SP1",
                                                               .is_active = true}),
                     STATUS_OK);
    assert_int_equal(terminal_table_add(ruleset_terminals(ruleset),
                                        &(struct terminal_row){.terminal_id = "10000001",
                                                               .merchant_id = "898110058120001",
                                                               .is_active = true}),
                     STATUS_OK);
    compile(FEES, ruleset_compile_fees);
    compile(ROUTES, ruleset_compile_routes);
    compile(LIMITS, ruleset_compile_limits);
    ruleset_take_black_list(ruleset, list_make());
    assert_int_equal(ruleset_freeze(ruleset, reason), STATUS_OK);
    return 0;
}

static int rules_strike(void **state)
{
    (void)state;
    ruleset_destroy(ruleset);
    return 0;
}

static struct route_question question_of(const char *card_first)
{
    struct route_question question = {.kind = PAYMENT_PURCHASE,
                                      .amount = {1234, MONEY_CNY},
                                      .terminal_id = "10000001",
                                      .entry_mode = "051"};
    snprintf(question.card_first, sizeof(question.card_first), "%s", card_first);
    return question;
}

static const char *channel_of(const struct payment *payment)
{
    const struct route_context context = {.wall_us = 1, .channel_is_up = UINT64_MAX};
    struct route_decision decision;
    ruleset_decide(ruleset, payment, &context, &decision);
    return decision.answer != ROUTE_FOUND
               ? route_answer_text(decision.answer)
               : channel_table_at(ruleset_channel_view(ruleset), decision.channels[0])->name;
}

static void test_a_prefix_becomes_a_card_that_can_be_decided(void **state)
{
    (void)state;
    struct payment payment;
    struct route_question question = question_of("622202123");
    assert_int_equal(route_question_ask(ruleset, &question, &payment), ROUTE_DOUBT_NONE);
    assert_int_equal(payment.pan.digit_count, 16);
    assert_memory_equal(payment.pan.digits, "622202123", 9);
    assert_true(pan_has_luhn(&payment.pan));
    assert_string_equal(payment.merchant_id, "898110058120001"); /* the terminal's own */
    assert_string_equal(channel_of(&payment), "bank_a");
}

static void test_the_length_is_that_of_the_bin_range(void **state)
{
    (void)state;
    struct payment payment;
    struct route_question question = question_of("621094000");
    assert_int_equal(route_question_ask(ruleset, &question, &payment), ROUTE_DOUBT_NONE);
    assert_int_equal(payment.pan.digit_count, 19);
    question.card_digits = 16; /* said, so the range refuses it */
    assert_int_equal(route_question_ask(ruleset, &question, &payment), ROUTE_DOUBT_NONE);
    assert_string_equal(channel_of(&payment), route_answer_text(ROUTE_CARD_INVALID));
}

static void test_the_last_four_digits_stay(void **state)
{
    (void)state;
    struct payment payment;
    struct route_question question = question_of("621094");
    memcpy(question.card_last, "4321", 5);
    question.card_digits = 19;
    route_question_ask(ruleset, &question, &payment);
    assert_string_equal(payment.pan.digits + 15, "4321");
    assert_true(pan_has_luhn(&payment.pan));
}

static void test_a_nested_bin_range_is_a_doubt(void **state)
{
    (void)state;
    struct payment payment;
    struct route_question question = question_of("622202");
    assert_int_equal(route_question_ask(ruleset, &question, &payment), ROUTE_DOUBT_BIN);
    assert_int_equal(payment.pan.digit_count, 16); /* the lowest is decided all the same */
    question = question_of("62220278");
    assert_int_equal(route_question_ask(ruleset, &question, &payment), ROUTE_DOUBT_NONE);
}

static void test_a_rule_with_more_digits_is_a_doubt(void **state)
{
    (void)state;
    struct payment payment;
    struct route_question question = question_of("621094");
    assert_int_equal(route_question_ask(ruleset, &question, &payment), ROUTE_DOUBT_RULE);
    question = question_of("62109455");
    assert_int_equal(route_question_ask(ruleset, &question, &payment), ROUTE_DOUBT_NONE);
    assert_string_equal(channel_of(&payment), "bank_b");
    question = question_of("62109456");
    assert_int_equal(route_question_ask(ruleset, &question, &payment), ROUTE_DOUBT_NONE);
    assert_string_equal(channel_of(&payment), "bank_a");
}

static void expect_divider(struct route_question *question, enum route_doubt doubt,
                           const char *expected)
{
    struct payment payment;
    char text[ROUTE_DIVIDER_SIZE];
    assert_int_equal(route_question_ask(ruleset, question, &payment), doubt);
    route_question_divider(ruleset, question, text);
    assert_string_equal(text, expected);
}

static void test_limits_and_the_black_list_may_want_more_digits_too(void **state)
{
    (void)state;
    struct route_question question = question_of("622848");
    question.wall_us = INT64_C(1767225600000000); /* 2026 */
    expect_divider(&question, ROUTE_DOUBT_LISTED, "black list line 4");
    question = question_of("6228482");
    question.wall_us = INT64_C(1609459200000000); /* 2021 */
    expect_divider(&question, ROUTE_DOUBT_LISTED, "black list line 5");
    question.wall_us = INT64_C(1767225600000000);
    expect_divider(&question, ROUTE_DOUBT_NONE, "");
    question = question_of("622848335");
    expect_divider(&question, ROUTE_DOUBT_LISTED, "black list line 4");
    question.kind = PAYMENT_REFUND; /* is never held against it */
    expect_divider(&question, ROUTE_DOUBT_NONE, "");
    question = question_of("6228481");
    expect_divider(&question, ROUTE_DOUBT_LIMIT, "limit narrow of line 2");
    question.kind = PAYMENT_PREAUTH; /* the limit is for purchases */
    expect_divider(&question, ROUTE_DOUBT_NONE, "");
    question = question_of("621094");
    expect_divider(&question, ROUTE_DOUBT_RULE, "route rule of line 2");
}

static void test_a_code_needs_no_card_and_a_card_payment_does(void **state)
{
    (void)state;
    struct payment payment;
    struct route_question question = question_of("");
    assert_int_equal(route_question_ask(ruleset, &question, &payment), ROUTE_DOUBT_CARD_MISSING);
    assert_int_equal(payment.pan.digit_count, 0);
    memcpy(question.entry_mode, "031", 4);
    assert_int_equal(route_question_ask(ruleset, &question, &payment), ROUTE_DOUBT_NONE);
}

static void test_digits_that_fit_no_length_are_told(void **state)
{
    (void)state;
    struct payment payment;
    struct route_question question = question_of("622202");
    question.card_digits = 10;
    assert_int_equal(route_question_ask(ruleset, &question, &payment), ROUTE_DOUBT_CARD_FORM);
    question = question_of("6222ab");
    assert_int_equal(route_question_ask(ruleset, &question, &payment), ROUTE_DOUBT_CARD_FORM);
    assert_int_equal(payment.pan.digit_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_prefix_becomes_a_card_that_can_be_decided),
        cmocka_unit_test(test_the_length_is_that_of_the_bin_range),
        cmocka_unit_test(test_the_last_four_digits_stay),
        cmocka_unit_test(test_a_nested_bin_range_is_a_doubt),
        cmocka_unit_test(test_a_rule_with_more_digits_is_a_doubt),
        cmocka_unit_test(test_limits_and_the_black_list_may_want_more_digits_too),
        cmocka_unit_test(test_a_code_needs_no_card_and_a_card_payment_does),
        cmocka_unit_test(test_digits_that_fit_no_length_are_told),
    };
    return cmocka_run_group_tests(tests, rules_set, rules_strike);
}
