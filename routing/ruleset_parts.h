/* What ruleset.c decides by and ruleset_explain.c speaks of: internal to these two. */
#pragma once

#include "routing/condition.h"
#include "routing/route_rule.h"
#include "routing/ruleset.h"

struct ruleset {
    uint32_t version;
    bool is_frozen;
    struct bin_table *bins;           /* owner */
    struct merchant_table *merchants; /* owner */
    struct terminal_table *terminals; /* owner */
    struct channel_table *channels;   /* owner */
    struct route_rules *routes;       /* owner; NULL: not compiled, or faulty */
    struct fee_plan_set *fees;        /* owner; NULL: not compiled, or faulty */
    struct download_table *downloads; /* owner; NULL: nothing is offered */
    struct agent_table *agents;       /* owner; NULL: no merchant has one */
    struct limit_rules *limits;       /* owner; NULL: no rule limits anything */
    struct black_list *black_list;    /* owner; NULL: nobody is listed */
    struct health_rules breakers;
    struct ruleset_fault fault;
};

/* Whether a payment of this kind moves an amount, which has to be there. */
bool ruleset_kind_has_amount(enum payment_kind kind);
/* Whether it has a price of its own. What gives back has none: its original's fees come back. */
bool ruleset_kind_is_priced(enum payment_kind kind);

/* The fee that a payment has at one of the channels it might go to. */
struct route_quote_place {
    const struct route_decision *decision; /* its rows are found */
    uint16_t channel;
};
MUST_CHECK enum status ruleset_quote(const struct ruleset *ruleset, const struct payment *payment,
                                     const struct route_context *context,
                                     const struct route_quote_place *place,
                                     struct fee_quote *quote);

/* What limit rules are held against: the facts, and the payment with its usage. */
void ruleset_limit_facts(const struct ruleset *ruleset, const struct payment *payment,
                         int64_t wall_us, const struct route_decision *decision,
                         struct condition_facts *facts);
struct limit_subject ruleset_limit_subject(const struct payment *payment,
                                           const struct route_context *context);

/* What route rules are held against, from the rows that the decision has found. */
void ruleset_facts(const struct ruleset *ruleset, const struct payment *payment, int64_t wall_us,
                   const struct route_decision *decision, struct condition_facts *facts);
