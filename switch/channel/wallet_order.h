/* How an order at a wallet goes on: what came to pass in, what to do next out (wallets 1).
 *
 *   NEW -> PAYING -> (QUERY_PAUSED <-> QUERYING)* -> answered, or LEFT_OPEN
 *   reversal:  UNDO_QUERYING -> UNDOING -> answered, or UNDO_PAUSED and again; paid: REFUNDING
 *   refund:    REFUNDING -> (REFUND_PAUSED -> REFUND_QUERYING)* -> answered
 *
 * Unknown is a state and never an answer: who waits for one that does not come times out, and asks
 * for the reversal. An order is only ever cancelled straight after a query that did not find it
 * paid, and one that is known to be paid is refunded. Pure: no clock, no socket, no memory of its
 * own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/wallet/wallet.h"

/* All in milliseconds. */
struct wallet_rules {
    uint32_t query_min_ms, query_max_ms; /* pauses before queries grow from one to the other */
    uint32_t query_life_ms;              /* how long an open payment is asked for */
    uint32_t cancel_after_ms;            /* age before which a payment is not reversed */
    uint32_t retry_min_ms, retry_max_ms; /* pauses between attempts to undo or refund; doubled */
    uint32_t answer_life_ms;             /* then whoever asked has given up, and asks again */
};
/* What the wallet's documents say: Alipay asks every 3 to 6 s for 60 s and may cancel at once;
 * WeChat Pay every 5 to 10 s for 45 s, and no reverse before 15 s. */
struct wallet_rules wallet_rules_of(enum wallet_kind kind);

/* X(name, sentence) */
#define WALLET_STATE_MAP(X)                                                                        \
    X(NEW, "nothing has been asked yet")                                                           \
    X(PAYING, "the payment is asked for")                                                          \
    X(QUERY_PAUSED, "open; a pause before it is asked for again")                                  \
    X(QUERYING, "open; the wallet is asked what became of it")                                     \
    X(LEFT_OPEN, "open, and asked for long enough: its reversal decides")                          \
    X(UNDO_QUERYING, "to be undone; the wallet is asked what became of it")                        \
    X(UNDOING, "its cancel or reverse is asked for")                                               \
    X(UNDO_PAUSED, "not undone yet; a pause before the next attempt")                              \
    X(REFUNDING, "its money is asked back")                                                        \
    X(REFUND_PAUSED, "the refund is in doubt; a pause before it is asked for")                     \
    X(REFUND_QUERYING, "the wallet is asked what became of the refund")                            \
    X(OVER, "answered, or given up: whoever asked asks again")

enum wallet_state {
#define X(name, text) WALLET_IS_##name,
    WALLET_STATE_MAP(X)
#undef X
        WALLET_STATE_COUNT
};
const char *wallet_state_text(enum wallet_state state);

/* What is wanted of it. */
enum wallet_aim { WALLET_AIM_PAY, WALLET_AIM_UNDO, WALLET_AIM_REFUND };

struct wallet_order {
    enum wallet_state state;
    enum wallet_aim aim;
    bool is_known_paid;  /* the wallet has said so, or the engine knows it */
    bool is_in_doubt;    /* a refund may have come about already */
    char failed_code[3]; /* of a refund in doubt that was then refused; empty: none */
    uint64_t begun_ns;   /* when this aim was last asked for */
    uint64_t paid_at_ns; /* when the payment left, or at the earliest can have left */
    uint32_t pause_ms;   /* the last one; 0: none yet */
};

enum wallet_event_kind {
    WALLET_BEGIN_PAY,
    WALLET_BEGIN_UNDO,   /* the engine's reversal; also of an order that is being paid */
    WALLET_BEGIN_REFUND, /* a refund, or the void of a payment */
    WALLET_ANSWERED,     /* what was asked last has been answered, or has not in time: UNKNOWN */
    WALLET_NOTIFIED,     /* the wallet speaks by itself, or answers something asked before */
    WALLET_DUE           /* the pause is over */
};

struct wallet_event {
    enum wallet_event_kind kind;
    uint64_t now_ns;
    uint64_t random;             /* for a spread of pauses */
    bool is_approved;            /* BEGIN_UNDO: the engine knows it as paid */
    bool is_repeat;              /* BEGIN_REFUND: it has been asked for before */
    bool is_unsent;              /* ANSWERED: no byte of it can have left */
    enum wallet_verdict verdict; /* ANSWERED, NOTIFIED */
    const char *response_code;   /* of FAILED */
};

/* At most one of: ask, pause, an answer for whoever waits. All empty: wait on. */
struct wallet_action {
    bool asks, pauses;
    enum wallet_ask ask;
    uint32_t pause_ms;
    char response_code[3]; /* the answer; empty: none */
    bool is_over;          /* the order is OVER */
};

struct wallet_action wallet_order_step(struct wallet_order *order, const struct wallet_rules *rules,
                                       const struct wallet_event *event);
