/* See clock_doubt.h. */
#include "switch/followup/clock_doubt.h"

#define NS_PER_US 1000

static bool believe(struct clock_doubt *doubt, int64_t wall_us, uint64_t now_ns)
{
    *doubt = (struct clock_doubt){.wall_us = wall_us, .now_ns = now_ns, .is_begun = true};
    return true;
}

bool clock_doubt_look(struct clock_doubt *doubt, int64_t wall_us, uint64_t now_ns)
{
    if (!doubt->is_begun) {
        return believe(doubt, wall_us, now_ns);
    }
    int64_t passed_us = (int64_t)((now_ns - doubt->now_ns) / NS_PER_US);
    int64_t ahead_us = wall_us - doubt->wall_us - passed_us;
    if (ahead_us <= CLOCK_DOUBT_JUMP_US) {
        return believe(doubt, wall_us, now_ns);
    }
    if (!doubt->is_in_doubt) {
        doubt->is_in_doubt = true;
        doubt->since_ns = now_ns;
    }
    doubt->ahead_us = ahead_us;
    return now_ns - doubt->since_ns >= CLOCK_DOUBT_NS && believe(doubt, wall_us, now_ns);
}
