/* See pin_guard.h. */
#include "switch/engine/pin_guard.h"

#include <string.h>

#define PART_COUNT 1024 /* a bucket's part that has passed, in 1/1024 */

bool pin_guard_is_wrong(const char response_code[3])
{
    return strcmp(response_code, "55") == 0 || strcmp(response_code, "38") == 0 ||
           strcmp(response_code, "75") == 0;
}

static struct pin_guard turned(struct pin_guard guard, struct pin_guard_limit limit,
                               uint64_t now_ns)
{
    uint64_t age_ns = now_ns > guard.begin_ns ? now_ns - guard.begin_ns : 0;
    if (age_ns >= 2 * limit.window_ns) {
        return (struct pin_guard){.begin_ns = now_ns};
    }
    if (age_ns >= limit.window_ns) {
        return (struct pin_guard){.begin_ns = guard.begin_ns + limit.window_ns,
                                  .previous_count = guard.count};
    }
    return guard;
}

bool pin_guard_is_shut(const struct pin_guard *guard, struct pin_guard_limit limit, uint64_t now_ns)
{
    if (limit.count_max == 0 || limit.window_ns < PART_COUNT) {
        return false;
    }
    struct pin_guard now = turned(*guard, limit, now_ns);
    uint64_t age_ns = now_ns > now.begin_ns ? now_ns - now.begin_ns : 0;
    uint64_t left = PART_COUNT - age_ns / (limit.window_ns / PART_COUNT + 1);
    return now.count + now.previous_count * left / PART_COUNT >= limit.count_max;
}

bool pin_guard_add(struct pin_guard *guard, struct pin_guard_limit limit, uint64_t now_ns)
{
    bool was_shut = pin_guard_is_shut(guard, limit, now_ns);
    *guard = turned(*guard, limit, now_ns);
    guard->count++;
    return !was_shut && pin_guard_is_shut(guard, limit, now_ns);
}
