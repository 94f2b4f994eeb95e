/* The engine's whole memory, and what its files share: moves between states, references, indexes.
 *
 * Nothing here is seen from outside; engine.h is the contract.
 */
#pragma once

#include "switch/engine/channel_state.h"
#include "switch/engine/engine.h"
#include "switch/engine/order_table.h"
#include "switch/engine/retry_heap.h"
#include "switch/engine/slot_index.h"
#include "switch/engine/terminal_state.h"
#include "switch/engine/txn.h"
#include "switch/engine/usage.h"
#include "switch/engine/wall_text.h"

/* Tombstones take at most this part of the slab, so that a terminal that reverses what never was
 * cannot push others out. */
#define TOMBSTONE_PART 4

struct engine {
    struct engine_limits limits;
    const struct ruleset *ruleset; /* borrowed */
    uint32_t ruleset_count;        /* how many were put in force */
    /* of the event being worked on */
    uint64_t now_ns;
    int64_t wall_us;
    uint64_t random;
    struct wall_text wall;
    int64_t wall_second;            /* that `wall` shows */
    struct engine_effects *effects; /* borrowed for the step */
    uint32_t record_count, payment_count;

    bool is_running;                /* the log is read and an epoch begun */
    struct txn_reference reference; /* the last one given out */
    uint64_t position;              /* the last one given out */
    uint64_t epoch_position;        /* of the record that began the epoch */

    struct txn_slab slab;
    struct slot_index keys;  /* terminal, merchant, batch, STAN -> slot */
    struct slot_index stans; /* channel, STAN there -> slot */
    /* reference -> slot: the latest one at each place; reference_next leads to the others there. */
    uint32_t *references; /* owner */
    uint32_t reference_mask;
    struct txn_list lists[TXN_CLASS_COUNT];
    struct txn_list life; /* all pending reversals, oldest first */
    struct retry_heap retries;
    struct terminal_set terminals;
    struct channel_set channels;
    struct channel_health *health; /* owner; by the channels' numbers */
    uint32_t reversals_in_flight;
    struct usage_set usage;
    struct order_book orders;

    struct record records[ENGINE_RECORD_COUNT_MAX];   /* of this step */
    struct payment payments[ENGINE_EFFECT_COUNT_MAX]; /* of this step */
};

/* A terminal's request, as the event brings it. */
struct request {
    struct conn_handle conn;
    const struct payment *payment; /* borrowed */
    bool is_log_short;
};

/* --- states ------------------------------------------------------------------------------- */

/* The one place where a state changes: leaves the queue of the old one, enters that of the new.
 * `deadline_ns` is for the classes that have one. */
void engine_move(struct engine *engine, struct txn *txn, enum txn_state state,
                 uint64_t deadline_ns);
/* A slot, where need be of the oldest answered transaction; NULL: all are at work. */
struct txn *engine_take_txn(struct engine *engine);
/* Forgets a transaction: out of indexes and lists, its flight wiped. */
void engine_forget(struct engine *engine, struct txn *txn);
struct txn_handle engine_handle(const struct engine *engine, const struct txn *txn);

/* --- references --------------------------------------------------------------------------- */

/* The next reference; begins another epoch, by a record, where the numbers end (I24).
 * May take one record and one effect. */
struct txn_reference engine_next_reference(struct engine *engine);
/* Writes RECORD_EPOCH for `epoch`. */
void engine_begin_epoch(struct engine *engine, uint32_t epoch);
/* Node 1, epoch 4, sequence 7 digits. */
void engine_format_rrn(const struct engine *engine, char rrn[13], struct txn_reference reference);

/* --- indexes ------------------------------------------------------------------------------ */

/* What names a request: the same key again is a repeat (unionpay 12). */
struct txn_key {
    const char *terminal_id, *merchant_id; /* borrowed; 9 and 16 bytes */
    uint32_t batch, stan;
};
/* NULL: none. */
struct txn *engine_find_key(const struct engine *engine, struct txn_key key);
/* The transaction with that reference number, if memory knows it by that; NULL: it does not. */
struct txn *engine_find_rrn(const struct engine *engine, const char rrn[13]);
/* The same by reference. */
struct txn *engine_find_reference(const struct engine *engine, struct txn_reference reference);
/* Begins to fetch the key's place in the index, which engine_find_key() will want soon. */
void engine_fetch_key(const struct engine *engine, struct txn_key key);
struct txn_key engine_key_of(const struct payment *payment);
void engine_index_key(struct engine *engine, struct txn *txn);
/* Makes it known by its reference alone; engine_index_key() does so too. */
void engine_index_reference(struct engine *engine, struct txn *txn);
void engine_unindex_key(struct engine *engine, struct txn *txn);
void engine_unindex_reference(struct engine *engine, struct txn *txn);
/* The transaction that a channel's STAN belongs to, as original or as reversal; NULL: none. */
struct txn *engine_find_stan(const struct engine *engine, uint8_t channel, uint32_t stan);
/* A STAN of that channel that nothing in flight or in doubt uses; 0: none is free. */
uint32_t engine_next_stan(struct engine *engine, uint8_t channel);
/* Gives it the STAN, under which responses then find it. */
void engine_set_stan(struct engine *engine, struct txn *txn, uint32_t stan);
void engine_set_reversal_stan(struct engine *engine, struct txn *txn, uint32_t stan);
/* Responses with that STAN find it no more; what it was sent with is remembered. */
void engine_unindex_stan(struct engine *engine, struct txn *txn, uint32_t stan);
