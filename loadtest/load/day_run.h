/* Where a run stands in the day that a profile plans, and the file that tells of it.
 *
 * Life:  day_run_open -> begin, is_over, next ... -> day_run_close
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "loadtest/day.h"
#include "loadtest/load/swarm.h"

struct day_run {
    struct day *day; /* owner; NULL: no profile, one load at a constant rate */
    uint32_t place;  /* of the phase under way */
    FILE *events;    /* owner; NULL: nobody asked */
    struct trade
        codes; /* of phases whose profile says nothing of codes: only its share and kinds */
};

/* Either path may be NULL. Not STATUS_OK: stderr has a line for each fault. */
MUST_CHECK enum status day_run_open(struct day_run *run, const char *profile, const char *events);
void day_run_close(struct day_run *run);

/* The phase under way; NULL: there is no profile. */
const struct day_phase *day_run_phase(const struct day_run *run);
/* Tells the terminals what the phase asks of them, and whoever reads the events. REQUIREs a
 * profile. */
void day_run_begin(const struct day_run *run, struct swarm *swarm, uint64_t now_ns);
/* Errands end their phase as soon as they are over; other phases last their time. */
bool day_run_is_over(const struct day_run *run, const struct swarm *swarm);
/* False: that was the last phase, or there is no profile. */
bool day_run_next(struct day_run *run);
