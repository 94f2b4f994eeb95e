/* What tillway-chaos did, one JSON object a line: connections that came and went, rules that
 * struck. No content of a message but the fields that a rule changed and that may be shown.
 */
#pragma once

#include <stdio.h>

#include "loadtest/chaos_verdict.h"

struct journal {
    FILE *file; /* borrowed; NULL: nothing is written */
};

struct journal_strike {
    const struct chaos_fact *fact;
    const struct chaos_rule *rule;
    const struct chaos_verdict *verdict;
    const char *told; /* of change: what became of it; else "" */
};

void journal_strike(struct journal *journal, const struct journal_strike *strike);
/* `event` is one word, `text` what an operator may want to know. Link 0: of none. */
void journal_event(struct journal *journal, uint64_t now_ms, uint64_t link, const char *event,
                   const char *text);
/* `text` in quotes, escaped as JSON wants it; what is no ASCII becomes '?'. */
void journal_put_text(FILE *file, const char *text);
