/* Details of a batch, uploaded after a settlement, and the message that ends it (unionpay-pos 8).
 *
 *   0320/201            up to eight details in field 48   -> BATCH_DETAIL record
 *   0320/203 ... 206    one detail of a chip card          -> BATCH_DETAIL record
 *   0320/207, 202       the end, totals equal, different   -> BATCH_END record, next batch
 *
 * A detail is kept as a line of text, "trace amount class card", the card number masked; the whole
 * number is never in a record. The last upload again gets the same answer and no second record.
 * A terminal that says another number of details than came is believed, and told of.
 */
#pragma once

#include "switch/engine/engine_state.h"

void batch_upload_on_request(struct engine *engine, const struct request *request);

/* Replay: BATCH_DETAIL and BATCH_END. */
void batch_upload_replay(struct terminal_state *terminal, const struct record *record);
