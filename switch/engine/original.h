/* What follows an original: voids, refunds, completions, increments, adjustments, and what each of
 * them leaves of it.
 *
 * An original remembers how much of it is used up: by what was approved, and by what is in flight
 * or unknown. Its account is moved by the state changes of those that follow it (engine_move), so a
 * replay of the log comes to the same numbers, and an original that was evicted is restored from
 * the log with all of them.
 */
#pragma once

#include "switch/engine/engine_state.h"

/* Whether the request has to name an original. */
bool original_is_wanted(const struct payment *payment);
/* The original in memory that a request speaks of: by our reference number (field 37), else by
 * batch and trace (field 61) of the same terminal. NULL: memory holds none that it may follow. */
struct txn *original_find(const struct engine *engine, const struct txn *txn,
                          const struct payment *payment);
/* Whether memory holds the original that it quotes, approved, and only the card is another. Asked
 * where none was found; of an original of an earlier day, after the log was searched for it. */
bool original_is_of_other_card(const struct engine *engine, const struct txn *txn,
                               const struct payment *payment);
/* Whether the request may follow that transaction at all: kinds, merchant, card, authorisation. */
bool original_fits(const struct engine *engine, const struct txn *txn,
                   const struct payment *payment, const struct txn *original);
/* TXN_REASON_NONE: state and amount of the original allow it. Else why not (22 or 64). */
enum txn_reason original_check(const struct engine *engine, const struct txn *txn,
                               const struct txn *original);
/* Whether it changed the amount of another one. */
bool original_is_adjustment(const struct engine *engine, const struct txn *txn);
/* Makes it follow the original: same channel, and field 90. */
void original_bind(struct engine *engine, struct txn *txn, const struct txn *original);
/* The same as read back from the log: it follows that original already. */
void original_restore(struct engine *engine, struct txn *txn, const struct txn *original);
/* What a channel is told of an original: field 90, and its authorisation code. */
void original_quote(const struct engine *engine, const struct txn *original,
                    struct payment_original *quoted);
/* Of transactions brought back from the log (restore.h): an original gets back one that follows it
 * and never left memory; or one that only records tell of, in the state that they leave it in; and
 * one that follows something remembers how it is counted there. */
void original_rejoin(struct engine *engine, const struct txn *original, struct txn *follower);
void original_count_record(struct engine *engine, const struct txn *original,
                           const struct record *record, enum txn_state state);
void original_adopt(struct engine *engine, struct txn *txn);
/* Counts it at its original as its state says; engine_move() calls it. */
void original_count(struct engine *engine, struct txn *txn);
/* Whether something that follows it stands or may stand: it can not be undone by itself. */
bool original_is_used(const struct engine *engine, const struct txn *txn);
/* Whether it is an approved increment of what was completed or voided since, with it in the sum. */
bool original_has_ended_upon(const struct engine *engine, const struct txn *txn);
/* The amount in force: what was approved and what adjustments made of it. */
int64_t original_amount_minor(const struct engine *engine, const struct txn *txn);
