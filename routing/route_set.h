/* What route_rule.c makes and finds in, and route_check.c looks through: internal to these. */
#pragma once

#include "routing/condition_index.h"
#include "routing/route_rule.h"

struct route_rules {
    struct condition_form form;
    struct condition_index *index; /* owner */
    char notes[ROUTE_NOTES_SIZE];
    uint32_t count;
    struct route_rule rules[];
};

/* Faults of rules that are each well written: never reached, never fitting, leading nowhere. `list`
 * is their sequence in the document. */
void route_rules_check(const struct route_rules *rules, struct document *document,
                       const struct document_node *list);
/* Fills `notes`. */
void route_rules_note(struct route_rules *rules, const struct document *document,
                      const struct document_node *list);
