/* Requests that wait for a search of the log (lookup.h): what memory does not hold may still be
 * there.
 *
 *   SELF      a request whose trace number may have been here before: it is a repeat, or new
 *   ORIGINAL  a request that follows what memory does not hold: by reference, else by key, else by
 *             card and authorisation code
 *   UNDONE    a terminal's reversal of what memory does not hold
 *
 * Nothing was sent for any of them, so a search that fails or takes too long is answered 96. The
 * log keeps that refusal (record_is_blind_refusal()), memory forgets it. What is found comes back
 * into the slab and is then served as if it had never left.
 */
#pragma once

#include "switch/engine/engine_state.h"

enum search_purpose { SEARCH_NOTHING, SEARCH_SELF, SEARCH_ORIGINAL, SEARCH_UNDONE };

/* Whether the log can be searched at all (limits.lookup_timeout_ns). */
bool search_is_possible(const struct engine *engine);
/* Begins to search for a kept request itself. */
void search_self(struct engine *engine, struct txn *txn);
/* Searches for what a kept request follows, by the next way that its words allow. False: there is
 * none left. */
bool search_original(struct engine *engine, struct txn *txn);
/* Keeps a terminal's reversal and searches for its original; refused where no slot is free. */
void search_undone(struct engine *engine, const struct request *request, uint32_t terminal);
/* A request that waits for its own search is to be undone: that search now serves its reversal. */
void search_turn(struct engine *engine, struct txn *txn, const struct request *request);

void search_on_found(struct engine *engine, const struct engine_event *event);
void search_on_timeout(struct engine *engine, struct txn *txn);
