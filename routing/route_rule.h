/* Route rules: an ordered list, the first whose conditions all fit names the channels, and by which
 * strategy one of them is chosen.
 *
 * Life:  route_rules_compile -> find ... -> destroy
 */
#pragma once

#include <stdint.h>

#include "protocols/base/document.h"
#include "routing/channel_table.h"
#include "routing/condition.h"

#define ROUTE_RULE_COUNT_MAX 1024
#define ROUTE_RULE_CHANNEL_COUNT_MAX 4
#define ROUTE_WEIGHT_MAX 1000
#define ROUTE_NOTES_SIZE 2048

/* X(NAME, "word", sentence) */
#define ROUTE_STRATEGY_MAP(X)                                                                      \
    X(ORDERED, "ordered", "the first one that can take it")                                        \
    X(WEIGHTED, "weighted", "split by weight; a repeat goes the same way")                         \
    X(CHEAPEST, "cheapest", "the one whose issuer and scheme fees are lowest for this payment")    \
    X(HEALTHIEST, "healthiest", "the one with the fewest faults lately, then the quickest")

enum route_strategy {
#define X(name, word, text) ROUTE_##name,
    ROUTE_STRATEGY_MAP(X)
#undef X
        ROUTE_STRATEGY_COUNT
};
const char *route_strategy_word(enum route_strategy strategy);

struct route_rule {
    struct condition condition; /* owner */
    uint32_t line;              /* in the routes file */
    uint8_t strategy;           /* enum route_strategy */
    uint16_t channel_count;
    uint16_t channels[ROUTE_RULE_CHANNEL_COUNT_MAX]; /* indexes, as listed */
    uint16_t weights[ROUTE_RULE_CHANNEL_COUNT_MAX];  /* WEIGHTED alone */
};

struct route_rules;

/* What the names in the rules are held against. */
struct route_tables {
    const struct channel_table *channels;
    const struct bin_table *bins; /* NULL: any BIN group will do */
};

/* Compiles the `routes` of a document; other sections are not looked at. Faults go into it: unknown
 * words and names (with the nearest), a rule without channels, one that an earlier one shadows, one
 * whose conditions exclude each other, channels that offer none of its kinds. NULL: faulty or no
 * memory. */
struct route_rules *route_rules_compile(struct document *document,
                                        const struct route_tables *tables);
void route_rules_destroy(struct route_rules *rules);

uint32_t route_rules_count(const struct route_rules *rules);
const struct route_rule *route_rules_at(const struct route_rules *rules, uint32_t index);
const struct condition_form *route_rules_form(const struct route_rules *rules);
/* The first rule that fits, or NULL, which is an answer. The rules'. */
const struct route_rule *route_rules_find(const struct route_rules *rules,
                                          const struct condition_facts *facts);
/* What is no fault, but should be known: kinds that no rule leads to a channel which offers them,
 * and a list without a last rule for everything. Lines "file:line: sentence"; "": nothing. */
const char *route_rules_notes(const struct route_rules *rules);
