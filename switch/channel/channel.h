/* A channel: a bank that payments are forwarded to, over a link that is signed on before use.
 *
 * It signs on, tests the link when it is silent, answers the bank's own network messages, and hands
 * every other response to its owner. It matches nothing but its own network messages: what a
 * response means for a transaction is the engine's. A channel has one link; whatever belongs to a
 * link stands in link.h.
 *
 * One thread owns a channel: the loop's it was made on, which must be the thread of its unit.
 *
 * Life:  channel_create -> channel_start -> forward / on_response, on_state ... -> channel_stop
 *        -> on_stopped -> channel_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/dialect/dialect.h"
#include "protocols/frame.h"
#include "routing/channel_table.h"
#include "switch/net/loop.h"
#include "switch/security/security.h"

#define CHANNEL_REASON_SIZE 256

struct channel;

struct channel_setup {
    char name[CHANNEL_NAME_SIZE];
    uint16_t index;      /* in routing's channel table; comes back in every call */
    const char *address; /* "127.0.0.1"; no host name: a look-up would block. Read at create only */
    uint16_t port;
    const struct dialect *dialect; /* borrowed until destroy */
    struct framing framing;
    uint32_t echo_every_ms;    /* silence after which the link is tested; two tests without an
                                  answer take it down */
    uint32_t reply_timeout_ms; /* for connecting, and for each network message */
    uint32_t reconnect_min_ms, reconnect_max_ms;
    uint32_t window;         /* requests that may wait for an answer at once */
    uint32_t answer_life_ms; /* after that a request no longer counts as waiting */
    uint32_t output_max;     /* bytes that may wait to be read by the bank; 0: 1 MiB */
    bool has_mac;
    enum hsm_mac_algorithm mac; /* its key is chan:<name>:zak */
    enum pin_block_format pin_format;
    char acquirer_id[12], forwarder_id[12]; /* F32, F33 where the payment has none; may be empty */
};

struct channel_calls {
    /* A response of the bank, MAC verified. Borrowed for the call. */
    void (*on_response)(void *argument, uint16_t channel, const struct payment *payment);
    /* Up: signed on, forwards are taken. `reason` says why, in words. Never inside a call of ours
     * to the channel. */
    void (*on_state)(void *argument, uint16_t channel, bool is_up, const char *reason);
    void (*on_stopped)(void *argument, uint16_t channel);
    void *argument;
};

/* NULL: `reason` says what is wrong: an address that is a name, a key that is missing or does not
 * serve the algorithm, no memory. */
struct channel *channel_create(struct loop *loop, struct security *security,
                               struct security_unit *unit, const struct channel_setup *setup,
                               const struct channel_calls *calls, char reason[CHANNEL_REASON_SIZE]);
void channel_destroy(struct channel *channel); /* REQUIREs that it is stopped */

void channel_start(struct channel *channel);
/* Signs off where it is signed on, writes what is gathered, closes. on_stopped comes later. */
void channel_stop(struct channel *channel);

/* X(name, sentence): what became of a forward. All but QUEUED: no byte of it has left. */
#define CHANNEL_ANSWER_MAP(X)                                                                      \
    X(QUEUED, "on its way: from here on it may have left")                                         \
    X(DOWN, "the link is not signed on")                                                           \
    X(FULL, "as many requests wait for the bank as may")                                           \
    X(PIN_REFUSED, "the PIN block cannot be translated")                                           \
    X(PAN_REFUSED, "the stored card number cannot be opened")                                      \
    X(NOT_BUILT, "the dialect cannot say it, or no MAC could be made")

enum channel_answer {
#define X(name, text) CHANNEL_##name,
    CHANNEL_ANSWER_MAP(X)
#undef X
};
const char *channel_answer_text(enum channel_answer answer);

/* Sends a request as the engine gave it (STAN, F7, RRN …): its PIN block goes from the terminal's
 * key to the channel's, a card number that is only there sealed is opened, the MAC is put on. The
 * bytes leave at the end of the turn. May be called inside on_response. */
MUST_CHECK enum channel_answer channel_forward(struct channel *channel,
                                               const struct payment *payment);

bool channel_is_up(const struct channel *channel);

/* Reads no more from the bank, and reads again. What has been read already still comes. */
void channel_pause(struct channel *channel);
void channel_resume(struct channel *channel);

/* X(name, sentence) */
#define CHANNEL_COUNT_MAP(X)                                                                       \
    X(sent, "requests and reversals sent")                                                         \
    X(received, "responses handed to the engine")                                                  \
    X(refused, "forwards refused here, nothing sent")                                              \
    X(pins_refused, "of them for their PIN block")                                                 \
    X(echo_timeouts, "link tests without an answer")                                               \
    X(signons, "sign-ons that the bank accepted")                                                  \
    X(signons_failed, "sign-ons refused or not answered")                                          \
    X(connections_lost, "connections lost or not made")                                            \
    X(macs_failed, "messages dropped for a wrong or missing MAC")                                  \
    X(unreadable, "messages dropped because they are none of the dialect")                         \
    X(unexpected, "network responses that nobody waits for, and requests we do not serve")

struct channel_counts {
#define X(name, text) uint64_t name;
    CHANNEL_COUNT_MAP(X)
#undef X
    uint32_t waiting;    /* requests without an answer now */
    int64_t up_since_us; /* wall time; 0: down */
    bool is_up;
    char reason[CHANNEL_REASON_SIZE]; /* of the last change of state */
};
/* On the channel's thread. */
void channel_count(struct channel *channel, struct channel_counts *counts);
