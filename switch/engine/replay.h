/* Restart: the log read back, record by record, into the state it came from (I21).
 *
 * What was in doubt stays in doubt until REPLAY_END; from there it is unknown like any request
 * without an answer, and reversed. A terminal that asks again is told so, or gets the answer that
 * was durable.
 */
#pragma once

#include "switch/engine/engine_state.h"

void replay_on_record(struct engine *engine, const struct record *record);
/* What a record tells of a transaction's request, and of the answer to it. */
void replay_take_detail(struct txn_detail *detail, const struct record *record);
void replay_take_answer(struct txn_detail *detail, const struct record *record);
/* Begins an epoch and the run. */
void replay_on_end(struct engine *engine);
