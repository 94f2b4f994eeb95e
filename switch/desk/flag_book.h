/* Flags, each stored once, with what came of them.
 *
 * A flag is named by signal, subject and position; one that time alone raised (position 0) by its
 * moment too. So the log read again, after a crash or by hand, adds nothing. What came of a flag is
 * what came of its case; a flag without a case is judged by itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/flag.h"
#include "switch/aftersales/service_case.h"
#include "switch/desk/desk.h"

struct flag_entry {
    uint64_t id, case_id; /* case 0: none */
    enum case_outcome outcome;
    struct flag flag; /* with its evidence */
};

/* `*id` is its number, also when it was there before (`*is_new` false, nothing written). BAD_VALUE:
 * a member that no flag may have. */
MUST_CHECK enum status flag_book_add(struct desk *desk, const struct flag *flag, uint64_t *id,
                                     bool *is_new);
MUST_CHECK enum status flag_book_find(struct desk *desk, uint64_t id, struct flag_entry *entry);
/* Of a subject, or all with NULL; the newest first, `room` at most. */
MUST_CHECK enum status flag_book_list(struct desk *desk, const char *subject_id,
                                      struct flag_entry *entries, uint32_t room, uint32_t *count);
/* Of a case. */
MUST_CHECK enum status flag_book_of_case(struct desk *desk, uint64_t case_id,
                                         struct flag_entry *entries, uint32_t room,
                                         uint32_t *count);
/* Whose cases; empty: any. */
struct flag_scope {
    const char *agent_id; /* of merchants of this agent or of one below it */
    const char *merchant_id, *point_id;
};
/* Of cases that fit all of the scope; the newest first, `room` at most. */
MUST_CHECK enum status flag_book_within(struct desk *desk, const struct flag_scope *scope,
                                        struct flag_entry *entries, uint32_t room, uint32_t *count);
/* Of cohorts, raised since then, that stand: not found benign, nor of a closed case. */
MUST_CHECK enum status flag_book_cohorts(struct desk *desk, int64_t since_us,
                                         struct flag_entry *entries, uint32_t room,
                                         uint32_t *count);
/* DENIED: it belongs to a case, whose closing says what came of it. */
MUST_CHECK enum status flag_book_judge(struct desk *desk, uint64_t id, enum case_outcome outcome,
                                       const struct desk_actor *by);

#define FLAG_WATCH_COUNT_MIN 30
#define FLAG_WATCH_PERCENT 20
/* Of a rule, how often it was right: over cases that were closed, and flags judged by themselves,
 * within the window; each case once. */
struct flag_precision {
    enum signal_code signal;
    uint32_t confirmed, benign;
    uint32_t per_mille;
    bool is_watch_suggested; /* below 20 % of 30 or more */
};
struct flag_window {
    int64_t begin_us, end_us; /* end not within; a week for the weekly report */
};
/* One for each signal with anything judged, in the order of the table of signals; `precisions` has
 * SIGNAL_COUNT places. */
MUST_CHECK enum status flag_book_precision(struct desk *desk, const struct flag_window *window,
                                           struct flag_precision *precisions, uint32_t *count);
