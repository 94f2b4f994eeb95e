/* A row of the log as after-sales sees it. Stateless: the same row gives the same observation,
 * whether it was written a moment ago or is read again years later.
 *
 * | row                                  | observation                                       |
 * |--------------------------------------|---------------------------------------------------|
 * | intent                               | ASKED                                             |
 * | result                               | ENDED: APPROVED, DECLINED, UNKNOWN, UNSENT        |
 * | advice, taken for certain            | ENDED, APPROVED; for want of an answer: UNKNOWN   |
 * | advice_done of a refund or its like  | ENDED: APPROVED, DECLINED                         |
 * | reversal for want of an answer       | ENDED, UNKNOWN                                    |
 * | reversal by the terminal, tombstone  | REVERSED, BY_TERMINAL                             |
 * | other reversals                      | REVERSED, BY_SWITCH                               |
 * | reversal_done                        | UNDONE; ended by code 25: ODD, REVERSAL_UNFOUND   |
 * | reversal_case, advice_case           | ODD, UNDELIVERED                                  |
 * | refused                              | REFUSED, by its reason                            |
 * | signon, signoff, batch_end, status   | SIGNED_ON, SIGNED_OFF, BATCH_ENDED, STATUS        |
 * | settlement                           | SETTLED: TOTALS_EQUAL, TOTALS_DIFFER              |
 * | anomaly                              | SIGHTING or ODD, by its reason; `keys_missing` is |
 * |                                      | REFUSED, NOT_SIGNED_ON                            |
 * | all others, and a finished download  | none                                              |
 */
#pragma once

#include <stdbool.h>

#include "switch/aftersales/observation.h"
#include "switch/engine/record.h"

/* False: the row says nothing that is watched; `observation` is then undefined. */
bool observation_of_record(const struct record *record, struct observation *observation);
