/* See observation_ring.h.
 *
 * A cell says up to which position rows were dropped before it; who knows less reads the log first.
 * Positions of rows that are no observations are known by `seen`, which moves on with each group.
 */
#include "switch/followup/observation_ring.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "protocols/base/require.h"
#include "switch/store/observe.h"

#define COUNT_MAX (1u << 24)
#define CACHE_LINE 64

struct ring_cell {
    uint64_t dropped; /* all rows up to here have to be read from the log */
    struct observation seen;
};

struct observation_ring {
    struct ring_cell *cells; /* owner */
    uint64_t mask;           /* their count - 1 */
    /* What the writer writes, */
    _Alignas(CACHE_LINE) atomic_ullong put_count;
    atomic_ullong dropped, seen; /* positions */
    atomic_ullong dropped_count;
    /* what the engine's loop writes, */
    _Alignas(CACHE_LINE) atomic_llong mark_us;
    atomic_ullong handed; /* position */
    /* and what the reader writes. */
    _Alignas(CACHE_LINE) atomic_ullong taken_count;
};

struct observation_ring *observation_ring_create(uint32_t count_max, uint64_t position)
{
    REQUIRE(count_max >= 1 && count_max <= COUNT_MAX);
    uint64_t count = 1;
    while (count < count_max) {
        count *= 2;
    }
    struct observation_ring *ring = aligned_alloc(CACHE_LINE, sizeof(*ring));
    struct ring_cell *cells = calloc(count, sizeof(*cells));
    if (ring == NULL || cells == NULL) {
        free(ring);
        free(cells);
        return NULL;
    }
    ring->cells = cells;
    ring->mask = count - 1;
    atomic_init(&ring->put_count, 0);
    atomic_init(&ring->dropped, position);
    atomic_init(&ring->seen, position);
    atomic_init(&ring->dropped_count, 0);
    atomic_init(&ring->mark_us, 0);
    atomic_init(&ring->handed, position);
    atomic_init(&ring->taken_count, 0);
    return ring;
}

void observation_ring_destroy(struct observation_ring *ring)
{
    if (ring != NULL) {
        free(ring->cells);
        free(ring);
    }
}

/* --- the writer ---------------------------------------------------------------------------- */

static void drop(struct observation_ring *ring, uint64_t position)
{
    atomic_store_explicit(&ring->dropped, position, memory_order_relaxed);
    atomic_fetch_add_explicit(&ring->dropped_count, 1, memory_order_relaxed);
}

static void put(struct observation_ring *ring, const struct record *record)
{
    uint64_t count = atomic_load_explicit(&ring->put_count, memory_order_relaxed);
    if (count - atomic_load_explicit(&ring->taken_count, memory_order_acquire) > ring->mask) {
        drop(ring, record->position);
        return;
    }
    struct ring_cell *cell = &ring->cells[count & ring->mask];
    if (observation_of_record(record, &cell->seen)) {
        cell->dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed);
        atomic_store_explicit(&ring->put_count, count + 1, memory_order_release);
    }
}

void observation_ring_put(struct observation_ring *ring, const struct record *records,
                          uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        put(ring, &records[i]);
    }
    if (count > 0) {
        atomic_store_explicit(&ring->seen, records[count - 1].position, memory_order_release);
    }
}

/* --- the engine's loop --------------------------------------------------------------------- */

/* The position first: who reads the time and then the position has one that is not older. */
void observation_ring_mark(struct observation_ring *ring, int64_t wall_us, uint64_t position)
{
    atomic_store_explicit(&ring->handed, position, memory_order_relaxed);
    atomic_store_explicit(&ring->mark_us, wall_us, memory_order_release);
}

/* --- the reader ---------------------------------------------------------------------------- */

/* The first cell that is not known yet; NULL: there is none. */
static const struct ring_cell *next_cell(struct observation_ring *ring, uint64_t position)
{
    uint64_t taken = atomic_load_explicit(&ring->taken_count, memory_order_relaxed);
    uint64_t count = atomic_load_explicit(&ring->put_count, memory_order_acquire);
    const struct ring_cell *cell = NULL;
    while (cell == NULL && taken < count) {
        cell = &ring->cells[taken & ring->mask];
        if (cell->seen.position <= position) { /* the log has told it */
            cell = NULL;
            taken++;
            atomic_store_explicit(&ring->taken_count, taken, memory_order_release);
        }
    }
    return cell;
}

enum ring_answer observation_ring_take(struct observation_ring *ring, uint64_t position,
                                       struct observation *seen, uint64_t *until)
{
    /* before the cells: what it counts then stands in a cell, or was dropped, or was nothing */
    uint64_t known = atomic_load_explicit(&ring->seen, memory_order_acquire);
    const struct ring_cell *cell = next_cell(ring, position);
    if (cell == NULL) {
        uint64_t dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed);
        *until = dropped > position ? dropped : known > position ? known : position;
        return dropped > position ? RING_GAP : RING_EMPTY;
    }
    if (cell->dropped > position) {
        *until = cell->dropped;
        return RING_GAP;
    }
    *seen = cell->seen;
    *until = cell->seen.position;
    atomic_fetch_add_explicit(&ring->taken_count, 1, memory_order_release);
    return RING_OBSERVATION;
}

bool observation_ring_time(const struct observation_ring *ring, uint64_t position, int64_t *wall_us)
{
    *wall_us = atomic_load_explicit(&ring->mark_us, memory_order_acquire);
    return *wall_us != 0 && atomic_load_explicit(&ring->handed, memory_order_relaxed) <= position;
}

void observation_ring_count(const struct observation_ring *ring, struct ring_counts *counts)
{
    counts->dropped = atomic_load_explicit(&ring->dropped_count, memory_order_relaxed);
    counts->position = atomic_load_explicit(&ring->seen, memory_order_relaxed);
}
