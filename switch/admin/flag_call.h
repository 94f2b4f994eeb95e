/* The calls about flags: which there are, what came of one, how often each rule was right. */
#pragma once

#include "switch/admin/call.h"

void flag_call_list(const struct call *call, struct answer *answer);
void flag_call_judge(const struct call *call, struct answer *answer);
void flag_call_rules(const struct call *call, struct answer *answer);
