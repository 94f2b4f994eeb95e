/* A request that a channel answers: written, forwarded, and what may become of it until its reply.
 */
#pragma once

#include "switch/engine/engine_state.h"

/* Forwards it to the first of its candidates that can take it; refused 91 where none can. */
void forward_begin(struct engine *engine, struct txn *txn);
/* Refuses a kept request, and remembers it: one key has one answer, also when a copy of the request
 * comes later. */
void forward_refuse(struct engine *engine, struct txn *txn, enum txn_reason reason);
/* The same with another response code than the reason's. */
void forward_refuse_as(struct engine *engine, struct txn *txn, enum txn_reason reason,
                       const char *response_code);
/* No byte of the forward has left: the next candidate, or declined with 91 or 99. */
void forward_on_unsent(struct engine *engine, struct txn *txn, enum txn_reason reason);
/* Silence for the response time-out, or in doubt at a restart: 98, and undone where it can be. */
void forward_on_timeout(struct engine *engine, struct txn *txn);
/* Unknown for that reason: reversed; a refund is repeated instead; a query ends without an answer.
 */
void forward_lose(struct engine *engine, struct txn *txn, enum txn_reason reason);
/* The answer in force goes to whoever waits for it, after the record it depends on. */
void forward_reply(struct engine *engine, struct txn *txn);
/* Ends it as declined, by the channel's code or by ours, with its RESULT. */
void forward_decline(struct engine *engine, struct txn *txn, enum txn_reason reason);
