/* The time that a terminal's request tells, where no field of its own carries it. */
#pragma once

#include "protocols/iso8583/message.h"
#include "protocols/payment.h"

/* Terminals that put their clock inside a field (UnionPay: tag 14 of field 59, YYYYMMDDhhmmss) say
 * by it what others say in fields 12 and 13: where these are absent, it is taken for them. What is
 * no such time is passed over, since nobody is refused for a clock. */
void terminal_clock_take(struct payment *payment, const struct message *message);
