/* Inside a wallet channel: what its files share. Nobody else includes this. */
#pragma once

#include "switch/channel/channel_base.h"
#include "switch/channel/wallet_channel.h"
#include "switch/channel/wallet_desk.h"
#include "switch/channel/wallet_http.h"
#include "switch/channel/wallet_notify.h"

/* One question on its way: written and signed in a thread of the pool, sent, answered. */
struct wallet_call {
    struct wallet_http_call http; /* first: what is done comes back as this */
    uv_work_t work;
    struct wallet_channel *channel;
    struct wallet_request request;
    uint32_t place; /* of its slot; 0: the certificates */
    uint32_t number;
    enum status status; /* of writing */
    struct wallet_call *next_free;
};

struct wallet_channel {
    struct channel base; /* first: a channel is cast to this */
    struct loop *loop;
    struct wallet_party party;
    struct wallet_rules rules;
    struct wallet_desk *desk; /* owner, as all below */
    struct wallet_http *http;
    struct wallet_notify *notify; /* NULL: none */
    struct wallet_call *calls, *free_calls;
    uint32_t call_count, work_count; /* work_count: in the thread pool */
    struct deadline start, certificates;
    uint32_t certificates_every_ms;
    uint64_t certificates_asked_ns;
    bool are_certificates_under_way;
    uint32_t window;
    uint64_t started_ns;
    struct byte_view client_certificate, client_key; /* PEM, as long as http lives */
    bool is_stopping, is_http_stopped, is_notify_stopped, is_stopped;
    struct payment outgoing; /* a response being made */
};

/* --- wallet_setup.c --- */

/* Reads the keys and texts that make the party. False: `reason` names file or option. */
bool wallet_setup_party(struct wallet_channel *channel, const struct wallet_setup *setup,
                        char reason[CHANNEL_REASON_SIZE]);
void wallet_setup_free(struct wallet_channel *channel);

/* --- wallet_call.c --- */

bool wallet_calls_create(struct wallet_channel *channel, uint32_t count);
void wallet_calls_destroy(struct wallet_channel *channel);
/* Whether another question may leave now; a payment leaves room for what must go on. */
bool wallet_call_has_room(const struct wallet_channel *channel, bool is_payment);
/* Begins to ask for a slot's order. False: no room; nothing has left. */
MUST_CHECK bool wallet_call_begin(struct wallet_channel *channel, struct wallet_slot *slot,
                                  enum wallet_ask ask);
/* Asks for the wallet's certificates, unless that is under way or was a moment ago. */
void wallet_call_certificates(struct wallet_channel *channel);

/* --- wallet_channel.c --- */

/* A question of a slot has been answered; `answer` says UNKNOWN where it has not. */
void wallet_on_answer(struct wallet_channel *channel, const struct wallet_call *call,
                      const struct wallet_answer *answer);
/* The wallet speaks of an order by itself, or answers what nobody asks any more. False: it is to
 * say so once more, since what comes of it is not durable yet. */
bool wallet_on_told(struct wallet_channel *channel, const char *order,
                    const struct wallet_answer *answer);
/* Something has come to its end that a stop waits for. */
void wallet_look_for_end(struct wallet_channel *channel);
