/* See core.h. */
#include "switch/core.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "switch/engine/clock_check.h"
#include "switch/net/log.h"

#define NS_PER_MS UINT64_C(1000000)
#define PENDING_EXTRA                                                                              \
    1024u                 /* completions beside those of held effects: channels going up and down */
#define TICK_STEPS_MAX 64 /* a turn; the next one goes on */
#define FIELD_62_BYTES_MAX 128
#define EXIT_FAILED 1
#define EXIT_STORE 69

/* An event that came up inside an effect. */
struct core_pending {
    enum engine_event_kind kind; /* UNSENT, KEYS, CHANNEL, or a FOUND that failed at once */
    struct txn_handle txn;
    uint16_t attempt, channel;
    enum txn_reason reason;
    bool is_good; /* made, or up */
    bool is_reversal;
    uint16_t field_62_length, records_length;
    uint8_t field_62[FIELD_62_BYTES_MAX];
    uint8_t records[RECORD_PAYLOAD_BYTES_MAX];
};

_Static_assert(OPTION_NAME_SIZE == CHANNEL_NAME_SIZE, "one name, whoever holds it");
_Static_assert(OPTION_CHANNEL_COUNT_MAX <= CHANNEL_COUNT_MAX, "each channel has its counts");

/* A search under way. */
struct core_lookup {
    struct core *core;
    struct txn_handle txn;
    struct core_lookup *next; /* while free */
};

struct core {
    struct core_setup setup;
    char folder[OPTION_PATH_SIZE]; /* of the log; the options may go */
    struct engine *engine;         /* owned, as the next two */
    struct driver *driver;
    struct store *store;
    struct loop_hook hook;
    struct core_counts counts;
    uint64_t random_state;
    uint32_t held_count_max, held_reserve;
    uint64_t unplaced_position; /* of the first record that replay found no room for; 0: none */
    bool is_started;
    uint16_t responding; /* the channel whose response is being stepped */
    uint32_t pending_first, pending_count, pending_count_max;
    struct core_lookup *free_lookups, lookups[LOOKUP_UNDER_WAY_MAX];
    struct core_pending
        *pending; /* owned: a ring; one for each effect that may be held, and more */
    bool has_cut_over;
    uint32_t settlement_days[CHANNEL_COUNT_MAX]; /* that the banks told and the engine has not heard
                                                    of; 0: none */
};

/* splitmix64 (Steele, Lea, Flood 2014) from a seed of the kernel: the engine wants bits that peers
 * cannot guess the pattern of, not keys. */
