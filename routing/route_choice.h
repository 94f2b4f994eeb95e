/* In which order the channels of a rule are asked for one payment: internal to ruleset.c. */
#pragma once

#include "routing/ruleset_parts.h"

/* Puts those that offer the kind into the decision: the ones that are up and whose breaker lets the
 * payment through first, in the order of the rule's strategy; then those that are down. What a
 * breaker holds back is left out. ROUTE_FOUND, ROUTE_NOT_SUPPORTED or ROUTE_CHANNEL_TRIPPED. */
enum route_answer route_choose(const struct ruleset *ruleset, const struct route_rule *rule,
                               const struct payment *payment, const struct route_context *context,
                               struct route_decision *decision);
