/* One POS terminal: its keys, its trace numbers, its journal, the one transaction it works on, its
 * errands, its connection.
 *
 * It behaves as unionpay-pos says: no answer by its time-out, or a lost connection, means a
 * reversal with reason 98, repeated until it is answered 00, 12 or 25; an approval with a wrong MAC
 * means one with reason A0. Refunds and advices are sent again as they were, until they are
 * answered. It starts nothing new before that is over.
 *
 *   OFFLINE -> CONNECTING -> SIGNING_ON -> FREE -> PAYING -> FREE
 *                                           |       |
 *                                           |       +-> REVERSING or PAYING again <-> PAUSING
 *                                           +-> ON_ERRAND <-> PAUSING -> FREE
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/card.h"
#include "loadtest/draw.h"
#include "loadtest/errand.h"
#include "loadtest/fleet.h"
#include "loadtest/journal.h"
#include "loadtest/load/receipts.h"
#include "loadtest/load/tally.h"
#include "loadtest/load/tls_client.h"
#include "loadtest/pos_message.h"
#include "loadtest/trade.h"
#include "loadtest/wrap.h"

enum terminal_state {
    TERMINAL_OFFLINE, /* waits before it connects again */
    TERMINAL_CONNECTING,
    TERMINAL_SIGNING_ON,
    TERMINAL_FREE,
    TERMINAL_PAYING,
    TERMINAL_REVERSING,
    TERMINAL_ON_ERRAND,
    TERMINAL_PAUSING /* before it repeats what was refused */
};

/* What all terminals of a run share. */
struct terminal_world {
    const struct fleet *fleet;        /* borrowed */
    const struct card_ranges *ranges; /* borrowed */
    struct pos_writer *writer;        /* borrowed */
    struct tls_client *client;        /* borrowed */
    struct tally *tally;              /* borrowed */
    struct receipts *receipts;        /* borrowed */
    const struct wrap_list *wraps;    /* borrowed: the framings that terminals speak */
    struct trade trade;               /* of the phase under way */
    double mismatch_percent;          /* of settlements that are wrong on purpose */
    bool is_mismatch_owed;            /* none of this phase has been wrong yet, and one shall be */
    uint32_t sign_on_weights[3];      /* terminals that sign on with 003, 004, 001 */
    struct draw draw;
    uint64_t answer_timeout_ns;
    uint32_t connecting_count, ready_count; /* terminals in these states */
    uint32_t open_count;                    /* transactions that are not over, reversals included */
    uint32_t order_count;                   /* errands ordered and not over */
    bool is_echo;                           /* the peer sends back what it gets */
    bool has_devices;                       /* terminals tell of themselves in field 59 */
    bool is_ending;                         /* nothing is begun any more */
    void (*on_free)(void *argument, uint32_t terminal); /* it can take a payment */
    void *argument;
};

struct terminal {
    struct terminal_world *world;
    struct tls_stream *stream; /* NULL: offline */
    uint32_t index, stan, sign_on_stan;
    enum terminal_state state;
    uint64_t deadline_ns; /* of the state; UINT64_MAX: none */
    bool has_keys, wants_sign_on, is_ready, is_queued;
    uint8_t connect_failures;
    struct pos_identity identity;
    uint8_t *partial; /* owner: the beginning of a frame; NULL mostly */
    uint32_t partial_length;
    struct journal journal;
    /* The transaction under way. */
    bool has_payment, is_reversing, wants_reversal;
    char reversal_reason[3];
    uint32_t reversal_attempts, repeat_count, payment_batch;
    uint32_t original; /* the journal's entry it follows */
    struct pos_request request;
    uint64_t intended_ns, sent_ns;
    int64_t started_us;
    /* Errands: bits of enum errand_kind that are still to be done, and the one under way. */
    uint32_t orders;
    bool has_errand;
    struct errand errand;
};

void terminal_init(struct terminal *terminal, struct terminal_world *world, uint32_t index);
void terminal_connect(struct terminal *terminal, uint64_t now_ns);
/* Draws a transaction and begins it. REQUIREs TERMINAL_FREE. */
void terminal_pay(struct terminal *terminal, uint64_t intended_ns, uint64_t now_ns);
/* It runs this errand once what it is doing is over. Ordered twice, run once. */
void terminal_order(struct terminal *terminal, enum errand_kind kind, uint64_t now_ns);
/* The state has lasted as long as it may. */
void terminal_on_deadline(struct terminal *terminal, uint64_t now_ns);
/* The run is over: an open payment is written down as unknown, the connection closed, memory given
 * back. */
void terminal_end(struct terminal *terminal);

/* What the TLS client calls, with the terminal as its argument. */
void terminal_on_open(void *argument);
void terminal_on_bytes(void *argument, struct byte_view bytes);
void terminal_on_lost(void *argument, const char *reason);
