/* The first rule that fits a request says what its answer must bear. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "switch/channel/match_rule.h"

static void test_the_first_rule_that_fits_counts(void **state)
{
    (void)state;
    static const struct match_rule rules[] = {
        {"0200", "00xxxx", 1U << MATCH_RRN},
        {"0200", "", 1U << MATCH_AMOUNT},
        {"042x", "", 1U << MATCH_SENT_AT},
    };
    static const struct {
        const char *mti, *code;
        uint32_t parts;
    } cases[] = {
        {"0200", "003000", 1U << MATCH_STAN | 1U << MATCH_RRN},
        {"0200", "200000", 1U << MATCH_STAN | 1U << MATCH_AMOUNT},
        {"0421", "000000", 1U << MATCH_STAN | 1U << MATCH_SENT_AT},
        {"0100", "030000", MATCH_PARTS_FALLBACK},
        {"", "000000", MATCH_PARTS_FALLBACK}, /* no rule without a type */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(match_rule_parts(rules, COUNT_OF(rules), cases[i].mti, cases[i].code),
                         cases[i].parts);
    }
    assert_int_equal(match_rule_parts(NULL, 0, "", "000000"), MATCH_PARTS_FALLBACK);
}

static void test_every_part_is_compared_and_shown(void **state)
{
    (void)state;
    struct payment payment = {.stan = 123, .amount = {100, MONEY_CNY}};
    memcpy(payment.terminal_id, "10000001", 9);
    memcpy(payment.merchant_id, "898310059990001", 16);
    memcpy(payment.rrn, "000000000009", 13);
    memcpy(payment.sent_at, "1129030000", 11);
    memcpy(payment.acquirer_id, "48021000", 9);
    static const char *const shown[] = {"000123", "10000001",   "898310059990001", "000000000009",
                                        "100",    "1129030000", "48021000"};
    for (unsigned part = 0; part < MATCH_PART_COUNT; part++) {
        struct match_values left, right;
        char text[MATCH_TEXT_SIZE + 8];
        match_values_take(&left, &payment);
        memset(&right, 0, sizeof(right));
        assert_false(match_part_is_alike((enum match_part)part, &left, &right));
        right = left;
        assert_true(match_part_is_alike((enum match_part)part, &left, &right));
        match_part_text((enum match_part)part, &left, text);
        assert_string_equal(text, shown[part]);
    }
}

static void test_parts_have_names(void **state)
{
    (void)state;
    assert_int_equal(match_part_from_name("sent_at"), MATCH_SENT_AT);
    assert_int_equal(match_part_from_name("pan"), MATCH_PART_COUNT);
    assert_string_equal(match_part_name(MATCH_RRN), "RRN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_rule_that_fits_counts),
        cmocka_unit_test(test_every_part_is_compared_and_shown),
        cmocka_unit_test(test_parts_have_names),
    };
    return cmocka_run_group_tests_name("switch/channel/match_rule", tests, NULL, NULL);
}
