/* The clerk: flags become cases of the database, cases are told what the switch sees of their
 * terminals and what time it is, and what must be done outside is told to whoever does it.
 *
 * It decides nothing: case_merge, cause and service_case do, and each flag, observation or TIME is
 * one transaction of the desk. The same flag taken twice adds nothing. What must be done outside is
 * written with the step that asks for it (switch/desk/effect_book.h), whoever took the step, and is
 * told from there: after the commit, also that of tillway-admin's people, and again after a crash,
 * until it is said to be done. What campaigns of updates ask goes the same way
 * (switch/desk/update_turn.h).
 *
 * Life:  clerk_create -> clerk_take, clerk_observe, clerk_time ... -> clerk_flush -> clerk_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/aftersales/case_merge.h"
#include "switch/aftersales/flag.h"
#include "switch/aftersales/observation.h"
#include "switch/aftersales/service_case.h"
#include "switch/desk/desk.h"

struct clerk;

/* What came of telling an effect. */
enum clerk_answer {
    CLERK_LATER, /* not yet: told again, unless clerk_settle() says more before */
    CLERK_DONE   /* it is carried out, or somebody who does not forget has it */
};

/* What became in the end of an effect that was LATER. */
enum clerk_end {
    CLERK_CARRIED_OUT,
    CLERK_REFUSED, /* for good: the dispatcher is told */
    CLERK_NO_ROOM  /* told again; but what only asks or tells keeps no other order of its case
                      waiting, and then the dispatcher is told */
};

struct clerk_outcome {
    uint64_t number;
    enum clerk_end end;
    const char *why; /* static; of what is not carried out */
};

struct clerk_effect {
    uint64_t number; /* names it, also after a restart */
    int64_t wall_us; /* of the event that asks for it */
    const struct case_effect *effect;
    const struct service_case *service_case; /* as it stands now; both for the call only */
    /* ASK_UPDATE: the version of its model that the terminal has not yet, the lowest that is well
     * or else the latest; empty: it has both, or nobody knows. For the call only */
    const char *firmware;
    /* 0: a case asks it. Else that campaign of updates does, of the terminal of a case that is
     * none: its id is 0. */
    uint64_t campaign_id;
};

/* An effect that was LATER is told again after it, by the monotonic clock: whatever the machine's
 * clock does, what waits is not forgotten. */
#define CLERK_RETRY_US INT64_C(10000000)

struct clerk_setup {
    struct desk *desk;              /* borrowed; used by nobody else while the clerk lives */
    const struct case_rules *rules; /* copied */
    /* Those of one case come in the order of its history; an order to the switch (case_effect_kind
     * up to TELL_CASHIER, BIND and DESTROY_KEYS) not before the case's order before it is done.
     * Each at least once, so doing it twice must do no harm. May not call the clerk. */
    enum clerk_answer (*on_effect)(void *argument, const struct clerk_effect *effect);
    void *argument;
};

/* Not STATUS_OK: `reason` (DESK_REASON_SIZE) says why. The caller owns *clerk. Effects of before
 * are told by the first clerk_time(). */
MUST_CHECK enum status clerk_create(struct clerk **clerk, const struct clerk_setup *setup,
                                    char *reason);
/* NULL does nothing. */
void clerk_destroy(struct clerk *clerk);
/* Why the last call did not answer STATUS_OK. */
const char *clerk_reason(const struct clerk *clerk);
/* Rules that hold from now on; copied. */
void clerk_set_rules(struct clerk *clerk, const struct case_rules *rules);

/* What became of a flag. */
struct clerk_taken {
    bool is_new; /* false: it was there; nothing was done, and the rest is empty */
    enum merge_verdict verdict;
    bool is_reopened; /* JOIN: the case was closed, and its repair did not hold */
    uint64_t flag_id, case_id;
};
/* One transaction. EXPIRED: another writer held the file: nothing is written, take it again.
 * BAD_VALUE: a member that no flag may have. BROKEN: the disk, or a case refused what was decided.
 * `taken` may be NULL. */
MUST_CHECK enum status clerk_take(struct clerk *clerk, const struct flag *flag,
                                  struct clerk_taken *taken);

/* What was seen: a good sign-on or payment verifies a repair, a terminal's state ends the first
 * step that asked for it, and who was seen with which software is written once a minute of event
 * time. Of terminals that no case waits for it is one look into a table of memory. */
MUST_CHECK enum status clerk_observe(struct clerk *clerk, const struct observation *seen);

/* The time of events, and the monotonic clock, once a second or so: cases that are due are told,
 * campaigns go on, what others changed is noticed, effects that were LATER are told again. The time
 * of events may step back; the monotonic clock may not. */
MUST_CHECK enum status clerk_time(struct clerk *clerk, int64_t wall_us, uint64_t now_ns);

/* What became of an effect that was LATER, in one transaction. Told twice it does nothing. */
MUST_CHECK enum status clerk_settle(struct clerk *clerk, const struct clerk_outcome *outcome);
/* Writes who was seen since the last minute; before the end. */
MUST_CHECK enum status clerk_flush(struct clerk *clerk);

/* How many cases wait for something to be seen. */
uint32_t clerk_waiting_count(const struct clerk *clerk);
