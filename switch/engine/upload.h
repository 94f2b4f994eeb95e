/* What a terminal uploads beside its batch (unionpay-pos 8).
 *
 *   0820/362       its state: devices, parameters, counters; kept whole in a STATUS record
 *   0820, 60.1=07  a cardholder's signature, perhaps in parts; kept whole in a SIGNATURE record,
 *                  with the reference of the transaction that was signed where memory holds it
 */
#pragma once

#include "switch/engine/engine_state.h"

void upload_on_status(struct engine *engine, const struct request *request);
void upload_on_signature(struct engine *engine, const struct request *request);

/* "PIN pad" for bit 2; NULL: no such device. */
const char *upload_device_name(unsigned bit);
/* Which devices a status calls faulty: bit 1 key pad, 2 PIN pad, 3 card reader, 4 printer, 5
 * display. STATUS_MALFORMED: it does not begin as a status does. What stands behind the first code
 * that nobody knows is not looked at: counters differ from maker to maker. */
MUST_CHECK enum status upload_read_status(struct byte_view status, uint8_t *faulty);
