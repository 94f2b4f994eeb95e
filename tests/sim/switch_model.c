/* The switch as a process that can die: the shipped engine and driver, a disk that syncs in groups,
 * and links that carry what the driver lets out. */
#include <string.h>

#include "protocols/base/require.h"
#include "tests/sim/world.h"

#define HELD_COUNT_MAX 512

static void sync_begin(struct world *world)
{
    if (world->is_syncing || world->syncing_count == world->record_count) {
        return;
    }
    world->is_syncing = true;
    world->syncing_count = world->record_count;
    bool is_slow = world_draw(world, FAULT_DISK_SLOW);
    uint64_t delay_ns =
        is_slow ? world_between(world, 500, 9000) * SIM_MS : world_between(world, 100, 3000) * 1000;
    bool is_failing = world_draw(world, FAULT_SYNC_FAILS);
    world_later(world, delay_ns,
                &(struct agenda_item){.kind = AGENDA_SYNC, .c = is_failing, .payload = UINT32_MAX});
}

static void on_append(void *argument, const struct record *record)
{
    struct world *world = argument;
    REQUIRE(world->record_count < SIM_RECORD_COUNT_MAX);
    world_trace(world, "log %llu: %s %s STAN %06u %s", (unsigned long long)record->position,
                record_kind_name(record->kind), record->terminal_id, record->stan,
                txn_reason_name(record->reason));
    trace_hash_record(&world->trace_hash, record);
    oracle_on_append(world, record);
    world->records[world->record_count++] = *record;
    if (world->log != NULL) {
        world->log->append(world, record);
    }
    sync_begin(world);
}

/* As the other side will read it. */
static uint32_t keep_carried(struct world *world, enum sim_leg leg,
                             const struct engine_effect *effect)
{
    uint32_t slot = world_keep(world, effect->payment);
    if (world->carry != NULL) {
        world->carry(world, leg, &world->payments[slot]);
    }
    return slot;
}

#define UNSENT_IS_REVERSAL (1u << 31)

/* No byte of it leaves, for that reason. */
static void keep_back(struct world *world, const struct engine_effect *effect,
                      enum txn_reason reason)
{
    bool is_reversal = effect->payment->kind == PAYMENT_REVERSAL;
    world_trace(world, "forward %s not sent: %s", effect->payment->rrn, txn_reason_name(reason));
    oracle_on_unsent(world, effect, reason);
    world_later(world, SIM_MS,
                &(struct agenda_item){.kind = AGENDA_UNSENT,
                                      .a = effect->txn.slot,
                                      .b = effect->txn.generation,
                                      .c = (uint32_t)reason << 16 | effect->attempt |
                                           (is_reversal ? UNSENT_IS_REVERSAL : 0),
                                      .payload = UINT32_MAX});
}

static void on_forward(void *argument, const struct engine_effect *effect)
{
    struct world *world = argument;
    uint32_t channel = effect->channel;
    trace_hash_effect(&world->trace_hash, world->now_ns, effect);
    world_trace(world, "forward to bank %u: %s %s (%06u %s) attempt %u", channel,
                payment_kind_name(effect->payment->kind), effect->payment->rrn,
                effect->payment->stan, effect->payment->sent_at, effect->attempt);
    if (!world->is_link_up[channel] || bank_ill(world, channel) == ILL_CONNECT) {
        keep_back(world, effect, TXN_REASON_UNSENT);
        return;
    }
    if (world_draw(world, FAULT_CHANNEL_FULL)) {
        keep_back(world, effect, TXN_REASON_CHANNEL_FULL);
        return;
    }
    oracle_on_forward(world, effect);
    if (world_draw(world, FAULT_BANK_REQUEST_LOST)) {
        world_trace(world, "forward %s lost", effect->payment->rrn);
        return;
    }
    bool is_late = world_draw(world, FAULT_BANK_REQUEST_LATE);
    uint64_t delay_ns =
        is_late ? world_between(world, 30, 100) * SIM_S : world_between(world, 1, 60) * SIM_MS;
    bool is_aged = world_draw(world, FAULT_BANK_REQUEST_AGED);
    if (is_aged && effect->payment->kind != PAYMENT_REVERSAL) {
        delay_ns = world_between(world, 170, 500) * SIM_S;
    }
    world_later(world, delay_ns,
                &(struct agenda_item){.kind = AGENDA_BANK_REQUEST,
                                      .a = channel,
                                      .payload = keep_carried(world, SIM_TO_BANK, effect)});
}

