/* What every kind of channel has in common, and what each must be able to do. Included by the kinds
 * of channels alone.
 */
#pragma once

#include "switch/channel/channel.h"

/* What a kind of channel does behind channel.h; each may cast the channel to its own struct, whose
 * first member it is. */
struct channel_ops {
    void (*destroy)(struct channel *channel); /* of a stopped one */
    void (*start)(struct channel *channel);
    void (*stop)(struct channel *channel);
    enum channel_answer (*forward)(struct channel *channel, const struct payment *payment);
    void (*pause)(struct channel *channel);
    void (*resume)(struct channel *channel);
    uint32_t (*waiting)(struct channel *channel); /* requests without an answer now */
    /* Its links; NULL: it has none. */
    uint32_t (*links)(struct channel *channel, struct channel_link *links, uint32_t count_max);
};

struct channel {
    const struct channel_ops *ops;
    char name[CHANNEL_NAME_SIZE];
    uint16_t index;
    struct channel_calls calls;
    struct channel_counts counts;
};

void channel_base_init(struct channel *channel, const struct channel_ops *ops, const char *name,
                       uint16_t index, const struct channel_calls *calls);
/* Up or down from here on, which is logged and told to the owner when it changes. */
void channel_base_turn(struct channel *channel, bool is_up, const char *reason);
