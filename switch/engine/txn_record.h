/* Rows of the log, filled from what the engine knows; record.h says what each kind means. */
#pragma once

#include "switch/engine/engine_state.h"

/* Of a transaction: INTENT, RESULT and, under the reversal's own reference and STAN, the REVERSAL
 * kinds. */
struct record *record_of_txn(struct engine *engine, const struct txn *txn, enum record_kind kind);
/* Of a REVERSAL: the original's trace number at its channel; 0: the row does not tell. */
uint32_t record_take_original_stan(const struct record *record);
/* Of a message that has no transaction: REFUSED, TOMBSTONE, SIGNON, SIGNOFF, ANOMALY. */
struct record *record_of_payment(struct engine *engine, const struct payment *payment,
                                 enum record_kind kind);
/* Text or bytes of the message it came with; no card number. */
void record_put_payload(struct record *record, const void *bytes, int length);
/* Dates the record as its answer is dated, and notes the answer for repeats; and back. */
void record_begin_day_answer(const struct engine *engine, struct record *record,
                             struct txn_reference reference, struct terminal_answer *answer);
void record_restore_day_answer(const struct record *record, struct terminal_answer *answer);
/* ANOMALY and the notice of it; `txn` may be NULL. */
void record_anomaly(struct engine *engine, enum txn_reason reason, const struct txn *txn,
                    const struct payment *payment);
