/* What the engine does with each kind of transaction; the rows stand in payment_rule.def. */
#pragma once

#include "protocols/payment.h"
#include "switch/engine/batch_totals.h"

enum payment_travel {
    PAYMENT_TRAVEL_UNSERVED,
    PAYMENT_TRAVEL_OURS,
    PAYMENT_TRAVEL_UNDO,
    PAYMENT_TRAVEL_FORWARD,
    PAYMENT_TRAVEL_ADVICE
};

enum payment_amount_rule {
    PAYMENT_AMOUNT_ANY,
    PAYMENT_AMOUNT_EQUAL,
    PAYMENT_AMOUNT_REST,
    PAYMENT_AMOUNT_CEILING,
    PAYMENT_AMOUNT_TOTAL
};

struct payment_rule {
    enum payment_travel travel;
    enum batch_side side;
    enum payment_amount_rule amount;
    char mti[5];        /* what field 90 calls it */
    uint64_t originals; /* bit set by enum payment_kind; 0: it follows nothing */
};

const struct payment_rule *payment_rule_of(enum payment_kind kind);
/* Whether the kind may follow an original of that other kind. */
bool payment_rule_may_follow(enum payment_kind kind, enum payment_kind original);
