/* The case that a failed inspection asks for. */
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
