/* Rows of the log, filled from what the engine knows; record.h says what each kind means. */
#pragma once

#include "switch/engine/engine_state.h"

/* Of a transaction: INTENT, RESULT and, under the reversal's own reference and STAN, the REVERSAL
 * kinds. */
struct record *record_of_txn(struct engine *engine, const struct txn *txn, enum record_kind kind);
/* Of a message that has no transaction: REFUSED, TOMBSTONE, SIGNON, SIGNOFF, ANOMALY. */
struct record *record_of_payment(struct engine *engine, const struct payment *payment,
                                 enum record_kind kind);
/* ANOMALY and the notice of it; `txn` may be NULL. */
void record_anomaly(struct engine *engine, enum txn_reason reason, const struct txn *txn,
                    const struct payment *payment);
