/* The calls that look at messages: a watch begun, read, ended. */
#pragma once

#include "switch/admin/call.h"

void trace_call_serve(const struct call *call, struct answer *answer);
