/* What a terminal's request tells of the terminal itself, in private fields
 * (protocols/device_note.h). */
#pragma once

#include "protocols/iso8583/message.h"
#include "protocols/payment.h"

/* Fills the payment's note, in dialects whose field 59 has a terminal set. What is not understood
 * is noted; nobody is refused for it. */
void terminal_device_take(struct payment *payment, const struct message *message);
