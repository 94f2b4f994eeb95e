/* The cases of inspections: what a failed one asks for, and the visits that are due. */
#pragma once

#include "switch/aftersales/inspection.h"
#include "switch/aftersales/service_case.h"
#include "switch/desk/desk.h"

#define INSPECTION_CASE_CAUSE "INSPECTION"

/* Opens it: of the merchant, of the terminal where a test payment failed; `*is_new` false: one of
 * this cause is open, which is theirs to go on with. REQUIREs a result that needs a case.
 * NOT_FOUND: the terminal is not registered. */
MUST_CHECK enum status inspection_case_open(struct desk *desk, const struct inspection *inspection,
                                            const struct inspection_result *result,
                                            const struct desk_actor *by, uint64_t *case_id,
                                            bool *is_new);

#define INSPECTION_VISIT_CAUSE "VISIT"
/* Opens a service request for each active merchant whose inspection is near or overdue on that day,
 * the highest risk first, of these the longest overdue; `count_max` at most. None where one is
 * open, or was opened since the inspection came near. `*count`: opened. NO_MEMORY: of the list. */
MUST_CHECK enum status inspection_case_visits(struct desk *desk,
                                              const struct inspection_rules *rules, int32_t today,
                                              const struct desk_actor *by, uint32_t count_max,
                                              uint32_t *count);
