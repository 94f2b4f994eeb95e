/* Warranty: edge dates, the most special terms, exclusions, swap, and the price. */
#include "switch/aftersales/warranty.h"

#include <string.h>

#include "routing/civil_date.h"
#include "tests/unit/unit_test.h"

static int32_t day(const char *text)
{
    int64_t days = 0;
    assert_true(civil_date_parse(&days, text));
    return (int32_t)days;
}

static struct terminal_registration terminal(void)
{
    return (struct terminal_registration){.terminal_id = "10000001",
                                          .brand = "PAX",
                                          .model = "A920",
                                          .obtained = OBTAINED_BANK_COUNTER,
                                          .shipped_day = day("2025-03-01"),
                                          .sold_day = day("2025-03-15"),
                                          .installed_day = day("2025-03-31")};
}

static struct warranty terms_of(const char *model, enum part_class part, uint16_t months)
{
    struct warranty terms = {.brand = "PAX",
                             .part = part,
                             .months = months,
                             .from = WARRANTY_FROM_SOLD,
                             .exclusions =
                                 DAMAGE_BIT(LIQUID) | DAMAGE_BIT(IMPACT) | DAMAGE_BIT(ABUSE),
                             .way_there = PAYER_MERCHANT,
                             .way_back = PAYER_MAKER,
                             .swap_after_repairs = 3,
                             .visit_minor = 8000,
                             .labour_minor = 5000,
                             .part_minor = 12000,
                             .key_loading_minor = 3000,
                             .verified_day = day("2026-01-01")};
    memcpy(terms.model, model, strlen(model) + 1);
    return terms;
}

static struct warranty_answer decide(const struct terminal_registration *registered,
                                     const struct warranty *terms, enum damage damage,
                                     const char *today)
{
    struct warranty_answer answer;
    struct warranty_question question = {.terminal = registered,
                                         .terms = terms,
                                         .term_count = terms == NULL ? 0 : 1,
                                         .part = PART_PRINTER,
                                         .damage = damage,
                                         .today = day(today)};
    warranty_decide(&question, &answer);
    assert_true(answer.why[0] != '\0');
    return answer;
}

static void test_it_ends_the_day_before_the_same_day_of_the_month(void **state)
{
    (void)state;
    assert_int_equal(warranty_ends_day(day("2025-03-15"), 12), day("2026-03-14"));
    assert_int_equal(warranty_ends_day(day("2025-03-01"), 12), day("2026-02-28"));
    assert_int_equal(warranty_ends_day(day("2024-02-29"), 12), day("2025-02-28"));
    assert_int_equal(warranty_ends_day(day("2024-02-29"), 48), day("2028-02-28"));
    assert_int_equal(warranty_ends_day(day("2025-08-31"), 6), day("2026-02-28"));
    assert_int_equal(warranty_ends_day(day("2025-12-01"), 1), day("2025-12-31"));
    assert_int_equal(warranty_ends_day(day("2025-12-15"), 24), day("2027-12-14"));
}

static void test_the_last_day_is_in_and_the_next_is_not(void **state)
{
    (void)state;
    struct terminal_registration registered = terminal();
    struct warranty terms = terms_of("A920", PART_WHOLE, 12);
    struct warranty_answer answer = decide(&registered, &terms, DAMAGE_WEAR, "2026-03-14");
    assert_int_equal(answer.verdict, WARRANTY_VERDICT_IN);
    assert_true(answer.is_free && !answer.needs_acceptance);
    assert_int_equal(answer.cost_minor, 0);
    assert_int_equal(answer.way_there, PAYER_MERCHANT);
    answer = decide(&registered, &terms, DAMAGE_WEAR, "2026-03-15");
    assert_int_equal(answer.verdict, WARRANTY_VERDICT_EXPIRED);
    assert_int_equal(answer.cost_minor, 5000 + 12000 + 3000);
    assert_true(answer.needs_acceptance && answer.is_price_known);
}

