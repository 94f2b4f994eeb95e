/* See fee_share.h. */
#include "routing/fee_share.h"

#include "protocols/base/require.h"
#include "routing/fee_plan.h"

int64_t fee_share_entitled(const struct agent_row *agent, const struct fee_share_base *base)
{
    REQUIRE(base->amount >= 0);
    const struct fee_formula cost = {.rate_e8 = agent->cost_rate_e8, .cap = agent->cost_cap};
    const struct fee_formula ratio = {.rate_e8 = agent->ratio_e8, .cap = FEE_NO_CAP};
    int64_t above = base->merchant_fee - fee_apply(&cost, base->amount);
    /* A fee with a fixed part may be above any amount; nobody's share is. */
    above = above > MONEY_MINOR_MAX ? MONEY_MINOR_MAX : above;
    return above <= 0 ? 0 : fee_apply(&ratio, above);
}

void fee_shares_split(struct fee_shares *shares, const struct agent_row *agent,
                      const struct fee_share_base *base)
{
    const int64_t sign = base->amount < 0 ? -1 : 1;
    const struct fee_share_base magnitude = {sign * base->amount, sign * base->merchant_fee,
                                             sign * base->margin};
    const int64_t room = magnitude.margin < 0 ? 0 : magnitude.margin;
    int64_t below = 0;
    shares->count = 0;
    shares->is_capped = false;
    for (; agent != NULL; agent = agent->parent) {
        REQUIRE(shares->count < AGENT_LEVEL_COUNT_MAX);
        int64_t entitled = fee_share_entitled(agent, &magnitude);
        int64_t share = entitled > below ? entitled - below : 0;
        if (share > room - below) {
            share = room - below;
            shares->is_capped = true;
        }
        shares->items[shares->count++] = (struct fee_share){agent, sign * share};
        below += share;
    }
    shares->total = sign * below;
}
