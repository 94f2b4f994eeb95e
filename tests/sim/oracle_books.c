/* The judge of the end: all has drained, and the terminals' slips, the log and the banks' books are
 * held against each other, line by line. */
#include <string.h>

#include "tests/sim/world.h"

static bool is_reversible_money(const struct attempt *attempt)
{
    return sim_kind_of(attempt->kind)->silence != SILENCE_LETS_GO;
}

static uint32_t live_count(const struct world *world, uint32_t index)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < world->posting_count; i++) {
        live += world->postings[i].attempt == index && world->postings[i].is_live;
    }
    return live;
}

/* Posted later than any original is expected to live, and the switch never heard of it: nobody can
 * know but the banks' own books, which reconciliation compares. */
static bool is_aged_orphan(const struct world *world, uint32_t index)
{
    const struct attempt *attempt = &world->attempts[index];
    for (uint32_t i = 0; i < world->posting_count; i++) {
        const struct posting *posting = &world->postings[i];
        if (posting->attempt == index && posting->is_live && !attempt->approval_arrived &&
            posting->posted_ns - attempt->left_ns > world->limits.inflight_life_ns) {
            return true;
        }
    }
    return false;
}

static void check_reversed_once(struct world *world, uint32_t index)
{
    for (uint32_t i = 0; i < world->posting_count; i++) {
        const struct posting *posting = &world->postings[i];
        if (posting->attempt == index && posting->reversal_count > 1) {
            world_fail(world, SIM_I8, "STAN %06u was reversed %u times",
                       world->attempts[index].stan, posting->reversal_count);
        }
    }
}

/* The slip against the bank's book. */
static void check_slip(struct world *world, uint32_t index)
{
    const struct attempt *attempt = &world->attempts[index];
    const char *terminal_id = world->terminals[attempt->terminal].terminal_id;
    uint32_t live = live_count(world, index);
    if (attempt->outcome == ATTEMPT_UNKNOWN || attempt->outcome == ATTEMPT_OPEN) {
        world_fail(world, SIM_DRAIN, "terminal %s STAN %06u (%s) is still open at the end",
                   terminal_id, attempt->stan, payment_kind_name(attempt->kind));
    } else if (attempt->outcome == ATTEMPT_APPROVED && live != 1 && !attempt->has_case) {
        world_fail(world, SIM_I2,
                   "terminal %s %s STAN %06u of %lld fen has a receipt and %u live postings",
                   terminal_id, payment_kind_name(attempt->kind), attempt->stan,
                   (long long)attempt->amount, live);
    } else if (attempt->outcome != ATTEMPT_APPROVED && attempt->outcome != ATTEMPT_DISPUTED &&
               live != 0 && !is_aged_orphan(world, index)) {
        world_fail(world, SIM_I1,
                   "terminal %s %s STAN %06u of %lld fen is posted and has no receipt", terminal_id,
                   payment_kind_name(attempt->kind), attempt->stan, (long long)attempt->amount);
    }
}

/* The last word of the log on each line of a journal must be the terminal's. */
static void check_log(struct world *world, uint32_t index)
{
    const struct attempt *attempt = &world->attempts[index];
    bool is_approved = attempt->log_word == LOG_APPROVED;
    if ((attempt->log_word == LOG_UNDONE || attempt->log_word == LOG_UNSURE) &&
        !attempt->has_case) {
        world_fail(world, SIM_I7, "the %s of STAN %06u never ended",
                   attempt->log_word == LOG_UNDONE ? "reversal" : "delivery", attempt->stan);
    } else if (attempt->log_word == LOG_ASKED) {
        world_fail(world, SIM_DRAIN, "STAN %06u has no result at the end", attempt->stan);
    } else if (attempt->outcome == ATTEMPT_DISPUTED) {
        if (is_approved != (live_count(world, index) == 1)) {
            world_fail(world, SIM_I15, "STAN %06u: the log says %s, the bank has %u live postings",
                       attempt->stan, is_approved ? "approved" : "not approved",
                       live_count(world, index));
        }
    } else if (is_approved != (attempt->outcome == ATTEMPT_APPROVED)) {
        world_fail(world, SIM_I15, "%s STAN %06u: the log says %s, the terminal %s",
                   payment_kind_name(attempt->kind), attempt->stan,
                   is_approved ? "approved" : "not approved",
                   attempt->outcome == ATTEMPT_APPROVED ? "approved" : "not approved");
    }
}

/* Replays the whole disk into a second engine and compares (I21). Its extra records, if any, are
 * dropped. */
static void check_replay(struct world *world)
{
    struct engine *twin = engine_create(&world->limits);
    struct engine_effects effects;
    struct engine_event event = {.kind = ENGINE_RULESET,
                                 .now_ns = world->now_ns,
                                 .wall_us = world->wall_us,
                                 .ruleset = world->rulesets[world->rules]};
    engine_step(twin, &event, &effects);
    for (uint32_t i = 0; i < world->durable_count; i++) {
        event.kind = ENGINE_REPLAY;
        event.record = &world->records[i];
        engine_step(twin, &event, &effects);
    }
    if (engine_state_hash(twin) != engine_state_hash(world->engine)) {
        world_fail(world, SIM_I21,
                   "state after replaying %u records differs from the state that wrote them",
                   world->durable_count);
    }
    uint64_t of_twin = 0, of_engine = 0;
    if (engine_usage_hash_before(twin, &of_twin) &&
        engine_usage_hash_before(world->engine, &of_engine) && of_twin != of_engine) {
        world_fail(world, SIM_I21,
                   "after replaying %u records the usage of the day before differs from what the "
                   "state that wrote them counted",
                   world->durable_count);
    }
    engine_destroy(twin);
}

void oracle_at_quiescence(struct world *world)
{
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        if (world->attempts[i].is_impostor || !is_reversible_money(&world->attempts[i])) {
            continue;
        }
        check_reversed_once(world, i);
        check_slip(world, i);
        check_log(world, i);
    }
    oracle_routes_at_quiescence(world);
    struct engine_counts counts;
    engine_count(world->engine, &counts);
    if (counts.reversals_pending > 0) {
        world_fail(world, SIM_I7, "%u reversals are still pending at the end",
                   counts.reversals_pending);
    }
    if (counts.txn_in_flight > 0) {
        world_fail(world, SIM_DRAIN, "%u transactions are still in flight at the end",
                   counts.txn_in_flight);
    }
    /* An answer that gave way early, to a sign-on, is still there after a replay without sign-ons.
     */
    if (world->log == NULL && world->limits.txn_count_max >= SIM_ATTEMPT_COUNT_MAX) {
        check_replay(world);
    }
}
