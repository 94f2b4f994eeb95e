/* The BIN table answers with the longest prefix, and refuses what it could not answer for. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routing/bin_table.h"

static const struct bin_rule NESTED[] = {
    {.prefix = 622848, .digit_count = 6, .issuer = 1},
    {.prefix = 62284801, .digit_count = 8, .issuer = 2},
    {.prefix = 622849, .digit_count = 6, .issuer = 3},
    {.prefix = 62284801234, .digit_count = 11, .issuer = 4},
    {.prefix = 62, .digit_count = 2, .issuer = 5},
    {.prefix = 1, .digit_count = 4, .issuer = 6}, /* 0001 */
    {.prefix = 999999999999, .digit_count = 12, .issuer = 7},
    {.prefix = 6228, .digit_count = 4, .issuer = 8},
};

static struct bin_table *frozen_table(const struct bin_rule *rules, uint32_t rule_count)
{
    struct bin_table *table = bin_table_create(rule_count);
    struct bin_rule duplicate;
    assert_non_null(table);
    for (uint32_t i = 0; i < rule_count; i++) {
        assert_int_equal(bin_table_add(table, &rules[i]), STATUS_OK);
    }
    assert_int_equal(bin_table_freeze(table, &duplicate), STATUS_OK);
    return table;
}

static uint16_t issuer_of(const struct bin_table *table, const char *digits)
{
    struct pan pan;
    assert_int_equal(pan_parse(&pan, digits, strlen(digits)), STATUS_OK);
    const struct bin_rule *rule = bin_table_find(table, &pan);
    return rule == NULL ? 0 : rule->issuer;
}

static void test_longest_prefix_wins(void **state)
{
    (void)state;
    static const struct {
        const char *digits;
        uint16_t issuer; /* 0: no rule */
    } cases[] = {
        {"6228480000000000", 1}, {"6228480100000000", 2},   {"6228480123400000", 4},
        {"6228480123500000", 2}, {"6228490000000000", 3},   {"6228500000000000", 8},
        {"6229000000000000", 5}, {"0622848000000000", 0},   {"6228479999999999", 8},
        {"6299999999999999", 5}, {"6300000000000000", 0},   {"0001000000000000", 6},
        {"0002000000000000", 0}, {"9999999999990000", 7},   {"9999999999980000", 0},
        {"0000000000000000", 0}, {"622848012349999999", 4}, {"622848012350", 2},
    };
    struct bin_table *table = frozen_table(NESTED, COUNT_OF(NESTED));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(issuer_of(table, cases[i].digits), cases[i].issuer);
    }
    bin_table_destroy(table);
}

/* What the table claims to be, written the slow way. */
static const struct bin_rule *scan(const struct bin_rule *rules, uint32_t count,
                                   const struct pan *pan)
{
    const struct bin_rule *longest = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (pan_prefix(pan, rules[i].digit_count) == rules[i].prefix &&
            (longest == NULL || rules[i].digit_count > longest->digit_count)) {
            longest = &rules[i];
        }
    }
    return longest;
}

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Digits of a small alphabet, so that prefixes nest deeply and cards hit them. */
static uint64_t random_digits(uint64_t *seed, char *text, uint8_t count)
{
    uint64_t value = 0;
    for (uint8_t i = 0; i < count; i++) {
        static const char ALPHABET[] = "0129";
        text[i] = ALPHABET[random_next(seed) % 4];
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    text[count] = '\0';
    return value;
}

static uint32_t random_rules(uint64_t *seed, struct bin_rule *rules, uint32_t count_max)
{
    uint32_t count = 0;
    char text[20];
    for (uint32_t i = 0; i < count_max; i++) {
        struct bin_rule rule = {.digit_count = (uint8_t)(1 + random_next(seed) % BIN_DIGITS_MAX)};
        rule.prefix = random_digits(seed, text, rule.digit_count);
        rule.issuer = (uint16_t)(i + 1);
        bool is_new = true;
        for (uint32_t j = 0; j < count && is_new; j++) {
            is_new = rules[j].prefix != rule.prefix || rules[j].digit_count != rule.digit_count;
        }
        if (is_new) {
            rules[count++] = rule;
        }
    }
    return count;
}

static void test_any_table_answers_as_a_scan_does(void **state)
{
    (void)state;
    struct bin_rule rules[200];
    for (uint64_t round = 1; round <= 300; round++) {
        uint64_t seed = round * UINT64_C(0x9E3779B97F4A7C15);
        uint32_t count = random_rules(&seed, rules, (uint32_t)(1 + random_next(&seed) % 200));
        struct bin_table *table = frozen_table(rules, count);
        for (unsigned card = 0; card < 300; card++) {
            char digits[20];
            struct pan pan;
            random_digits(&seed, digits, 16);
            assert_int_equal(pan_parse(&pan, digits, 16), STATUS_OK);
            const struct bin_rule *expected = scan(rules, count, &pan);
            const struct bin_rule *found = bin_table_find(table, &pan);
            if (found == NULL || expected == NULL ? found != NULL || expected != NULL
                                                  : found->issuer != expected->issuer) {
                fail_msg("round %u: card %s", (unsigned)round, digits);
            }
        }
        bin_table_destroy(table);
    }
}

/* Thousands of ranges that begin alike, most of them at one end: nowhere near an even spread. */
static void test_crowded_ranges_are_found_as_a_scan_finds_them(void **state)
{
    (void)state;
    enum { RULE_COUNT = 4000 };
    static struct bin_rule rules[RULE_COUNT];
    uint64_t seed = 7;
    uint64_t prefix = UINT64_C(622848000000);
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        prefix += 1 + random_next(&seed) % (i < RULE_COUNT / 2 ? 3 : 400);
        rules[i] = (struct bin_rule){
            .prefix = prefix, .digit_count = BIN_DIGITS_MAX, .issuer = (uint16_t)(i + 1)};
    }
    struct bin_table *table = frozen_table(rules, RULE_COUNT);
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        for (uint64_t digits = rules[i].prefix - 1; digits <= rules[i].prefix + 1; digits++) {
            char text[20];
            struct pan pan;
            snprintf(text, sizeof(text), "%llu0000", (unsigned long long)digits);
            assert_int_equal(pan_parse(&pan, text, 16), STATUS_OK);
            const struct bin_rule *expected = scan(rules, RULE_COUNT, &pan);
            assert_int_equal(issuer_of(table, text), expected == NULL ? 0 : expected->issuer);
        }
    }
    bin_table_destroy(table);
}

