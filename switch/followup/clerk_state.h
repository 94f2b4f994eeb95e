/* Inside of the clerk, for the files of this folder only. */
#pragma once

#include "switch/followup/clerk.h"
#include "switch/followup/sighting_burst.h"
#include "switch/followup/told_table.h"
#include "switch/followup/wait_table.h"

/* Cases of one subject, its terminal and its cohorts that merging looks at. */
#define CLERK_BRIEF_COUNT_MAX 64

struct clerk {
    struct desk *desk; /* borrowed */
    struct case_rules rules;
    enum clerk_answer (*on_effect)(void *argument, const struct clerk_effect *effect);
    void *argument;
    struct wait_table *waits;     /* owner */
    struct sighting_burst *burst; /* owner */
    struct told_table *told;      /* owner */
    struct case_brief *briefs;    /* owner: CLERK_BRIEF_COUNT_MAX */
    struct case_effects effects;  /* of the step at hand; they stand in the book already */
    int64_t version;              /* of the desk, when its cases were read */
    int64_t wake_us;              /* when a case is to be told the time; 0: none */
    int64_t calm_hour;            /* when fleets were last looked at */
    int64_t update_turn;          /* of campaigns: the last one */
    uint64_t now_ns;              /* monotonic, as clerk_time() last told it */
    uint64_t retry_ns;            /* when effects that were LATER are told again; 0: none is */
    uint64_t walked;              /* effects up to this number were looked at */
    bool is_stale;                /* the waits or the waking are not those of the desk */
    bool is_all_due;              /* effects of any number may be told */
    bool has_updates;             /* a campaign may have something to come */
    char reason[DESK_REASON_SIZE];
};

/* Keeps why, from the desk or as it is told, and answers `status`. */
enum status clerk_fault(struct clerk *clerk, enum status status);

/* One step of a case, which must be permitted; within the caller's transaction. BROKEN: it was
 * refused. */
MUST_CHECK enum status clerk_step(struct clerk *clerk, uint64_t case_id,
                                  const struct case_event *event);
/* After a commit: what a step changed for the terminal's waiting cases and the next waking, and its
 * effects are told. What fails here is made good by the next clerk_time(). */
void clerk_follow(struct clerk *clerk, const char *terminal_id);

/* A turn of the campaigns, where one is due; what they ask is told by the next clerk_tell(). */
MUST_CHECK enum status clerk_update(struct clerk *clerk, int64_t wall_us);
/* Tells the effects above `clerk->walked`, or all that may be told again. */
MUST_CHECK enum status clerk_tell(struct clerk *clerk, bool is_all);
