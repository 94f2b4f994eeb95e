/* The call that says who serves a terminal and where it is mended. */
#pragma once

#include "switch/admin/call.h"

void point_call_serve(const struct call *call, struct answer *answer);
