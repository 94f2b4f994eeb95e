/* What the engine asks of the log when memory no longer holds it: a transaction of an earlier hour
 * or day, with everything that followed it.
 *
 * The engine gives an ENGINE_LOOKUP effect, which leaves once all that was appended before is
 * durable; the rim answers with an ENGINE_FOUND event. Between the two the request that asked
 * waits, and later ones with the same key wait with it.
 *
 * What is found comes whole: the transaction's own records, those that follow it (`original` is its
 * reference: its reversal, voids, refunds), and the reversals of these (`original` is theirs),
 * since a void that was undone no longer counts.
 *
 *   BY_KEY    the transaction of terminal, merchant, batch and STAN (a repeat; a void's field 61)
 *   BY_RRN    the one with our reference number (fields 37 of void and refund)
 *   BY_CARD   the latest approved pre-authorisation of merchant, card and authorisation code
 *             (field 38; what a completion on another terminal quotes)
 */
#pragma once

#include <stdint.h>

#include "protocols/base/secret.h"

#define LOOKUP_RECORD_COUNT_MAX 64

#define LOOKUP_KIND_MAP(X) X(BY_KEY) X(BY_RRN) X(BY_CARD)

enum lookup_kind {
#define X(name) LOOKUP_##name,
    LOOKUP_KIND_MAP(X)
#undef X
};

struct lookup_query {
    enum lookup_kind kind;
    char terminal_id[9], merchant_id[16]; /* BY_KEY; the merchant of BY_CARD */
    uint32_t batch, stan;                 /* BY_KEY */
    char rrn[13];                         /* BY_RRN */
    struct pan_hash pan_hash;             /* BY_CARD */
    char auth_code[7];                    /* BY_CARD */
};
