/* What all terminals of one channel live through, so that a terminal is compared with its peers and
 * not blamed for its channel: time-outs, declines, how long round trips take, and how often cards
 * are read by their stripe where that is.
 *
 * Plain values in a small table; all zeros is an empty one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/rate_window.h"

#define CHANNEL_PEERS_COUNT_MAX 64
#define CHANNEL_NAME_SIZE 16

struct channel_peers {
    char name[CHANNEL_NAME_SIZE];
    struct rate_window timeouts, declines; /* of requests that ended */
    struct rate_window fallbacks;          /* of cards read by contact: by their stripe */
    uint32_t usual_us;                     /* 95th percentile of round trips, as estimated */
    uint32_t timed_count;                  /* round trips it rests on; saturating */
};

struct channel_peers_table {
    struct channel_peers items[CHANNEL_PEERS_COUNT_MAX];
};

/* Its place, made where it is new; NULL: no name, or no room. The table's. */
struct channel_peers *channel_peers_of(struct channel_peers_table *table, const char *name);

/* One round trip: moves the estimate up by 19 parts when it took longer and down by one when it did
 * not, so it rests where one of twenty is longer. */
void channel_peers_time(struct channel_peers *peers, uint32_t took_us);
/* False: too few round trips were seen. */
bool channel_peers_is_timed(const struct channel_peers *peers);

/* What is left of all terminals' when one's own is taken away. */
struct rate rate_without(struct rate all, struct rate own);
