/* How many wrong PINs a terminal has brought lately (I35): above a limit its transactions with a
 * PIN are refused, so that nobody tries PINs out at one.
 *
 * A sliding window in two buckets: what the one before counted fades as the current one passes.
 * Counts begin anew with the process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pin_guard {
    uint64_t begin_ns; /* of the current bucket */
    uint32_t count, previous_count;
};

struct pin_guard_limit {
    uint64_t window_ns;
    uint32_t count_max; /* 0: no limit */
};

/* Whether a response code says that the PIN was wrong: 55, 38, 75. */
bool pin_guard_is_wrong(const char response_code[3]);
/* One more. True: with it the limit is reached, for the first time in this bucket. */
bool pin_guard_add(struct pin_guard *guard, struct pin_guard_limit limit, uint64_t now_ns);
/* Whether the limit is reached. */
bool pin_guard_is_shut(const struct pin_guard *guard, struct pin_guard_limit limit,
                       uint64_t now_ns);