static void test_from_when_it_counts_is_the_contracts(void **state)
{
    (void)state;
    struct terminal_registration registered = terminal();
    struct warranty terms = terms_of("A920", PART_WHOLE, 12);
    terms.from = WARRANTY_FROM_SHIPPED;
    assert_int_equal(decide(&registered, &terms, DAMAGE_WEAR, "2026-03-01").verdict,
                     WARRANTY_VERDICT_EXPIRED);
    terms.from = WARRANTY_FROM_INSTALLED;
    assert_int_equal(decide(&registered, &terms, DAMAGE_WEAR, "2026-03-30").verdict,
                     WARRANTY_VERDICT_IN);
    registered.installed_day = 0;
    assert_int_equal(decide(&registered, &terms, DAMAGE_WEAR, "2026-03-30").verdict,
                     WARRANTY_VERDICT_UNDATED);
}

static void test_what_is_excluded_is_paid_within_the_time_too(void **state)
{
    (void)state;
    struct terminal_registration registered = terminal();
    struct warranty terms = terms_of("A920", PART_WHOLE, 12);
    struct warranty_answer answer = decide(&registered, &terms, DAMAGE_LIQUID, "2025-04-01");
    assert_int_equal(answer.verdict, WARRANTY_VERDICT_EXCLUDED);
    assert_true(answer.needs_acceptance && !answer.is_free);
}

static void test_the_most_special_terms_hold(void **state)
{
    (void)state;
    struct terminal_registration registered = terminal();
    struct warranty terms[] = {terms_of("", PART_WHOLE, 36), terms_of("A920", PART_PRINTER, 6),
                               terms_of("A920", PART_WHOLE, 24), terms_of("A930", PART_PRINTER, 99),
                               terms_of("A920", PART_PRINTER, 12)};
    terms[4].source = OBTAINED_BANK_COUNTER;
    struct warranty_question question = {.terminal = &registered,
                                         .terms = terms,
                                         .term_count = COUNT_OF(terms),
                                         .part = PART_PRINTER,
                                         .damage = DAMAGE_WEAR,
                                         .today = day("2026-03-14")};
    struct warranty_answer answer;
    warranty_decide(&question, &answer);
    assert_ptr_equal(answer.terms, &terms[4]);
    registered.obtained = OBTAINED_AGENT;
    warranty_decide(&question, &answer);
    assert_ptr_equal(answer.terms, &terms[1]);
    question.part = PART_SCREEN;
    warranty_decide(&question, &answer);
    assert_ptr_equal(answer.terms, &terms[2]);
    memcpy(registered.model, "S90", 4);
    warranty_decide(&question, &answer);
    assert_ptr_equal(answer.terms, &terms[0]);
    question.part = PART_CONSUMABLE;
    warranty_decide(&question, &answer);
    assert_int_equal(answer.verdict, WARRANTY_VERDICT_CONSUMABLE);
}

static void test_without_terms_nothing_is_promised(void **state)
{
    (void)state;
    struct terminal_registration registered = terminal();
    struct warranty_answer answer = decide(&registered, NULL, DAMAGE_WEAR, "2025-04-01");
    assert_int_equal(answer.verdict, WARRANTY_VERDICT_UNKNOWN);
    assert_true(!answer.is_free && !answer.is_price_known && answer.needs_acceptance);
    struct warranty other = terms_of("A920", PART_WHOLE, 12);
    memcpy(other.brand, "Landi", 6);
    assert_int_equal(decide(&registered, &other, DAMAGE_WEAR, "2025-04-01").verdict,
                     WARRANTY_VERDICT_UNKNOWN);
}

static void test_after_three_failed_repairs_it_is_swapped_in_warranty_only(void **state)
{
    (void)state;
    struct terminal_registration registered = terminal();
    struct warranty terms = terms_of("A920", PART_WHOLE, 12);
    registered.repair_count = 2;
    assert_int_equal(decide(&registered, &terms, DAMAGE_WEAR, "2025-04-01").way, REPAIR_WAY_REPAIR);
    registered.repair_count = 3;
    assert_int_equal(decide(&registered, &terms, DAMAGE_WEAR, "2025-04-01").way, REPAIR_WAY_SWAP);
    assert_int_equal(decide(&registered, &terms, DAMAGE_WEAR, "2026-04-01").way, REPAIR_WAY_REPAIR);
    terms.swap_after_repairs = 0;
    assert_int_equal(decide(&registered, &terms, DAMAGE_WEAR, "2025-04-01").way, REPAIR_WAY_REPAIR);
}

