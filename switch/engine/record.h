/* One row of the log: what became true of a transaction, durable before anyone relies on it.
 *
 * The engine writes records, restart reads them back, the reconciler and the admin port read their
 * columns. A record carries no track, no PIN block and no clear card number (I32, I33).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/money.h"
#include "protocols/base/pan.h"
#include "protocols/base/secret.h"
#include "protocols/payment.h"
#include "routing/fee_note.h"

#define RECORD_ANSWER_BYTES_MAX 912 /* all that may be in force of one terminal */
#define RECORD_PAYLOAD_BYTES_MAX 900
#define RECORD_TOTALS_SIZE 160
#define RECORD_CHANNEL_NAME_SIZE 16
#define RECORD_DEVICE_SIZE DEVICE_NOTE_TEXT_SIZE

/* X(name, sentence) */
#define RECORD_KIND_MAP(X)                                                                         \
    X(EPOCH, "a new run of the switch begins: its references start with this epoch")               \
    X(SIGNON, "a terminal signed on: batch number and working keys")                               \
    X(INTENT, "a request is about to be forwarded")                                                \
    X(RESULT, "the channel answered, or the request was ended without an answer in force")         \
    X(REFUSED, "we refused the request; nothing was forwarded")                                    \
    X(REVERSAL, "the original must be reversed: store-and-forward holds it from here")             \
    X(REVERSAL_SENT, "a reversal attempt is about to leave")                                       \
    X(REVERSAL_DONE, "the channel acknowledged the reversal")                                      \
    X(REVERSAL_CASE, "the reversal outlived its life: an operator's case")                         \
    X(TOMBSTONE, "a reversal of an unknown original: that original is refused from here")          \
    X(ANOMALY, "something odd was seen and recorded; no state changed")                            \
    X(SIGNOFF, "a terminal signed off: its working keys are no longer in force")                   \
    X(ADVICE, "an advice must be delivered: store-and-forward holds it from here")                 \
    X(ADVICE_DONE, "the channel acknowledged the advice")                                          \
    X(ADVICE_CASE, "the channel declined the advice, or it outlived its life: an operator's case") \
    X(SETTLEMENT, "a terminal's totals were compared with ours")                                   \
    X(BATCH_DETAIL, "a terminal uploaded details of its batch")                                    \
    X(BATCH_END, "a batch is closed; the terminal's next one begins")                              \
    X(STATUS, "a terminal told its state and parameters")                                          \
    X(SIGNATURE, "a cardholder's signature, or a part of it")                                      \
    X(CUT_OVER, "a channel's next settlement day begins")                                          \
    X(ORDER, "an order about a terminal or merchant was given")                                    \
    X(ORDER_DONE, "a terminal did what was ordered, or its cashier was told")                      \
    X(ORDER_OVER, "the time of an order is over")

enum record_kind {
#define X(name, text) RECORD_##name,
    RECORD_KIND_MAP(X)
#undef X
        RECORD_KIND_COUNT
};
const char *record_kind_name(enum record_kind kind); /* "intent" */
/* Whether such a row begins what its terminal's open batch takes in. The next candidate's INTENT
 * and the ADVICE of a refund without an answer go on with something that may be of a batch before.
 */
bool record_kind_begins(enum record_kind kind, enum payment_kind payment_kind, uint16_t attempt);

/* (epoch, seq): never used twice (I24). RRN = node 1 digit, epoch 4 digits, seq 7 digits. */
struct txn_reference {
    uint32_t epoch, seq;
};

struct record {
    uint64_t position; /* 1, 2, 3 … without gaps; the log's order */
    enum record_kind kind;
    int64_t wall_us;
    struct txn_reference txn;
    struct txn_reference original; /* of a reversal, and of what follows an original (void, refund,
                                      completion, adjustment …): that one's; zeros elsewhere */
    enum payment_kind payment_kind;
    uint8_t state;   /* enum txn_state after this record */
    uint16_t reason; /* enum txn_reason: why */
    uint16_t attempt;
    /* the terminal's key */
    char terminal_id[9], merchant_id[16];
    uint32_t batch, stan;
    struct money amount;
    /* the card: never whole */
    char pan_masked[PAN_MASKED_SIZE];
    struct pan_hash pan_hash;
    struct pan_sealed pan_sealed; /* INTENT, REVERSAL and ADVICE only: what follows needs it */
    char expiry[5], card_sequence[4];
    char processing_code[7], condition_code[3], type_code[3], entry_mode[4];
    /* where it went */
    char channel[RECORD_CHANNEL_NAME_SIZE]; /* name; empty: nowhere */
    uint32_t channel_stan;
    char sent_at[11]; /* F7 as forwarded */
    char rrn[13];
    char mcc[5];
    char channel_reference[13]; /* the channel's own F37, when it differs */
    /* what came of it */
    char response_code[3], auth_code[7], settlement_date[5], local_time[7], local_date[5];
    char acquirer_id[12];
    uint32_t settlement_day; /* YYYYMMDD the money counts for: the channel's day; 0: none */
    bool is_foreign;         /* the card counts in the foreign half of the totals */
    /* The terminal's open batch after this record, where the record changed it, as batch_totals.h
     * writes it; else empty. */
    char totals[RECORD_TOTALS_SIZE];
    /* what it costs, minor units of `amount`; fixed at INTENT */
    int64_t merchant_fee, issuer_fee, scheme_fee, agent_fee;
    uint32_t ruleset_version, route_rule, fee_rule, cost_rule, discount_rule;
    char fee_basis[FEE_BASIS_SIZE], agent_shares[FEE_SHARES_SIZE]; /* fee_note.h */
    /* What this row changes of the usage of its merchant, terminal and card, on which day; 0 where
     * it changes nothing. The day stands in all rows of what counts. */
    uint32_t usage_day; /* YYYYMMDD */
    int32_t usage_count;
    int64_t usage_minor;
    /* What the terminal told of itself, and what was noticed of it: device_note.h; in the rows that
     * a request begins, and in those about the terminal. */
    char device[RECORD_DEVICE_SIZE];
    /* rest */
    uint16_t answer_length; /* texts and chip data of the answer, for its repeats: answer_cargo.h */
    uint16_t payload_length; /* SIGNON: the working key records, as hsm/ gave them. REVERSAL: the
                                original's STAN at its channel, 4 bytes. SETTLEMENT,
                                BATCH_DETAIL, STATUS, SIGNATURE: what it brought, no card number.
                                ORDER and the like: that order, as order.h writes it; `answer`:
                                all that are in force of the subject after the row */
    uint8_t answer[RECORD_ANSWER_BYTES_MAX];
    uint8_t payload[RECORD_PAYLOAD_BYTES_MAX];
};

/* A refusal of a request whose key was not searched for, since the log could not be read or no slot
 * was free. Its terminal was told "no", so nothing under this key may be forwarded from here; but a
 * transaction of the same key may stand before it, and then that one counts and this does not. */
bool record_is_blind_refusal(const struct record *record);
