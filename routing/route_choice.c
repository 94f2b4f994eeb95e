/* See route_choice.h. Each strategy is a number for each channel, the lowest first; equal ones stay
 * in the rule's order. */
#include "routing/route_choice.h"

#include <string.h>

#include "protocols/base/require.h"
#include "routing/name_hash.h"

/* The channels that can take it now, as the rule lists them. */
struct choice {
    unsigned count;
    uint16_t channels[ROUTE_RULE_CHANNEL_COUNT_MAX];
    uint16_t weights[ROUTE_RULE_CHANNEL_COUNT_MAX];
    uint64_t ranks[ROUTE_RULE_CHANNEL_COUNT_MAX];
};

/* The same payment always falls at the same place, whoever asks and however often. */
static uint64_t split_point(const struct payment *payment)
{
    uint64_t terminal = 0;
    memcpy(&terminal, payment->terminal_id, sizeof(terminal));
    return name_hash_mix(name_hash_mix(terminal) ^
                         ((uint64_t)payment->batch << 32 | payment->stan));
}

static void rank_by_weight(struct choice *choice, const struct payment *payment)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < choice->count; i++) {
        total += choice->weights[i];
    }
    uint64_t point = total == 0 ? 0 : split_point(payment) % total;
    bool is_found = false;
    for (unsigned i = 0; i < choice->count; i++) {
        bool is_it = !is_found && point < choice->weights[i];
        point -= is_found || is_it ? 0 : choice->weights[i];
        is_found = is_found || is_it;
        choice->ranks[i] = is_it ? 0 : 1;
    }
}

static void rank_by_cost(struct choice *choice, const struct ruleset *ruleset,
                         const struct payment *payment, const struct route_context *context,
                         const struct route_decision *decision)
{
    for (unsigned i = 0; i < choice->count; i++) {
        struct fee_quote quote = {0};
        choice->ranks[i] = UINT64_MAX; /* what cannot be priced comes last */
        if (!ruleset_kind_is_priced(payment->kind)) {
            choice->ranks[i] = 0;
        } else if (ruleset_quote(ruleset, payment, context,
                                 &(struct route_quote_place){decision, choice->channels[i]},
                                 &quote) == STATUS_OK) {
            int64_t cost = quote.issuer_fee.minor + quote.scheme_fee.minor;
            choice->ranks[i] = cost < 0 ? 0 : (uint64_t)cost;
        }
    }
}

static void rank_by_health(struct choice *choice, const struct ruleset *ruleset,
                           const struct route_context *context, uint8_t group)
{
    for (unsigned i = 0; i < choice->count; i++) {
        uint16_t channel = choice->channels[i];
        choice->ranks[i] =
            context->health == NULL
                ? 0
                : channel_health_score(context->health,
                                       (struct health_spot){context->health_places[channel], group},
                                       &ruleset->breakers.channels[channel], context->now_ns);
    }
}

/* Insertion keeps equal ones in order. */
static void choice_sort(struct choice *choice)
{
    for (unsigned i = 1; i < choice->count; i++) {
        uint16_t channel = choice->channels[i];
        uint64_t rank = choice->ranks[i];
        unsigned at = i;
        for (; at > 0 && choice->ranks[at - 1] > rank; at--) {
            choice->channels[at] = choice->channels[at - 1];
            choice->ranks[at] = choice->ranks[at - 1];
        }
        choice->channels[at] = channel;
        choice->ranks[at] = rank;
    }
}

static bool breaker_lets(const struct ruleset *ruleset, const struct route_context *context,
                         uint16_t channel, uint8_t group)
{
    return context->health == NULL ||
           channel_health_may(context->health,
                              (struct health_spot){context->health_places[channel], group},
                              &ruleset->breakers.channels[channel], context->now_ns);
}

enum route_answer route_choose(const struct ruleset *ruleset, const struct route_rule *rule,
                               const struct payment *payment, const struct route_context *context,
                               struct route_decision *decision)
{
    struct choice choice = {0};
    uint16_t down[ROUTE_RULE_CHANNEL_COUNT_MAX];
    unsigned down_count = 0, tripped_count = 0;
    uint8_t group = decision->bin == NULL ? 0 : decision->bin->group;
    for (unsigned i = 0; i < rule->channel_count; i++) {
        uint16_t channel = rule->channels[i];
        if ((channel_table_at(ruleset->channels, channel)->kinds >> payment->kind & 1) == 0) {
            continue;
        }
        if ((context->channel_is_up >> channel & 1) == 0) {
            down[down_count++] = channel;
        } else if (!breaker_lets(ruleset, context, channel, group)) {
            tripped_count++;
        } else {
            choice.weights[choice.count] = rule->weights[i];
            choice.channels[choice.count++] = channel;
        }
    }
    if (choice.count > 1 && rule->strategy == ROUTE_WEIGHTED) {
        rank_by_weight(&choice, payment);
    } else if (choice.count > 1 && rule->strategy == ROUTE_CHEAPEST) {
        rank_by_cost(&choice, ruleset, payment, context, decision);
    } else if (choice.count > 1 && rule->strategy == ROUTE_HEALTHIEST) {
        rank_by_health(&choice, ruleset, context, group);
    }
    choice_sort(&choice);
    for (unsigned i = 0; i < choice.count; i++) {
        decision->channels[decision->channel_count++] = choice.channels[i];
    }
    for (unsigned i = 0; i < down_count; i++) {
        decision->channels[decision->channel_count++] = down[i];
    }
    if (decision->channel_count > 0) {
        return ROUTE_FOUND;
    }
    return tripped_count > 0 ? ROUTE_CHANNEL_TRIPPED : ROUTE_NOT_SUPPORTED;
}
