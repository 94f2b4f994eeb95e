/* What limit_read.c compiles and limit_rule.c holds payments against: internal to these. */
#pragma once

#include "routing/limit_rule.h"

#define LIMIT_KIND(name) (UINT64_C(1) << PAYMENT_##name)
/* A pre-authorisation is held against the bounds like a sale; what is counted is its completion. */
#define LIMIT_KINDS_TAKING                                                                         \
    (LIMIT_KIND(PURCHASE) | LIMIT_KIND(PREAUTH) | LIMIT_KIND(PREAUTH_INCREMENT) |                  \
     LIMIT_KIND(OTHER_SALE))
/* Only by rules that name them, and only each by itself: they are counted in no day. Of cash loads
 * neither sale nor void can be told from the other. */
#define LIMIT_KINDS_NAMED (LIMIT_KIND(REFUND) | LIMIT_KIND(CASH_LOAD))

struct limit_rules {
    struct condition_form form;
    uint32_t count;
    struct limit_rule rules[];
};
