/* See channel.h and channel_base.h. */
#include "switch/channel/channel.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/channel/channel_base.h"
#include "switch/net/log.h"
#include "switch/net/loop.h"

const char *channel_answer_text(enum channel_answer answer)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CHANNEL_ANSWER_MAP(X)
#undef X
    };
    REQUIRE((unsigned)answer < sizeof(texts) / sizeof(texts[0]));
    return texts[answer];
}

enum txn_reason channel_answer_reason(enum channel_answer answer)
{
    switch (answer) {
    case CHANNEL_FULL:
        return TXN_REASON_CHANNEL_FULL;
    case CHANNEL_PIN_REFUSED:
        return TXN_REASON_PIN_REFUSED;
    case CHANNEL_DOWN:
    case CHANNEL_PAN_REFUSED:
    case CHANNEL_DUPLICATE:
    case CHANNEL_NOT_BUILT:
        return TXN_REASON_UNSENT;
    case CHANNEL_QUEUED:
        break;
    }
    REQUIRE(answer != CHANNEL_QUEUED);
    return TXN_REASON_UNSENT;
}

void channel_base_init(struct channel *channel, const struct channel_ops *ops, const char *name,
                       uint16_t index, const struct channel_calls *calls)
{
    channel->ops = ops;
    snprintf(channel->name, sizeof(channel->name), "%s", name);
    channel->index = index;
    channel->calls = *calls;
}

void channel_base_turn(struct channel *channel, bool is_up, const char *reason)
{
    bool was_up = channel->counts.is_up;
    snprintf(channel->counts.reason, sizeof(channel->counts.reason), "%s", reason);
    if (was_up == is_up) {
        return;
    }
    channel->counts.is_up = is_up;
    channel->counts.up_since_us = is_up ? loop_wall_us() : 0;
    LOG(is_up ? LOG_NOTICE : LOG_WARN, is_up ? "channel_up" : "channel_down",
        LOG_TEXT("channel", channel->name), LOG_TEXT("reason", reason));
    channel->calls.on_state(channel->calls.argument, channel->index, is_up, reason);
}

void channel_destroy(struct channel *channel)
{
    if (channel != NULL) {
        channel->ops->destroy(channel);
    }
}

void channel_start(struct channel *channel)
{
    channel->ops->start(channel);
}

void channel_stop(struct channel *channel)
{
    channel->counts.is_up = false;
    channel->counts.up_since_us = 0;
    channel->ops->stop(channel);
}

bool channel_is_up(const struct channel *channel)
{
    return channel->counts.is_up;
}

void channel_pause(struct channel *channel)
{
    channel->ops->pause(channel);
}

void channel_resume(struct channel *channel)
{
    channel->ops->resume(channel);
}

enum channel_answer channel_forward(struct channel *channel, const struct payment *payment)
{
    REQUIRE(payment->leg == PAYMENT_REQUEST);
    enum channel_answer answer = channel->ops->forward(channel, payment);
    if (answer == CHANNEL_QUEUED) {
        channel->counts.sent++;
    } else {
        channel->counts.refused++;
    }
    return answer;
}

void channel_count(struct channel *channel, struct channel_counts *counts)
{
    *counts = channel->counts;
    counts->waiting = channel->ops->waiting(channel);
}

uint32_t channel_links(struct channel *channel, struct channel_link *links, uint32_t count_max)
{
    return channel->ops->links == NULL ? 0 : channel->ops->links(channel, links, count_max);
}
