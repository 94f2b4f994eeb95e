/* How transactions move usage (usage.h).
 *
 * What takes money counts from the row that begins it, while it is in flight, unknown, approved, or
 * being reversed; declined or reversed it no longer does. A void gives its original's amount back,
 * on the original's day, once it is approved; an adjustment adds what it changes. Refunds give
 * nothing back (they are paid anew), and pre-authorisations take nothing: their completions do.
 *
 * The row that is written after a move carries the change, so a replay makes it again.
 */
#pragma once

#include "switch/engine/engine_state.h"

/* engine_move() calls it: counts what the new state changes. */
void usage_on_move(struct engine *engine, struct txn *txn);
/* Remembers the day of what it gives back, or changes. */
void usage_follow(const struct engine *engine, const struct txn *txn, const struct txn *original);
/* Of a transaction brought back from the log: what it counts in that state is counted already. */
void usage_adopt(const struct engine *engine, struct txn *txn, enum txn_state state);
/* Puts into the row what moves since its last row have changed. */
void usage_put(const struct engine *engine, const struct txn *txn, struct record *record);
/* Counts what a row that is read back has changed. */
void usage_replay(struct engine *engine, const struct record *record);

/* Whether what the transaction takes can be counted; what takes nothing always can. */
bool usage_may_begin(const struct engine *engine, const struct txn *txn);
/* What the payment's keys have taken so far. */
void usage_of_payment(const struct engine *engine, const struct payment *payment,
                      struct limit_use uses[LIMIT_SCOPE_COUNT]);
