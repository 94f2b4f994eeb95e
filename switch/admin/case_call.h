/* The calls about cases: queue, one case, open, events, holds for a court. */
#pragma once

#include "switch/admin/call.h"

void case_call_list(const struct call *call, struct answer *answer);
/* One case with all that is needed to go on with it; written down as a reading before it is shown.
 */
void case_call_show(const struct call *call, struct answer *answer);
void case_call_open(const struct call *call, struct answer *answer);
/* An event; one that is refused is a 409 that says what would be permitted. */
void case_call_step(const struct call *call, struct answer *answer);
/* Keeps a case for a court, or no longer. */
void case_call_keep(const struct call *call, struct answer *answer);
void case_call_unkeep(const struct call *call, struct answer *answer);
/* Who has read a case; asking this is no reading. */
void case_call_readings(const struct call *call, struct answer *answer);
