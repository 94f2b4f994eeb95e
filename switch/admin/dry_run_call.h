/* Begins a dry run: the body of the call is a rule file, the query says of which time. */
#pragma once

#include "switch/admin/call.h"

void dry_run_call_serve(const struct call *call, struct answer *answer);
