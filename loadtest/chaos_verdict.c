/* Each draw is a hash of seed, rule, connection and message, not the next of one stream: what
 * happens on one connection cannot move the draws of another. */
#include "loadtest/chaos_verdict.h"

#include <string.h>

#include "loadtest/draw.h"
#include "protocols/base/require.h"

_Static_assert(CHAOS_RULE_COUNT_MAX <= 64, "hits is a mask of 64 bits");

void chaos_judge_start(struct chaos_judge *judge, const struct chaos_rules *rules, uint64_t seed)
{
    *judge = (struct chaos_judge){.rules = rules, .seed = seed};
}

static bool rule_fits(const struct chaos_rule *rule, const struct chaos_fact *fact)
{
    return (rule->direction == CHAOS_BOTH || rule->direction == fact->direction) &&
           (rule->mti[0] == '\0' || strcmp(rule->mti, fact->mti) == 0) &&
           fact->now_ms >= rule->from_ms && (rule->to_ms == 0 || fact->now_ms < rule->to_ms);
}

static uint64_t rule_draw(const struct chaos_judge *judge, uint32_t rule,
                          const struct chaos_fact *fact)
{
    uint64_t draw = draw_mix(judge->seed);
    draw = draw_mix(draw ^ rule);
    draw = draw_mix(draw ^ (fact->link << 1 | (fact->direction == CHAOS_TO_CLIENT)));
    return draw_mix(draw ^ fact->message);
}

static bool rule_strikes(struct chaos_judge *judge, uint32_t index, uint64_t draw)
{
    const struct chaos_rule *rule = &judge->rules->items[index];
    uint64_t seen = ++judge->seen[index];
    if (judge->is_healed || seen <= rule->skip ||
        (rule->count_max > 0 && judge->struck[index] >= rule->count_max)) {
        return false;
    }
    bool is_struck = rule->every > 0 ? (seen - rule->skip) % rule->every == 0
                                     : (draw >> 11) % 1000000 < rule->part_per_million;
    judge->struck[index] += is_struck;
    return is_struck;
}

static void end_apply(struct chaos_verdict *verdict, const struct chaos_rule *rule)
{
    verdict->is_ended = true;
    verdict->end = rule->action;
    verdict->end_side = rule->side;
    verdict->end_bytes = rule->bytes;
}

static void rule_apply(struct chaos_verdict *verdict, const struct chaos_rule *rule, uint64_t draw)
{
    switch (rule->action) {
    case CHAOS_DELAY:
        verdict->delay_ms += rule->ms;
        verdict->delay_ms += (uint32_t)(draw_mix(draw) % ((uint64_t)rule->jitter_ms + 1));
        return;
    case CHAOS_DROP:
        verdict->is_dropped = true;
        return;
    case CHAOS_DUPLICATE:
        verdict->copies += rule->copies;
        return;
    case CHAOS_REORDER:
        verdict->is_reordered = true;
        verdict->reorder_after = rule->after;
        verdict->reorder_ms = rule->ms;
        return;
    case CHAOS_SPLIT:
        verdict->piece = rule->piece;
        verdict->piece_ms = rule->ms;
        return;
    case CHAOS_MERGE:
        verdict->is_merged = true;
        verdict->merge_count = rule->count_in_one;
        verdict->merge_ms = rule->ms;
        return;
    case CHAOS_STALL:
        verdict->is_stalled = true;
        verdict->stall_ms = rule->ms;
        return;
    case CHAOS_RESET:
    case CHAOS_FIN:
    case CHAOS_HALF_CLOSE:
        end_apply(verdict, rule);
        return;
    case CHAOS_DELIVER:
        verdict->is_elsewhere = true;
        return;
    case CHAOS_REPLAY:
        verdict->is_replayed = true;
        verdict->replay_ms = rule->ms;
        return;
    case CHAOS_CORRUPT:
    case CHAOS_CHANGE:
        return; /* the bytes are at hand elsewhere: chaos_rewrite.h */
    case CHAOS_ACTION_COUNT:
        break;
    }
    REQUIRE(rule->action < CHAOS_ACTION_COUNT);
}

void chaos_judge(struct chaos_judge *judge, const struct chaos_fact *fact,
                 struct chaos_verdict *verdict)
{
    REQUIRE(fact->direction != CHAOS_BOTH);
    *verdict = (struct chaos_verdict){.hits = 0};
    for (uint32_t i = 0; i < judge->rules->count; i++) {
        if (!rule_fits(&judge->rules->items[i], fact)) {
            continue;
        }
        uint64_t draw = rule_draw(judge, i, fact);
        if (rule_strikes(judge, i, draw)) {
            verdict->hits |= UINT64_C(1) << i;
            verdict->draws[i] = draw;
            rule_apply(verdict, &judge->rules->items[i], draw);
        }
    }
}
