/* What fee_read.c compiles and fee_plan.c prices by: internal to these two. */
#pragma once

#include "routing/condition.h"
#include "routing/fee_plan.h"

#define FEE_PLAN_NAME_SIZE 16
#define FEE_PLAN_COUNT_MAX 256
#define FEE_RULE_COUNT_MAX 512 /* of one plan: pairs are compared at load */
#define FEE_FORMULA_COUNT_MAX 2

/* Which formula of a rule is what: a price rule has one, a cost rule has two. */
enum { FEE_MERCHANT = 0, FEE_ISSUER = 0, FEE_SCHEME = 1 };

struct fee_rule {
    struct condition condition; /* owner */
    uint32_t line;
    struct fee_formula formulas[FEE_FORMULA_COUNT_MAX];
};

struct fee_rules {
    struct fee_rule *items; /* owner; heaviest first */
    uint32_t count;
};

struct fee_plan {
    char name[FEE_PLAN_NAME_SIZE];
    struct fee_rules rules;
    const struct fee_plan *otherwise; /* asked when no rule of this one fits; borrowed */
};

struct fee_plan_set {
    struct condition_form form;
    struct fee_plan *plans; /* owner; sorted by name */
    uint32_t plan_count;
    struct fee_rules cost;
};

const struct fee_plan *fee_plan_find(const struct fee_plan_set *plans, const char *name);
