/* What the clerk writes into a case by itself: who and what a new one is about, from its flag and
 * the registry; the likely fault, with what was ruled out; what the registry says of the merchant.
 *
 * Reads the desk, within the caller's transaction, and changes nothing.
 */
#pragma once

#include <stdbool.h>

#include "protocols/base/status.h"
#include "switch/aftersales/case_merge.h"
#include "switch/aftersales/service_case.h"
#include "switch/desk/desk.h"

#define CASE_DRAFT_ACTOR "tillwayd"

/* What stands at hand while one flag is taken. */
struct case_draft {
    struct desk *desk; /* all borrowed */
    const struct case_rules *rules;
    const struct flag *flag;
};

/* An event of the switch, with its reason cut where there is no more room. */
struct case_event case_draft_event(enum case_event_kind kind, int64_t wall_us, const char *reason);
/* "T5 time-outs while its peers are well: 9 against 3" */
void case_draft_sentence(const struct flag *flag, char text[CASE_REASON_SIZE]);

/* The code of the fault that it points to by itself; empty: to none. */
void case_draft_fault(const struct flag *flag, char fault[4]);

/* All of a case that stands before OPEN. What is not registered stays empty. */
MUST_CHECK enum status case_draft_fill(const struct case_draft *draft,
                                       const struct merge_answer *answer, struct service_case *it);
/* TRIAGE with the likeliest fault of the flags that stand, which may be none. `cohort_id`: of the
 * standing cohort that explains the flag; empty: none does. */
MUST_CHECK enum status case_draft_triage(const struct case_draft *draft,
                                         const struct service_case *it, const char *cohort_id,
                                         struct case_event *event);
/* FIRST_STEP CHECK_MERCHANT, as far as a register can tell; `*is_known` false: the merchant is not
 * registered, or this kind of case has no such step. */
MUST_CHECK enum status case_draft_merchant_step(const struct case_draft *draft,
                                                const struct service_case *it,
                                                struct case_event *event, bool *is_known);
