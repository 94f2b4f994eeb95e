/* Inside a channel: what channel.c and network.c share. Nobody else includes this. */
#pragma once

#include "switch/channel/bank_message.h"
#include "switch/channel/channel.h"
#include "switch/channel/link.h"
#include "switch/channel/stan_window.h"

/* X(name, sentence): a channel is more than its link: signed on or not. */
#define CHANNEL_STATE_MAP(X)                                                                       \
    X(IS_DOWN, "no connection")                                                                    \
    X(IS_SIGNING_ON, "connected, the sign-on waits for its answer")                                \
    X(IS_UP, "signed on")                                                                          \
    X(IS_STOPPING, "being closed for good")

enum channel_state {
#define X(name, text) CHANNEL_##name,
    CHANNEL_STATE_MAP(X)
#undef X
};

struct channel {
    struct channel_setup setup;
    struct channel_calls calls;
    struct bank_dialect bank;
    struct link *link;          /* owner */
    struct stan_window *window; /* owner */
    enum channel_state state;
    uint64_t last_heard_ns;
    uint32_t network_stan; /* of our own network messages */
    uint32_t awaited_stan; /* 0: none of them waits */
    enum payment_kind awaited_kind;
    uint32_t echo_misses; /* in a row */
    struct channel_counts counts;
    struct payment outgoing, incoming; /* apart: a response may cause a forward */
};

/* Frames and gathers. False: it could not be built or the link does not take it; that is logged. */
bool channel_send(struct channel *channel, const struct payment *payment);
/* Changes the state, tells the owner when up turns to down or back. */
void channel_turn(struct channel *channel, enum channel_state state, const char *reason);

/* Sends one of our own network messages, whose answer is then awaited. */
void network_ask(struct channel *channel, enum payment_kind kind);
/* Tells the bank that we leave; nobody waits for the answer. */
void network_sign_off(struct channel *channel);
/* The reply timeout has passed, or the time of the next test has come. */
void network_on_deadline(struct channel *channel);
/* Whether channel->incoming is a network message: then it has been dealt with. */
MUST_CHECK bool network_take(struct channel *channel);
