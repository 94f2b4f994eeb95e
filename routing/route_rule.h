/* Route rules: an ordered list, the first whose conditions all fit names the channels.
 *
 * Life:  route_rules_compile -> find ... -> destroy
 */
#pragma once

#include <stdint.h>

#include "protocols/base/document.h"
#include "routing/channel_table.h"
#include "routing/condition.h"

#define ROUTE_RULE_COUNT_MAX 1024 /* walked one by one for each payment */
#define ROUTE_RULE_CHANNEL_COUNT_MAX 4

struct route_rule {
    struct condition condition; /* owner */
    uint32_t line;              /* in the routes file */
    uint16_t channel_count;
    uint16_t channels[ROUTE_RULE_CHANNEL_COUNT_MAX]; /* indexes, the first choice first */
};

struct route_rules;

/* Compiles a routes document. Faults go into it: unknown words, unknown channels (with the nearest
 * name), a rule without channels, a rule that an earlier one shadows. NULL: faulty or no memory. */
struct route_rules *route_rules_compile(struct document *document,
                                        const struct channel_table *channels);
void route_rules_destroy(struct route_rules *rules);

uint32_t route_rules_count(const struct route_rules *rules);
const struct route_rule *route_rules_at(const struct route_rules *rules, uint32_t index);
const struct condition_form *route_rules_form(const struct route_rules *rules);
/* The first rule that fits, or NULL, which is an answer. The rules'. */
const struct route_rule *route_rules_find(const struct route_rules *rules,
                                          const struct condition_facts *facts);
