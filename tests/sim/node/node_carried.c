/* Whether what a restart reads leads where all rows lead (I21). Transactions that are over are not
 * carried, so the two states are compared in what must not be forgotten: terminals with their
 * batches, totals and keys, and how much is in doubt or an operator's. */
#include <string.h>

#include "protocols/base/require.h"
#include "tests/sim/node/node.h"

static struct engine *replay_into(struct world *world, const uint64_t *positions, uint32_t count)
{
    static struct engine_effects effects;
    struct engine *engine = engine_create(&world->limits);
    REQUIRE(engine != NULL);
    struct engine_event event = {.kind = ENGINE_RULESET,
                                 .now_ns = world->now_ns,
                                 .wall_us = world->wall_us,
                                 .ruleset = world->rulesets[world->rules]};
    engine_step(engine, &event, &effects);
    for (uint32_t i = 0; i < count; i++) {
        event.kind = ENGINE_REPLAY;
        event.record = &world->records[positions == NULL ? i : positions[i] - 1];
        engine_step(engine, &event, &effects);
    }
    return engine;
}

static bool is_same_terminal(const struct engine_terminal_view *carried,
                             const struct engine_terminal_view *whole)
{
    char carried_totals[RECORD_TOTALS_SIZE];
    char whole_totals[RECORD_TOTALS_SIZE];
    batch_totals_format(carried_totals, &carried->totals);
    batch_totals_format(whole_totals, &whole->totals);
    return carried->batch == whole->batch && carried->is_signed_on == whole->is_signed_on &&
           carried->settled_as == whole->settled_as && strcmp(carried_totals, whole_totals) == 0;
}

static void compare_terminals(struct world *world, const struct engine *carried,
                              const struct engine *whole)
{
    for (uint32_t i = 0; i < world->terminal_count; i++) {
        struct engine_terminal_view of_carried = {0};
        struct engine_terminal_view of_whole = {0};
        const char *id = world->terminals[i].terminal_id;
        bool is_known = engine_terminal(whole, id, &of_whole);
        engine_terminal(carried, id, &of_carried);
        if (is_known && !is_same_terminal(&of_carried, &of_whole)) {
            world_fail(world, SIM_I21,
                       "terminal %s after a restart: batch %u, signed on %d, settled %d; all rows "
                       "say batch %u, %d, %d, or totals differ",
                       id, of_carried.batch, of_carried.is_signed_on, (int)of_carried.settled_as,
                       of_whole.batch, of_whole.is_signed_on, (int)of_whole.settled_as);
        }
    }
}

void node_check_carried(struct world *world, const uint64_t *positions, uint32_t count,
                        uint32_t record_count)
{
    struct engine_counts of_carried;
    struct engine_counts of_whole;
    struct engine *carried = replay_into(world, positions, count);
    struct engine *whole = replay_into(world, NULL, record_count);
    engine_count(carried, &of_carried);
    engine_count(whole, &of_whole);
    compare_terminals(world, carried, whole);
    if (of_carried.reversals_pending != of_whole.reversals_pending ||
        of_carried.cases != of_whole.cases ||
        of_carried.terminals_signed_on != of_whole.terminals_signed_on ||
        of_carried.log_position != of_whole.log_position) {
        world_fail(
            world, SIM_I21,
            "a restart reads %u of %u rows and has %u to deliver, %u cases; all rows say %u, "
            "%u",
            count, record_count, of_carried.reversals_pending, of_carried.cases,
            of_whole.reversals_pending, of_whole.cases);
    }
    engine_destroy(whole);
    engine_destroy(carried);
}
