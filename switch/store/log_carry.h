/* Which rows a restart still needs of all that came before: what is in doubt with its whole story,
 * and the last word on each terminal and channel.
 *
 * A story is a transaction with all that names it as its original, and what names those; it is
 * kept whole or not at all, so that whoever replays it never sees half of one. Kept are stories
 *
 *   - with a transaction whose last state is not final, or a case;
 *   - of a tombstone, or of a reversal closed by code 25, as long as either may still matter;
 *   - that hold the last sign-on or sign-off, totals, settlement, batch end, status, details, order
 *     of a terminal or order of a merchant, the highest trace number of its last batch, or the last
 * STAN or cut-over of a channel;
 *
 * and the last epoch. Rows are taken in the order of the log; nothing here reads or writes.
 *
 * Life:  carry_create -> take all rows -> settle -> missing originals: take theirs -> keeps ->
 * carry_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/engine/record.h"

struct carry;

/* Of a record, what decides. */
struct carry_row {
    uint64_t position;
    enum record_kind kind;
    enum payment_kind payment_kind;
    uint8_t state;
    uint16_t attempt;
    int64_t wall_us;
    struct txn_reference txn, original;
    const char *terminal_id, *merchant_id, *channel; /* borrowed for the call */
    uint32_t batch, stan, channel_stan;
    bool has_totals, is_closed_by_25;
};

/* Tombstones matter for `window_us` after their last row. NULL: no memory. */
struct carry *carry_create(int64_t window_us);
void carry_destroy(struct carry *carry);

/* In the order of the log. STATUS_NO_MEMORY. */
MUST_CHECK enum status carry_take(struct carry *carry, const struct carry_row *row);
/* Decides what is kept, as of the last row taken. STATUS_NO_MEMORY. */
MUST_CHECK enum status carry_settle(struct carry *carry);
/* Walks the transactions that a kept story names as an original and of which no row was taken;
 * begin with *at = 0. False: no more. */
bool carry_next_missing(const struct carry *carry, uint32_t *at, struct txn_reference *missing);
/* Whether a row is kept; after carry_settle. */
bool carry_keeps(const struct carry *carry, uint64_t position, struct txn_reference txn);
