/* The fees of one movement of money, signed, with each agent's share by name; and what of them
 * comes back. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "routing/fee_note.h"

/* An adjustment may name another chain of agents than the sale that it changes. */
#define FEES_AGENT_COUNT_MAX (2 * AGENT_LEVEL_COUNT_MAX)

struct fees_agent {
    char agent_id[AGENT_ID_SIZE];
    int64_t minor;
};

/* Minor units; negative: returned. */
struct fees {
    int64_t merchant, issuer, scheme;
    struct fees_agent agents[FEES_AGENT_COUNT_MAX];
    uint32_t agent_count;
};

int64_t fees_agent_total(const struct fees *fees);
/* left + sign x right; agents are joined by name, and those whose sum is nothing left out. False:
 * more agents than may be. */
bool fees_add(struct fees *sum, const struct fees *left, const struct fees *right, int sign);

/* The part of a fee that belongs to `refunded` of `amount`: half up on the magnitude.
 * 0 <= refunded <= amount, amount > 0. */
int64_t fees_part_of(int64_t fee, int64_t refunded, int64_t amount);

/* What of `fees` is to be returned once `refunded` of `amount` was paid back. Issuer and scheme
 * return in proportion; the merchant's fee and agents' shares by the plan's policy. */
void fees_due(struct fees *due, const struct fees *fees, enum fee_refund policy, int64_t refunded,
              int64_t amount);
