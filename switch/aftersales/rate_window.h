/* How often something failed, of how many times, over a sliding time: two counts in eight buckets,
 * as window.h but wide enough for a whole fleet.
 *
 * Plain value: may be copied and kept as bytes. All zeros is an empty window.
 */
#pragma once

#include <stdint.h>

#include "switch/aftersales/window.h"

struct rate {
    uint64_t trials, errors;
};

struct rate_window {
    uint32_t epoch; /* number of the newest bucket since 1970 */
    uint32_t trials[WINDOW_BUCKET_COUNT], errors[WINDOW_BUCKET_COUNT];
};

/* `seconds`: what the window covers, 8 at least. Time that went back counts into the newest bucket;
 * after another length than before it begins anew. */
void rate_window_add(struct rate_window *window, uint32_t seconds, int64_t wall_us,
                     struct rate added);
struct rate rate_window_sum(const struct rate_window *window, uint32_t seconds, int64_t wall_us);
