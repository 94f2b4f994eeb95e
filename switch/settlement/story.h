/* What one original and all that followed it mean for the money: each final event becomes a signed
 * amount with its fees. Pure.
 *
 *   sale                +amount, its fees as fixed at intent
 *   adjustment          the difference to what stood before, in amount and in fees
 *   refund              -amount; of the fees that part which the refunded part of the amount is, or
 *                       what else the plan's refund policy says of merchant fee and agents' shares
 *   void                -amount, and all fees
 *   reversal            the line that it undoes, with the other sign, to the fen
 *
 * Fees of refunds are returned in proportion, each component rounded half up on the running sum:
 * what has been returned after a refund is round(fee * refunded so far / amount), a refund returns
 * what is new in it. So partial refunds never return more than was charged, and the last one, or a
 * void, returns the rest exactly (I16).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/engine/payment_rule.h"
#include "switch/engine/record.h"
#include "switch/settlement/fees.h"

struct story_event {
    uint64_t position;
    enum record_kind kind; /* RESULT that approves, ADVICE_DONE or REVERSAL_DONE */
    enum payment_kind payment_kind;
    struct txn_reference txn;
    struct txn_reference original; /* of a follow-up or reversal */
    int64_t amount;                /* as the row has it */
    struct fees fees;              /* as the row has them */
    enum fee_refund refund;        /* policy of the plan that it was charged by */
};

struct story_line {
    bool is_counted; /* false: it moves nothing, or says again what an earlier event said */
    int64_t amount;  /* signed: what it adds to the merchant's day */
    struct fees fees;
};

/* Whether a payment of that kind with that original counts as a change of the original. */
bool story_is_follow_up(enum payment_kind kind, struct txn_reference original);

/* Folds `events`, in the order of the log, into as many lines. The first event of an original that
 * the log no longer holds is missing: its follow-ups then return no fees.
 * STATUS_BAD_VALUE: more was paid back than was taken (I13), or what an adjustment changes is not
 * there, or there
 * are more agents than may be; `*at` is the event. */
MUST_CHECK enum status story_fold(const struct story_event *events, uint32_t count,
                                  struct story_line *lines, uint32_t *at);
