/* The calls of campaigns that update terminals in waves. */
#pragma once

#include "switch/admin/call.h"

#define UPDATE_LIST_COUNT_MAX 100

void update_call_serve(const struct call *call, struct answer *answer);