static void on_reply(void *argument, const struct engine_effect *effect)
{
    struct world *world = argument;
    world_trace(world, "reply to %s: %s of %06u: %s (%s)", effect->payment->terminal_id,
                payment_kind_name(effect->payment->kind), effect->payment->stan,
                effect->payment->response_code, txn_reason_name(effect->reason));
    trace_hash_effect(&world->trace_hash, world->now_ns, effect);
    oracle_on_reply(world, effect);
    if (world_draw(world, FAULT_TERMINAL_REPLY_LOST)) {
        world_trace(world, "reply lost");
        return;
    }
    world_later(world, world_between(world, 1, 100) * SIM_MS,
                &(struct agenda_item){.kind = AGENDA_TERMINAL_REPLY,
                                      .a = effect->conn.slot,
                                      .b = effect->conn.generation,
                                      .payload = keep_carried(world, SIM_TO_TERMINAL, effect)});
}

static void on_make_keys(void *argument, const struct engine_effect *effect)
{
    struct world *world = argument;
    trace_hash_effect(&world->trace_hash, world->now_ns, effect);
    bool is_made = !world_draw(world, FAULT_KEYS_FAIL);
    world_later(world, world_between(world, 10, 5000) * 1000,
                &(struct agenda_item){.kind = AGENDA_KEYS,
                                      .a = effect->txn.slot,
                                      .b = effect->txn.generation,
                                      .c = is_made,
                                      .payload = UINT32_MAX});
}

/* The ticket is how many records there are with the order's row, which is durable by now. */
static void on_ordered(void *argument, const struct engine_effect *effect)
{
    struct world *world = argument;
    trace_hash_effect(&world->trace_hash, world->now_ns, effect);
    world_trace(world, "order: %s", order_answer_text(effect->order.answer));
    if (effect->order.answer == ORDER_ANSWER_TAKEN && world->durable_count < effect->order.ticket &&
        !world->has_failed_sync) {
        world_fail(world, SIM_I5, "an order is said to be in force before its row is durable");
    }
}

static void on_notice(void *argument, const struct engine_effect *effect)
{
    struct world *world = argument;
    trace_hash_effect(&world->trace_hash, world->now_ns, effect);
    world_trace(world, "notice: %s", txn_reason_name(effect->reason));
    oracle_routes_on_notice(world, effect);
}

static void on_lookup(void *argument, const struct engine_effect *effect)
{
    struct world *world = argument;
    trace_hash_effect(&world->trace_hash, world->now_ns, effect);
    world_trace(world, "the log is asked %s %s %06u",
                effect->lookup.kind == LOOKUP_BY_RRN ? effect->lookup.rrn : "for",
                effect->lookup.terminal_id, effect->lookup.stan);
    disk_on_lookup(world, effect);
}

static struct engine_event event_of(struct world *world, enum engine_event_kind kind)
{
    return (struct engine_event){.kind = kind,
                                 .now_ns = world->now_ns,
                                 .wall_us = world->wall_us,
                                 .random = sim_random_next(&world->random)};
}

