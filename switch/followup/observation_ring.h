/* Observations on their way from the writer of the log to the after-sales thread.
 *
 * One puts, one takes; no lock, no wake-up, nothing is allocated after create. When it is full the
 * writer goes on and the observation is dropped: whoever takes sees that something is missing, and
 * reads the log, which has it. So watching never slows the log down.
 *
 *   writer of the log  --put-->  [ cells ]  --take-->  after-sales thread
 *   engine's loop      --mark--> [ how far the clock and the rows are ] --time-->
 *
 * Life:  create -> put, mark (each by one thread), take, time (by another) ... -> destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/observation.h"
#include "switch/engine/record.h"

struct observation_ring;

/* Room for `count_max` observations, rounded up to a power of two. `position`: the last row of the
 * log before the first that is put; those up to it are read from the log. NULL: no memory. */
struct observation_ring *observation_ring_create(uint32_t count_max, uint64_t position);
void observation_ring_destroy(struct observation_ring *ring);

/* --- the writer of the log: rows that are durable, in their order --- */
void observation_ring_put(struct observation_ring *ring, const struct record *records,
                          uint32_t count);

/* --- the engine's loop: all rows up to `position` are handed to the writer, and no later one will
 * be stamped before `wall_us` (unless the clock is set back) --- */
void observation_ring_mark(struct observation_ring *ring, int64_t wall_us, uint64_t position);

/* --- the after-sales thread --- */
enum ring_answer {
    RING_OBSERVATION, /* the next one after `position` */
    RING_GAP,         /* the log has to be read up to `until`, then asked again */
    RING_EMPTY        /* nothing was seen up to `until` */
};
/* What comes after `position`, up to which all is known. `until` is then known, too. */
enum ring_answer observation_ring_take(struct observation_ring *ring, uint64_t position,
                                       struct observation *seen, uint64_t *until);
/* True: with all rows up to `position` known, no row before `wall_us` comes any more. */
bool observation_ring_time(const struct observation_ring *ring, uint64_t position,
                           int64_t *wall_us);

/* --- any thread --- */
struct ring_counts {
    uint64_t dropped;  /* rows, some of which would have been no observation */
    uint64_t position; /* the last row that was put or dropped */
};
void observation_ring_count(const struct observation_ring *ring, struct ring_counts *counts);
