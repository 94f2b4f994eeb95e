/* See fee_plan.h: prices of payments; fee_read.c compiles the file.
 *
 * A list of rules is sorted by weight (how many parts a rule states), heaviest first, and compile
 * has made sure that no two of one weight overlap: so the first that matches is the most specific,
 * and there is no second.
 */
#include "routing/fee_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/fee_set.h"

#define FEE_LINE_SIZE 400

/* What the rate alone gives, in 1e-8 of a minor unit, cut in two so that 64 bits hold it. */
struct fee_exact {
    int64_t units, fraction_e8;
};

static struct fee_exact exact_part(int64_t rate_e8, int64_t magnitude)
{
    int64_t rest = magnitude % FEE_RATE_ONE * rate_e8;
    return (struct fee_exact){magnitude / FEE_RATE_ONE * rate_e8 + rest / FEE_RATE_ONE,
                              rest % FEE_RATE_ONE};
}

int64_t fee_apply(const struct fee_formula *formula, int64_t amount_minor)
{
    REQUIRE(formula->rate_e8 >= 0 && formula->rate_e8 <= FEE_RATE_ONE);
    REQUIRE(amount_minor <= MONEY_MINOR_MAX);
    REQUIRE(amount_minor >= -MONEY_MINOR_MAX);
    bool is_negative = amount_minor < 0;
    struct fee_exact exact =
        exact_part(formula->rate_e8, is_negative ? -amount_minor : amount_minor);
    int64_t fee = formula->fixed + exact.units + (exact.fraction_e8 >= FEE_RATE_ONE / 2);
    fee = fee < formula->floor ? formula->floor : fee;
    fee = fee > formula->cap ? formula->cap : fee;
    return is_negative ? -fee : fee;
}

