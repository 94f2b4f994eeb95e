/* The orders in force, by terminal and by merchant; what they change, and when they end.
 *
 * Each row about a subject carries all that is in force of it after the row, so the last one is
 * enough for a restart. Their time is told by the wall clock, over days and restarts; from when an
 * order is given, or read back, it is counted on the engine's own clock, so that a jump of the wall
 * clock ends none (I28).
 */
#pragma once

#include "switch/engine/engine_state.h"

/* Event ORDER: written, in force, and answered by ORDERED behind its row; or refused. */
void order_on_event(struct engine *engine, const struct engine_event *event);
/* Ends what is over, as much as fits the step. */
void order_on_tick(struct engine *engine);

bool order_may_replay(const struct engine *engine, const struct record *record);
void order_replay(struct engine *engine, const struct record *record);

/* The terminal did what such an order asks; its row ends the order, where there is one. */
void order_on_done(struct engine *engine, const char terminal_id[9], enum order_kind kind);
/* What software the terminal says it has: what is wanted ends an ASK_UPDATE. */
void order_on_software(struct engine *engine, const struct payment *payment);

/* The cashier is told in words of a kind, by a row that stands: order_use.h. */
void order_on_told(struct engine *engine, const char terminal_id[9], enum payment_words kind);

/* Over all orders in force. */
uint64_t order_hash(const struct engine *engine);
