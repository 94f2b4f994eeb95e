/* The call USAGE: what a merchant, a terminal or a card has taken, asked of the running switch. */
#pragma once

#include "switch/admin/call.h"

void usage_call_serve(const struct call *call, struct answer *answer);
/* The object of an answer: sums, and each limit with what is left of it. New; NULL: no memory. */
json_t *usage_call_json(const char *scope, const char *key, const Control__Usage *usage);
