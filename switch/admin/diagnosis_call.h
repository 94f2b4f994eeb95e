/* The call about one terminal: all that is known of it, and what is likely wrong with it. */
#pragma once

#include "switch/admin/call.h"

void diagnosis_call_serve(const struct call *call, struct answer *answer);
