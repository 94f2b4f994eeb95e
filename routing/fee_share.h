/* What sales agents get of one payment: each level a share of what the merchant pays above that
 * agent's own price.
 *
 *   entitled(agent) = round((merchant_fee - cost_fee) * ratio), 0 where cost_fee is above
 *   cost_fee        = round(amount * cost_rate), at most cost_cap
 *   share(agent)    = entitled(agent) - all shares below it, never negative
 *
 * From the merchant's own agent upwards. All shares together never exceed what is left of the
 * merchant fee after issuer and scheme fee; what would is cut off, at the upper levels first, and
 * told (`is_capped`), because then the acquirer keeps nothing: terms to be looked into.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "routing/agent_table.h"

struct fee_share {
    const struct agent_row *agent; /* borrowed */
    int64_t minor;                 /* with the sign of the amount */
};

struct fee_shares {
    struct fee_share items[AGENT_LEVEL_COUNT_MAX]; /* the merchant's own agent first */
    uint8_t count;
    bool is_capped;
    int64_t total;
};

/* Of a payment of `amount` (minor units, of either sign), charged at `merchant_fee`, that leaves
 * `margin` before agents. `agent` NULL: no shares. */
struct fee_share_base {
    int64_t amount, merchant_fee, margin;
};
void fee_shares_split(struct fee_shares *shares, const struct agent_row *agent,
                      const struct fee_share_base *base);

/* What one agent and those below it are entitled to, before the cap; of a positive amount. */
int64_t fee_share_entitled(const struct agent_row *agent, const struct fee_share_base *base);
