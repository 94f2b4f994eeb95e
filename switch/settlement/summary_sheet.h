/* What a day comes to: sums of the whole day, of each merchant, channel and batch; and what does
 * not count yet.
 */
#pragma once

#include "switch/settlement/day_sheet.h"

/* summary.csv: H, C, then a line S for each sum, T with the count of sheets. */
MUST_CHECK enum status summary_sheet_write(struct settlement_log *log, struct sheet_set *set,
                                           uint32_t day);
/* open.csv: each transaction without a final outcome, as far as the log was read: `forwarded` (no
 * answer yet), `advice` (not yet delivered), `reversing` (not yet acknowledged), `case`. */
MUST_CHECK enum status open_sheet_write(struct settlement_log *log, struct sheet_set *set,
                                        uint32_t day);