static uint64_t random_next(struct core *core)
{
    uint64_t z = core->random_state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static struct engine_event event_now(struct core *core, enum engine_event_kind kind)
{
    return (struct engine_event){.kind = kind,
                                 .now_ns = loop_now_ns(),
                                 .wall_us = loop_wall_us(),
                                 .random = random_next(core)};
}

/* ---- what the driver lets out ---- */

/* NULL: the record's channel is none of ours any more. */
static struct core_channel_counts *counts_of_channel(struct core *core, const char *name)
{
    const struct channel_table *table = ruleset_channel_view(core->setup.ruleset);
    for (uint16_t i = 0; i < channel_table_count(table); i++) {
        if (strcmp(channel_table_at(table, i)->name, name) == 0) {
            return &core->counts.channels[i];
        }
    }
    return NULL;
}

static void count_oddity(struct core *core, const struct record *record)
{
    struct core_channel_counts *responding = &core->counts.channels[core->responding];
    if (record->kind == RECORD_REVERSAL && record->reason == TXN_REASON_NO_ANSWER) {
        struct core_channel_counts *asked = counts_of_channel(core, record->channel);
        if (asked != NULL) {
            count_add(&asked->timeouts, 1);
        }
    } else if (record->kind == RECORD_ANOMALY && (record->reason == TXN_REASON_LATE_RESPONSE ||
                                                  record->reason == TXN_REASON_LATE_APPROVAL)) {
        count_add(&responding->late, 1);
    } else if (record->kind == RECORD_ANOMALY && record->reason == TXN_REASON_UNMATCHED) {
        count_add(&responding->unmatched, 1);
    }
}

static void rim_append(void *argument, const struct record *record)
{
    struct core *core = argument;
    count_add(&core->counts.records[record->kind], 1);
    count_oddity(core, record);
    store_append(core->store, record);
}

static void rim_forward(void *argument, const struct engine_effect *effect)
{
    struct core *core = argument;
    core->setup.forward(core->setup.argument, effect);
}

static void rim_reply(void *argument, const struct engine_effect *effect)
{
    struct core *core = argument;
    core->setup.reply(core->setup.argument, effect);
}

static void rim_make_keys(void *argument, const struct engine_effect *effect)
{
    struct core *core = argument;
    core->setup.make_keys(core->setup.argument, effect);
}

static bool on_found(void *argument, const struct lookup_answer *answer);
static struct core_pending *pending_add(struct core *core, enum engine_event_kind kind);

static void rim_lookup(void *argument, const struct engine_effect *effect)
{
    struct core *core = argument;
    struct core_lookup *lookup = core->free_lookups;
    if (lookup != NULL) {
        lookup->txn = effect->txn;
        core->free_lookups = lookup->next;
        if (store_lookup(core->store, &effect->lookup, on_found, lookup)) {
            return;
        }
        lookup->next = core->free_lookups;
        core->free_lookups = lookup;
    }
    count_add(&core->counts.lookups_refused, 1);
    pending_add(core, ENGINE_FOUND)->txn = effect->txn;
}

/* Which channel, for which cards, and why. */
static void log_breaker(const struct core *core, const struct engine_effect *effect)
{
    const struct channel_table *channels = ruleset_channel_view(core->setup.ruleset);
    const struct bin_table *bins = ruleset_bin_view(core->setup.ruleset);
    bool is_opened = effect->reason == TXN_REASON_BREAKER_OPENED;
    enum health_fault fault = (enum health_fault)effect->breaker.fault;
    const char *name = effect->channel < channel_table_count(channels)
                           ? channel_table_at(channels, effect->channel)->name
                           : NULL;
    LOG(is_opened ? LOG_WARN : LOG_NOTICE, is_opened ? "breaker_opened" : "breaker_closed",
        LOG_TEXT("channel", name),
        LOG_TEXT("bin_group", bin_table_group_name(bins, effect->breaker.group)),
        LOG_TEXT("fault", is_opened ? health_fault_name(fault) : NULL),
        LOG_TEXT("text", is_opened ? health_fault_text(fault) : txn_reason_text(effect->reason)));
}

static void log_clock(const struct engine_effect *effect)
{
    char text[CLOCK_CHECK_TEXT_SIZE];
    clock_check_text(text, effect->clock_ahead_s);
    LOG(LOG_NOTICE, "terminal_clock", LOG_TEXT("terminal", effect->payment->terminal_id),
        LOG_NUMBER("ahead_s", effect->clock_ahead_s), LOG_TEXT("text", text));
}

static void rim_ordered(void *argument, const struct engine_effect *effect)
{
    struct core *core = argument;
    if (core->setup.ordered != NULL) {
        core->setup.ordered(core->setup.argument, effect->order.ticket, effect->order.answer);
    }
}

static void rim_notice(void *argument, const struct engine_effect *effect)
{
    struct core *core = argument;
    const struct payment *payment = effect->payment;
    count_add(&core->counts.notices[effect->reason], 1);
    if (effect->reason == TXN_REASON_BREAKER_OPENED ||
        effect->reason == TXN_REASON_BREAKER_CLOSED) {
        log_breaker(core, effect);
        return;
    }
    if (effect->reason == TXN_REASON_CLOCK_OFF) {
        log_clock(effect);
        return;
    }
    LOG(LOG_NOTICE, "txn_notice", LOG_TEXT("reason", txn_reason_name(effect->reason)),
        LOG_TEXT("text", txn_reason_text(effect->reason)),
        LOG_TEXT("type", payment == NULL ? NULL : payment_kind_name(payment->kind)),
        LOG_TEXT("terminal", payment == NULL ? NULL : payment->terminal_id),
        LOG_NUMBER("stan", payment == NULL ? 0 : payment->stan),
        LOG_TEXT("txn_id", payment == NULL || payment->rrn[0] == 0 ? NULL : payment->rrn));
}

/* ---- life ---- */

static struct engine_limits limits_of(const struct server_options *options, uint32_t terminal_count)
{
    const struct engine_options *engine = &options->engine;
    struct engine_limits limits = {
        .usage_count_max = options->engine.usage_count_max,
        .txn_count_max = engine->txn_count_max,
        .terminal_count_max = terminal_count,
        .response_timeout_ns = engine->response_timeout_ms * NS_PER_MS,
        .inflight_life_ns = engine->inflight_life_ms * NS_PER_MS,
        .saf_retry_min_ns = engine->saf_retry_min_ms * NS_PER_MS,
        .saf_retry_max_ns = engine->saf_retry_max_ms * NS_PER_MS,
        .saf_life_ns = engine->saf_life_ms * NS_PER_MS,
        .duplicate_window_ns = engine->duplicate_window_ms * NS_PER_MS,
        .signon_timeout_ns = engine->signon_timeout_ms * NS_PER_MS,
        .lookup_timeout_ns = engine->lookup_timeout_ms * NS_PER_MS,
        .capture_ceiling_percent = engine->capture_ceiling_percent,
        .tip_ceiling_percent = engine->tip_ceiling_percent,
        .clock_off_max_s = engine->clock_off_max_s,
        .signon_min_interval_ns = engine->signon_min_interval_ms * NS_PER_MS,
        .status_every_ns = engine->status_every_ms * NS_PER_MS,
        .pin_guard = {engine->pin_fault_window_ms * NS_PER_MS, engine->pin_fault_count_max},
        .saf_window = engine->saf_window,
        .node = options->node,
    };
    memcpy(limits.acquirer_id, options->acquirer_id, sizeof(limits.acquirer_id));
    return limits;
}

/* Terminals that may be enrolled before a restart: those of the table and as many again, since a
 * reload may bring more. */
static uint32_t terminal_count_max(const struct ruleset *ruleset)
{
    uint32_t count = terminal_table_count(ruleset_terminal_view(ruleset));
    return 2 * count + 1024;
}

static bool parts_create(struct core *core)
{
    const struct server_options *options = core->setup.options;
    struct engine_limits limits = limits_of(options, terminal_count_max(core->setup.ruleset));
    struct driver_rim rim = {.append = rim_append,
                             .forward = rim_forward,
                             .reply = rim_reply,
                             .make_keys = rim_make_keys,
                             .lookup = rim_lookup,
                             .ordered = rim_ordered,
                             .notice = rim_notice,
                             .argument = core};
    core->held_count_max = options->engine.held_count_max;
    core->held_reserve = core->held_count_max / 4 + ENGINE_EFFECT_COUNT_MAX;
    core->pending_count_max = core->held_count_max + PENDING_EXTRA;
    core->pending = calloc(core->pending_count_max, sizeof(core->pending[0]));
    core->engine = core->pending == NULL ? NULL : engine_create(&limits);
    core->driver =
        core->engine == NULL ? NULL : driver_create(core->engine, &rim, core->held_count_max);
    return core->driver != NULL && getrandom(&core->random_state, sizeof(core->random_state), 0) ==
                                       (ssize_t)sizeof(core->random_state);
}

struct core *core_create(const struct core_setup *setup, int *exit_code,
                         char reason[STORE_REASON_SIZE])
{
    const struct store_options *options = &setup->options->store;
    struct store_setup store = {.burst_count_max = options->burst_count_max,
                                .queue_count_max = options->queue_count_max,
                                .segment_row_count_max = options->segment_row_count_max,
                                .retention_days = options->retention_days,
                                .reserve_bytes = options->reserve_bytes,
                                .carry_window_us =
                                    (int64_t)setup->options->engine.duplicate_window_ms * 1000,
                                .on_committed = setup->on_committed,
                                .committed_argument = setup->argument};
    struct core *core = calloc(1, sizeof(*core));
    *exit_code = EXIT_FAILED;
    if (core == NULL) {
        snprintf(reason, STORE_REASON_SIZE, "no memory for the core");
        return NULL;
    }
    core->setup = *setup;
    memcpy(core->folder, options->folder, sizeof(core->folder));
    store.folder = core->folder;
    for (uint32_t i = 0; i < LOOKUP_UNDER_WAY_MAX; i++) {
        core->lookups[i] = (struct core_lookup){core, {0, 0}, core->free_lookups};
        core->free_lookups = &core->lookups[i];
    }
    core->store = store_open(&store, reason);
    if (core->store == NULL) {
        *exit_code = EXIT_STORE;
    } else if (!parts_create(core)) {
        snprintf(reason, STORE_REASON_SIZE, "no memory for the engine: lower engine.txn_count_max");
    } else {
        return core;
    }
    core_stop(core);
    core_destroy(core);
    return NULL;
}

static void on_record(void *argument, const struct record *record)
{
    struct core *core = argument;
    if (core->unplaced_position != 0 || !engine_may_replay(core->engine, record)) {
        core->unplaced_position =
            core->unplaced_position == 0 ? record->position : core->unplaced_position;
        return;
    }
    struct engine_event event = event_now(core, ENGINE_REPLAY);
    event.record = record;
    driver_step(core->driver, &event);
    core->setup.on_replayed(core->setup.argument, record);
}

static void on_usage(void *argument, const struct usage_sum *sum)
{
    struct core *core = argument;
    struct engine_event event = event_now(core, ENGINE_USAGE);
    event.usage = sum;
    driver_step(core->driver, &event);
}

/* What limits of today and this month do not know of the log: a full table did not count it, or a
 * clock had run ahead. Selling goes on, and whoever is new is refused until there is room. */
static void say_lost(const struct core *core)
{
    struct engine_counts counts;
    engine_count(core->engine, &counts);
    if (counts.usage_lost_day != 0 || counts.usage_lost_month != 0) {
        LOG(LOG_WARN, "usage_lost", LOG_NUMBER("changes", (int64_t)counts.usage_lost),
            LOG_NUMBER("day", counts.usage_lost_day), LOG_NUMBER("month", counts.usage_lost_month),
            LOG_TEXT("text", "of that day and month (0: whole) some merchants, terminals or cards "
                             "are counted from here on only"),
            LOG_TEXT("do", "raise engine.usage_count_max, or limit fewer keys, then start again"));
    }
}

enum status core_replay(struct core *core, char reason[STORE_REASON_SIZE])
{
    struct engine_event event = event_now(core, ENGINE_RULESET);
    event.ruleset = core->setup.ruleset;
    driver_step(core->driver, &event);
    const struct store_reader reader = {on_record, on_usage, core};
    enum status status = store_replay(core->store, &reader, reason);
    if (status == STATUS_OK && core->unplaced_position != 0) {
        snprintf(
            reason, STORE_REASON_SIZE,
            "the log has more in doubt at record %" PRIu64 " than engine.txn_count_max = %u "
            "holds, or names more than %d channels or %d subjects of orders; raise the option to "
            "what it was",
            core->unplaced_position, core->setup.options->engine.txn_count_max, CHANNEL_COUNT_MAX,
            ORDER_SUBJECT_COUNT_MAX);
        return STATUS_NO_ROOM;
    }
    if (status == STATUS_OK) {
        say_lost(core);
    }
    return status;
}

static void on_durable(void *argument, uint64_t position)
{
    struct core *core = argument;
    driver_durable(core->driver, position);
}

static void on_turn(void *argument);

enum status core_start(struct core *core)
{
    enum status status = store_start(core->store, &core->setup.loop->uv, on_durable, core);
    if (status != STATUS_OK) {
        return status;
    }
    core->is_started = true;
    struct engine_event event = event_now(core, ENGINE_REPLAY_END);
    driver_step(core->driver, &event);
    core->hook = (struct loop_hook){.on_turn = on_turn, .argument = core};
    loop_enroll(core->setup.loop, &core->hook);
    return STATUS_OK;
}

void core_stop(struct core *core)
{
    core->is_started = false;
    if (core->store != NULL) {
        store_close(core->store);
        core->store = NULL;
    }
}

void core_destroy(struct core *core)
{
    if (core != NULL) {
        REQUIRE(core->store == NULL);
        driver_destroy(core->driver);
        engine_destroy(core->engine);
        free(core->pending);
        free(core);
    }
}

/* ---- events ---- */

/* What waits for the end of the turn counts like what is held: the keys of a sign-on and a search
 * that is refused come back at once, however many requests one turn brings. */
bool core_has_room(const struct core *core)
{
    return core->is_started && store_has_room(core->store) &&
           driver_held_count(core->driver) + core->pending_count + core->held_reserve <
               core->held_count_max;
}

bool core_is_crowded(const struct core *core)
{
    return core->is_started &&
           (store_room(core->store) < STORE_OVERFLOW_COUNT / 2 ||
            driver_held_count(core->driver) + core->held_reserve / 2 >= core->held_count_max);
}

/* Whether one more step has room for all that it may write and hold. */
static bool has_step_room(const struct core *core)
{
    return !driver_is_full(core->driver) && store_room(core->store) >= ENGINE_RECORD_COUNT_MAX;
}

void core_request(struct core *core, struct conn_handle conn, const struct payment *payment)
{
    struct engine_event event = event_now(core, ENGINE_REQUEST);
    REQUIRE(!driver_is_full(core->driver));
    event.request.conn = conn;
    event.request.payment = payment;
    event.request.is_log_short = store_is_short(core->store);
    driver_step(core->driver, &event);
}

bool core_sighting(struct core *core, const char terminal_id[9], enum txn_reason reason,
                   uint32_t count)
{
    struct engine_event event = event_now(core, ENGINE_SIGHTING);
    REQUIRE(!driver_is_full(core->driver));
    memcpy(event.sighting.terminal_id, terminal_id, sizeof(event.sighting.terminal_id));
    event.sighting.reason = reason;
    event.sighting.count = count;
    event.sighting.is_log_short = store_is_short(core->store);
    driver_step(core->driver, &event);
    return !engine_is_certificate(reason) || engine_was_told(core->engine, terminal_id, reason);
}

void core_order(struct core *core, const struct order *order, uint64_t ticket)
{
    struct engine_event event = event_now(core, ENGINE_ORDER);
    REQUIRE(!driver_is_full(core->driver));
    event.order.order = order;
    event.order.ticket = ticket;
    driver_step(core->driver, &event);
}

void core_response(struct core *core, uint16_t channel, const struct payment *payment)
{
    struct engine_event event = event_now(core, ENGINE_RESPONSE);
    if (!core->is_started || !has_step_room(core)) {
        /* Safe: without its answer the transaction times out, is told as unknown and reversed. */
        count_add(&core->counts.responses_dropped, 1);
        LOG(LOG_ERROR, "response_dropped", LOG_TEXT("terminal", payment->terminal_id),
            LOG_NUMBER("stan", payment->stan), LOG_TEXT("text", "the log is too slow"));
        return;
    }
    REQUIRE(channel < CHANNEL_COUNT_MAX);
    core->responding = channel;
    event.response.channel = channel;
    event.response.payment = payment;
    driver_step(core->driver, &event);
}

/* The place for one more. A turn lets out at most what was held and one step's effects, and the
 * ring is emptied each turn. */
static struct core_pending *pending_add(struct core *core, enum engine_event_kind kind)
{
    REQUIRE(core->pending_count < core->pending_count_max);
    uint32_t at = (core->pending_first + core->pending_count++) % core->pending_count_max;
    core->pending[at].kind = kind;
    return &core->pending[at];
}

void core_channel(struct core *core, uint16_t channel, bool is_up)
{
    struct core_pending *pending = pending_add(core, ENGINE_CHANNEL);
    pending->channel = channel;
    pending->is_good = is_up;
}

void core_cut_over(struct core *core, uint16_t channel, uint32_t settlement_day)
{
    REQUIRE(channel < CHANNEL_COUNT_MAX);
    core->settlement_days[channel] = settlement_day;
    core->has_cut_over = true;
}

void core_unsent(struct core *core, const struct engine_effect *forward, enum txn_reason reason)
{
    struct core_pending *pending = pending_add(core, ENGINE_UNSENT);
    pending->txn = forward->txn;
    pending->attempt = forward->attempt;
    pending->is_reversal = forward->payment->kind == PAYMENT_REVERSAL;
    pending->reason = reason;
}

void core_keys(struct core *core, struct txn_handle txn, const struct core_keys *keys)
{
    struct core_pending *pending = pending_add(core, ENGINE_KEYS);
    REQUIRE(keys->field_62.length <= sizeof(pending->field_62));
    REQUIRE(keys->records.length <= sizeof(pending->records));
    pending->txn = txn;
    pending->is_good = keys->is_made;
    pending->field_62_length = (uint16_t)keys->field_62.length;
    pending->records_length = (uint16_t)keys->records.length;
    if (keys->is_made) {
        memcpy(pending->field_62, keys->field_62.bytes, keys->field_62.length);
        memcpy(pending->records, keys->records.bytes, keys->records.length);
    }
}

void core_use(struct core *core, const struct ruleset *ruleset)
{
    struct engine_event event = event_now(core, ENGINE_RULESET);
    core->setup.ruleset = ruleset;
    event.ruleset = ruleset;
    driver_step(core->driver, &event);
}

static void pending_step(struct core *core, struct core_pending *pending)
{
    struct engine_event event = event_now(core, pending->kind);
    if (pending->kind == ENGINE_UNSENT) {
        event.unsent.txn = pending->txn;
        event.unsent.attempt = pending->attempt;
        event.unsent.is_reversal = pending->is_reversal;
        event.unsent.reason = pending->reason;
    } else if (pending->kind == ENGINE_FOUND) {
        event.found.txn = pending->txn;
        event.found.is_failed = true;
    } else if (pending->kind == ENGINE_CHANNEL) {
        event.channel.channel = pending->channel;
        event.channel.is_up = pending->is_good;
    } else {
        event.keys.txn = pending->txn;
        event.keys.is_made = pending->is_good;
        event.keys.field_62 = (struct byte_view){pending->field_62, pending->field_62_length};
        event.keys.records = (struct byte_view){pending->records, pending->records_length};
    }
    driver_step(core->driver, &event);
}

static bool on_found(void *argument, const struct lookup_answer *answer)
{
    struct core_lookup *lookup = argument;
    struct core *core = lookup->core;
    if (!core->is_started || !has_step_room(core)) {
        return false; /* offered again at the end of the turn */
    }
    struct engine_event event = event_now(core, ENGINE_FOUND);
    event.found.txn = lookup->txn;
    event.found.is_failed = answer->is_failed;
    event.found.records = answer->records;
    event.found.count = answer->count;
    lookup->next = core->free_lookups;
    core->free_lookups = lookup;
    driver_step(core->driver, &event);
    return true;
}

static void pending_run(struct core *core)
{
    while (core->pending_count > 0 && has_step_room(core)) {
        struct core_pending *pending = &core->pending[core->pending_first];
        pending_step(core, pending);
        secret_wipe(pending->field_62, pending->field_62_length);
        core->pending_first = (core->pending_first + 1) % core->pending_count_max;
        core->pending_count--;
    }
    core->pending_first =
        core->pending_count == 0 ? 0 : core->pending_first; /* stay in the cache */
}

/* However often a bank says it within a turn, the last word counts. */
static void cut_overs_run(struct core *core)
{
    core->has_cut_over = false;
    for (uint32_t i = 0; i < CHANNEL_COUNT_MAX; i++) {
        if (core->settlement_days[i] == 0) {
            continue;
        }
        if (!has_step_room(core)) {
            core->has_cut_over = true;
            return;
        }
        struct engine_event event = event_now(core, ENGINE_CUT_OVER);
        event.cut_over.channel = (uint16_t)i;
        event.cut_over.settlement_day = core->settlement_days[i];
        core->settlement_days[i] = 0;
        driver_step(core->driver, &event);
    }
}

static void time_pass(struct core *core)
{
    for (int i = 0; i < TICK_STEPS_MAX && has_step_room(core) && !core_is_crowded(core); i++) {
        struct engine_event event = event_now(core, ENGINE_TICK);
        if (engine_deadline_ns(core->engine) > event.now_ns) {
            return;
        }
        driver_step(core->driver, &event);
    }
}

/* The order matters: completions and time may write records, which the flush then hands on. */
static void on_turn(void *argument)
{
    struct core *core = argument;
    if (core->is_started) {
        if (core->has_cut_over) {
            cut_overs_run(core);
        }
        pending_run(core);
        store_deliver(core->store);
        if (engine_deadline_ns(core->engine) <= loop_now_ns()) {
            time_pass(core);
        }
        store_flush(core->store);
    }
}

/* ---- views ---- */

const struct engine *core_engine(const struct core *core)
{
    return core->engine;
}

const struct store *core_store(const struct core *core)
{
    return core->store;
}

void core_purge(struct core *core, uint32_t days)
{
    store_purge_soon(core->store, days);
}

uint32_t core_held_count(const struct core *core)
{
    return driver_held_count(core->driver);
}

bool core_is_idle(const struct core *core)
{
    struct engine_counts counts;
    engine_count(core->engine, &counts);
    return counts.txn_in_flight == 0 && driver_held_count(core->driver) == 0 &&
           core->pending_count == 0;
}

const struct core_counts *core_count(const struct core *core)
{
    return &core->counts;
}
