/* The same key again (I3, I4, I14): a repeat is answered from memory, never forwarded.
 *
 *   same content, being worked on   the newer connection waits for the reply now
 *   same content, answered          the stored answer, after the record it depends on
 *   same content, undone by the terminal, or reversed before it came: 22
 *   other content                   94, recorded
 */
#pragma once

#include "switch/engine/engine_state.h"

/* True: it was answered or taken over here. False: the key is free, the request is a new one. */
bool duplicate_on_request(struct engine *engine, const struct request *request);
/* Whether amount and card of a message are those of the transaction. */
bool duplicate_has_same_content(const struct txn *txn, const struct payment *payment);
