/* An open loop's schedule: when each payment is meant to begin, whatever became of those before it.
 *
 * Number n is due at start + n / rate. One that cannot begin keeps its time and is late; the ones
 * behind it keep theirs too, so a stall shows in every latency it touched (no coordinated
 * omission).
 *
 * Life:  pace_start -> is_due, begun ... -> called_for
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pace {
    double rate; /* a second */
    uint64_t start_ns, end_ns;
    uint64_t begun_count;
    uint64_t next_ns; /* when the next one is due; not before end_ns: none is */
    bool is_next_late;
};

/* REQUIREs a rate above 0. */
void pace_start(struct pace *pace, double rate, uint64_t start_ns, uint64_t end_ns);
bool pace_is_due(const struct pace *pace, uint64_t now_ns);
/* The due one has begun. */
void pace_begun(struct pace *pace);
/* The due one cannot begin now. Answers whether that is news: true once for each. */
bool pace_stalled(struct pace *pace);
/* How many should have begun before `until_ns`. */
uint64_t pace_called_for(const struct pace *pace, uint64_t until_ns);
