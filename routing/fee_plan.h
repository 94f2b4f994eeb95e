/* What a payment costs and who gets it, exact in minor units, and why.
 *
 * fee = min(cap, max(floor, fixed + amount * rate)); rates in 1e-8; half up, once per component,
 * before floor and cap; no floating point. Merchant fee, issuer fee and scheme fee are each rounded
 * alone; the margin is the rest, so the parts always add up (I16). Of the margin sales agents get
 * their shares (fee_share.h).
 *
 * Life:  fee_plan_set_compile -> fee_quote, fee_explain ... -> fee_plan_set_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/document.h"
#include "protocols/base/money.h"
#include "protocols/payment.h"
#include "routing/bin_table.h"
#include "routing/channel_table.h"
#include "routing/fee_share.h"
#include "routing/merchant_table.h"

#define FEE_RATE_ONE INT64_C(100000000) /* 100 % */
#define FEE_NO_CAP INT64_MAX
#define FEE_PLAN_NAME_SIZE 16

struct fee_formula {
    int64_t rate_e8;
    int64_t fixed, floor, cap; /* minor units; cap FEE_NO_CAP: none */
};

/* One component: half up on the magnitude, then floor, then cap. Never overflows for amounts up to
 * MONEY_MINOR_MAX and rates up to 100 %. */
int64_t fee_apply(const struct fee_formula *formula, int64_t amount_minor);

/* X(name, word, sentence): what a refund gives back of the merchant fee and of agents' shares.
 * What issuer and scheme took comes back in proportion; a void gives back all of everything. */
#define FEE_REFUND_MAP(X)                                                                          \
    X(PROPORTIONAL, "proportional", "the refunded part; the last refund takes the rest")           \
    X(FULL, "full", "the first refund takes all of it")                                            \
    X(NONE, "none", "nothing")
enum fee_refund {
#define X(name, word, text) FEE_REFUND_##name,
    FEE_REFUND_MAP(X)
#undef X
        FEE_REFUND_COUNT
};

/* What a price was found by; fee_note.h writes it down. */
#define FEE_BASIS_NONE UINT8_MAX
struct fee_basis {
    const char *plan; /* the merchant's; NULL: nothing was priced. Borrowed */
    enum fee_refund refund;
    uint8_t scheme, card_type, merchant_class, product; /* FEE_BASIS_NONE: none */
    bool is_capped;                                     /* agents' shares were cut off */
    int64_t month_minor;
};

struct fee_quote {
    struct money merchant_fee, issuer_fee, scheme_fee;
    uint32_t merchant_rule, cost_rule; /* lines of the fees file */
    uint32_t discount_rule;            /* the same; 0: none */
    struct fee_shares shares;
    struct fee_basis basis;
};

struct fee_inputs {
    struct money amount;
    int64_t wall_us;
    const struct bin_rule *bin;          /* borrowed */
    const struct merchant_row *merchant; /* borrowed */
    const struct agent_row *agent;       /* the merchant's own; NULL: none. Borrowed */
    const struct payment *payment;       /* borrowed: entry mode decides the product */
    const char *channel;                 /* name */
    int64_t month_minor; /* what the merchant has taken this month, without this payment */
};

struct fee_plan_set;

/* Compiles a fees document; faults go into it. Channels that rules name must be in `channels`
 * (NULL: any name will do). NULL: faulty or no memory. */
struct fee_plan_set *fee_plan_set_compile(struct document *document,
                                          const struct channel_table *channels);
void fee_plan_set_destroy(struct fee_plan_set *plans);
bool fee_plan_set_has(const struct fee_plan_set *plans, const char *plan);
/* The currency of the fees file: amounts of another one find no fee (I17). */
uint16_t fee_plan_set_currency(const struct fee_plan_set *plans);
/* STATUS_NOT_FOUND: no price rule or no cost rule fits, or the amount is of another currency. */
MUST_CHECK enum status fee_quote(const struct fee_plan_set *plans, const struct fee_inputs *inputs,
                                 struct fee_quote *quote);
/* Merchant fee less issuer fee and scheme fee: the rest, so that the parts add up (I16). Agents'
 * shares are part of it. */
struct money fee_margin(const struct fee_quote *quote);
/* Where the margin of some payment that two rules would price is negative: sentences with both
 * lines, for whoever loads the file. At most text_size - 1 characters; how many. */
uint32_t fee_plan_set_losses(const struct fee_plan_set *plans, char *text, uint32_t text_size);
/* The same in words: rule, line, inputs, exact value before rounding, rounding, floor and cap. */
uint32_t fee_explain(const struct fee_plan_set *plans, const struct fee_inputs *inputs, char *text,
                     uint32_t text_size);