static void plan_tick(struct world *world)
{
    uint64_t deadline_ns = world->has_failed_sync ? UINT64_MAX : engine_deadline_ns(world->engine);
    if (deadline_ns == UINT64_MAX ||
        (world->tick_at_ns > world->now_ns && world->tick_at_ns <= deadline_ns)) {
        return;
    }
    uint64_t delay_ns = deadline_ns > world->now_ns ? deadline_ns - world->now_ns : SIM_MS;
    world->tick_at_ns = world->now_ns + delay_ns;
    world_later(world, delay_ns, &(struct agenda_item){.kind = AGENDA_TICK, .payload = UINT32_MAX});
}

static void step(struct world *world, const struct engine_event *event)
{
    driver_step(world->driver, event);
    oracle_routes_after_step(world);
    plan_tick(world);
}

static void raise_links(struct world *world)
{
    for (uint32_t channel = 0; channel < SIM_CHANNEL_COUNT; channel++) {
        world->is_link_up[channel] = true;
        world->link_generation[channel]++;
        struct engine_event event = event_of(world, ENGINE_CHANNEL);
        event.channel.channel = (uint16_t)channel;
        event.channel.is_up = true;
        step(world, &event);
    }
}

static void on_replay(struct world *world, const struct record *record)
{
    struct engine_event event = event_of(world, ENGINE_REPLAY);
    event.record = record;
    driver_step(world->driver, &event);
}

static void on_usage(struct world *world, const struct usage_sum *sum)
{
    struct engine_event event = event_of(world, ENGINE_USAGE);
    event.usage = sum;
    driver_step(world->driver, &event);
}

void switch_start(struct world *world)
{
    static const struct driver_rim RIM = {.append = on_append,
                                          .forward = on_forward,
                                          .reply = on_reply,
                                          .make_keys = on_make_keys,
                                          .lookup = on_lookup,
                                          .ordered = on_ordered,
                                          .notice = on_notice};
    struct driver_rim rim = RIM;
    rim.argument = world;
    world->engine = engine_create(&world->limits);
    world->driver = driver_create(world->engine, &rim, HELD_COUNT_MAX);
    REQUIRE(world->engine != NULL && world->driver != NULL);
    world->is_alive = true;
    world->tick_at_ns = 0;
    world->incarnation++;
    mark_on_start(world);
    world_trace(world, "the switch starts with %u records", world->durable_count);
    struct engine_event event = event_of(world, ENGINE_RULESET);
    event.ruleset = world->rulesets[world->rules];
    driver_step(world->driver, &event);
    if (world->log != NULL) {
        world->log->replay(world, &(struct world_reader){on_replay, on_usage});
    } else {
        uint32_t replay_count = world->durable_count;
        for (uint32_t i = 0; i < replay_count; i++) {
            on_replay(world, &world->records[i]);
        }
    }
    oracle_orders_on_start(world);
    event = event_of(world, ENGINE_REPLAY_END);
    step(world, &event);
    raise_links(world);
}

void switch_stop(struct world *world)
{
    driver_destroy(world->driver);
    engine_destroy(world->engine);
    world->driver = NULL;
    world->engine = NULL;
    world->is_alive = false;
    world->is_syncing = false;
    world->has_failed_sync = false;
}

/* How many of the records that nobody was told of are on the disk all the same. */
static uint32_t draw_kept(struct world *world)
{
    if (world->log != NULL) {
        return world->log->recover(world) - world->durable_count;
    }
    return (uint32_t)world_between(world, 0, world->record_count - world->durable_count);
}

/* kill -9, or a power cut: of what was not durable, a prefix may have reached the disk. */
void switch_crash(struct world *world)
{
    world_trace(world, "the switch is killed");
    world->crash_count++;
    uint32_t kept = world->has_failed_sync ? 0 : draw_kept(world);
    mark_on_crash(world, world->record_count - world->durable_count - kept, kept);
    world->durable_count += kept;
    bool has_lost_records = world->durable_count < world->record_count;
    switch_stop(world);
    world->record_count = world->durable_count;
    world->syncing_count = world->durable_count;
    oracle_on_crash(world, has_lost_records);
    for (uint32_t channel = 0; channel < SIM_CHANNEL_COUNT; channel++) {
        world->is_link_up[channel] = false;
        world->link_generation[channel]++;
    }
    terminal_on_crash(world);
    world_later(world, world_between(world, 50, 20000) * SIM_MS,
                &(struct agenda_item){.kind = AGENDA_START, .payload = UINT32_MAX});
}

