/* See world.h. The loop: take the earliest item, move the clock, hand it over, look for failures.
 */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

#define SAFETY_PHASE_NS (900 * SIM_S)
#define DRAIN_NS (3 * 3600 * SIM_S)
#define CRASH_COUNT_MAX 4
#define SMALL_SLAB_PERMILLE 150
#define SMALL_TXN_COUNT 12 /* fewer than a seed has transactions, more than are ever in doubt */
#define WALL_START_US INT64_C(1767225600000000) /* 2026-01-01 00:00:00 UTC */

static const struct engine_limits LIMITS = {
    .txn_count_max = 128,
    .terminal_count_max = 8,
    .response_timeout_ns = 45 * SIM_S,
    .inflight_life_ns = 120 * SIM_S,
    .saf_retry_min_ns = 5 * SIM_S,
    .saf_retry_max_ns = 60 * SIM_S,
    .saf_life_ns = 7 * 86400 * SIM_S,
    .duplicate_window_ns = 6 * 3600 * SIM_S,
    .signon_timeout_ns = 5 * SIM_S,
    .lookup_timeout_ns = 5 * SIM_S,
    .capture_ceiling_percent = 115,
    .tip_ceiling_percent = 120,
    .saf_window = 4,
    .node = 1,
    .acquirer_id = "00085500",
};

const char *sim_invariant_name(enum sim_invariant invariant)
{
    static const char *const NAMES[] = {"none",
#define X(name, text) #name,
                                        SIM_INVARIANT_MAP(X)
#undef X
    };
    return NAMES[invariant];
}

const char *sim_invariant_text(enum sim_invariant invariant)
{
    static const char *const TEXTS[] = {"all held",
#define X(name, text) text,
                                        SIM_INVARIANT_MAP(X)
#undef X
    };
    return TEXTS[invariant];
}

struct world *world_create(const struct ruleset *const *rulesets)
{
    struct world *world = calloc(1, sizeof(*world));
    if (world != NULL) {
        world->rulesets = rulesets;
        world->limits = LIMITS;
        world->cut = (struct sim_cut){.terminal_count_max = SIM_TERMINAL_COUNT_MAX,
                                      .transaction_count_max = SIM_TRANSACTION_COUNT_MAX};
    }
    return world;
}

void world_destroy(struct world *world)
{
    free(world);
}

void world_fail(struct world *world, enum sim_invariant invariant, const char *format, ...)
{
    if (world->failure.invariant != SIM_NONE) {
        return;
    }
    world->failure.invariant = invariant;
    world->failure.event = world->event_count;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(world->failure.reason, sizeof(world->failure.reason), format, arguments);
    va_end(arguments);
}

void world_trace(const struct world *world, const char *format, ...)
{
    if (!world->is_traced) {
        return;
    }
    printf("%6llu %10.3f s  ", (unsigned long long)world->event_count, (double)world->now_ns / 1e9);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

bool world_draw(struct world *world, enum sim_fault fault)
{
    return sim_random_permille(&world->random, world->faults.permille[fault]);
}

uint64_t world_between(struct world *world, uint64_t min, uint64_t max)
{
    return sim_random_between(&world->random, min, max);
}

uint32_t world_keep(struct world *world, const struct payment *from)
{
    REQUIRE(world->payment_free_count > 0);
    uint32_t slot = world->payment_free[--world->payment_free_count];
    payment_copy(&world->payments[slot], from);
    return slot;
}

void world_later(struct world *world, uint64_t delay_ns, const struct agenda_item *item)
{
    struct agenda_item added = *item;
    added.when_ns = world->now_ns + delay_ns;
    added.incarnation = world->incarnation;
    agenda_add(&world->agenda, &added);
}

struct attempt *attempt_by_key(struct world *world, const struct payment *payment)
{
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        struct attempt *attempt = &world->attempts[i];
        const struct terminal_model *terminal = &world->terminals[attempt->terminal];
        if (!attempt->is_impostor && attempt->stan == payment->stan &&
            attempt->batch == payment->batch &&
            strcmp(terminal->terminal_id, payment->terminal_id) == 0) {
            return attempt;
        }
    }
    return NULL;
}

/* Some logs are old: their epoch is about to need a fifth digit. */
static void begin_log(struct world *world)
{
    if (!sim_random_permille(&world->random, 50)) {
        return;
    }
    world->records[0] = (struct record){
        .position = 1,
        .kind = RECORD_EPOCH,
        .wall_us = world->wall_us,
        .txn = {.epoch = (uint32_t)world_between(world, 9996, 9999)},
    };
    world->record_count = world->durable_count = world->syncing_count = 1;
}

/* What stands in for unknown originals may fill a quarter of the slab only; a seed with a small one
 * has none of the faults that make them. */