static void test_tampering_is_always_swapped(void **state)
{
    (void)state;
    struct terminal_registration registered = terminal();
    struct warranty terms = terms_of("A920", PART_WHOLE, 12);
    assert_int_equal(decide(&registered, &terms, DAMAGE_TAMPER, "2025-04-01").way, REPAIR_WAY_SWAP);
    assert_int_equal(decide(&registered, &terms, DAMAGE_TAMPER, "2029-04-01").way, REPAIR_WAY_SWAP);
    assert_int_equal(decide(&registered, NULL, DAMAGE_TAMPER, "2029-04-01").way, REPAIR_WAY_SWAP);
}

static void test_what_is_rented_is_replaced_free_unless_it_was_abused(void **state)
{
    (void)state;
    struct terminal_registration registered = terminal();
    registered.is_rented = true;
    struct warranty_answer answer = decide(&registered, NULL, DAMAGE_WEAR, "2029-04-01");
    assert_int_equal(answer.verdict, WARRANTY_VERDICT_RENTED);
    assert_true(answer.is_free && answer.way == REPAIR_WAY_SWAP && !answer.needs_acceptance);
    assert_false(decide(&registered, NULL, DAMAGE_ABUSE, "2029-04-01").is_free);
}

static void test_key_loading_may_be_charged_in_warranty_and_a_visit_out_of_it(void **state)
{
    (void)state;
    struct terminal_registration registered = terminal();
    struct warranty terms = terms_of("A920", PART_WHOLE, 12);
    terms.is_key_loading_charged = true;
    struct warranty_answer answer = decide(&registered, &terms, DAMAGE_WEAR, "2025-04-01");
    assert_int_equal(answer.cost_minor, 3000);
    assert_true(answer.is_free && answer.needs_acceptance);
    struct warranty_question question = {.terminal = &registered,
                                         .terms = &terms,
                                         .term_count = 1,
                                         .part = PART_PRINTER,
                                         .damage = DAMAGE_WEAR,
                                         .today = day("2026-04-01"),
                                         .is_on_site = true};
    warranty_decide(&question, &answer);
    assert_int_equal(answer.cost_minor, 8000 + 5000 + 12000 + 3000);
    terms.labour_minor = terms.part_minor = 0;
    warranty_decide(&question, &answer);
    assert_false(answer.is_price_known);
    assert_true(answer.needs_acceptance);
}

static void test_terms_that_nobody_verified_lately_are_shown_as_such(void **state)
{
    (void)state;
    struct terminal_registration registered = terminal();
    struct warranty terms = terms_of("A920", PART_WHOLE, 24);
    assert_false(decide(&registered, &terms, DAMAGE_WEAR, "2026-06-30").is_stale);
    assert_true(decide(&registered, &terms, DAMAGE_WEAR, "2026-07-01").is_stale);
    assert_string_equal(warranty_verdict_text(WARRANTY_VERDICT_IN, true), "在保修期内");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_ends_the_day_before_the_same_day_of_the_month),
        cmocka_unit_test(test_the_last_day_is_in_and_the_next_is_not),
        cmocka_unit_test(test_from_when_it_counts_is_the_contracts),
        cmocka_unit_test(test_what_is_excluded_is_paid_within_the_time_too),
        cmocka_unit_test(test_the_most_special_terms_hold),
        cmocka_unit_test(test_without_terms_nothing_is_promised),
        cmocka_unit_test(test_after_three_failed_repairs_it_is_swapped_in_warranty_only),
        cmocka_unit_test(test_tampering_is_always_swapped),
        cmocka_unit_test(test_what_is_rented_is_replaced_free_unless_it_was_abused),
        cmocka_unit_test(test_key_loading_may_be_charged_in_warranty_and_a_visit_out_of_it),
        cmocka_unit_test(test_terms_that_nobody_verified_lately_are_shown_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
