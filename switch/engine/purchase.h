/* A purchase on its way out: admitted, decided, written, forwarded; or refused.
 *
 * Other financial requests will go the same way; nothing here asks for the kind but the dispatch.
 */
#pragma once

#include "switch/engine/engine_state.h"

void purchase_on_request(struct engine *engine, const struct request *request);
/* No byte of the forward has left: the next candidate, or declined with 91 or 99. */
void purchase_on_unsent(struct engine *engine, struct txn *txn, enum txn_reason reason);
/* Silence for the response time-out, or in doubt at a restart: unknown, to be reversed, 98. */
void purchase_on_timeout(struct engine *engine, struct txn *txn);
/* The answer in force goes to whoever waits for it, after `position`. */
void purchase_reply(struct engine *engine, struct txn *txn, const struct payment *response);
/* Ends it as declined, by the channel's code or by ours, with its RESULT. */
void purchase_decline(struct engine *engine, struct txn *txn, enum txn_reason reason);
