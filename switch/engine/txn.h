/* Transactions: one request's life in the switch, in a slab of fixed size.
 *
 * Three arrays run side by side. `txns` is what every step touches; `details` is what answers,
 * records and reversals are built from; a flight is the whole request, kept only while the channel
 * or the security module works on it, then wiped (I33, I37).
 *
 * Slots are numbers, never pointers; slot 0 is none. A transaction stands in up to three lists: the
 * queue of its state, the lane of its terminal, and the list of all reversals by age.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/payment.h"
#include "routing/ruleset.h"
#include "switch/engine/engine.h"
#include "switch/engine/txn_state.h"

enum txn_link { TXN_LINK_QUEUE, TXN_LINK_LANE, TXN_LINK_LIFE, TXN_LINK_COUNT };

struct txn {
    struct {
        uint32_t next, previous;
    } links[TXN_LINK_COUNT];
    uint32_t generation;
    uint32_t heap_place; /* from 1, while paused; 0: not in the heap */
    uint64_t deadline_ns;
    uint64_t forwarded_ns;     /* when the original last left; a restart, for what it found */
    uint64_t saf_begun_ns;     /* when store-and-forward took it */
    uint64_t not_found_ns;     /* when the channel first said "original not found"; 0: it has not */
    uint64_t settled_position; /* the record that the answer depends on */
    struct money amount;
    struct pan_hash pan_hash;
    char terminal_id[9], merchant_id[16];
    uint32_t batch, stan;
    uint32_t key_hash;
    uint32_t terminal; /* place in the terminal set; 0: none yet */
    uint32_t flight;   /* 0: none */
    struct txn_reference reference, reversal_reference;
    uint32_t reference_next; /* slot: another one at the same place of the index; 0: none */
    uint32_t channel_stan, reversal_stan; /* 0: none in force */
    struct conn_handle conn;
    uint16_t reason; /* enum txn_reason: of the answer in force */
    uint16_t attempt, reversal_attempt;
    uint8_t state; /* enum txn_state; changed by txn_move() alone */
    uint8_t kind;  /* enum payment_kind */
    uint8_t channel;
    uint8_t candidates[ROUTE_CANDIDATE_COUNT_MAX], candidate_count, candidate_next;
    bool has_conn;  /* somebody waits for the reply */
    bool is_listed; /* stands in lane and life list */
    bool is_stan_indexed, is_key_indexed, is_reference_indexed, is_reversal_indexed;
    bool is_closed_by_25;      /* reversed, but the channel had not seen the original */
    bool is_terminal_reversed; /* the terminal itself wanted it undone */
    bool is_restored;          /* in doubt since before the restart */
    bool is_foreign;           /* the card counts in the foreign half of the totals */
    bool is_in_totals;         /* its terminal's batch counts it */
    bool is_advised;           /* store-and-forward delivers it, rather than its reversal */
    bool is_following;         /* it follows an original */
    uint8_t counted;           /* how its original counts it: original.c */
    uint8_t search, search_way, search_count; /* search.h, while the log is searched for it */
    bool is_log_short;                        /* the disk was nearly full when it asked */
    bool is_channel_approved; /* the channel said yes, in time or late; lost with an eviction */
    bool is_probe;            /* its channel's breaker waits for what becomes of it */
    uint8_t bin_group;        /* of its card; 0: none */
    bool is_usage_counted;    /* usage_move.h, in the state it has */
};
_Static_assert(sizeof(struct txn) <= 256, "four cache lines at most");
_Static_assert(CHANNEL_COUNT_MAX <= 128, "a channel number fits a byte");

/* What those that follow an original use of it: approved, in flight, or unknown. */
struct txn_standing {
    int64_t refunded_minor;
    int64_t incremented_minor; /* approved increments of a pre-authorisation */
    int64_t adjusted_minor;    /* what adjustments add; may be negative */
    uint16_t ended_count;      /* voids and completions: no more than one but for late answers */
    uint16_t open_increment_count; /* increments that may or may not stand */
};

struct txn_detail {
    char pan_masked[PAN_MASKED_SIZE];
    struct pan_sealed pan_sealed;
    char expiry[5], card_sequence[4];
    char processing_code[7], condition_code[3], type_code[3], entry_mode[4];
    char sent_at[11], rrn[13], mcc[5];
    char response_code[3], auth_code[7], settlement_date[5], local_time[7], local_date[5];
    char reversal_reason[3];
    int64_t merchant_fee, issuer_fee, scheme_fee, agent_fee;
    uint32_t ruleset_version, route_rule, fee_rule, cost_rule, discount_rule;
    uint32_t settlement_day;        /* YYYYMMDD the money counts for; 0: not known yet */
    struct txn_reference original;  /* what it follows; zeros: nothing */
    uint32_t original_slot;         /* where that stood when it was last seen; 0: not seen */
    struct payment_original quoted; /* what a channel is told of it */
    struct txn_standing standing;   /* what those that follow this one leave of it */
    uint32_t usage_day;             /* YYYYMMDD its usage counts for; 0: none */
    int32_t usage_count;            /* what moves changed since its last row */
    int64_t usage_minor;            /* the same */
    int64_t difference;             /* of an adjustment: what it adds to its original; else 0 */
    char fee_basis[FEE_BASIS_SIZE], agent_shares[FEE_SHARES_SIZE]; /* fee_note.h */
    uint16_t answer_length;
    uint8_t
        answer[RECORD_ANSWER_BYTES_MAX]; /* answer_cargo.h; last: only what is used is touched */
};

struct txn_list {
    uint32_t first, last, count;
};

struct txn_slab {
    struct txn *txns; /* owner: the engine; index 0 unused */
    struct txn_detail *details;
    struct payment *flights;
    uint32_t *free_flights; /* a stack */
    uint32_t count_max;
    uint32_t fresh, flight_fresh; /* never used so far: from here on; keeps pages untouched */
    uint32_t first_free, free_flight_count;
    uint32_t used_count;
};

/* A slot, zeroed but for its generation; 0: none is free. */
uint32_t txn_slab_take(struct txn_slab *slab);
void txn_slab_give(struct txn_slab *slab, uint32_t slot);
/* A flight for the transaction: never fails, there are as many as slots. */
struct payment *txn_slab_take_flight(struct txn_slab *slab, uint32_t slot);
/* Wipes the transaction's flight, if it has one. */
void txn_slab_give_flight(struct txn_slab *slab, uint32_t slot);
/* NULL: the handle names no transaction any more. */
struct txn *txn_slab_find(const struct txn_slab *slab, struct txn_handle handle);

static inline uint32_t txn_slot(const struct txn_slab *slab, const struct txn *txn)
{
    return (uint32_t)(txn - slab->txns);
}

static inline struct txn_detail *txn_detail(const struct txn_slab *slab, const struct txn *txn)
{
    return &slab->details[txn - slab->txns];
}

static inline struct payment *txn_flight(const struct txn_slab *slab, const struct txn *txn)
{
    return txn->flight == 0 ? (struct payment *)0 : &slab->flights[txn->flight];
}

void txn_list_append(struct txn_slab *slab, struct txn_list *list, uint32_t slot,
                     enum txn_link link);
void txn_list_remove(struct txn_slab *slab, struct txn_list *list, uint32_t slot,
                     enum txn_link link);
