/* What a service case, or a campaign of updates, asks of the switch, as an order for the engine. */
#pragma once

#include <stdbool.h>

#include "switch/engine/order.h"
#include "switch/followup/clerk.h"

/* False: there is nothing to order. It is a message to people, which stands in the outbox of the
 * database; or it is about no terminal or merchant, as that of a whole cohort. */
bool case_order_of(struct order *order, const struct clerk_effect *effect);
/* What the engine's answer to it means for the effect of that number. Nothing to lift is as good as
 * lifted: a RESUME or RELEASE may be told twice, and what it ends may have ended by itself. */
struct clerk_outcome case_order_outcome(uint64_t number, enum order_answer answer);
