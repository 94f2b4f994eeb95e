/* The index of fee rules is a quicker way to what a plain walk finds: plans, costs and discounts
 * drawn at random, and payments on and around their limits. */
#include "tests/unit/unit_test.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/yaml_file.h"
#include "routing/fee_set.h"

#define WEIGHT_COUNT 5
#define SLICE_COUNT 6 /* rules of one weight; each has a slice of one part of its own */
#define DATE_2026_US (INT64_C(1767225600) * 1000000)
#define DAY_US INT64_C(86400000000)

static const char *const SCHEMES[] = {"unionpay", "visa", "jcb"};
static const char *const CARD_TYPES[] = {"debit", "credit", "prepaid"};
static const char *const CLASSES[] = {"standard", "preferential", "exempt"};
static const char *const KINDS[] = {"purchase", "preauth", "capture"};
static const char *const CHANNELS[] = {"a", "b", "c", "d", "e", "f"};
static const char *const PRODUCTS[] = {"manual", "magnetic",          "ic", "contactless",
                                       "qr",     "small_contactless", NULL};

struct draft {
    char text[65536];
    uint32_t used;
    uint64_t random;
};

static uint64_t draw(struct draft *draft, uint64_t below)
{
    draft->random ^= draft->random << 13;
    draft->random ^= draft->random >> 7;
    draft->random ^= draft->random << 17;
    return (draft->random >> 11) % below;
}

static void put(struct draft *draft, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct draft *draft, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int added =
        vsnprintf(draft->text + draft->used, sizeof(draft->text) - draft->used, format, arguments);
    va_end(arguments);
    draft->used += (uint32_t)added;
    assert_true(draft->used < sizeof(draft->text));
}

/* Parts of which each slice has values of its own. */
enum part { MCC, AMOUNT, MERCHANT, CHANNEL, PRODUCT, DATE, MONTH, SLICED_COUNT };
enum { SCHEME = SLICED_COUNT, CARD_TYPE, CLASS, KIND, PART_COUNT };

static void put_part(struct draft *draft, unsigned part, unsigned slice)
{
    switch (part) {
    case MCC:
        put(draft, "mcc: [%u-%u, %u], ", 5000 + slice * 10, 5004 + slice * 10, 5006 + slice * 10);
        break;
    case AMOUNT:
        put(draft, "amount_min: %u.00, amount_max: %u.99, ", slice, slice);
        break;
    case MERCHANT:
        put(draft, "merchant: ['%u', '%u'], ", slice, slice + 10);
        break;
    case CHANNEL:
        put(draft, "channel: %s, ", CHANNELS[slice]);
        break;
    case PRODUCT:
        put(draft, "product: %s, ", PRODUCTS[slice]);
        break;
    case DATE:
        put(draft, "from: 2026-01-%02u, until: 2026-01-%02u, ", 1 + slice, 2 + slice);
        break;
    case MONTH:
        put(draft, "month_min: %u.00, month_max: %u.99, ", slice, slice);
        break;
    case SCHEME:
        put(draft, "scheme: [%s, %s], ", SCHEMES[slice % 3], SCHEMES[slice / 3]);
        break;
    case CARD_TYPE:
        put(draft, "card_type: %s, ", CARD_TYPES[slice % 3]);
        break;
    case CLASS:
        put(draft, "merchant_class: %s, ", CLASSES[slice % 3]);
        break;
    default:
        put(draft, "kind: %s, ", KINDS[slice % 3]);
        break;
    }
}

/* Rules of one weight never meet: each has another slice of the same part. What else they state is
 * drawn. */
static void put_rules(struct draft *draft, const char *indent, const char *figures)
{
    for (unsigned weight = 1; weight <= WEIGHT_COUNT; weight++) {
        unsigned sliced = (unsigned)draw(draft, SLICED_COUNT);
        unsigned first = (unsigned)draw(draft, SLICE_COUNT);
        for (unsigned slice = first; slice < SLICE_COUNT; slice++) {
            unsigned stated = 1u << sliced;
            put(draft, "%s- {", indent);
            put_part(draft, sliced, slice);
            for (unsigned left = weight - 1; left > 0;) {
                unsigned part = (unsigned)draw(draft, PART_COUNT);
                if ((stated >> part & 1) == 0) {
                    stated |= 1u << part;
                    put_part(draft, part, (unsigned)draw(draft, SLICE_COUNT));
                    left--;
                }
            }
            put(draft, "%s}\n", figures);
        }
    }
}

static void put_file(struct draft *draft)
{
    draft->used = 0;
    put(draft, "small_contactless_max: 3.00\nplans:\n");
    put(draft, "  P:\n    otherwise: Q\n    rules:\n");
    put_rules(draft, "      ", "rate: 0.38%");
    put(draft, "  Q:\n    rules:\n");
    put_rules(draft, "      ", "rate: 0.60%, cap: 0.02");
    if (draw(draft, 2) == 0) {
        put(draft, "      - {rate: 1.20%%}\n");
    }
    put(draft, "cost:\n");
    put_rules(draft, "  ", "issuer_fee: {rate: 0.20%}, scheme_fee: {rate: 0.04%}");
    put(draft, "  - {issuer_fee: {rate: 0.35%%}, scheme_fee: {rate: 0.03%%}}\ndiscounts:\n");
    put_rules(draft, "  ", "factor: 0.5");
}

