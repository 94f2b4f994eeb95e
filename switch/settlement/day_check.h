/* Whether the sheets may be believed, before anybody sees them.
 *
 * Three ways to the same sums: the log's own, added up by SQLite over its rows; the day's book; and
 * the files, read back from disk and parsed. Where two of them differ nothing is settled.
 */
#pragma once

#include "switch/settlement/day_sheet.h"

/* The book holds what the log's own sums say: of each merchant, channel, currency and kind the same
 * count and amount, and of sales the same fees, none of which changed since its intent (I16).
 * STATUS_BAD_VALUE: `log->reason` says where they differ. */
MUST_CHECK enum status day_check_book(struct settlement_log *log,
                                      const struct settlement_span *span);
/* Each sheet of a merchant or channel, as it lies under its temporary name: every line's amount is
 * net and fees together, its trailers are the sums of its lines, and the sheets of merchants and
 * those of channels come to the same. */
MUST_CHECK enum status day_check_sheets(struct settlement_log *log, const struct sheet_set *set);
