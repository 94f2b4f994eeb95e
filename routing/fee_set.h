/* What fee_read.c compiles, fee_plan.c prices by, fee_explain.c and fee_loss.c speak of: internal
 * to these. */
#pragma once

#include "routing/condition_index.h"
#include "routing/fee_plan.h"

#define FEE_PLAN_COUNT_MAX 256
#define FEE_PLAN_SLOT_COUNT (2 * FEE_PLAN_COUNT_MAX) /* a power of two, at most half taken */
#define FEE_RULE_COUNT_MAX 512                       /* of one plan: pairs are compared at load */
#define FEE_FORMULA_COUNT_MAX 2

/* Which formula of a rule is what: a price rule has one, a cost rule has two. */
enum { FEE_MERCHANT = 0, FEE_ISSUER = 0, FEE_SCHEME = 1 };

#define FEE_FACTOR_ONE 10000 /* a discount's factor 1 */

struct fee_rule {
    struct condition condition; /* owner */
    uint32_t line;
    struct fee_formula formulas[FEE_FORMULA_COUNT_MAX]; /* of price and cost rules */
    int64_t factor_e4, cap_factor_e4;                   /* of discount rules */
};

struct fee_rules {
    struct fee_rule *items; /* owner; heaviest first */
    uint32_t count;
    struct condition_index *index; /* owner; NULL: no items, or not compiled to the end */
};

struct fee_plan {
    char name[FEE_PLAN_NAME_SIZE];
    struct fee_rules rules;
    const struct fee_plan *otherwise; /* asked when no rule of this one fits; borrowed */
    enum fee_refund refund;
};

#define FEE_FILE_NAME_SIZE 64

struct fee_plan_set {
    struct condition_form form;
    char file[FEE_FILE_NAME_SIZE]; /* the document's name, its last part */
    struct fee_plan *plans;        /* owner; in the file's order */
    uint32_t plan_count;
    uint16_t plan_slots[FEE_PLAN_SLOT_COUNT]; /* by hash of the name: its place in `plans` + 1 */
    struct fee_rules cost;
    struct fee_rules discounts; /* of cost rules; none: no items */
};

/* Enters the plan at that place, so that it is found by its name. One that has the name of an
 * earlier one is not. */
void fee_plan_enter(struct fee_plan_set *plans, uint32_t place);
/* The plan of that name, or NULL. */
const struct fee_plan *fee_plan_find(const struct fee_plan_set *plans, const char *name);

/* A cost formula under a discount: what is charged times the factor, its cap times the cap's, which
 * is rounded half up to the minor unit. Compile has made sure that the rate stays exact. `discount`
 * NULL: as it is. */
struct fee_formula fee_formula_discounted(const struct fee_formula *formula,
                                          const struct fee_rule *discount);

/* What a quote is made of. */
struct fee_choice {
    struct condition_facts facts;
    const struct fee_plan *own;  /* the merchant's; NULL: none of that name */
    const struct fee_plan *plan; /* the one whose rule fits, or the last one asked */
    const struct fee_rule *merchant, *cost, *discount;  /* NULL: none fits */
    struct fee_formula formulas[FEE_FORMULA_COUNT_MAX]; /* of the cost, discounted */
};
void fee_choose(const struct fee_plan_set *plans, const struct fee_inputs *inputs,
                struct fee_choice *choice);
/* False: an amount that the file cannot price, by currency or size. */
bool fee_amount_is_priced(const struct fee_plan_set *plans, struct money amount);

/* What the rate alone gives, in 1e-8 of a minor unit, cut in two so that 64 bits hold it. */
struct fee_exact {
    int64_t units, fraction_e8;
};
struct fee_exact fee_exact_part(int64_t rate_e8, int64_t magnitude);
