/* Cohorts: terminals of one brand, model, software, agent, region or channel, against all others
 * (T15). What fails everywhere alike is one fault of the fleet, not one of each terminal.
 *
 * Counted are terminal-hours: a terminal that was seen within an hour is one trial, and one error
 * if something failed in it, so neither a busy terminal nor one that fails thousands of times
 * speaks for its cohort; of its own errors three a day count at most, and of the cohort's those
 * that two broken terminals make do not count at all. A cohort is flagged when enough of its
 * terminals were seen, at least COHORT_FAILED_MIN of them failed, its rate is times_percent that of
 * all others, and chance gives such a difference at most with level_ppm (rate_is_above).
 *
 * At an hour's end the cohort that stands out most is flagged; of a brand, its models and their
 * software the one to which the rest of the wider one points. Then all counts begin anew: what its
 * terminals do from then on counts for it alone, so what it shares with others (a model with its
 * brand) is not flagged again. It stands until its rate was ordinary for the rule's quiet_s.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/rate_window.h"
#include "switch/aftersales/terminal_watch.h"
#include "switch/aftersales/watch_moment.h"
#include "switch/aftersales/watch_slab.h"

#define COHORT_ID_SIZE 48 /* "2PAX A920 1.2.3": the kind as a digit, the value */
#define COHORT_FAILED_MIN 5
#define COHORT_FAILED_HOURS_MAX 3
#define COHORT_WINDOW_S 86400

/* Plain value, in the slab of cohorts. */
struct cohort_state {
    char id[COHORT_ID_SIZE];
    uint32_t generation;               /* of its counts; another than the table's: they are empty */
    int32_t day;                       /* of the two counts that follow */
    uint32_t seen_count, failed_count; /* terminals of that day */
    struct rate_window hours;
    int64_t flagged_us, stands_until_us; /* 0: it does not stand */
    uint64_t positions[FLAG_EVIDENCE_COUNT_MAX];
    uint32_t position_next;
    uint32_t whole; /* place plus 1 of what it is a part of: software of a model, that of a brand */
};

/* Plain value beside the slab. */
struct cohort_totals {
    uint32_t generation;
    uint32_t generations[COHORT_KIND_COUNT]; /* of the counts that follow */
    struct rate_window hours[COHORT_KIND_COUNT];
    uint32_t standing_count;
    /* the walk of an hour's end: the next to judge, and the best so far */
    uint32_t walk_next, best, best_ratio;
};

struct cohort_table {
    struct watch_slab slab; /* of struct cohort_state */
    struct cohort_totals totals;
};

/* Finds the cohorts of a terminal, by its facts and the software it told; again after each change
 * of either. Those for which there is no room are not counted. */
void cohort_watch_join(struct cohort_table *table, struct terminal_state *state,
                       const struct terminal_facts *facts);

/* What its cohorts say about a terminal, for the moment's two marks. */
bool cohort_watch_is_linked(const struct cohort_table *table, const struct terminal_state *state);
/* `channel` may be "": then the terminal's last one. */
bool cohort_watch_is_channel_ill(const struct cohort_table *table,
                                 const struct terminal_state *state, const char *channel);

/* One observation of a terminal: counts it. */
void cohort_watch_step(struct cohort_table *table, struct terminal_state *state,
                       const struct watch_moment *moment);

/* An hour's end: judges up to `count` cohorts more; false: there are others, call it again. The
 * last call raises one flag at most and needs room for it. */
bool cohort_watch_hour(struct cohort_table *table, const struct watch_moment *moment,
                       uint32_t count, struct flag_sink *sink);
