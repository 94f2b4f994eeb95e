/* A small set of rules for tests that need an engine to decide something: terminals 10000001 and
 * on, merchants 102290058120001 and …2 in turn, cards that begin with 62, channels bank_a and
 * bank_b. Merchant …2 goes to bank_b first, all others to bank_a first. */
#pragma once

#include "routing/ruleset.h"

/* Exits with a sentence when it cannot be made. The caller destroys it. */
struct ruleset *small_ruleset_create(uint32_t terminal_count);