static void test_an_empty_table_knows_no_card(void **state)
{
    (void)state;
    struct bin_table *table = frozen_table(NESTED, 1);
    bin_table_destroy(table);
    struct bin_rule duplicate;
    table = bin_table_create(1);
    assert_int_equal(bin_table_freeze(table, &duplicate), STATUS_OK);
    assert_int_equal(issuer_of(table, "6228480000000000"), 0);
    bin_table_destroy(table);
}

static void test_add_refuses_what_is_no_prefix(void **state)
{
    (void)state;
    static const struct bin_rule refused[] = {
        {.prefix = 62, .digit_count = 0},
        {.prefix = 622848, .digit_count = 5},
        {.prefix = 6228480123456, .digit_count = 13},
        {.prefix = 622848, .digit_count = 6, .pan_digits = 11},
        {.prefix = 622848, .digit_count = 6, .pan_digits = 20},
    };
    struct bin_table *table = bin_table_create(1);
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        assert_int_equal(bin_table_add(table, &refused[i]), STATUS_BAD_VALUE);
    }
    bin_table_destroy(table);
}

static void test_add_refuses_more_than_room(void **state)
{
    (void)state;
    struct bin_table *table = bin_table_create(1);
    assert_int_equal(bin_table_add(table, &NESTED[0]), STATUS_OK);
    assert_int_equal(bin_table_add(table, &NESTED[1]), STATUS_NO_ROOM);
    assert_int_equal(bin_table_count(table), 1);
    bin_table_destroy(table);
}

static void test_freeze_names_the_duplicate(void **state)
{
    (void)state;
    struct bin_rule duplicate = {0};
    struct bin_table *table = bin_table_create(4);
    /* 0622848 and 622848 are two prefixes, of 7 digits and of 6. */
    static const struct bin_rule other = {.prefix = 622848, .digit_count = 7};
    assert_int_equal(bin_table_add(table, &NESTED[0]), STATUS_OK);
    assert_int_equal(bin_table_add(table, &other), STATUS_OK);
    assert_int_equal(bin_table_add(table, &NESTED[2]), STATUS_OK);
    assert_int_equal(bin_table_add(table, &NESTED[0]), STATUS_OK);
    assert_int_equal(bin_table_freeze(table, &duplicate), STATUS_DUPLICATE);
    assert_int_equal(duplicate.prefix, 622848);
    assert_int_equal(duplicate.digit_count, 6);
    bin_table_destroy(table);
}

static void test_find_before_freeze_is_our_bug(void **state)
{
    (void)state;
    struct pan pan;
    assert_int_equal(pan_parse(&pan, "6228480000000000", 16), STATUS_OK);
    struct bin_table *table = bin_table_create(1);
    expect_assert_failure(bin_table_find(table, &pan));
    bin_table_destroy(table);
}

static bool is_sole(const struct bin_table *table, const char *low, const char *high)
{
    struct pan from;
    struct pan to;
    assert_int_equal(pan_parse(&from, low, strlen(low)), STATUS_OK);
    assert_int_equal(pan_parse(&to, high, strlen(high)), STATUS_OK);
    return bin_table_is_sole(table, &from, &to);
}

static void test_a_range_of_cards_is_sole_where_no_other_prefix_begins_in_it(void **state)
{
    (void)state;
    struct bin_table *table = frozen_table(NESTED, COUNT_OF(NESTED));
    assert_true(is_sole(table, "622849000000", "622849999999"));
    assert_false(is_sole(table, "622848000000", "622848999999")); /* 62284801 lies within */
    assert_true(is_sole(table, "622848020000", "622848999999"));
    assert_false(is_sole(table, "622847000000", "622848000000"));
    assert_true(is_sole(table, "500000000000", "599999999999")); /* none at all */
    bin_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_prefix_wins),
        cmocka_unit_test(test_any_table_answers_as_a_scan_does),
        cmocka_unit_test(test_crowded_ranges_are_found_as_a_scan_finds_them),
        cmocka_unit_test(test_a_range_of_cards_is_sole_where_no_other_prefix_begins_in_it),
        cmocka_unit_test(test_an_empty_table_knows_no_card),
        cmocka_unit_test(test_add_refuses_what_is_no_prefix),
        cmocka_unit_test(test_add_refuses_more_than_room),
        cmocka_unit_test(test_freeze_names_the_duplicate),
        cmocka_unit_test(test_find_before_freeze_is_our_bug),
    };
    return cmocka_run_group_tests_name("routing/bin_table", tests, NULL, NULL);
}