/* The plan of that name, or NULL; plans are sorted by name. */
const struct fee_plan *fee_plan_find(const struct fee_plan_set *plans, const char *name)
{
    uint32_t low = 0;
    uint32_t high = plans->plan_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(name, plans->plans[middle].name);
        if (order == 0) {
            return &plans->plans[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

bool fee_plan_set_has(const struct fee_plan_set *plans, const char *plan)
{
    return fee_plan_find(plans, plan) != NULL;
}

uint16_t fee_plan_set_currency(const struct fee_plan_set *plans)
{
    return plans->form.currency;
}

static const struct fee_rule *rule_find(const struct fee_rules *rules,
                                        const struct condition_facts *facts)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        if (condition_matches(&rules->items[i].condition, facts)) {
            return &rules->items[i];
        }
    }
    return NULL;
}

/* What a quote is made of. */
struct fee_choice {
    struct condition_facts facts;
    const struct fee_plan *plan;            /* NULL: none of that name */
    const struct fee_rule *merchant, *cost; /* NULL: none fits */
};

static void choose(const struct fee_plan_set *plans, const struct fee_inputs *inputs,
                   struct fee_choice *choice)
{
    REQUIRE(inputs->merchant != NULL);
    REQUIRE(inputs->payment != NULL);
    const struct condition_subject subject = {
        .payment = inputs->payment,
        .amount = inputs->amount,
        .wall_us = inputs->wall_us,
        .bin = inputs->bin,
        .merchant = inputs->merchant,
        .channel = inputs->channel,
    };
    condition_facts_fill(&choice->facts, &subject, &plans->form);
    choice->plan = fee_plan_find(plans, inputs->merchant->plan);
    choice->merchant = NULL;
    /* Compile has refused rings of `otherwise`, so the walk ends. */
    for (const struct fee_plan *plan = choice->plan; plan != NULL && choice->merchant == NULL;
         plan = plan->otherwise) {
        choice->plan = plan;
        choice->merchant = rule_find(&plan->rules, &choice->facts);
    }
    choice->cost = rule_find(&plans->cost, &choice->facts);
}

static bool amount_is_priced(const struct fee_plan_set *plans, struct money amount)
{
    return amount.currency == plans->form.currency && amount.minor <= MONEY_MINOR_MAX &&
           amount.minor >= -MONEY_MINOR_MAX;
}

enum status fee_quote(const struct fee_plan_set *plans, const struct fee_inputs *inputs,
                      struct fee_quote *quote)
{
    struct fee_choice choice;
    if (!amount_is_priced(plans, inputs->amount)) {
        return STATUS_NOT_FOUND;
    }
    choose(plans, inputs, &choice);
    if (choice.merchant == NULL || choice.cost == NULL) {
        return STATUS_NOT_FOUND;
    }
    const int64_t amount = inputs->amount.minor;
    const uint16_t currency = inputs->amount.currency;
    *quote = (struct fee_quote){
        .merchant_fee = {fee_apply(&choice.merchant->formulas[FEE_MERCHANT], amount), currency},
        .issuer_fee = {fee_apply(&choice.cost->formulas[FEE_ISSUER], amount), currency},
        .scheme_fee = {fee_apply(&choice.cost->formulas[FEE_SCHEME], amount), currency},
        .merchant_rule = choice.merchant->line,
        .cost_rule = choice.cost->line,
    };
    return STATUS_OK;
}

struct money fee_margin(const struct fee_quote *quote)
{
    struct money cost;
    struct money margin;
    /* Of one currency by construction, and far below what 64 bits hold. */
    enum status added = money_add(&cost, quote->issuer_fee, quote->scheme_fee);
    enum status taken = money_subtract(&margin, quote->merchant_fee, cost);
    REQUIRE(added == STATUS_OK);
    REQUIRE(taken == STATUS_OK);
    return margin;
}

/* Appends one line as far as there is room. */
static uint32_t explain_line(char *text, uint32_t text_size, uint32_t used, const char *line)
{
    REQUIRE(used < text_size);
    int added = snprintf(text + used, text_size - used, "%s\n", line);
    return added < 0                             ? used
           : (uint32_t)added >= text_size - used ? text_size - 1
                                                 : used + (uint32_t)added;
}

static void limit_text(char text[MONEY_TEXT_SIZE], int64_t minor, bool is_set, uint16_t currency)
{
    if (is_set) {
        money_format(text, (struct money){minor, currency});
    } else {
        snprintf(text, MONEY_TEXT_SIZE, "none");
    }
}

static void explain_formula(char line[FEE_LINE_SIZE], const char *component,
                            const struct fee_formula *formula, struct money amount)
{
    char fixed[MONEY_TEXT_SIZE];
    char floor_text[MONEY_TEXT_SIZE];
    char cap[MONEY_TEXT_SIZE];
    char fee[MONEY_TEXT_SIZE];
    char base[MONEY_TEXT_SIZE];
    struct fee_exact exact =
        exact_part(formula->rate_e8, amount.minor < 0 ? -amount.minor : amount.minor);
    limit_text(fixed, formula->fixed, formula->fixed != 0, amount.currency);
    limit_text(floor_text, formula->floor, formula->floor != 0, amount.currency);
    limit_text(cap, formula->cap, formula->cap != FEE_NO_CAP, amount.currency);
    money_format(base, amount);
    money_format(fee, (struct money){fee_apply(formula, amount.minor), amount.currency});
    snprintf(line, FEE_LINE_SIZE,
             "%s: %s x %" PRId64 ".%06" PRId64 " %% = %" PRId64 ".%08" PRId64
             " minor units, half up %" PRId64 "; fixed %s, floor %s, cap %s: %s",
             component, base, formula->rate_e8 / 1000000, formula->rate_e8 % 1000000, exact.units,
             exact.fraction_e8, exact.units + (exact.fraction_e8 >= FEE_RATE_ONE / 2), fixed,
             floor_text, cap, fee);
}

static uint32_t explain_rule(const struct fee_choice *choice, const struct fee_rule *rule,
                             const char *what, char *text, uint32_t text_size)
{
    char facts[FEE_LINE_SIZE / 2];
    char line[FEE_LINE_SIZE];
    condition_explain(&rule->condition, &choice->facts, facts, sizeof(facts));
    snprintf(line, sizeof(line), "%s: rule of line %u (%s)", what, rule->line,
             facts[0] != '\0' ? facts : "no conditions");
    return explain_line(text, text_size, 0, line);
}

static uint32_t explain_choice(const struct fee_plan_set *plans, const struct fee_inputs *inputs,
                               char *text, uint32_t text_size)
{
    struct fee_choice choice;
    char line[FEE_LINE_SIZE];
    choose(plans, inputs, &choice);
    if (choice.merchant == NULL || choice.cost == NULL) {
        snprintf(line, sizeof(line), "fee: no %s rule fits, plan %s%s",
                 choice.merchant == NULL ? "price" : "cost", inputs->merchant->plan,
                 choice.plan == NULL ? " is not in the fees file" : "");
        return explain_line(text, text_size, 0, line);
    }
    char what[32];
    snprintf(what, sizeof(what), "plan %s", choice.plan->name);
    uint32_t used = explain_rule(&choice, choice.merchant, what, text, text_size);
    explain_formula(line, "merchant fee", &choice.merchant->formulas[FEE_MERCHANT], inputs->amount);
    used = explain_line(text, text_size, used, line);
    used += explain_rule(&choice, choice.cost, "cost", text + used, text_size - used);
    explain_formula(line, "issuer fee", &choice.cost->formulas[FEE_ISSUER], inputs->amount);
    used = explain_line(text, text_size, used, line);
    explain_formula(line, "scheme fee", &choice.cost->formulas[FEE_SCHEME], inputs->amount);
    return explain_line(text, text_size, used, line);
}

uint32_t fee_explain(const struct fee_plan_set *plans, const struct fee_inputs *inputs, char *text,
                     uint32_t text_size)
{
    REQUIRE(text_size > 0);
    text[0] = '\0';
    if (!amount_is_priced(plans, inputs->amount)) {
        char line[FEE_LINE_SIZE];
        snprintf(line, sizeof(line), "fee: the fees file is in currency %03u, the amount in %03u",
                 plans->form.currency, inputs->amount.currency);
        return explain_line(text, text_size, 0, line);
    }
    uint32_t used = explain_choice(plans, inputs, text, text_size);
    struct fee_quote quote;
    if (fee_quote(plans, inputs, &quote) == STATUS_OK) {
        char margin[MONEY_TEXT_SIZE];
        char line[FEE_LINE_SIZE];
        money_format(margin, fee_margin(&quote));
        snprintf(line, sizeof(line), "margin: %s%s", margin,
                 fee_margin(&quote).minor < 0 ? ", sold below cost" : "");
        used = explain_line(text, text_size, used, line);
    }
    return used;
}
