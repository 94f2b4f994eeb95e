/* See fees.h. */
#include "switch/settlement/fees.h"

#include <string.h>

#include "protocols/base/require.h"

__extension__ typedef __int128 wide_number; /* an amount times a fee */

int64_t fees_agent_total(const struct fees *fees)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < fees->agent_count; i++) {
        total += fees->agents[i].minor;
    }
    return total;
}

static bool agent_add(struct fees *sum, const struct fees_agent *agent, int sign)
{
    for (uint32_t i = 0; i < sum->agent_count; i++) {
        if (strcmp(sum->agents[i].agent_id, agent->agent_id) == 0) {
            sum->agents[i].minor += sign * agent->minor;
            return true;
        }
    }
    if (sum->agent_count == FEES_AGENT_COUNT_MAX) {
        return false;
    }
    sum->agents[sum->agent_count] = *agent;
    sum->agents[sum->agent_count++].minor = sign * agent->minor;
    return true;
}

static void drop_nothings(struct fees *fees)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < fees->agent_count; i++) {
        if (fees->agents[i].minor != 0) {
            fees->agents[kept++] = fees->agents[i];
        }
    }
    fees->agent_count = kept;
}

bool fees_add(struct fees *sum, const struct fees *left, const struct fees *right, int sign)
{
    struct fees added = *left;
    added.merchant += sign * right->merchant;
    added.issuer += sign * right->issuer;
    added.scheme += sign * right->scheme;
    for (uint32_t i = 0; i < right->agent_count; i++) {
        if (!agent_add(&added, &right->agents[i], sign)) {
            return false;
        }
    }
    drop_nothings(&added);
    *sum = added;
    return true;
}

int64_t fees_part_of(int64_t fee, int64_t refunded, int64_t amount)
{
    REQUIRE(amount > 0);
    REQUIRE(refunded >= 0 && refunded <= amount);
    wide_number magnitude = fee < 0 ? -(wide_number)fee : (wide_number)fee;
    wide_number part = (magnitude * refunded * 2 + amount) / ((wide_number)amount * 2);
    return fee < 0 ? -(int64_t)part : (int64_t)part;
}

void fees_due(struct fees *due, const struct fees *fees, enum fee_refund policy, int64_t refunded,
              int64_t amount)
{
    /* All of it and nothing of it are parts, too. */
    int64_t part = policy == FEE_REFUND_NONE                   ? 0
                   : policy == FEE_REFUND_FULL && refunded > 0 ? amount
                                                               : refunded;
    *due = *fees;
    due->merchant = fees_part_of(fees->merchant, part, amount);
    due->issuer = fees_part_of(fees->issuer, refunded, amount);
    due->scheme = fees_part_of(fees->scheme, refunded, amount);
    for (uint32_t i = 0; i < fees->agent_count; i++) {
        due->agents[i].minor = fees_part_of(fees->agents[i].minor, part, amount);
    }
}
