/* The calls of inspections: which are due, what was found, which terminals are silent or old. */
#pragma once

#include "switch/admin/call.h"

#define INSPECTION_LIST_COUNT_MAX 1000 /* of a list; `count` says how many there are */

void inspection_call_serve(const struct call *call, struct answer *answer);
