/* Which plan a merchant had signed on a day, from what is registered and its history. */
#pragma once

#include <stdint.h>

#include "routing/fee_plan.h"
#include "switch/desk/desk.h"

#define FEE_SIGNED_CHANGE_COUNT_MAX 64

struct fee_signed {
    char plan[FEE_PLAN_NAME_SIZE]; /* now; empty: not registered */
    uint32_t change_count;
    struct fee_signed_change {
        int64_t wall_us;
        char before[FEE_PLAN_NAME_SIZE];
    } changes[FEE_SIGNED_CHANGE_COUNT_MAX]; /* the oldest first; of more the newest */
    char complain[96];                      /* where to complain further; empty: not registered */
};

/* A merchant that is not registered has signed nothing. */
MUST_CHECK enum status fee_signed_take(struct desk *desk, const char *merchant_id,
                                       struct fee_signed *taken);
/* The plan of that moment; before the first was entered, that one. Empty: not known. */
const char *fee_signed_at(const struct fee_signed *taken, int64_t wall_us);
