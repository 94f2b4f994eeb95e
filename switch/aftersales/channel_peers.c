/* Channels by name, and a running percentile. See channel_peers.h. */
#include "switch/aftersales/channel_peers.h"

#include <string.h>

#define TIMED_COUNT_MIN 200
#define USUAL_US_MIN 20000 /* below it a difference is the network's noise */
#define STEP_PART 16       /* of the estimate: it doubles within some twenty slow ones */
#define PERCENT_ABOVE 5

struct channel_peers *channel_peers_of(struct channel_peers_table *table, const char *name)
{
    for (uint32_t i = 0; i < CHANNEL_PEERS_COUNT_MAX && name[0] != 0; i++) {
        struct channel_peers *peers = &table->items[i];
        if (peers->name[0] == 0) {
            memcpy(peers->name, name, strnlen(name, CHANNEL_NAME_SIZE - 1));
            return peers;
        }
        if (strncmp(peers->name, name, CHANNEL_NAME_SIZE - 1) == 0) {
            return peers;
        }
    }
    return NULL;
}

void channel_peers_time(struct channel_peers *peers, uint32_t took_us)
{
    uint32_t usual = peers->timed_count == 0 ? took_us : peers->usual_us;
    uint32_t part = usual / STEP_PART;
    if (took_us > usual) {
        usual += part * (100 - PERCENT_ABOVE) / 100;
    } else {
        usual -= part * PERCENT_ABOVE / 100;
    }
    peers->usual_us = usual < USUAL_US_MIN ? USUAL_US_MIN : usual;
    peers->timed_count += peers->timed_count < TIMED_COUNT_MIN ? 1 : 0;
}

bool channel_peers_is_timed(const struct channel_peers *peers)
{
    return peers->timed_count >= TIMED_COUNT_MIN;
}

struct rate rate_without(struct rate all, struct rate own)
{
    struct rate rest = {all.trials > own.trials ? all.trials - own.trials : 0,
                        all.errors > own.errors ? all.errors - own.errors : 0};
    return rest;
}
