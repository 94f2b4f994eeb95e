/* What a payment shows of its terminal that the terminal does not say: a chip card read by its
 * stripe, a random factor that is not the card's, a position that never moves.
 *
 * Looked at while the card is still there; nothing of it is kept but the flags of the note.
 */
#pragma once

#include "switch/engine/engine_state.h"

/* Adds flags to what the terminal told in `flight`, the request that is kept. `place`: its own.
 * The position is held against that of its last new payment in this run. */
void device_check(struct engine *engine, uint32_t place, struct payment *flight);
