/* The judge of what follows an original: how much of it is left, who may touch it, and whether the
 * bank is told which one is meant. Sums come from what the log says of each line of the journals.
 */
#include <string.h>

#include "tests/sim/world.h"

#define CEILING_PERCENT 115
#define TIP_PERCENT 120

static uint64_t bit(enum payment_kind kind)
{
    return UINT64_C(1) << kind;
}

static bool is_other_of(const struct world *world, const struct attempt *attempt, uint32_t at,
                        uint64_t kinds)
{
    const struct attempt *other = &world->attempts[at];
    return other != attempt && !other->is_impostor && other->original == attempt->original &&
           (kinds & bit(other->kind)) != 0 && attempt_may_stand(other);
}

/* How many others of those kinds stand, or may, on the same original. */
static uint32_t standing_count(const struct world *world, const struct attempt *attempt,
                               uint64_t kinds)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        count += is_other_of(world, attempt, i, kinds);
    }
    return count;
}

static int64_t standing_sum(const struct world *world, const struct attempt *attempt,
                            uint64_t kinds)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        sum += is_other_of(world, attempt, i, kinds) ? world->attempts[i].amount : 0;
    }
    return sum;
}

/* The highest that the original may be taken to be worth: with every tip and increment that stands
 * or may stand, so that nobody is blamed for what was in doubt. */
static int64_t amount_max(const struct world *world, const struct attempt *attempt)
{
    const struct attempt *original = &world->attempts[attempt->original];
    int64_t most = original->amount;
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        if (is_other_of(world, attempt, i, bit(PAYMENT_OFFLINE_ADVICE)) &&
            world->attempts[i].amount > most) {
            most = world->attempts[i].amount;
        }
    }
    return most + standing_sum(world, attempt, bit(PAYMENT_PREAUTH_INCREMENT));
}

static void check_at_most(struct world *world, const struct attempt *attempt, int64_t asked,
                          int64_t most)
{
    if (asked > most) {
        world_fail(world, SIM_I13, "%s STAN %06u takes the sum to %lld fen, at most %lld are there",
                   payment_kind_name(attempt->kind), attempt->stan, (long long)asked,
                   (long long)most);
    }
}

static void check_alone(struct world *world, const struct attempt *attempt, uint64_t kinds)
{
    if (standing_count(world, attempt, kinds) > 0) {
        world_fail(world, SIM_I13, "%s STAN %06u follows what something else has ended",
                   payment_kind_name(attempt->kind), attempt->stan);
    }
}

static void check_own_batch(struct world *world, const struct attempt *attempt)
{
    const struct attempt *original = &world->attempts[attempt->original];
    if (original->terminal != attempt->terminal || original->batch != attempt->batch) {
        world_fail(world, SIM_I18, "%s STAN %06u ends what is of terminal %u batch %u",
                   payment_kind_name(attempt->kind), attempt->stan, original->terminal + 1,
                   original->batch);
    }
    if (original->amount > attempt->amount) {
        world_fail(world, SIM_I13, "%s STAN %06u of %lld fen ends %lld",
                   payment_kind_name(attempt->kind), attempt->stan, (long long)attempt->amount,
                   (long long)original->amount);
    }
}

void oracle_on_follow_up(struct world *world, const struct attempt *attempt)
{
    if (attempt->original == NO_ATTEMPT) {
        return;
    }
    const struct attempt *original = &world->attempts[attempt->original];
    const uint64_t VOIDS = bit(PAYMENT_VOID) | bit(PAYMENT_OTHER_VOID) | bit(PAYMENT_CAPTURE_VOID);
    const uint64_t CAPTURES = bit(PAYMENT_CAPTURE) | bit(PAYMENT_CAPTURE_ADVICE);
    if (!sim_kind_may_follow(attempt->kind, original->kind) || original->log_word != LOG_APPROVED) {
        world_fail(world, SIM_I13, "%s STAN %06u follows a %s that does not stand",
                   payment_kind_name(attempt->kind), attempt->stan,
                   payment_kind_name(original->kind));
        return;
    }
    int64_t most = amount_max(world, attempt);
    switch ((unsigned)attempt->kind) {
    case PAYMENT_VOID:
    case PAYMENT_OTHER_VOID:
    case PAYMENT_CAPTURE_VOID:
        check_own_batch(world, attempt);
        check_alone(world, attempt, VOIDS);
        check_at_most(world, attempt, attempt->amount, most);
        break;
    case PAYMENT_REFUND:
        check_alone(world, attempt, VOIDS);
        check_at_most(world, attempt,
                      attempt->amount + standing_sum(world, attempt, bit(PAYMENT_REFUND)), most);
        break;
    case PAYMENT_PREAUTH_VOID:
    case PAYMENT_PREAUTH_INCREMENT:
        check_alone(world, attempt, CAPTURES | bit(PAYMENT_PREAUTH_VOID));
        break;
    case PAYMENT_CAPTURE:
    case PAYMENT_CAPTURE_ADVICE:
        check_alone(world, attempt, CAPTURES | bit(PAYMENT_PREAUTH_VOID));
        check_at_most(world, attempt, attempt->amount, most * CEILING_PERCENT / 100);
        break;
    default:
        check_alone(world, attempt, VOIDS);
        check_at_most(world, attempt, attempt->amount, original->amount * TIP_PERCENT / 100);
        break;
    }
}

void oracle_on_follow_up_refused(struct world *world, const struct attempt *attempt)
{
    if (attempt->original == NO_ATTEMPT || attempt->forward_count > 0 || attempt->sent_count > 1) {
        return;
    }
    const struct attempt *original = &world->attempts[attempt->original];
    bool is_own = original->terminal == attempt->terminal && original->batch == attempt->batch;
    /* An advice on its way to its bank may not be followed yet. */
    bool is_advice = sim_kind_of(original->kind)->silence == SILENCE_SENDS_AGAIN;
    if (is_own && !is_advice && sim_kind_may_follow(attempt->kind, original->kind) &&
        original->log_word == LOG_APPROVED && !original->reversal_arrived &&
        standing_count(world, attempt, UINT64_MAX) == 0) {
        world_fail(world, SIM_FOLLOW, "%s STAN %06u was refused, and its original stands alone",
                   payment_kind_name(attempt->kind), attempt->stan);
    }
}

void oracle_on_quote(struct world *world, const struct engine_effect *effect,
                     const struct attempt *attempt)
{
    if (attempt->original == NO_ATTEMPT) {
        return;
    }
    const struct attempt *original = &world->attempts[attempt->original];
    const struct payment_original *quoted = &effect->payment->original;
    if (original->forward_count == 0) {
        return; /* an advice that is still under way: nobody knows it by any name */
    }
    if (effect->channel != original->channel) {
        world_fail(world, SIM_I15, "%s STAN %06u went to bank %u, its original to bank %u",
                   payment_kind_name(attempt->kind), attempt->stan, effect->channel,
                   original->channel);
    } else if (quoted->stan != original->channel_stan ||
               strcmp(quoted->sent_at, original->sent_at) != 0 ||
               strcmp(quoted->mti, sim_kind_of(original->kind)->mti) != 0) {
        world_fail(world, SIM_I15, "%s STAN %06u names %s %06u %s, its original was %s %06u %s",
                   payment_kind_name(attempt->kind), attempt->stan, quoted->mti, quoted->stan,
                   quoted->sent_at, sim_kind_of(original->kind)->mti, original->channel_stan,
                   original->sent_at);
    }
}
