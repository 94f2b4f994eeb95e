/* A transaction brought back into memory from what a search of the log found (lookup.h): itself as
 * it stands now, and its account of those that follow it.
 *
 * What is in flight or in doubt never leaves memory, so whatever the log shows as open and memory
 * does not hold has moved on since the search: it is stale, and has to be asked for again.
 */
#pragma once

#include "switch/engine/engine_state.h"

/* Whether something among the records is open there but not in memory. */
bool restore_is_stale(const struct engine *engine, const struct record *records, uint32_t count);
/* The subject of the records, whose first one is its own: as memory holds it, else brought back.
 * NULL: no slot is free. Not for stale records. */
struct txn *restore_subject(struct engine *engine, const struct record *records, uint32_t count);