static void on_log_sync(struct world *world, bool is_failing)
{
    if (!world->log->sync(world, is_failing)) {
        switch_crash(world);
        return;
    }
    if (world->syncing_count < world->durable_count) {
        world->syncing_count = world->durable_count;
    }
    driver_durable(world->driver, world->durable_count);
    sync_begin(world);
    plan_tick(world);
}

static void on_sync(struct world *world, const struct agenda_item *item)
{
    world->is_syncing = false;
    if (world->log != NULL) {
        on_log_sync(world, item->c != 0);
        return;
    }
    if (item->c != 0) {
        world_trace(world, "the sync fails");
        world->has_failed_sync = true;
        driver_fail(world->driver);
    }
    if (world->has_failed_sync) {
        /* A later sync says "done" and proves nothing: only bug 8 goes on believing it. */
        driver_durable(world->driver, world->records[world->syncing_count - 1].position);
        if (world_between(world, 0, 3) == 0) {
            switch_crash(world);
            return;
        }
    } else {
        world->durable_count = world->syncing_count;
        driver_durable(world->driver, world->records[world->syncing_count - 1].position);
    }
    sync_begin(world);
    plan_tick(world);
}

/* What the rim saw is one row and nothing else; none while the disk is short. */
static void sight(struct world *world, const char terminal_id[9])
{
    static const enum txn_reason REASONS[] = {TXN_REASON_MAC_FAILED, TXN_REASON_KEYS_MISSING,
                                              TXN_REASON_MALFORMED,  TXN_REASON_TLS_FAILED,
                                              TXN_REASON_STRANGER,   TXN_REASON_IDENTITY_DIFFERS};
    uint32_t before = world->anomaly_count;
    struct engine_event event = event_of(world, ENGINE_SIGHTING);
    memcpy(event.sighting.terminal_id, terminal_id, sizeof(event.sighting.terminal_id));
    event.sighting.reason =
        REASONS[world_between(world, 0, sizeof(REASONS) / sizeof(REASONS[0]) - 1)];
    event.sighting.count = (uint32_t)world_between(world, 1, 1000);
    event.sighting.is_log_short = world_draw(world, FAULT_LOG_SHORT);
    step(world, &event);
    if (world->anomaly_count != before + !event.sighting.is_log_short && !world->has_failed_sync) {
        world_fail(world, SIM_I31, "a sighting of %s left %u cases", terminal_id,
                   world->anomaly_count - before);
    }
}

static void give_for_case(struct order *order)
{
    order->origin = ORDER_OF_CASE;
    order->case_id = 7;
    memcpy(order->actor, ORDER_CASE_ACTOR, sizeof(ORDER_CASE_ACTOR));
}