static void keep_tombstones_few(struct sim_faults *faults)
{
    static const enum sim_fault MAKERS[] = {
        FAULT_TERMINAL_REQUEST_LOST, FAULT_TERMINAL_REQUEST_LATE, FAULT_TERMINAL_REVERSES_EARLY,
        FAULT_TERMINAL_REVERSAL_FIRST};
    for (uint32_t i = 0; i < sizeof(MAKERS) / sizeof(MAKERS[0]); i++) {
        faults->permille[MAKERS[i]] = 0;
    }
}

static void draw_limits(struct world *world)
{
    sim_faults_draw(&world->drawn_faults, &world->random);
    bool is_small = sim_random_permille(&world->random, SMALL_SLAB_PERMILLE);
    world->limits.saf_window = (uint16_t)world_between(world, 1, LIMITS.saf_window);
    world->limits.txn_count_max = is_small ? SMALL_TXN_COUNT : LIMITS.txn_count_max;
    if (is_small) {
        keep_tombstones_few(&world->drawn_faults);
    }
    world->is_calm = true;
    for (uint32_t i = 0; i < FAULT_COUNT; i++) {
        world->is_calm = world->is_calm && world->drawn_faults.permille[i] == 0;
    }
    world->faults = world->drawn_faults;
    for (uint32_t i = 0; i < FAULT_COUNT; i++) {
        if ((world->cut.faults_off >> i & 1) != 0) {
            world->faults.permille[i] = 0;
        }
    }
}

/* Which kinds of transactions there are: sales always, the others by lot. */
static void draw_kinds(struct world *world)
{
    world->kinds = UINT64_C(1) << PAYMENT_PURCHASE;
    bool is_plain = sim_random_permille(&world->random, 150);
    for (uint32_t i = 0; i < SIM_KIND_ROW_COUNT; i++) {
        bool is_on = sim_random_permille(&world->random, 500);
        if (is_on && !is_plain) {
            world->kinds |= UINT64_C(1) << sim_kind_at(i)->kind;
        }
    }
    world->has_settlements = sim_random_permille(&world->random, 400) && !is_plain;
}

/* Half of the seeds have routes without breakers, in order. */
static void draw_rules(struct world *world)
{
    bool is_simple = sim_random_permille(&world->random, 500);
    uint32_t pair = (uint32_t)world_between(world, 1, SIM_RULES_PAIR_COUNT - 1);
    world->rules = is_simple ? 0 : 2 * pair;
    if (rules_limits(world->rules + 1) != NULL) {
        /* What a tip adds depends on the one before: the sums could be told to a range only. */
        world->kinds &= ~(UINT64_C(1) << PAYMENT_OFFLINE_ADVICE);
    }
}

static void world_reset(struct world *world, uint64_t seed)
{
    world->seed = seed;
    world->now_ns = SIM_S;
    world->event_count = 0;
    world->wall_us = WALL_START_US;
    world->is_healing = world->is_alive = world->has_failed_sync = false;
    world->random = (struct sim_random){.state = seed};
    world->failure = (struct sim_failure){.invariant = SIM_NONE};
    world->incarnation = world->crash_count = 0;
    world->record_count = world->durable_count = world->syncing_count = 0;
    world->is_syncing = false;
    world->day_count = 0;
    memset(world->books, 0, sizeof(world->books));
    memset(world->ailments, 0, sizeof(world->ailments));
    world->lookup_next = world->anomaly_count = 0;
    memset(world->bank_day, 0, sizeof(world->bank_day));
    memset(world->told_day, 0, sizeof(world->told_day));
    memset(world->orders, 0, sizeof(world->orders));
    world->written_count = world->answered_count = 0;
    memset(world->unanswered_count, 0, sizeof(world->unanswered_count));
    world->attempt_count = world->posting_count = world->reversal_seen_count = 0;
    world->amount_next = 100001;
    agenda_init(&world->agenda);
    world->payment_free_count = SIM_PAYMENT_COUNT_MAX;
    for (uint32_t i = 0; i < SIM_PAYMENT_COUNT_MAX; i++) {
        world->payment_free[i] = SIM_PAYMENT_COUNT_MAX - 1 - i;
    }
    draw_limits(world);
    draw_kinds(world);
    draw_rules(world);
    trace_hash_begin(&world->trace_hash, seed);
    begin_log(world);
}

static void maybe_crash(struct world *world)
{
    bool is_drawn = world_draw(world, FAULT_CRASH);
    if (is_drawn && world->is_alive && world->crash_count < CRASH_COUNT_MAX) {
        switch_crash(world);
    }
}

#define BANK_DAY_MAX 3

static void maybe_cut_over(struct world *world)
{
    uint32_t channel = (uint32_t)(sim_random_next(&world->random) % SIM_CHANNEL_COUNT);
    bool is_drawn = world_draw(world, FAULT_CUT_OVER);
    if (is_drawn && world->bank_day[channel] < BANK_DAY_MAX) {
        world->bank_day[channel]++;
        world_later(world, world_between(world, 1, 900) * SIM_MS,
                    &(struct agenda_item){.kind = AGENDA_CUT_OVER,
                                          .a = channel,
                                          .b = world->bank_day[channel],
                                          .payload = UINT32_MAX});
    }
}

