/* What a clerk keys in next: a sale, or something that follows an earlier line of the journal, now
 * and then what the rules forbid. The switch must know better than the clerk. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

#define SALE_PERMILLE 450
#define PICK_COUNT_MAX 8

static bool has_kind(const struct world *world, enum payment_kind kind)
{
    return (world->kinds >> kind & 1) != 0;
}

/* A kind of this seed, by lot: one that follows nothing, or one that follows something. */
static enum payment_kind pick_kind(struct world *world)
{
    bool is_sale = sim_random_permille(&world->random, SALE_PERMILLE);
    for (uint32_t i = 0; i < PICK_COUNT_MAX; i++) {
        const struct sim_kind *row =
            sim_kind_at((uint32_t)world_between(world, 0, SIM_KIND_ROW_COUNT - 1));
        if (has_kind(world, row->kind) && (row->originals == 0) == is_sale) {
            return row->kind;
        }
    }
    return PAYMENT_PURCHASE;
}

static bool may_be_original(const struct world *world, uint32_t index, enum payment_kind kind,
                            uint32_t at, bool is_wrong)
{
    const struct attempt *original = &world->attempts[at];
    const char *merchant_id = world->terminals[original->terminal].merchant_id;
    if (original->is_impostor || original->rrn[0] == '\0' || original->amount < 10) {
        return false; /* no slip names it */
    }
    bool is_mine = original->terminal == index && original->batch == world->terminals[index].batch;
    if (kind == PAYMENT_OFFLINE_ADVICE && !is_mine) {
        return false; /* a lower total of an earlier batch could make this one's debits negative */
    }
    if (is_wrong) {
        /* A trace number without our reference means one of the same terminal, whosever it was. */
        return original->kind != PAYMENT_PREAUTH || original->terminal == index;
    }
    bool is_of_shop =
        kind == PAYMENT_REFUND || kind == PAYMENT_CAPTURE || kind == PAYMENT_CAPTURE_ADVICE;
    bool is_our_shop = is_of_shop && strcmp(merchant_id, world->terminals[index].merchant_id) == 0;
    return (is_mine || is_our_shop) && original->outcome == ATTEMPT_APPROVED &&
           sim_kind_may_follow(kind, original->kind);
}

/* The line of the journal that the clerk has in hand; NO_ATTEMPT: none fits. */
static uint32_t pick_original(struct world *world, uint32_t index, enum payment_kind kind)
{
    bool is_wrong = world_draw(world, FAULT_CLERK_WRONG_ORIGINAL);
    for (uint32_t i = 0; i < PICK_COUNT_MAX && world->attempt_count > 0; i++) {
        uint32_t at = (uint32_t)world_between(world, 0, world->attempt_count - 1);
        if (may_be_original(world, index, kind, at, is_wrong)) {
            return at;
        }
    }
    return NO_ATTEMPT;
}

/* A pre-authorisation with what was added to it. */
static int64_t held_amount(const struct world *world, uint32_t original)
{
    int64_t held = world->attempts[original].amount;
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        const struct attempt *other = &world->attempts[i];
        if (other->kind == PAYMENT_PREAUTH_INCREMENT && other->original == original &&
            other->outcome == ATTEMPT_APPROVED) {
            held += other->amount;
        }
    }
    return held;
}

static int64_t pick_amount(struct world *world, enum payment_kind kind, uint32_t original)
{
    int64_t due = world->attempts[original].amount;
    int64_t excess =
        world_draw(world, FAULT_CLERK_WRONG_AMOUNT) ? (int64_t)world_between(world, 1, 90000) : 0;
    switch ((unsigned)kind) {
    case PAYMENT_REFUND:
        return (int64_t)world_between(world, 1, (uint64_t)due) + excess;
    case PAYMENT_PREAUTH_VOID:
        return held_amount(world, original) + excess;
    case PAYMENT_CAPTURE:
    case PAYMENT_CAPTURE_ADVICE:
        due = held_amount(world, original);
        return (int64_t)world_between(world, 1, (uint64_t)due * 115 / 100) + excess;
    case PAYMENT_OFFLINE_ADVICE: /* a tip: the new total */
        return due + (int64_t)world_between(world, 1, (uint64_t)due / 5) + excess;
    case PAYMENT_PREAUTH_INCREMENT:
        return world->amount_next++;
    default:
        return due + excess;
    }
}

uint32_t clerk_new_attempt(struct world *world, uint32_t index)
{
    struct terminal_model *terminal = &world->terminals[index];
    enum payment_kind kind = pick_kind(world);
    uint32_t original = NO_ATTEMPT;
    if (sim_kind_of(kind)->originals != 0) {
        original = pick_original(world, index, kind);
        kind = original == NO_ATTEMPT ? PAYMENT_PURCHASE : kind;
    }
    int64_t amount =
        original == NO_ATTEMPT ? world->amount_next++ : pick_amount(world, kind, original);
    bool is_foreign = sim_random_permille(&world->random, 200);
    uint32_t at = world->attempt_count++;
    world->attempts[at] = (struct attempt){
        .terminal = index,
        .batch = terminal->batch,
        .stan = terminal_next_trace(world, index),
        .kind = kind,
        .original = original,
        .amount = sim_kind_of(kind)->silence == SILENCE_LETS_GO ? 0 : amount,
        .is_foreign = original == NO_ATTEMPT ? is_foreign : world->attempts[original].is_foreign,
    };
    terminal->transactions_of_batch++;
    return at;
}