/* Of any kind, by people or a case; what would stop a terminal for ever is over after a while. */
static void give_order(struct world *world, const struct payment *payment)
{
    struct order order = {.kind = (enum order_kind)world_between(world, 0, ORDER_KIND_COUNT - 1),
                          .actor = "ann"};
    enum order_subject subject = order_kind_subject(order.kind);
    if (world->record_count % 2 == 0) {
        give_for_case(&order);
    }
    bool is_merchants = subject == ORDER_SUBJECT_MERCHANT ||
                        (subject == ORDER_SUBJECT_EITHER && world_between(world, 0, 2) == 0);
    bool is_bound = order.kind == ORDER_STOP || order.kind == ORDER_LIMIT;
    memcpy(order.terminal_id, payment->terminal_id, is_merchants ? 0 : sizeof(order.terminal_id));
    memcpy(order.merchant_id, payment->merchant_id, is_merchants ? sizeof(order.merchant_id) : 0);
    if (is_bound || world_between(world, 0, 1) == 0) {
        order.until_us = world->wall_us + (int64_t)world_between(world, 1, 300) * 1000000;
    }
    order.limit =
        (struct money){(int64_t)world_between(world, 1, (uint64_t)world->amount_next), MONEY_CNY};
    order.times = (uint8_t)world_between(world, 1, 3);
    memcpy(order.plain, "sign on", 7);
    order.plain_length = 7;
    memcpy(order.local, "\xC7\xA9\xB5\xBD", 4);
    order.local_length = world_between(world, 0, 1) == 0 ? 0 : 4;
    world_trace(world, "order: %s of %s%s, by %s", order_kind_name(order.kind), order.terminal_id,
                order.merchant_id, order.actor);
    struct engine_event event = event_of(world, ENGINE_ORDER);
    event.order.order = &order;
    event.order.ticket = world->record_count + 1;
    step(world, &event);
}

static void on_request(struct world *world, const struct agenda_item *item)
{
    if (world_draw(world, FAULT_ORDER_GIVEN)) {
        give_order(world, &world->payments[item->payload]);
    }
    if (world_draw(world, FAULT_RIM_SIGHTING)) {
        sight(world, world->payments[item->payload].terminal_id);
    }
    if (world->carry != NULL) {
        world->carry(world, SIM_FROM_TERMINAL, &world->payments[item->payload]);
    }
    const struct payment *payment = &world->payments[item->payload];
    struct attempt *attempt = attempt_by_key(world, payment);
    if (payment->kind == PAYMENT_REVERSAL && attempt != NULL) {
        attempt->reversal_arrived = true;
    }
    world_trace(world, "request from %s: %s %06u of %lld", payment->terminal_id,
                payment_kind_name(payment->kind), payment->stan, (long long)payment->amount.minor);
    mark_on_request(world, payment, attempt);
    world->terminals[item->a].arrived_ns[item->b % CONN_COUNT_MAX] = world->now_ns;
    uint32_t before = world->record_count;
    struct engine_event event = event_of(world, ENGINE_REQUEST);
    event.request.is_log_short = world_draw(world, FAULT_LOG_SHORT);
    event.request.conn = (struct conn_handle){.slot = item->a, .generation = item->b};
    event.request.payment = payment;
    step(world, &event);
    if (event.request.is_log_short) {
        oracle_on_log_short(world, before);
        if (payment->kind == PAYMENT_REVERSAL && world->record_count > before) {
            world_mark(world, MARK_LOG_SHORT_UNDONE);
        }
    }
}

static void on_response(struct world *world, const struct agenda_item *item)
{
    if (item->b != world->link_generation[item->a]) {
        return;
    }
    if (world->carry != NULL) {
        world->carry(world, SIM_FROM_BANK, &world->payments[item->payload]);
    }
    const struct payment *payment = &world->payments[item->payload];
    world_trace(world, "response from bank %u: %s STAN %06u %s: %s", item->a,
                payment_kind_name(payment->kind), payment->stan, payment->rrn,
                payment->response_code);
    oracle_on_response(world, item->a, payment);
    struct engine_event event = event_of(world, ENGINE_RESPONSE);
    event.response.channel = (uint16_t)item->a;
    event.response.payment = payment;
    uint32_t before = world->anomaly_count;
    step(world, &event);
    if (item->c != 0 && world->anomaly_count == before && !world->has_failed_sync) {
        world_fail(world, SIM_I31, "a response that fits nothing (STAN %06u, %s) left no case",
                   payment->stan, payment->rrn);
    }
}

void switch_found(struct world *world, struct txn_handle txn, bool is_failed, uint32_t count)
{
    struct engine_event event = event_of(world, ENGINE_FOUND);
    event.found.txn = txn;
    event.found.is_failed = is_failed;
    event.found.records = world->found;
    event.found.count = count;
    step(world, &event);
}

