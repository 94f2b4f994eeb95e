/* What the channels' breakers learn of requests, and whether a request may go to a channel.
 *
 * Only first attempts of requests count: what store-and-forward delivers, and what follows an
 * original, goes where it has to, whatever a breaker says.
 */
#pragma once

#include "switch/engine/engine_state.h"

/* Whether the breaker of that channel (by number) lets the request through. */
bool breaker_lets(const struct engine *engine, const struct txn *txn, uint8_t channel);
/* It is being forwarded to its channel. */
void breaker_on_forward(struct engine *engine, struct txn *txn);
/* The channel answered in time, and the answer fits. */
void breaker_on_answer(struct engine *engine, struct txn *txn, const char response_code[3]);
/* It could not be sent, or was not answered in time. May take one effect. */
void breaker_on_fault(struct engine *engine, struct txn *txn, enum health_fault fault);
/* It is in flight no more, and nothing was learnt (a full window, a PIN that we could not
 * translate); engine_move() calls it, too. */
void breaker_on_gone(struct engine *engine, struct txn *txn);
