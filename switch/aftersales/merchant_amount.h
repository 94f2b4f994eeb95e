/* What the amounts of a merchant tell: unusual ones (C3, C14), round ones (C4), a month that jumps
 * (C15), the shape of cashing out (C16), a new merchant beside its peers (C23), amounts kept below
 * a limit (C24). Part of merchant_watch.h, which says when each is asked. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/merchant_look.h"
#include "switch/aftersales/peer_state.h"

/* Whether the amount is above the merchant's own 99th percentile, as far as that is known. */
bool merchant_amount_is_large(const struct merchant_look *look, int64_t amount_minor);

/* An approved sale, in yuan, that the tally does not hold yet: C3, C14. */
void merchant_amount_before(const struct merchant_look *look, int64_t amount_minor);
/* The same sale, in the tally now: C4, C15, C16, C24. */
void merchant_amount_after(const struct merchant_look *look, int64_t amount_minor);

/* 1,000 yuan and what ends like it, or in 888. */
bool merchant_amount_is_round(int64_t amount_minor);

/* A day has ended: an established merchant tells its peers, a new one is compared with them (C23).
 */
struct merchant_ended_day {
    int32_t day;
    int64_t sale_minor;
};
void merchant_amount_day_ended(const struct merchant_look *look, struct peer_state *peers,
                               const struct merchant_ended_day *ended);
