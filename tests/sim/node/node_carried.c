/* Whether what a restart reads leads where all rows lead (I21). Transactions that are over are not
 * carried, so the two states are compared in what must not be forgotten: terminals with their
 * batches, totals and keys, in how much is in doubt or an operator's, and in what was taken of the
 * latest day and month. */
#include <string.h>

#include "protocols/base/require.h"
#include "tests/sim/node/node.h"

static void tell_usage(struct world *world, const struct node_usage *usage,
                       const struct world_reader *reader)
{
    reader->on_usage(world, NULL);
    for (uint32_t i = 0; i < usage->count; i++) {
        reader->on_usage(world, &usage->sums[i]);
    }
}

void node_replay(struct world *world, const struct node_reading *reading,
                 const struct world_reader *reader)
{
    const struct node_usage *usage = reading->usage;
    for (uint32_t i = 0; i < reading->count; i++) {
        if (usage->is_told && i == usage->before) {
            tell_usage(world, usage, reader);
        }
        reader->on_record(world, &world->records[reading->positions[i] - 1]);
    }
    if (usage->is_told && usage->before == reading->count) {
        tell_usage(world, usage, reader);
    }
}

/* The engine that a replay is told. */
static struct engine *listener;

static struct engine_event event_of(const struct world *world, enum engine_event_kind kind)
{
    return (struct engine_event){.kind = kind,
                                 .now_ns = world->now_ns,
                                 .wall_us = world->wall_us,
                                 .ruleset = world->rulesets[world->rules]};
}

static void on_record(struct world *world, const struct record *record)
{
    static struct engine_effects effects;
    struct engine_event event = event_of(world, ENGINE_REPLAY);
    event.record = record;
    engine_step(listener, &event, &effects);
}

static void on_usage(struct world *world, const struct usage_sum *sum)
{
    static struct engine_effects effects;
    struct engine_event event = event_of(world, ENGINE_USAGE);
    event.usage = sum;
    engine_step(listener, &event, &effects);
}

/* NULL: of all rows up to `count`. */
static struct engine *replay_into(struct world *world, const struct node_reading *reading,
                                  uint32_t count)
{
    static struct engine_effects effects;
    const struct engine_event event = event_of(world, ENGINE_RULESET);
    listener = engine_create(&world->limits);
    REQUIRE(listener != NULL);
    engine_step(listener, &event, &effects);
    if (reading != NULL) {
        node_replay(world, reading, &(struct world_reader){on_record, on_usage});
    }
    for (uint32_t i = 0; reading == NULL && i < count; i++) {
        on_record(world, &world->records[i]);
    }
    return listener;
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

static void compare_usage(struct world *world, const struct node_reading *reading,
                          const struct engine *carried, const struct engine *whole)
{
    uint64_t of_carried = 0, of_whole = 0;
    bool is_comparable = engine_usage_hash_before(carried, &of_carried) &&
                         engine_usage_hash_before(whole, &of_whole);
    /* What a clock that ran days ahead made a merchant lose live, sums may bring back. */
    bool is_other = engine_usage_is_whole(carried) && engine_usage_is_whole(whole) &&
                    engine_usage_hash(carried) != engine_usage_hash(whole);
    if (is_other || (is_comparable && of_carried != of_whole)) {
        world_fail(world, SIM_I21,
                   "after a restart that reads %u sums of usage, more or less was taken %s than "
                   "all rows say",
                   reading->usage->count, is_other ? "on the latest day" : "on the day before");
    }
}

void node_check_carried(struct world *world, const struct node_reading *reading,
                        uint32_t record_count)
{
    struct engine_counts of_carried;
    struct engine_counts of_whole;
    struct engine *carried = replay_into(world, reading, 0);
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
            reading->count, record_count, of_carried.reversals_pending, of_carried.cases,
            of_whole.reversals_pending, of_whole.cases);
    }
    compare_usage(world, reading, carried, whole);
    engine_destroy(whole);
    engine_destroy(carried);
}
