/* A count over a sliding time, in a ring of eight buckets: constant memory, constant time, and the
 * same sum whoever replays it. A window of 24 h slides in steps of 3 h, so it covers between 21 and
 * 24 h: it never counts what is older than it says.
 *
 * Plain value: may be copied and kept as bytes. All zeros is an empty window.
 */
#pragma once

#include <stdint.h>

#define WINDOW_BUCKET_COUNT 8

struct window {
    uint32_t epoch;                       /* number of the newest bucket since 1970 */
    uint16_t counts[WINDOW_BUCKET_COUNT]; /* saturating; bucket n stands at n modulo 8 */
};

/* `seconds`: what the window covers, 8 at least. Time that went back counts into the newest bucket;
 * after another length than before, which new rules may bring, the window begins anew. */
void window_add(struct window *window, uint32_t seconds, int64_t wall_us, uint32_t count);
uint32_t window_sum(const struct window *window, uint32_t seconds, int64_t wall_us);
