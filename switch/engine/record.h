/* One row of the log: what became true of a transaction, durable before anyone relies on it.
 *
 * The engine writes records, restart reads them back, the reconciler and the admin port read their
 * columns. A record carries no track, no PIN block and no clear card number (I32, I33).
 */
#pragma once

#include <stdint.h>

#include "protocols/base/money.h"
#include "protocols/base/pan.h"
#include "protocols/base/secret.h"
#include "protocols/payment.h"

#define RECORD_ICC_BYTES_MAX 256
#define RECORD_KEYS_BYTES_MAX 900
#define RECORD_CHANNEL_NAME_SIZE 16

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
    X(SIGNOFF, "a terminal signed off: its working keys are no longer in force")

enum record_kind {
#define X(name, text) RECORD_##name,
    RECORD_KIND_MAP(X)
#undef X
        RECORD_KIND_COUNT
};
const char *record_kind_name(enum record_kind kind); /* "intent" */

/* (epoch, seq): never used twice (I24). RRN = node 1 digit, epoch 4 digits, seq 7 digits. */
struct txn_reference {
    uint32_t epoch, seq;
};

struct record {
    uint64_t position; /* 1, 2, 3 … without gaps; the log's order */
    enum record_kind kind;
    int64_t wall_us;
    struct txn_reference txn;
    struct txn_reference original; /* of a reversal; zeros elsewhere */
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
    struct pan_sealed pan_sealed; /* INTENT and REVERSAL only: a later reversal needs it */
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
    /* what it costs, minor units of `amount`; fixed at INTENT */
    int64_t merchant_fee, issuer_fee, scheme_fee;
    uint32_t ruleset_version, route_rule, fee_rule;
    /* rest */
    uint16_t icc_length;  /* response chip data, for the repeat of an answer */
    uint16_t keys_length; /* SIGNON: the working key records, as hsm/ gave them */
    uint8_t icc[RECORD_ICC_BYTES_MAX];
    uint8_t keys[RECORD_KEYS_BYTES_MAX];
};
