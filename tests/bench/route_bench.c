/* The whole decision of a payment (terminal, merchant, card, BIN range, route rule, channel, price)
 * among a million BIN ranges and a thousand rules, and its search for the BIN range alone; both
 * beside the C library's bsearch() over the same ranges. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench.h"
#include "tests/bench/big_ruleset.h"

#define DRAFT_COUNT 131072 /* payments before one comes again: more than any cache remembers */
#define WALL_US INT64_C(1767427200000000) /* 2026-01-03 16:00 in Beijing, a Saturday */

static const struct big_ruleset_size SIZE = {.bin_count = BIG_BIN_COUNT_MAX,
                                             .merchant_count = 100000,
                                             .terminal_count = 100000,
                                             .rule_count = 1000,
                                             .plan_count = 200,
                                             .plan_rule_count = 20};

/* What sets a payment apart from the next; the rest of it stays as it is. */
struct draft {
    struct pan pan;
    int64_t amount_minor;
    char terminal_id[9];
    char merchant_id[16];
    char entry_mode[4];
};

struct range {
    uint64_t first, last;
};

struct stage {
    const struct ruleset *ruleset;
    struct draft *drafts;
    struct range *ranges;
    uint32_t range_count, next;
    struct payment payment;
};

static uint64_t random_next(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void draft_fill(struct draft *draft, uint32_t range_count)
{
    static const char *const MODES[] = {"051", "072", "021", "071"};
    struct terminal_row terminal;
    big_terminal(&SIZE, (uint32_t)(random_next() % SIZE.terminal_count), &terminal);
    big_card((uint32_t)(random_next() % range_count), random_next(), &draft->pan);
    memcpy(draft->terminal_id, terminal.terminal_id, sizeof(draft->terminal_id));
    memcpy(draft->merchant_id, terminal.merchant_id, sizeof(draft->merchant_id));
    memcpy(draft->entry_mode, MODES[random_next() % 4], sizeof(draft->entry_mode));
    draft->amount_minor = 1 + (int64_t)(random_next() % 300000);
}

static const struct payment *payment_next(struct stage *stage)
{
    const struct draft *draft = &stage->drafts[stage->next++ % DRAFT_COUNT];
    stage->payment.pan = draft->pan;
    stage->payment.amount.minor = draft->amount_minor;
    memcpy(stage->payment.terminal_id, draft->terminal_id, sizeof(draft->terminal_id));
    memcpy(stage->payment.merchant_id, draft->merchant_id, sizeof(draft->merchant_id));
    memcpy(stage->payment.entry_mode, draft->entry_mode, sizeof(draft->entry_mode));
    return &stage->payment;
}

static uint64_t run_decide(void *argument, uint32_t count)
{
    struct stage *stage = argument;
    const struct route_context context = {.wall_us = WALL_US, .channel_is_up = UINT64_MAX};
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct route_decision decision;
        ruleset_decide(stage->ruleset, payment_next(stage), &context, &decision);
        if (decision.answer != ROUTE_FOUND) {
            fprintf(stderr, "a payment found no way: %s\n", route_answer_text(decision.answer));
            exit(2);
        }
        sum += decision.rule + (uint64_t)decision.fee.merchant_fee.minor;
    }
    return sum;
}

static uint64_t run_bin(void *argument, uint32_t count)
{
    struct stage *stage = argument;
    const struct bin_table *bins = ruleset_bin_view(stage->ruleset);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct bin_rule *rule = bin_table_find(bins, &payment_next(stage)->pan);
        if (rule == NULL || rule->digit_count != 9) {
            fprintf(stderr, "a card is not of its range\n");
            exit(2);
        }
        sum += rule->prefix;
    }
    return sum;
}

static int range_compare(const void *key, const void *item)
{
    const uint64_t digits = *(const uint64_t *)key;
    const struct range *range = item;
    return digits < range->first ? -1 : digits > range->last;
}

static uint64_t run_bsearch(void *argument, uint32_t count)
{
    struct stage *stage = argument;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t digits = pan_prefix(&payment_next(stage)->pan, BIN_DIGITS_MAX);
        const struct range *range = bsearch(&digits, stage->ranges, stage->range_count,
                                            sizeof(stage->ranges[0]), range_compare);
        if (range == NULL) {
            fprintf(stderr, "bsearch does not find a card's range\n");
            exit(2);
        }
        sum += range->first;
    }
    return sum;
}

static void stage_fill(struct stage *stage)
{
    stage->range_count = SIZE.bin_count - BIG_NESTED_COUNT - 1;
    stage->drafts = calloc(DRAFT_COUNT, sizeof(stage->drafts[0]));
    stage->ranges = calloc(stage->range_count, sizeof(stage->ranges[0]));
    if (stage->drafts == NULL || stage->ranges == NULL) {
        fprintf(stderr, "no memory\n");
        exit(2);
    }
    for (uint32_t i = 0; i < DRAFT_COUNT; i++) {
        draft_fill(&stage->drafts[i], stage->range_count);
    }
    for (uint32_t i = 0; i < stage->range_count; i++) {
        uint64_t first = big_bin(i) * 1000;
        stage->ranges[i] = (struct range){first, first + 999};
    }
    payment_clear(&stage->payment);
    stage->payment.kind = PAYMENT_PURCHASE;
    stage->payment.amount.currency = MONEY_CNY;
}

int main(void)
{
    static struct stage stage;
    struct ruleset *ruleset = big_ruleset_create(&SIZE);
    stage.ruleset = ruleset;
    stage_fill(&stage);
    struct bench_pair pair = {.name = "route.bin",
                              .unit = "ns",
                              .reference = "bsearch() of the same 1,000,000 ranges",
                              .measured = run_bin,
                              .reference_function = run_bsearch,
                              .argument = &stage,
                              .count = 200000};
    bench_run(&pair);
    pair.name = "route.decide";
    pair.measured = run_decide;
    pair.aim = 1000;
    bench_run(&pair);
    free(stage.drafts);
    free(stage.ranges);
    ruleset_destroy(ruleset);
    return 0;
}
