/* See fee_plan.h: what is sold below cost. A fee is a line that bends where floor and cap are
 * reached, so over a range of amounts the margin is lowest at an end of it or at a bend. */
#include "routing/fee_plan.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/fee_set.h"

#define FORMULA_COUNT 3
#define POINT_COUNT_MAX (3 + 4 * FORMULA_COUNT)
#define PLAIN_AMOUNT 100000 /* an amount that readers have a feeling for */
#define SENTENCE_SIZE 320

struct fee_loss {
    int64_t amount, margin; /* minor units; margin below zero: a loss */
};

static void take_point(int64_t points[POINT_COUNT_MAX], unsigned *count, int64_t amount)
{
    points[(*count)++] = amount;
}

/* The amounts at which a formula bends: where it leaves its floor and where it meets its cap. */
static void take_bends(int64_t points[POINT_COUNT_MAX], unsigned *count,
                       const struct fee_formula *formula)
{
    const int64_t limits[] = {formula->floor, formula->cap};
    for (unsigned i = 0; i < 2; i++) {
        bool is_met = formula->rate_e8 > 0 && limits[i] != FEE_NO_CAP && limits[i] > formula->fixed;
        /* Limits are 12 digits at most, so the whole part alone is exact enough. */
        int64_t above = is_met ? limits[i] - formula->fixed : 0;
        int64_t at = is_met && above < INT64_MAX / FEE_RATE_ONE
                         ? above * FEE_RATE_ONE / formula->rate_e8
                         : 0;
        take_point(points, count, at);
        take_point(points, count, at + 1);
    }
}

/* A loss at a plain amount, else the worst over the amounts that both rules take. One minor unit
 * below zero is what rounding each component alone may cost, and no loss. */
static struct fee_loss worst(const struct fee_formula formulas[FORMULA_COUNT],
                             const struct number_range *range)
{
    int64_t points[POINT_COUNT_MAX];
    unsigned count = 0;
    struct fee_loss found = {0, 0};
    take_point(points, &count, PLAIN_AMOUNT);
    take_point(points, &count, (int64_t)range->min);
    take_point(points, &count, (int64_t)range->max);
    for (unsigned i = 0; i < FORMULA_COUNT; i++) {
        take_bends(points, &count, &formulas[i]);
    }
    REQUIRE(count == POINT_COUNT_MAX);
    for (unsigned i = 0; i < count; i++) {
        if (points[i] < (int64_t)range->min || points[i] > (int64_t)range->max) {
            continue;
        }
        int64_t margin = fee_apply(&formulas[0], points[i]) - fee_apply(&formulas[1], points[i]) -
                         fee_apply(&formulas[2], points[i]);
        if (margin < -1 && margin < found.margin) {
            found = (struct fee_loss){points[i], margin};
        }
        if (i == 0 && found.margin < 0) {
            return found; /* it loses there: no need to look for the worst */
        }
    }
    return found;
}

static struct number_range amounts_of(const struct fee_rule *price, const struct fee_rule *cost)
{
    struct number_range range = {1, (uint64_t)MONEY_MINOR_MAX};
    const struct fee_rule *const rules[] = {price, cost};
    for (unsigned i = 0; i < 2; i++) {
        const struct condition_numbers *amounts =
            condition_numbers_of(&rules[i]->condition, CONDITION_AMOUNT);
        if (amounts->count > 0) {
            range.min = amounts->items[0].min > range.min ? amounts->items[0].min : range.min;
            range.max = amounts->items[0].max < range.max ? amounts->items[0].max : range.max;
        }
    }
    return range;
}

/* Where a heavier rule of the list takes all that this pair could meet, the pair never does. */
static bool is_shadowed(const struct fee_rules *rules, const struct fee_rule *rule,
                        const struct fee_rule *other)
{
    for (const struct fee_rule *at = rules->items; at < rule; at++) {
        if (condition_covers_meeting(&at->condition, &rule->condition, &other->condition)) {
            return true;
        }
    }
    return false;
}

/* Says it once a price rule: against the cost rule that loses most. */
static uint32_t say_loss(const struct fee_plan_set *plans, const struct fee_plan *plan,
                         const struct fee_rule *price, char *text, uint32_t text_size)
{
    struct fee_loss most = {0, 0};
    const struct fee_rule *by = NULL;
    for (uint32_t i = 0; i < plans->cost.count; i++) {
        const struct fee_rule *cost = &plans->cost.items[i];
        const struct number_range range = amounts_of(price, cost);
        if (!condition_overlaps(&price->condition, &cost->condition) || range.min > range.max ||
            is_shadowed(&plans->cost, cost, price) || is_shadowed(&plan->rules, price, cost)) {
            continue;
        }
        const struct fee_formula formulas[FORMULA_COUNT] = {
            price->formulas[FEE_MERCHANT], cost->formulas[FEE_ISSUER], cost->formulas[FEE_SCHEME]};
        struct fee_loss loss = worst(formulas, &range);
        if (loss.margin < most.margin) {
            most = loss;
            by = cost;
        }
    }
    if (by == NULL) {
        return 0;
    }
    char amount[MONEY_TEXT_SIZE];
    char margin[MONEY_TEXT_SIZE];
    char sentence[SENTENCE_SIZE];
    money_format(amount, (struct money){most.amount, plans->form.currency});
    money_format(margin, (struct money){most.margin, plans->form.currency});
    int length = snprintf(sentence, sizeof(sentence),
                          "%s:%u: plan %s sells below the cost of line %u: %s leaves %s\n",
                          plans->file, price->line, plan->name, by->line, amount, margin);
    if (length < 0 || (uint32_t)length >= text_size) {
        return 0;
    }
    memcpy(text, sentence, (size_t)length + 1);
    return (uint32_t)length;
}

uint32_t fee_plan_set_losses(const struct fee_plan_set *plans, char *text, uint32_t text_size)
{
    REQUIRE(text_size > 0);
    uint32_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < plans->plan_count; i++) {
        const struct fee_plan *plan = &plans->plans[i];
        for (uint32_t j = 0; j < plan->rules.count; j++) {
            used += say_loss(plans, plan, &plan->rules.items[j], text + used, text_size - used);
        }
    }
    return used;
}
