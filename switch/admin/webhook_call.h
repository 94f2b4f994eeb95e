/* Calls about webhooks: how each stands, and sending again what was put aside. */
#pragma once

#include "switch/admin/call.h"

/* Letters of one webhook that are listed. */
#define WEBHOOK_CALL_LETTER_COUNT_MAX 100u

void webhook_call_serve(const struct call *call, struct answer *answer);
