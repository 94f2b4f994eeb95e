/* What is kept no longer: deleted by class and age, with a line of what it was.
 *
 * What belongs to a case that is held for a court stays whatever its age: the case, its flags, the
 * places of its terminal, the inspections and the file of its merchant. An event of the outbox
 * stays until those before it may go; a webhook that has not delivered it by then never will, which
 * is counted (webhook_book.h). Work is done in short transactions, each with the line in `retired`
 * that says so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/desk/desk.h"

struct retire_rules {
    int32_t case_days;       /* after closing: the case, its events, readings and flags; and flags
                                without a case */
    int32_t place_days;      /* after the end of a binding: its exact place; then the city only */
    int32_t inspection_days; /* at least; and two newer ones of the merchant must be there */
    int32_t event_days;      /* events of the outbox */
    int32_t dead_days;       /* what a webhook could not deliver, from when it was given up */
    int32_t merchant_days;   /* after the end of the contract of a merchant that has left */
    uint32_t count_max;      /* deletions of one call, so that its caller can be ended; 0: all */
};
/* 3 years, 12 months, 3 years, 90 days, 3 years, 3 years; all. */
void retire_rules_default(struct retire_rules *rules);

/* When and by whom a case was deleted. */
struct retired_case {
    int64_t wall_us;
    char actor[32];
    char detail[256]; /* "events 12, last hash ..." */
};
/* NOT_FOUND: no such case was deleted. */
MUST_CHECK enum status desk_find_retired_case(struct desk *desk, uint64_t case_id,
                                              struct retired_case *retired);

struct retire_counts {
    uint32_t cases, flags, places, inspections; /* deleted, or blurred */
    uint32_t events, dead_letters, merchants;
};
/* By the clock of `by`. What was done before a failure is done, and counted. `*has_more`: the call
 * ended at its count_max. */
MUST_CHECK enum status desk_retire(struct desk *desk, const struct retire_rules *rules,
                                   const struct desk_actor *by, struct retire_counts *counts,
                                   bool *has_more);
