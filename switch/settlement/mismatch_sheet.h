/* mismatch.csv: the batches whose settlement that day found different totals, each transaction of
 * our log beside the detail that the terminal uploaded for it.
 *
 *   H …, C …
 *   B,terminal,merchant,batch,time,field 48 as asked,field 48 as answered
 *   L,terminal,merchant,batch,stan,found,kind,rrn,log amount,terminal amount,difference,log card,
 *     terminal card
 *
 * `found`: both, amount (both, but for different amounts), log (the terminal has not uploaded it),
 * terminal (the log does not count it).
 */
#pragma once

#include "switch/settlement/settlement_log.h"
#include "switch/settlement/sheet.h"

/* `count`: batches. */
MUST_CHECK enum status mismatch_sheet_write(struct settlement_log *log, struct sheet_set *set,
                                            const struct settlement_span *span, uint32_t *count);
