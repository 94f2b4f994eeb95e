/* Store and forward: every reversal and every advice, from the record that wants it to its
 * acknowledgement or case.
 *
 * A lane per terminal and channel: what it has leaves one at a time, oldest first. A window per
 * channel: so many may be unanswered at once. An attempt that brings nothing final is followed by a
 * pause, each longer than the last, with jitter; never by silence (I7). All attempts carry the same
 * STAN, RRN and original, from the second on under the repeat message type (I8).
 *
 *   QUEUED -> READY -> SENT -> REVERSED; of an advice APPROVED, of a refund DECLINED too
 *               ^        |
 *               +-PAUSED-+          outlived, or an advice declined: SERVICE_CASE
 *
 * A channel of one request at a time is full as often as a payment waits on it. An attempt that it
 * has no room for is no attempt: it is READY again, and the channel, not the transaction, pauses;
 * from then on its attempts leave one at a time, behind an answer or a short pause, until it has
 * answered as often as its window is wide.
 *
 * A refund whose channel was silent cannot be reversed; it is delivered again like an advice until
 * its channel answers (unionpay-pos 5), under its own STAN. So is a void where voids pay back
 * (channel_table.h).
 */
#pragma once

#include "switch/engine/engine_state.h"

/* A refund, or a void that is one: sent again where another kind is reversed, and not reversible.
 */
bool saf_resends(const struct engine *engine, const struct txn *txn);
/* Writes RECORD_REVERSAL for a transaction that is forwarded, answered, or reversed too early, and
 * enlists it. The answer in force becomes 98 where nothing better was told. */
void saf_open(struct engine *engine, struct txn *txn, enum txn_reason reason);
/* The same as read back from the log: no record; whatever leaves is a repeat. */
void saf_restore(struct engine *engine, struct txn *txn, enum txn_reason reason);
/* Writes RECORD_ADVICE for a transaction that is to be delivered as it is, and enlists it. */
struct record *saf_open_advice(struct engine *engine, struct txn *txn, enum txn_reason reason);
/* The same as read back from the log: no record; whatever leaves is a repeat. */
void saf_restore_advice(struct engine *engine, struct txn *txn);
/* Out of lane and life list, into its end or SERVICE_CASE; no record. */
void saf_close(struct engine *engine, struct txn *txn, enum txn_state state);

/* An answer with the reversal's STAN. */
void saf_on_response(struct engine *engine, struct txn *txn, const struct payment *response);
/* An answer to a delivery. */
void saf_on_acknowledgement(struct engine *engine, struct txn *txn, const struct payment *response);
/* Whether it ends a delivery; else the channel could not say, and is asked again. */
bool saf_is_final(const struct payment *response);
/* No answer to an attempt in time, or it could not be sent. */
void saf_on_silence(struct engine *engine, struct txn *txn);
/* The channel had no room for an attempt, and no byte of it has left: it counts for nothing, is
 * ready again, and leaves as soon as there is room, asked for after a short pause that does not
 * grow. The number of the attempt is given again, which harms nothing: of each there is one such
 * word at most. */
void saf_on_full(struct engine *engine, struct txn *txn);
/* The channel has answered something: there is room for one more, before any new payment asks. */
void saf_on_room(struct engine *engine, uint8_t number);
/* The channel's link is gone, and with it the answers to what is on its way: silence at once, so
 * that a link which is lost often does not hold the window shut for a time-out each time. */
void saf_on_channel_down(struct engine *engine, uint8_t number);
/* The pause is over. */
void saf_on_due(struct engine *engine, struct txn *txn);
/* Its life is over: RECORD_REVERSAL_CASE or RECORD_ADVICE_CASE. */
void saf_on_outlived(struct engine *engine, struct txn *txn);

/* Sends what is ready while channels, windows and this step have room. */
void saf_pump(struct engine *engine);
/* When saf_pump() would send something: 0: now; UINT64_MAX: not before something else happens. */
uint64_t saf_opens_ns(const struct engine *engine);