static void maybe_reload(struct world *world)
{
    bool is_drawn = world_draw(world, FAULT_RULES_CHANGE);
    if (is_drawn && world->is_alive && !world->has_failed_sync) {
        switch_reload(world);
    }
}

static void maybe_link_down(struct world *world)
{
    uint32_t channel = (uint32_t)(sim_random_next(&world->random) % SIM_CHANNEL_COUNT);
    bool is_drawn = world_draw(world, FAULT_LINK_DOWN);
    if (is_drawn && world->is_alive && world->is_link_up[channel]) {
        world_later(world, 0,
                    &(struct agenda_item){
                        .kind = AGENDA_LINK, .a = channel, .c = 0, .payload = UINT32_MAX});
    }
}

static void move_clock(struct world *world, uint64_t when_ns)
{
    world->wall_us += (int64_t)((when_ns - world->now_ns) / 1000);
    world->now_ns = when_ns;
    if (world_draw(world, FAULT_WALL_STEPS)) {
        mark_on_wall_step(world);
        world->wall_us +=
            (int64_t)world_between(world, 0, 2 * UINT64_C(86400000000)) - INT64_C(86400000000);
    }
}

/* Items of the switch's inside belong to one run of the process. */
static bool is_void(const struct world *world, const struct agenda_item *item)
{
    return !world->is_alive || item->incarnation != world->incarnation;
}

static void heal(struct world *world)
{
    world_trace(world, "all faults end");
    world->is_healing = true;
    sim_faults_heal(&world->faults);
    memset(world->ailments, 0, sizeof(world->ailments));
    world->healed_ns = world->now_ns;
    for (uint32_t i = 0; i < world->terminal_count; i++) {
        world_later(
            world, world_between(world, 100, 250) * SIM_S,
            &(struct agenda_item){.kind = AGENDA_TERMINAL_RETURNS, .a = i, .payload = UINT32_MAX});
    }
    if (world->has_failed_sync) {
        switch_crash(world);
    }
}

static void on_item(struct world *world, const struct agenda_item *item)
{
    switch (item->kind) {
    case AGENDA_TERMINAL_ACTS:
        terminal_on_act(world, item->a);
        break;
    case AGENDA_TERMINAL_GIVES_UP:
        terminal_on_give_up(world, item->a, item->b);
        break;
    case AGENDA_TERMINAL_RETURNS:
        terminal_on_return(world, item->a);
        break;
    case AGENDA_TERMINAL_REPLY:
        terminal_on_reply(world, item);
        break;
    case AGENDA_BANK_REQUEST:
        bank_on_request(world, item->a, &world->payments[item->payload]);
        break;
    case AGENDA_CUT_OVER: /* said until it is heard */
        if (world->is_alive && world->is_link_up[item->a]) {
            switch_on_item(world, item);
        } else {
            world_later(world, 5 * SIM_S, item);
        }
        break;
    case AGENDA_START:
        switch_start(world);
        break;
    case AGENDA_HEAL:
        heal(world);
        break;
    case AGENDA_SWITCH_REQUEST: /* on its way through the network, whoever will be there */
        if (world->is_alive) {
            switch_on_item(world, item);
        }
        break;
    case AGENDA_SWITCH_RESPONSE:
    case AGENDA_UNSENT:
    case AGENDA_KEYS:
    case AGENDA_SYNC:
    case AGENDA_FOUND:
    case AGENDA_LINK:
    case AGENDA_TICK:
        if (!is_void(world, item)) {
            switch_on_item(world, item);
        }
        break;
    }
}

bool world_run(struct world *world, uint64_t seed, uint64_t event_limit)
{
    world_reset(world, seed);
    switch_start(world);
    terminal_models_start(world);
    world_later(world, SAFETY_PHASE_NS,
                &(struct agenda_item){.kind = AGENDA_HEAL, .payload = UINT32_MAX});
    struct agenda_item item;
    while (world->failure.invariant == SIM_NONE && world->event_count < event_limit &&
           agenda_next(&world->agenda, &item)) {
        if (item.when_ns > SAFETY_PHASE_NS + DRAIN_NS) {
            break; /* what is still open now is found by the oracles */
        }
        move_clock(world, item.when_ns);
        world->event_count++;
        on_item(world, &item);
        if (item.payload != UINT32_MAX) {
            world->payment_free[world->payment_free_count++] = item.payload;
        }
        maybe_reload(world);
        maybe_cut_over(world);
        maybe_crash(world);
        maybe_link_down(world);
        bank_maybe_ail(world);
    }
    if (world->failure.invariant == SIM_NONE && world->event_count < event_limit) {
        oracle_at_quiescence(world);
    }
    if (world->log != NULL && world->failure.invariant == SIM_NONE &&
        world->event_count < event_limit) {
        world->log->finish(world);
    }
    if (world->is_alive) {
        switch_stop(world);
    }
    return world->failure.invariant == SIM_NONE;
}
