/* Which rules strike a message, and what that makes of it together. Pure: the same seed, rules and
 * messages give the same verdicts on every machine, however connections interleave (only `every`,
 * `skip` and `count` follow the order of arrival, and `from_ms`, `to_ms` the clock they are told).
 *
 * Life:  chaos_judge_start -> chaos_judge (each message) ...
 */
#pragma once

#include "loadtest/chaos_rule.h"

struct chaos_judge {
    const struct chaos_rules *rules; /* borrowed */
    uint64_t seed;
    bool is_healed;                        /* nothing strikes; messages are counted all the same */
    uint64_t seen[CHAOS_RULE_COUNT_MAX];   /* messages that a rule might have struck */
    uint64_t struck[CHAOS_RULE_COUNT_MAX]; /* those it did */
};

/* What is known of a message, or of a run of bytes where there are no frames. */
struct chaos_fact {
    enum chaos_direction direction; /* not CHAOS_BOTH */
    uint64_t link, message; /* ordinals from 1: of the connection; of this in its direction */
    uint64_t now_ms;        /* since the start */
    const char *mti;        /* "" where it cannot be read */
};

struct chaos_verdict {
    uint64_t hits;                        /* bit n: rule n struck */
    uint64_t draws[CHAOS_RULE_COUNT_MAX]; /* of a rule that struck: for its own choices */
    bool is_dropped, is_elsewhere, is_stalled, is_merged, is_reordered, is_replayed, is_ended;
    enum chaos_action end; /* where is_ended: CHAOS_RESET, CHAOS_FIN, CHAOS_HALF_CLOSE */
    enum chaos_side end_side;
    uint32_t end_bytes; /* let through before the end; CHAOS_HALF */
    uint32_t copies, delay_ms, stall_ms, replay_ms;
    uint32_t reorder_after, reorder_ms, merge_count, merge_ms;
    uint32_t piece, piece_ms; /* piece 0: in one */
};

void chaos_judge_start(struct chaos_judge *judge, const struct chaos_rules *rules, uint64_t seed);
/* Rules strike independently and their effects add up; of two of one kind the later one stands. A
 * dropped message is dropped, whatever else struck it. */
void chaos_judge(struct chaos_judge *judge, const struct chaos_fact *fact,
                 struct chaos_verdict *verdict);

static inline bool chaos_verdict_has(const struct chaos_verdict *verdict, uint32_t rule)
{
    return (verdict->hits >> rule & 1) != 0;
}
