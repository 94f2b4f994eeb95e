/* Inside a bank channel: what its files share. Nobody else includes this. */
#pragma once

#include "switch/channel/bank_channel.h"
#include "switch/channel/bank_message.h"
#include "switch/channel/bank_post.h"
#include "switch/channel/channel_base.h"
#include "switch/channel/inflight.h"
#include "switch/channel/link.h"
#include "switch/security/key_exchange.h"

/* X(name, word, sentence): a link is more than its connection: signed on or not. */
#define BANK_STATE_MAP(X)                                                                          \
    X(IS_DOWN, "down", "no connection")                                                            \
    X(IS_SIGNING_ON, "signing_on", "connected, the sign-on waits for its answer")                  \
    X(IS_READY, "ready", "connected, while another link signs on for all")                         \
    X(IS_UP, "up", "signed on")                                                                    \
    X(IS_STOPPING, "stopping", "being closed for good")

enum bank_state {
#define X(name, word, text) BANK_##name,
    BANK_STATE_MAP(X)
#undef X
};

#define BANK_SERVER_NAME_SIZE 64

struct bank_port;

/* One of the channel's links; its deadline is the link's own. */
struct bank_link {
    struct bank_channel *channel; /* borrower */
    struct link *link;            /* owner */
    struct bank_port *port;       /* borrower; NULL: we connect */
    struct net_address peer;      /* who connected, where the bank does */
    bool has_peer;
    uint8_t index;
    uint32_t window;
    struct bank_posts posts; /* where messages are posted in HTTP */
    enum bank_state state;
    int64_t since_us;               /* in that state, wall time */
    char text[CHANNEL_REASON_SIZE]; /* why it is in it */
    uint64_t signons, connections_lost;
    bool is_clock_told; /* that its clock differs from ours */
    uint64_t last_heard_ns;
    uint32_t awaited_stan; /* of our own network message; 0: none waits */
    enum payment_kind awaited_kind;
    uint32_t echo_misses;         /* in a row */
    uint32_t unanswered;          /* requests in a row without an answer to one of them */
    uint64_t unanswered_since_ns; /* when the first of them left */
    uint64_t tested_ns;           /* the last echo test */
};

/* New working keys of the links. */
struct bank_keys {
    struct key_exchange pending; /* opened, not yet in force */
    bool is_busy;                /* it is being written down */
    bool is_answer_owed;         /* to `request` of the bank, on `link` */
    bool are_awaited;            /* the channel takes no payment before they are there */
    bool is_any_up;              /* some link is */
    uint8_t link, asked;         /* that they came on; that was asked last */
    struct deadline due;         /* of the answer to what we asked; else of the next time we ask */
    struct deadline grace;       /* the MAC key before is taken until then */
    struct payment request;
};

struct bank_channel {
    struct channel base; /* first: a channel is cast to this */
    struct bank_setup setup;
    struct loop *loop;         /* borrower, as the next */
    struct security *security; /* its keys */
    char server_name[BANK_SERVER_NAME_SIZE];
    struct bank_dialect bank;
    uint32_t link_count, links_running;
    struct bank_link links[BANK_LINK_COUNT_MAX];
    struct bank_port *ports[BANK_LINK_COUNT_MAX]; /* owner; the first port_count */
    uint32_t port_count;
    SSL_CTX *tls_client, *tls_server; /* owner; NULL: no such link, or plain */
    struct inflight *inflight;        /* owner */
    uint8_t link_last;                /* that carried a request */
    bool is_signed_on;                /* where one link signs on for all */
    bool is_stopping;
    struct bank_keys keys;
    uint32_t network_stan;             /* of our own network messages */
    struct payment outgoing, incoming; /* apart: a response may cause a forward */
};

/* --- bank_channel.c */

/* A link has come up or gone down: whether the channel is up follows. */
void bank_review(struct bank_channel *channel, const char *reason);
/* All of a link has ended, for good. */
void bank_link_is_stopped(struct bank_channel *channel);

/* --- bank_link.c */

/* False: `reason` says why. */
bool bank_link_create(struct bank_link *link, struct bank_channel *channel, uint8_t index,
                      struct loop *loop, char reason[CHANNEL_REASON_SIZE]);
void bank_link_destroy(struct bank_link *link);
void bank_link_start(struct bank_link *link);
void bank_link_stop(struct bank_link *link);
/* Changes the state. */
void bank_link_turn(struct bank_link *link, enum bank_state state, const char *reason);
/* Whether a request may go this way: it is up, within its window, and the bank reads. A link that
 * has proved half dead is dropped here. */
bool bank_link_may_send(struct bank_link *link);
bool bank_link_is_up(const struct bank_link *link);
/* Gathers what has been framed; `post` says what it is, and when its answer should be there. False:
 * the link does not take it. */
MUST_CHECK bool bank_link_put(struct bank_link *link, struct byte_view framed,
                              const struct bank_post *post);
/* Why a put of now would fail, in words. */
void bank_link_put_fault(const struct bank_link *link, char reason[BANK_MESSAGE_REASON_SIZE]);
/* A request has left on this link, or one that did has been answered. */
void bank_link_sent(struct bank_link *link);
void bank_link_answered(struct bank_link *link);
/* Drops a link whose oldest POST has no answer although it is due: nothing behind it can have one,
 * and no other way says that it is not waited for any more. False: there is none. */
bool bank_link_drop_overdue(struct bank_link *link);
/* Requests have waited for long, so that the link is to be tested, or is; and taken down where even
 * the test stays without an answer. `more` is put behind the requests in the reason. */
bool bank_link_is_doubtful(const struct bank_link *link);
void bank_link_drop_half_dead(struct bank_link *link, const char *more);
/* Frames and gathers. False: it could not be built or the link does not take it; that is logged. */
bool bank_link_send(struct bank_link *link, const struct payment *payment);
const char *bank_state_word(enum bank_state state);

/* --- network.c: the link's 0800 */

/* A connection stands: signs on, where that is this link's to do. */
void network_begin(struct bank_link *link);
/* The link is gone: another one may have to sign on for all. */
void network_lost(struct bank_link *link);
/* Sends one of our own network messages, whose answer is then awaited. */
void network_ask(struct bank_link *link, enum payment_kind kind);
/* Tells the bank that we leave; nobody waits for the answer. */
void network_sign_off(struct bank_link *link);
/* The reply timeout has passed, or the time of the next test or of a POST's answer has come. */
void network_on_deadline(struct bank_link *link);
/* The link waits for something else than before: its deadline is set anew. */
void network_look_again(struct bank_link *link);
/* The answer to a network message that was posted has no message. */
void network_on_refused(struct bank_link *link, const struct bank_post *post, uint16_t http_status);
/* Answers a network message that asks for what the dialect has no name for: 40, not supported. */
void network_refuse(struct bank_link *link, struct byte_view message);
/* Whether channel->incoming is a network message: then it has been dealt with. */
MUST_CHECK bool network_take(struct bank_link *link);

/* --- bank_keys.c */

void bank_keys_init(struct bank_channel *channel);
void bank_keys_close(struct bank_channel *channel);
/* A link came up or went down: asks for keys where some are wanted before payments. */
void bank_keys_review(struct bank_channel *channel, bool is_any_up);
void bank_keys_ask(struct bank_channel *channel);
/* channel->incoming is the bank's request, which brings keys; or its answer to ours. */
void bank_keys_on_request(struct bank_link *link);
void bank_keys_on_answer(struct bank_link *link);
/* Whether an answer brings keys. */
bool bank_keys_come_with(const struct payment *answer);
