/* The lines of one settlement day: every final movement of money that counts on it, signed, with
 * its fees, in the table `line` of the working database.
 *
 * A row without an original is its own line. What follows an original, or undoes one, is folded
 * with the whole story of that original (story.h), wherever in the log that lies.
 *
 * Table `line`, sorted by its position in the log:
 *   merchant, channel, currency, terminal, batch, stan   whose it is
 *   rrn, original_rrn, wall_us, kind, card               what it is
 *   amount, merchant_fee, issuer_fee, scheme_fee, agent_fee  signed minor units
 *   row_kind, row_amount                                 as the log's row has them; reversals: ''
 */
#pragma once

#include "switch/settlement/settlement_log.h"

/* Fills the table, which must not be there yet. `count`: lines. STATUS_BAD_VALUE: the log says what
 * cannot be (more paid back than taken), and `log->reason` names the transaction. */
MUST_CHECK enum status day_book_fill(struct settlement_log *log, const struct settlement_span *span,
                                     uint64_t *count);
/* Whether that is a day, and what of the wall clock is it (UTC+8). */
bool settlement_span_set(struct settlement_span *span, const char *text);
