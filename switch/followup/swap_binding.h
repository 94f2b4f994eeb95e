/* After a swap: the old serial number's binding ends, the new one's begins, at the same place for
 * the same merchant. */
#pragma once

#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/aftersales/service_case.h"
#include "switch/desk/desk.h"

/* One transaction; what is bound already is left as it is, and so is a terminal that is not
 * registered. DENIED: the serial number is bound to another terminal (desk_reason); nothing is
 * written. */
MUST_CHECK enum status swap_binding_write(struct desk *desk, const struct service_case *it,
                                          const struct case_rules *rules, int64_t wall_us);
