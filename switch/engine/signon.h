/* A terminal's sign-on, sign-off and echo.
 *
 * At a sign-on the security module makes working keys; they and the batch number are durable before
 * the terminal hears of them, since from then on it will use them.
 */
#pragma once

#include "switch/engine/engine_state.h"

/* The place of a terminal that may act; 0: it may not, and has been refused. */
uint32_t signon_admit(struct engine *engine, const struct request *request);
void signon_on_request(struct engine *engine, const struct request *request);
/* `event->kind` is ENGINE_KEYS. */
void signon_on_keys(struct engine *engine, const struct engine_event *event);
/* The security module has not answered in time. */
void signon_on_timeout(struct engine *engine, struct txn *txn);
void signon_on_signoff(struct engine *engine, const struct request *request);
void signon_on_echo(struct engine *engine, const struct request *request);
