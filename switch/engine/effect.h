/* Effects of the step at hand, and the scratch records and payments they point to. */
#pragma once

#include "switch/engine/engine_state.h"

/* Whether so many more effects and records fit into this step. */
bool effect_has_room(const struct engine *engine, uint32_t effects, uint32_t records);
/* A zeroed effect at the end of the list; REQUIREs room. */
struct engine_effect *effect_add(struct engine *engine, enum engine_effect_kind kind);
/* A record with the next position, to be filled, and the effect that logs it. */
struct record *effect_log(struct engine *engine, enum record_kind kind);
/* A payment that is good until the next step; not cleared. */
struct payment *effect_payment(struct engine *engine);
/* Something to count and log; `payment` and `txn` may be NULL. */
void effect_notice(struct engine *engine, enum txn_reason reason, const struct txn *txn,
                   const struct payment *payment);
