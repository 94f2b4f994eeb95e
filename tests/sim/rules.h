/* The rules that simulated worlds are ruled by: three terminals of two merchants, two banks that
 * take every kind, cards of ours and foreign ones, and two versions that differ in their fees. */
#pragma once

#include "routing/ruleset.h"

#define SIM_RULES_COUNT 2

/* Version 1 or 2. Exits with a sentence when it cannot be made. The caller destroys it. */
struct ruleset *rules_create(uint32_t version, uint32_t terminal_count);
/* What the merchant pays for a debit of that amount by that version, in fen. */
int64_t rules_merchant_fee(uint32_t version, int64_t amount);
/* What the two agents of that merchant get of a sale together, where `margin` is left before them;
 * by another way than the product's: a chain gets what its best level is entitled to. */
int64_t rules_agent_fee(const char *merchant_id, int64_t amount, int64_t merchant_fee,
                        int64_t margin);
