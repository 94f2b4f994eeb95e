/* The fees of a transaction, at its beginning and at its end: kept as they were fixed, and looked
 * at once more before they are relied on (I16). Nothing is refused for them: a payment that has
 * been approved stays so, and people are told. */
#pragma once

#include "routing/ruleset.h"
#include "switch/engine/engine_state.h"
#include "switch/engine/record.h"
#include "switch/engine/txn.h"

/* What the decision fixed; the rest of the transaction keeps it. Tells of agents' shares that were
 * cut off. */
void fee_check_keep(struct engine *engine, const struct txn *txn,
                    const struct route_decision *decision);

/* Whether the figures of a row that ends `txn` well can be believed; else an ANOMALY. */
void fee_check_row(struct engine *engine, const struct txn *txn, const struct record *record,
                   const struct payment *payment);
