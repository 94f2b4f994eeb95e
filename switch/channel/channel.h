/* A channel: a destination that payments are forwarded to and responses come from, whatever it is
 * behind: a bank's links (bank_channel.h) or a wallet.
 *
 * What a response means for a transaction is the engine's business. A response carries what the
 * engine matches by: the channel's STAN, terminal, amount and RRN.
 *
 * One thread owns a channel: the loop's it was made on, which must be the thread of its unit.
 *
 * Life:  bank_channel_create -> channel_start -> forward / on_response, on_state ... ->
 * channel_stop
 *        -> on_stopped -> channel_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/payment.h"
#include "routing/channel_table.h"
#include "switch/engine/engine.h"

#define CHANNEL_REASON_SIZE 256

struct channel;

struct channel_calls {
    /* A response of the bank, MAC verified. Borrowed for the call. */
    void (*on_response)(void *argument, uint16_t channel, const struct payment *payment);
    /* Up: signed on, forwards are taken. `reason` says why, in words. Never inside a call of ours
     * to the channel. */
    void (*on_state)(void *argument, uint16_t channel, bool is_up, const char *reason);
    void (*on_stopped)(void *argument, uint16_t channel);
    /* The bank says that its next settlement day begins: YYYYMMDD. Has been answered. */
    void (*on_cut_over)(void *argument, uint16_t channel, uint32_t settlement_day);
    void *argument;
};

void channel_destroy(struct channel *channel); /* REQUIREs that it is stopped */

void channel_start(struct channel *channel);
/* Signs off where it is signed on, writes what is gathered, closes. on_stopped comes later. */
void channel_stop(struct channel *channel);

/* X(name, sentence): what became of a forward. All but QUEUED: no byte of it has left. */
#define CHANNEL_ANSWER_MAP(X)                                                                      \
    X(QUEUED, "on its way: from here on it may have left")                                         \
    X(DOWN, "no link is signed on")                                                                \
    X(FULL, "as many requests wait for the bank as may")                                           \
    X(PIN_REFUSED, "the PIN block cannot be translated")                                           \
    X(PAN_REFUSED, "the stored card number cannot be opened")                                      \
    X(DUPLICATE, "a request that no answer could be told apart from waits already")                \
    X(NOT_BUILT, "the dialect cannot say it, or no MAC could be made")

enum channel_answer {
#define X(name, text) CHANNEL_##name,
    CHANNEL_ANSWER_MAP(X)
#undef X
};
const char *channel_answer_text(enum channel_answer answer);
/* What the engine is told of one that is not QUEUED. */
enum txn_reason channel_answer_reason(enum channel_answer answer);

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
    X(http_refused, "HTTP answers without a message: of another status than 200, or empty")        \
    X(duplicates, "forwards refused because a request with the same match key waits")              \
    X(late, "responses to a request that was given up, or a second time")                          \
    X(unmatched, "responses to no request that waits")                                             \
    X(half_dead, "links taken down because nothing they carried was answered")                     \
    X(clocks_differ, "connections of a bank whose clock is minutes away from ours")                \
    X(keys_exchanged, "working keys that the bank has replaced")                                   \
    X(keys_refused, "key exchanges that failed")                                                   \
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

/* One connection of a channel. Texts are good until the channel turns. */
struct channel_link {
    uint32_t index;    /* in the channel's list of links */
    const char *state; /* a word or sentence */
    bool is_up;
    int64_t since_us; /* in that state, wall time */
    uint32_t waiting; /* requests that it carried and that have no answer */
    uint64_t signons, connections_lost;
    const char *reason; /* why it is not up; else empty */
};
/* On the channel's thread. Answers how many were filled in; a wallet has none. */
uint32_t channel_links(struct channel *channel, struct channel_link *links, uint32_t count_max);
