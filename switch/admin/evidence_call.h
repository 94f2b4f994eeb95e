/* A case as one signed file (switch/evidence/), for those who may read it. */
#pragma once

#include "switch/admin/call.h"

void evidence_call_serve(const struct call *call, struct answer *answer);