static struct fee_plan_set *plans_of(const struct draft *draft)
{
    struct document *document = yaml_file_parse("fees.yaml", draft->text, draft->used);
    assert_non_null(document);
    struct fee_plan_set *plans = fee_plan_set_compile(document, NULL);
    if (plans == NULL) {
        fail_msg("%s", document_fault_text(document, 0));
    }
    document_destroy(document);
    return plans;
}

/* The heaviest rule that fits, whatever the list is sorted by. */
static const struct fee_rule *walk(const struct fee_rules *rules,
                                   const struct condition_facts *facts)
{
    const struct fee_rule *found = NULL;
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct fee_rule *rule = &rules->items[i];
        if (condition_matches(&rule->condition, facts) &&
            (found == NULL ||
             condition_weight(&rule->condition) > condition_weight(&found->condition))) {
            found = rule;
        }
    }
    return found;
}

static void check_payment(struct draft *draft, const struct fee_plan_set *plans, uint32_t *found)
{
    static const enum payment_kind kinds[] = {PAYMENT_PURCHASE, PAYMENT_PREAUTH, PAYMENT_CAPTURE};
    static const uint8_t schemes[] = {CARD_SCHEME_UNIONPAY, CARD_SCHEME_VISA, CARD_SCHEME_JCB};
    static const char *const modes[] = {"012", "021", "051", "071", "072", "032", ""};
    struct payment payment;
    payment_clear(&payment);
    payment.kind = kinds[draw(draft, 3)];
    snprintf(payment.entry_mode, sizeof(payment.entry_mode), "%s", modes[draw(draft, 7)]);
    const struct bin_rule bin = {.scheme = schemes[draw(draft, 3)],
                                 .card_type = (uint8_t)draw(draft, 3)};
    struct merchant_row merchant = {.merchant_class = (uint8_t)draw(draft, 3)};
    snprintf(merchant.plan, sizeof(merchant.plan), "%s", draw(draft, 4) == 0 ? "Q" : "P");
    snprintf(merchant.merchant_id, sizeof(merchant.merchant_id), "%u", (unsigned)draw(draft, 18));
    snprintf(merchant.mcc, sizeof(merchant.mcc), "%u", 4998 + (unsigned)draw(draft, 64));
    const struct fee_inputs inputs = {.amount = {1 + (int64_t)draw(draft, 700), MONEY_CNY},
                                      .wall_us = DATE_2026_US - DAY_US +
                                                 (int64_t)draw(draft, 9) * DAY_US +
                                                 (int64_t)draw(draft, 24) * DAY_US / 24,
                                      .bin = draw(draft, 8) == 0 ? NULL : &bin,
                                      .merchant = &merchant,
                                      .payment = &payment,
                                      .channel = CHANNELS[draw(draft, SLICE_COUNT)],
                                      .month_minor = (int64_t)draw(draft, 700)};
    struct fee_choice choice;
    fee_choose(plans, &inputs, &choice);
    const struct fee_plan *plan = fee_plan_find(plans, merchant.plan);
    const struct fee_rule *price = walk(&plan->rules, &choice.facts);
    price = price == NULL && plan->otherwise != NULL ? walk(&plan->otherwise->rules, &choice.facts)
                                                     : price;
    const struct fee_rule *cost = walk(&plans->cost, &choice.facts);
    assert_ptr_equal(choice.merchant, price);
    assert_ptr_equal(choice.cost, cost);
    assert_ptr_equal(choice.discount, walk(&plans->discounts, &choice.facts));
    struct fee_quote quote;
    assert_int_equal(fee_quote(plans, &inputs, &quote),
                     price == NULL ? STATUS_NOT_FOUND : STATUS_OK);
    found[0] += price == NULL;
    found[1] += price != NULL && condition_weight(&price->condition) > 1;
    found[2] += choice.discount != NULL;
}

static void test_the_index_prices_as_a_walk_does(void **state)
{
    (void)state;
    static struct draft draft = {.random = 4711};
    uint32_t found[3] = {0};
    for (unsigned round = 0; round < 100; round++) {
        put_file(&draft);
        struct fee_plan_set *plans = plans_of(&draft);
        for (unsigned i = 0; i < 1000; i++) {
            check_payment(&draft, plans, found);
        }
        fee_plan_set_destroy(plans);
    }
    /* Each way was gone often: no price, a rule of several parts, a discount. */
    assert_true(found[0] > 1000);
    assert_true(found[1] > 1000);
    assert_true(found[2] > 1000);
}

static void test_each_of_many_plans_is_found_by_its_name(void **state)
{
    (void)state;
    static struct draft draft = {.random = 1};
    put(&draft, "plans:\n");
    for (unsigned i = 0; i < FEE_PLAN_COUNT_MAX; i++) {
        put(&draft, "  N%u:\n    rules: [{rate: 1%%}]\n", i * 7);
    }
    put(&draft, "cost:\n  - {issuer_fee: {rate: 0%%}, scheme_fee: {rate: 0%%}}\n");
    struct fee_plan_set *plans = plans_of(&draft);
    for (unsigned i = 0; i < FEE_PLAN_COUNT_MAX * 7; i++) {
        char name[FEE_PLAN_NAME_SIZE];
        snprintf(name, sizeof(name), "N%u", i);
        const struct fee_plan *plan = fee_plan_find(plans, name);
        assert_true((plan != NULL) == (i % 7 == 0));
        if (plan != NULL) {
            assert_string_equal(plan->name, name);
        }
    }
    assert_false(fee_plan_set_has(plans, ""));
    fee_plan_set_destroy(plans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_index_prices_as_a_walk_does),
        cmocka_unit_test(test_each_of_many_plans_is_found_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
