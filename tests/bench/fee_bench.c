/* The price of a payment among 200 plans of 20 rules each, and of 150 rules each; beside a walk
 * over the same rules, one by one, for the one that fits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routing/fee_set.h"
#include "tests/bench/bench.h"
#include "tests/bench/big_ruleset.h"

#define DRAFT_COUNT 65536
#define MERCHANT_COUNT 10000
#define WALL_US INT64_C(1767427200000000) /* 2026-01-03 16:00 in Beijing */

struct draft {
    uint32_t merchant;
    int64_t amount_minor;
    char entry_mode[4];
    uint8_t card_type, channel;
};

struct stage {
    struct fee_plan_set *plans;
    struct merchant_row *merchants;
    struct draft *drafts;
    uint32_t next;
    struct payment payment;
    struct bin_rule bins[4]; /* by type of card */
};

static uint64_t random_next(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static struct fee_inputs inputs_next(struct stage *stage)
{
    static const char *const CHANNELS[] = {"bank_a", "bank_b", "bank_c", "bank_d"};
    const struct draft *draft = &stage->drafts[stage->next++ % DRAFT_COUNT];
    memcpy(stage->payment.entry_mode, draft->entry_mode, sizeof(draft->entry_mode));
    stage->payment.amount.minor = draft->amount_minor;
    return (struct fee_inputs){.amount = stage->payment.amount,
                               .wall_us = WALL_US,
                               .bin = &stage->bins[draft->card_type],
                               .merchant = &stage->merchants[draft->merchant],
                               .payment = &stage->payment,
                               .channel = CHANNELS[draft->channel]};
}

static uint64_t run_quote(void *argument, uint32_t count)
{
    struct stage *stage = argument;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct fee_inputs inputs = inputs_next(stage);
        struct fee_quote quote;
        if (fee_quote(stage->plans, &inputs, &quote) != STATUS_OK) {
            fprintf(stderr, "a payment found no price\n");
            exit(2);
        }
        sum += (uint64_t)quote.merchant_fee.minor;
    }
    return sum;
}

static const struct fee_rule *walk(const struct fee_rules *rules,
                                   const struct condition_facts *facts)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        if (condition_matches(&rules->items[i].condition, facts)) {
            return &rules->items[i];
        }
    }
    return NULL;
}

/* Only what finds the rules; the price itself is left out. */
static uint64_t run_walk(void *argument, uint32_t count)
{
    struct stage *stage = argument;
    const struct fee_plan_set *plans = stage->plans;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct fee_inputs inputs = inputs_next(stage);
        const struct condition_subject subject = {.payment = inputs.payment,
                                                  .amount = inputs.amount,
                                                  .wall_us = inputs.wall_us,
                                                  .bin = inputs.bin,
                                                  .merchant = inputs.merchant,
                                                  .channel = inputs.channel};
        struct condition_facts facts;
        condition_facts_fill(&facts, &subject, &plans->form);
        const struct fee_plan *plan = fee_plan_find(plans, inputs.merchant->plan);
        const struct fee_rule *price = walk(&plan->rules, &facts);
        const struct fee_rule *cost = walk(&plans->cost, &facts);
        const struct fee_rule *discount = walk(&plans->discounts, &facts);
        sum += price->line + cost->line + (discount == NULL ? 0 : discount->line);
    }
    return sum;
}

static void stage_fill(struct stage *stage, const struct big_ruleset_size *size)
{
    static const char *const MODES[] = {"051", "072", "021", "071"};
    stage->plans = big_plans_create(size);
    stage->merchants = calloc(MERCHANT_COUNT, sizeof(stage->merchants[0]));
    stage->drafts = calloc(DRAFT_COUNT, sizeof(stage->drafts[0]));
    if (stage->merchants == NULL || stage->drafts == NULL) {
        fprintf(stderr, "no memory\n");
        exit(2);
    }
    for (uint32_t i = 0; i < MERCHANT_COUNT; i++) {
        big_merchant(size, i, &stage->merchants[i]);
    }
    for (uint32_t i = 0; i < DRAFT_COUNT; i++) {
        struct draft *draft = &stage->drafts[i];
        draft->merchant = (uint32_t)(random_next() % MERCHANT_COUNT);
        draft->amount_minor = 1 + (int64_t)(random_next() % 300000);
        draft->card_type = (uint8_t)(random_next() % 3);
        draft->channel = (uint8_t)(random_next() % 4);
        memcpy(draft->entry_mode, MODES[random_next() % 4], sizeof(draft->entry_mode));
    }
    for (uint8_t i = 0; i < 4; i++) {
        stage->bins[i] = (struct bin_rule){.scheme = CARD_SCHEME_UNIONPAY, .card_type = i};
    }
    payment_clear(&stage->payment);
    stage->payment.kind = PAYMENT_PURCHASE;
    stage->payment.amount.currency = MONEY_CNY;
}

static void measure(const char *name, uint32_t rule_count)
{
    struct stage stage = {0};
    const struct big_ruleset_size size = {
        .merchant_count = MERCHANT_COUNT, .plan_count = 200, .plan_rule_count = rule_count};
    char reference[64];
    snprintf(reference, sizeof(reference), "a walk over the plan's %u rules", rule_count);
    stage_fill(&stage, &size);
    bench_run(&(struct bench_pair){.name = name,
                                   .unit = "ns",
                                   .reference = reference,
                                   .measured = run_quote,
                                   .reference_function = run_walk,
                                   .argument = &stage,
                                   .count = 200000,
                                   .aim = 300});
    fee_plan_set_destroy(stage.plans);
    free(stage.merchants);
    free(stage.drafts);
}

int main(void)
{
    measure("fee.quote", 20);
    measure("fee.quote_150_rules", 150);
    return 0;
}
