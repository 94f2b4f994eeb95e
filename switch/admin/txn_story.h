/* One transaction as the log tells it: the rows of its reference number over all segments, folded
 * into what became of it, and what follows it (void, refund, completion, adjustment).
 */
#pragma once

#include <jansson.h>

#include "switch/admin/log_view.h"

/* Columns that are shown, in this order. Key blocks, hashes and sealed numbers are never selected.
 */
#define TXN_STORY_COLUMNS                                                                          \
    "position, kind, wall_us, epoch, seq, original_epoch, original_seq, payment_kind, state, "     \
    "reason, attempt, terminal_id, merchant_id, batch, stan, amount_minor, currency, pan_masked, " \
    "processing_code, condition_code, type_code, entry_mode, channel, channel_stan, sent_at, "     \
    "rrn, mcc, channel_reference, response_code, auth_code, settlement_date, local_time, "         \
    "local_date, acquirer_id, settlement_day, is_foreign, totals, merchant_fee, issuer_fee, "      \
    "scheme_fee, ruleset_version, route_rule, fee_rule, device"

/* A row of TXN_STORY_COLUMNS: what is not empty, under its name, with the time as text. */
json_t *txn_story_record(sqlite3_stmt *row);
/* What a list shows of a transaction, from the row that began it. */
json_t *txn_story_summary(const json_t *first);
/* Adds to `summary` what the rows of that transaction tell of its outcome, reading segments from
 * `ordinal` on; keeps the rows when `records` is given. False: the log failed. */
bool txn_story_add_outcome(struct log_view *view, uint32_t ordinal, json_t *summary,
                           json_t *records);

/* All that is known of one transaction: records, route, fee, its original, what followed it. NULL:
 * none has this RRN, or the log failed, which `is_failed` tells. */
json_t *txn_story_show(struct log_view *view, const char *rrn, bool *is_failed);