void switch_reload(struct world *world)
{
    mark_on_reload(world);
    world->rules ^= 1;
    world_trace(world, "rules %u are in force", world->rules + 1);
    struct engine_event event = event_of(world, ENGINE_RULESET);
    event.ruleset = world->rulesets[world->rules];
    driver_step(world->driver, &event);
}

static void on_cut_over(struct world *world, const struct agenda_item *item)
{
    world_trace(world, "bank %u begins day %u", item->a, SIM_DAY_FIRST + item->b);
    struct engine_event event = event_of(world, ENGINE_CUT_OVER);
    event.cut_over.channel = (uint16_t)item->a;
    event.cut_over.settlement_day = SIM_DAY_FIRST + item->b;
    step(world, &event);
}

static void on_unsent(struct world *world, const struct agenda_item *item)
{
    struct engine_event event = event_of(world, ENGINE_UNSENT);
    event.unsent.txn = (struct txn_handle){item->a, item->b};
    event.unsent.attempt = (uint16_t)item->c;
    event.unsent.is_reversal = (item->c & UNSENT_IS_REVERSAL) != 0;
    event.unsent.reason = (enum txn_reason)((item->c & ~UNSENT_IS_REVERSAL) >> 16);
    step(world, &event);
}

static void on_keys(struct world *world, const struct agenda_item *item)
{
    static const uint8_t KEYS[40] = {0xA5};
    struct engine_event event = event_of(world, ENGINE_KEYS);
    event.keys.txn = (struct txn_handle){item->a, item->b};
    event.keys.is_made = item->c != 0;
    event.keys.field_62 = (struct byte_view){KEYS, sizeof(KEYS)};
    event.keys.records = (struct byte_view){KEYS, sizeof(KEYS)};
    step(world, &event);
}

static void on_link(struct world *world, const struct agenda_item *item)
{
    world_trace(world, "link to bank %u %s", item->a, item->c != 0 ? "up" : "down");
    world->is_link_up[item->a] = item->c != 0;
    if (item->c == 0) {
        oracle_on_link_down(world, item->a);
    }
    world->link_generation[item->a]++;
    struct engine_event event = event_of(world, ENGINE_CHANNEL);
    event.channel.channel = (uint16_t)item->a;
    event.channel.is_up = item->c != 0;
    step(world, &event);
    if (item->c == 0) {
        struct agenda_item up = {.kind = AGENDA_LINK, .a = item->a, .c = 1, .payload = UINT32_MAX};
        world_later(world, world_between(world, 1, 60) * SIM_S, &up);
    }
}

void switch_on_item(struct world *world, const struct agenda_item *item)
{
    switch (item->kind) {
    case AGENDA_SWITCH_REQUEST:
        on_request(world, item);
        break;
    case AGENDA_SWITCH_RESPONSE:
        on_response(world, item);
        break;
    case AGENDA_UNSENT:
        on_unsent(world, item);
        break;
    case AGENDA_FOUND:
        disk_on_found(world, item);
        break;
    case AGENDA_CUT_OVER:
        on_cut_over(world, item);
        break;
    case AGENDA_KEYS:
        on_keys(world, item);
        break;
    case AGENDA_SYNC:
        on_sync(world, item);
        break;
    case AGENDA_LINK:
        on_link(world, item);
        break;
    case AGENDA_TICK: {
        struct engine_event event = event_of(world, ENGINE_TICK);
        world->tick_at_ns = 0;
        step(world, &event);
        break;
    }
    case AGENDA_TERMINAL_ACTS:
    case AGENDA_TERMINAL_GIVES_UP:
    case AGENDA_TERMINAL_RETURNS:
    case AGENDA_TERMINAL_REPLY:
    case AGENDA_BANK_REQUEST:
    case AGENDA_START:
    case AGENDA_HEAL:
        REQUIRE(item->kind == AGENDA_TICK); /* the others are of the world outside the switch */
    }
}
