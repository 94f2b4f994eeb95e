/* Channels' answers: matched on channel and STAN, then held against all of terminal, RRN, amount
 * and currency (I11). What comes late or fits nothing is recorded and never delivered (I10). */
#pragma once

#include "switch/engine/engine_state.h"

void response_on_event(struct engine *engine, uint8_t channel, const struct payment *response);
