/* See payment_rule.h. */
#include "switch/engine/payment_rule.h"

#include "protocols/base/require.h"

#define OF(kind) (UINT64_C(1) << PAYMENT_##kind)

/* A string in parentheses is no initialiser. NOLINTBEGIN(bugprone-macro-parentheses) */
static const struct payment_rule RULES[PAYMENT_KIND_COUNT] = {
#define X(kind, way, batch_side, type, amount_rule, kinds)                                         \
    [PAYMENT_##kind] = {.travel = PAYMENT_TRAVEL_##way,                                            \
                        .side = BATCH_##batch_side,                                                \
                        .amount = PAYMENT_AMOUNT_##amount_rule,                                    \
                        .mti = type,                                                               \
                        .originals = (kinds)},
#include "switch/engine/payment_rule.def"
#undef X
};
/* NOLINTEND(bugprone-macro-parentheses) */
_Static_assert(PAYMENT_KIND_COUNT <= 64, "kinds are bits of one word");

const struct payment_rule *payment_rule_of(enum payment_kind kind)
{
    REQUIRE((unsigned)kind < PAYMENT_KIND_COUNT);
    return &RULES[kind];
}

bool payment_rule_may_follow(enum payment_kind kind, enum payment_kind original)
{
    REQUIRE((unsigned)original < PAYMENT_KIND_COUNT);
    return (payment_rule_of(kind)->originals >> original & 1) != 0;
}
