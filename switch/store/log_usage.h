/* The table `usage` of a sealed segment: what limits and prices by volume need of it.
 *
 * Of each day, merchant, terminal and card the sum of what this segment's own rows changed; and of
 * each month, merchant and terminal the sum of all segments up to this one, of the two latest
 * months, and of the two latest up to now where a clock that ran ahead has begun later ones. So a
 * restart reads the months of the newest sealed segment, and the days of those that were sealed
 * lately.
 */
#pragma once

#include "switch/store/log_replay.h"

/* Makes the table out of the segment's rows and the months of the one before (NULL: none), inside
 * the caller's transaction. STATUS_BROKEN: SQLite says why. */
MUST_CHECK enum status log_usage_fill(sqlite3 *segment, sqlite3 *before);
/* Tells the reader NULL, then months, then days, that a restart now may need: those from two days
 * before today on, which is the latest day of which sealed segments have usage, or what the clock
 * says where that is earlier. `newest` is open; older segments from `first` on are looked into
 * where they hold such a day, hold no day at all, or were sealed in the last three days. */
MUST_CHECK enum status log_usage_read(const struct log_place *place, struct log_segment *newest,
                                      uint32_t first, const struct log_replay_reader *reader,
                                      char *reason);
