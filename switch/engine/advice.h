/* An advice: what a terminal has done already and only tells (offline sale, tip, completion, result
 * of a script). It is held against its original, written, answered 00 once that is durable, and
 * delivered by store-and-forward; what a channel declines is an operator's case, never dropped.
 *
 * RECORD_ADVICE carries in its payload what a delivery needs after a restart:
 *
 *   batch 4 | trace 4 | difference 8 | type 5 | sent at 11 | reference 13 | authorisation 7 | cargo
 *
 * of the original (zeros: it follows none), the texts with their end, then the chip data as
 * answer_cargo.h packs them.
 */
#pragma once

#include "switch/engine/engine_state.h"

/* Takes a kept and checked advice, for the first of its candidates. */
void advice_begin(struct engine *engine, struct txn *txn);
void advice_put_payload(struct record *record, const struct txn_detail *detail);
void advice_take_payload(struct txn_detail *detail, const struct record *record);
