/* A financial request on its way in: told from a repeat, admitted, kept, decided, held against its
 * original; then it goes to a channel (forward.h), into store-and-forward (advice), or it is
 * refused, and that is remembered like any answer.
 */
#pragma once

#include "switch/engine/engine_state.h"

void intake_on_request(struct engine *engine, const struct request *request);
/* The same from where a search of the log interrupted it: its flight is the request, `original`
 * what the search found for it to follow, or NULL. */
void intake_go_on(struct engine *engine, struct txn *txn, const struct txn *original);
/* What a decision depends on besides the payment and the rules: clocks, the channels' state, and
 * what was used of limits. */
void intake_fill_context(const struct engine *engine, const struct payment *payment,
                         struct route_context *context);
