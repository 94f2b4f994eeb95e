/* What a service case asks of the switch, as an order for the engine. */
#pragma once

#include <stdbool.h>

#include "switch/engine/order.h"
#include "switch/followup/clerk.h"

/* False: there is nothing to order. It is a message to people, which stands in the outbox of the
 * database; or it is about no terminal or merchant, as that of a whole cohort. */
bool case_order_of(struct order *order, const struct clerk_effect *effect);
