/* What merchants of one category turn over on a day: the measure for a merchant that has no history
 * of its own (C23).
 *
 * Plain value: may be copied and kept as bytes. All zeros: nothing is known of anybody.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PEER_GROUP_COUNT 64 /* categories told apart; a further one is not judged */
#define PEER_DAY_COUNT 8    /* seven whole days, and the one that some have ended already */

struct peer_day {
    int64_t sale_minor;
    int32_t day;
    uint32_t merchant_count; /* that had sales on it */
};
struct peer_group {
    char mcc[8]; /* "5411"; "": free */
    struct peer_day days[PEER_DAY_COUNT];
};
struct peer_state {
    struct peer_group groups[PEER_GROUP_COUNT];
};

/* A merchant of this category has ended a day with sales. */
void peer_state_add(struct peer_state *peers, const char *mcc, int32_t day, int64_t sale_minor);

/* The mean of a merchant's day over the last PEER_DAY_COUNT days before `day`; 0: nobody is known.
 * `merchant_count`: the most that had sales on one of them. */
int64_t peer_state_mean(const struct peer_state *peers, const char *mcc, int32_t day,
                        uint32_t *merchant_count);

/* Whether these bytes, read back from a file, can be what is known of peers. */
bool peer_state_is_sound(const struct peer_state *peers);
