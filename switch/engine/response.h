/* Channels' answers: matched on channel and STAN, then held against all of terminal, RRN, amount
 * and currency (I11). What comes late or fits nothing is recorded and never delivered (I10). */
#pragma once

#include "switch/engine/engine_state.h"

void response_on_event(struct engine *engine, uint8_t channel, const struct payment *response);
/* The day the money counts for: as the answer says it, else the day its channel has, else today. */
uint32_t response_settlement_day(const struct engine *engine, const struct txn *txn,
                                 const struct payment *response);
