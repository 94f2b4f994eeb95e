/* The rules of a large acquirer, made up: as many BIN ranges, merchants, terminals, route rules,
 * price plans and rules of each plan as are asked for, every part of them different.
 *
 * Cards begin with 62; ranges nest (one of two digits, a thousand of six, all others of nine).
 * Route rules go by merchant, BIN, BIN group, scheme, region, agent, terminal model, amount,
 * weekday and hour in turn, and the last one fits everything. Rules of a plan go by scheme, type of
 * card, class of merchant and category.
 */
#pragma once

#include <stdint.h>

#include "routing/ruleset.h"

#define BIG_NESTED_COUNT 1000 /* ranges of six digits */
#define BIG_BIN_COUNT_MAX 1000000

struct big_ruleset_size {
    uint32_t bin_count; /* more than BIG_NESTED_COUNT; at most BIG_BIN_COUNT_MAX */
    uint32_t merchant_count, terminal_count;
    uint32_t rule_count; /* of the routes */
    uint32_t plan_count, plan_rule_count;
};

/* Exits with a sentence when it cannot be made. The caller destroys it. */
struct ruleset *big_ruleset_create(const struct big_ruleset_size *size);
/* The fee plans of such rules alone; the caller destroys them. */
struct fee_plan_set *big_plans_create(const struct big_ruleset_size *size);

/* The nine-digit range `index` < bin_count - BIG_NESTED_COUNT - 1; they ascend. */
uint64_t big_bin(uint32_t index);
/* A card of that range: its other digits come out of `random`, the last one is right. */
void big_card(uint32_t index, uint64_t random, struct pan *pan);
/* Merchant and terminal `index`; a terminal belongs to the merchant index % merchant_count. */
void big_merchant(const struct big_ruleset_size *size, uint32_t index, struct merchant_row *row);
void big_terminal(const struct big_ruleset_size *size, uint32_t index, struct terminal_row *row);
