/* Pauses between reversal attempts: a binary heap by due time, then by slot.
 *
 * Only reversals that wait for their next attempt stand here: few, and of different length. All
 * other deadlines are constant and stand in queues.
 */
#pragma once

#include "switch/engine/txn.h"

struct retry_heap {
    uint32_t *slots; /* owner: the engine; from index 1 */
    uint32_t count;
};

/* By the transaction's deadline_ns, which must not change while it is here. */
void retry_heap_put(struct retry_heap *heap, struct txn_slab *slab, uint32_t slot);
void retry_heap_drop(struct retry_heap *heap, struct txn_slab *slab, uint32_t slot);
/* 0: empty. */
uint32_t retry_heap_first(const struct retry_heap *heap);
