/* Store and forward: every reversal, from the record that wants it to its acknowledgement or case.
 *
 * A lane per terminal and channel: its reversals leave one at a time, oldest first. A window per
 * channel: so many may be unanswered at once. An attempt that brings nothing final is followed by a
 * pause, each longer than the last, with jitter; never by silence (I7). All attempts carry the same
 * STAN, RRN and original, from the second on under the repeat message type (I8).
 *
 *   QUEUED -> READY -> SENT -> REVERSED
 *               ^        |
 *               +-PAUSED-+          outlived: SERVICE_CASE, still listed
 */
#pragma once

#include "switch/engine/engine_state.h"

/* Writes RECORD_REVERSAL for a transaction that is forwarded, answered, or reversed too early, and
 * enlists it. The answer in force becomes 98 where nothing better was told. */
void saf_open(struct engine *engine, struct txn *txn, enum txn_reason reason);
/* The same as read back from the log: no record; whatever leaves is a repeat. */
void saf_restore(struct engine *engine, struct txn *txn, enum txn_reason reason);
/* Out of lane and life list, into REVERSED or SERVICE_CASE; no record. */
void saf_close(struct engine *engine, struct txn *txn, enum txn_state state);

/* An answer with the reversal's STAN. */
void saf_on_response(struct engine *engine, struct txn *txn, const struct payment *response);
/* No answer to an attempt in time, or it could not be sent. */
void saf_on_silence(struct engine *engine, struct txn *txn);
/* The pause is over. */
void saf_on_due(struct engine *engine, struct txn *txn);
/* Its life is over: RECORD_REVERSAL_CASE. */
void saf_on_outlived(struct engine *engine, struct txn *txn);

/* Sends what is ready while channels, windows and this step have room. */
void saf_pump(struct engine *engine);
/* Whether saf_pump() would send something. */
bool saf_may_send(const struct engine *engine);
