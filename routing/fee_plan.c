/* See fee_plan.h: prices of payments; fee_read.c compiles the file.
 *
 * A list of rules is sorted by weight (how many parts a rule states), heaviest first, and compile
 * has made sure that no two of one weight overlap: so the first that matches is the most specific,
 * and there is no second. An index finds it: what a price costs does not grow with the rules.
 */
#include "routing/fee_plan.h"

#include <string.h>

#include "protocols/base/require.h"
#include "routing/fee_set.h"
#include "routing/name_hash.h"

_Static_assert((FEE_PLAN_SLOT_COUNT & (FEE_PLAN_SLOT_COUNT - 1)) == 0, "slots are a power of two");
_Static_assert(FEE_PLAN_NAME_SIZE == 2 * sizeof(uint64_t), "a name is two words");

struct fee_exact fee_exact_part(int64_t rate_e8, int64_t magnitude)
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
        fee_exact_part(formula->rate_e8, is_negative ? -amount_minor : amount_minor);
    int64_t fee = formula->fixed + exact.units + (exact.fraction_e8 >= FEE_RATE_ONE / 2);
    fee = fee < formula->floor ? formula->floor : fee;
    fee = fee > formula->cap ? formula->cap : fee;
    return is_negative ? -fee : fee;
}

/* The slot of that name, or the free one where it belongs. */
static uint32_t slot_of(const struct fee_plan_set *plans, const char *name)
{
    uint64_t words[FEE_PLAN_NAME_SIZE / sizeof(uint64_t)] = {0};
    memcpy(words, name, strnlen(name, FEE_PLAN_NAME_SIZE - 1));
    uint64_t slot = name_hash_mix(words[0] ^ name_hash_mix(words[1])) % FEE_PLAN_SLOT_COUNT;
    while (plans->plan_slots[slot] != 0 &&
           strcmp(plans->plans[plans->plan_slots[slot] - 1].name, name) != 0) {
        slot = (slot + 1) % FEE_PLAN_SLOT_COUNT;
    }
    return (uint32_t)slot;
}

void fee_plan_enter(struct fee_plan_set *plans, uint32_t place)
{
    REQUIRE(place < FEE_PLAN_COUNT_MAX);
    uint32_t slot = slot_of(plans, plans->plans[place].name);
    if (plans->plan_slots[slot] == 0) {
        plans->plan_slots[slot] = (uint16_t)(place + 1);
    }
}

const struct fee_plan *fee_plan_find(const struct fee_plan_set *plans, const char *name)
{
    uint16_t found = plans->plan_slots[slot_of(plans, name)];
    return found == 0 ? NULL : &plans->plans[found - 1];
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
    if (rules->count == 0) {
        return NULL;
    }
    REQUIRE(rules->index != NULL);
    uint32_t at = condition_index_first(rules->index, facts);
    return at == CONDITION_INDEX_NONE ? NULL : &rules->items[at];
}

static int64_t scaled(int64_t minor, int64_t factor_e4)
{
    return (minor * factor_e4 + FEE_FACTOR_ONE / 2) / FEE_FACTOR_ONE;
}

struct fee_formula fee_formula_discounted(const struct fee_formula *formula,
                                          const struct fee_rule *discount)
{
    if (discount == NULL) {
        return *formula;
    }
    return (struct fee_formula){
        .rate_e8 = formula->rate_e8 * discount->factor_e4 / FEE_FACTOR_ONE,
        .fixed = scaled(formula->fixed, discount->factor_e4),
        .floor = scaled(formula->floor, discount->factor_e4),
        .cap =
            formula->cap == FEE_NO_CAP ? FEE_NO_CAP : scaled(formula->cap, discount->cap_factor_e4),
    };
}

void fee_choose(const struct fee_plan_set *plans, const struct fee_inputs *inputs,
                struct fee_choice *choice)
{
    REQUIRE(inputs->merchant != NULL);
    REQUIRE(inputs->payment != NULL);
    const struct condition_subject subject = {
        .payment = inputs->payment,
        .amount = inputs->amount,
        .wall_us = inputs->wall_us,
        .month_minor = inputs->month_minor,
        .bin = inputs->bin,
        .merchant = inputs->merchant,
        .channel = inputs->channel,
    };
    condition_facts_fill(&choice->facts, &subject, &plans->form);
    choice->own = fee_plan_find(plans, inputs->merchant->plan);
    choice->plan = choice->own;
    choice->merchant = NULL;
    /* Compile has refused rings of `otherwise`, so the walk ends. */
    for (const struct fee_plan *plan = choice->own; plan != NULL && choice->merchant == NULL;
         plan = plan->otherwise) {
        choice->plan = plan;
        choice->merchant = rule_find(&plan->rules, &choice->facts);
    }
    choice->cost = rule_find(&plans->cost, &choice->facts);
    choice->discount = choice->cost == NULL ? NULL : rule_find(&plans->discounts, &choice->facts);
    for (unsigned i = 0; choice->cost != NULL && i < FEE_FORMULA_COUNT_MAX; i++) {
        choice->formulas[i] = fee_formula_discounted(&choice->cost->formulas[i], choice->discount);
    }
}

bool fee_amount_is_priced(const struct fee_plan_set *plans, struct money amount)
{
    return amount.currency == plans->form.currency && amount.minor <= MONEY_MINOR_MAX &&
           amount.minor >= -MONEY_MINOR_MAX;
}

static uint8_t only_bit(const struct condition_facts *facts, enum condition_part part)
{
    uint64_t bits = facts->bits[part];
    return bits == 0 ? FEE_BASIS_NONE : (uint8_t)__builtin_ctzll(bits);
}

static void basis_fill(struct fee_basis *basis, const struct fee_choice *choice,
                       const struct fee_inputs *inputs)
{
    *basis = (struct fee_basis){
        .plan = choice->own->name,
        .refund = choice->own->refund,
        .scheme = only_bit(&choice->facts, CONDITION_SCHEME),
        .card_type = only_bit(&choice->facts, CONDITION_CARD_TYPE),
        .merchant_class = only_bit(&choice->facts, CONDITION_CLASS),
        .product = only_bit(&choice->facts, CONDITION_PRODUCT),
        .month_minor = inputs->month_minor,
    };
}

enum status fee_quote(const struct fee_plan_set *plans, const struct fee_inputs *inputs,
                      struct fee_quote *quote)
{
    struct fee_choice choice;
    if (!fee_amount_is_priced(plans, inputs->amount)) {
        return STATUS_NOT_FOUND;
    }
    fee_choose(plans, inputs, &choice);
    if (choice.merchant == NULL || choice.cost == NULL) {
        return STATUS_NOT_FOUND;
    }
    const int64_t amount = inputs->amount.minor;
    const uint16_t currency = inputs->amount.currency;
    *quote = (struct fee_quote){
        .merchant_fee = {fee_apply(&choice.merchant->formulas[FEE_MERCHANT], amount), currency},
        .issuer_fee = {fee_apply(&choice.formulas[FEE_ISSUER], amount), currency},
        .scheme_fee = {fee_apply(&choice.formulas[FEE_SCHEME], amount), currency},
        .merchant_rule = choice.merchant->line,
        .cost_rule = choice.cost->line,
        .discount_rule = choice.discount == NULL ? 0 : choice.discount->line,
    };
    const struct fee_share_base base = {amount, quote->merchant_fee.minor, fee_margin(quote).minor};
    fee_shares_split(&quote->shares, inputs->agent, &base);
    basis_fill(&quote->basis, &choice, inputs);
    quote->basis.is_capped = quote->shares.is_capped;
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
