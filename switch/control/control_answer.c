/* From the plain structs of the rim to messages, member by member. */
#include "switch/control/control_answer.h"

#include <stdio.h>
#include <string.h>

#include "switch/engine/terminal_request.h"
#include "switch/engine/upload.h"

/* protobuf-c wants texts that may be written; it only reads them to pack. */
static char *text_of(const char *text)
{
    return (char *)(uintptr_t)text;
}

static char *text_or_none(const char *text)
{
    return text[0] == '\0' ? NULL : text_of(text);
}

static const char *state_word(enum control_state state)
{
    static const char *const words[] = {
#define X(name, word) [CONTROL_##name] = (word),
        CONTROL_STATE_MAP(X)
#undef X
    };
    return words[state];
}

static void engine_fill(Control__Engine *engine, const struct control_status *status)
{
    const struct engine_counts *counts = &status->engine;
    control__engine__init(engine);
    engine->txn_in_flight = counts->txn_in_flight;
    engine->txn_remembered = counts->txn_remembered;
    engine->reversals_pending = counts->reversals_pending;
    engine->reversals_in_flight = counts->reversals_in_flight;
    engine->cases = counts->cases;
    engine->log_position = counts->log_position;
    engine->saf_oldest_age_ns = counts->saf_oldest_ns == 0 || status->now_ns < counts->saf_oldest_ns
                                    ? 0
                                    : status->now_ns - counts->saf_oldest_ns;
    engine->held = status->effects_held;
    engine->epoch = status->epoch;
}

static void store_fill(Control__Store *store, const struct store_counts *counts)
{
    control__store__init(store);
    store->rows = counts->rows;
    store->commits = counts->commits;
    store->position_durable = counts->position_durable;
    store->queued = counts->queued;
    store->commit_ns_total = counts->commit_ns_total;
    store->commit_ns_max = counts->commit_ns_max;
    store->free_bytes = counts->free_bytes;
}

static void listener_fill(Control__Listener *listener, const struct control_listener *from)
{
    control__listener__init(listener);
    listener->name = text_of(from->name);
    listener->address = text_of(from->address);
    listener->port = from->port;
    listener->is_tls = from->is_tls;
    listener->is_listening = from->is_listening;
    listener->open = from->open;
    listener->accepted = from->accepted;
    listener->refused = from->refused;
}

static void link_fill(Control__Link *link, const struct control_link *from)
{
    control__link__init(link);
    link->address = text_of(from->address);
    link->port = from->port;
    link->state = text_of(from->state);
    link->since_wall_us = from->since_wall_us;
    link->inflight = from->inflight;
    link->connects = from->connects;
    link->text = text_or_none(from->text);
}

static bool channel_fill(struct control_arena *arena, Control__Channel *channel,
                         const struct control_channel *from)
{
    control__channel__init(channel);
    channel->name = text_of(from->name);
    channel->is_up = from->is_up;
    channel->inflight = from->inflight;
    channel->window = from->window;
    channel->requests = from->requests;
    channel->answers = from->answers;
    channel->timeouts = from->timeouts;
    channel->late = from->late;
    channel->unmatched = from->unmatched;
    channel->breaker = text_of(health_state_name(from->breaker));
    channel->breaker_reason = text_or_none(from->breaker_reason);
    channel->has_breaker_openings = true;
    channel->breaker_openings = from->breaker_openings;
    channel->links = control_arena_take(arena, sizeof(Control__Link *) * CONTROL_LINK_COUNT_MAX);
    if (channel->links == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < from->link_count && i < CONTROL_LINK_COUNT_MAX; i++) {
        Control__Link *link = control_arena_take(arena, sizeof(*link));
        if (link == NULL) {
            return false;
        }
        link_fill(link, &from->links[i]);
        channel->links[channel->n_links++] = link;
    }
    return true;
}

static bool channels_fill(struct control_arena *arena, Control__Status *answer,
                          const struct control_status *status)
{
    answer->channels =
        control_arena_take(arena, sizeof(Control__Channel *) * CONTROL_CHANNEL_COUNT_MAX);
    if (answer->channels == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < status->channel_count && i < CONTROL_CHANNEL_COUNT_MAX; i++) {
        Control__Channel *channel = control_arena_take(arena, sizeof(*channel));
        if (channel == NULL || !channel_fill(arena, channel, &status->channels[i])) {
            return false;
        }
        answer->channels[answer->n_channels++] = channel;
    }
    return true;
}

static bool listeners_fill(struct control_arena *arena, Control__Status *answer,
                           const struct control_status *status)
{
    answer->listeners =
        control_arena_take(arena, sizeof(Control__Listener *) * CONTROL_LISTENER_COUNT_MAX);
    if (answer->listeners == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < status->listener_count && i < CONTROL_LISTENER_COUNT_MAX; i++) {
        Control__Listener *listener = control_arena_take(arena, sizeof(*listener));
        if (listener == NULL) {
            return false;
        }
        listener_fill(listener, &status->listeners[i]);
        answer->listeners[answer->n_listeners++] = listener;
    }
    return true;
}

static void plain_fill(Control__Status *answer, const struct control_status *status)
{
    answer->version = text_of(status->version);
    answer->revision = text_of(status->revision);
    answer->node = status->node;
    answer->state = text_of(state_word(status->state));
    answer->started_wall_us = status->started_wall_us;
    answer->uptime_ns = status->uptime_ns;
    answer->wall_us = status->wall_us;
    answer->ruleset_version = status->ruleset_version;
    answer->config_loaded_wall_us = status->config_loaded_wall_us;
    answer->is_config_good = status->is_config_good;
    answer->config_text = text_or_none(status->config_text);
}

Control__Status *control_answer_status(struct control_arena *arena,
                                       const struct control_status *status)
{
    Control__Status *answer = control_arena_take(arena, sizeof(*answer));
    Control__Engine *engine = control_arena_take(arena, sizeof(*engine));
    Control__Store *store = control_arena_take(arena, sizeof(*store));
    Control__Terminals *terminals = control_arena_take(arena, sizeof(*terminals));
    if (answer == NULL || engine == NULL || store == NULL || terminals == NULL) {
        return NULL;
    }
    control__status__init(answer);
    plain_fill(answer, status);
    engine_fill(engine, status);
    store_fill(store, &status->store);
    control__terminals__init(terminals);
    terminals->registered = status->terminals_registered;
    terminals->signed_on = status->engine.terminals_signed_on;
    terminals->connected = status->terminal_conns;
    answer->engine = engine;
    answer->store = store;
    answer->terminals = terminals;
    return listeners_fill(arena, answer, status) && channels_fill(arena, answer, status) ? answer
                                                                                         : NULL;
}

static Control__BatchSum *sum_take(struct control_arena *arena, const struct batch_sum *sum)
{
    Control__BatchSum *answer = control_arena_take(arena, sizeof(*answer));
    if (answer != NULL) {
        control__batch_sum__init(answer);
        answer->minor = sum->minor;
        answer->count = sum->count;
    }
    return answer;
}

/* "printer, display"; NULL: all is well. */
static char *faulty_take(struct control_arena *arena, uint8_t faulty)
{
    char *text = faulty == 0 ? NULL : control_arena_take(arena, CONTROL_TEXT_SIZE);
    size_t length = 0;
    for (unsigned bit = 1; text != NULL && upload_device_name(bit) != NULL; bit++) {
        if ((faulty >> bit & 1) != 0) {
            length += (size_t)snprintf(text + length, CONTROL_TEXT_SIZE - length, "%s%s",
                                       length > 0 ? ", " : "", upload_device_name(bit));
        }
    }
    return text;
}

static Control__TerminalDay *day_take(struct control_arena *arena,
                                      const struct engine_terminal_view *view)
{
    static const char *const SETTLED[] = {[BATCH_ASKED] = "no",
                                          [BATCH_EQUAL] = "equal",
                                          [BATCH_DIFFERENT] = "different",
                                          [BATCH_ERROR] = "no"};
    Control__TerminalDay *day = control_arena_take(arena, sizeof(*day));
    if (day == NULL) {
        return NULL;
    }
    control__terminal_day__init(day);
    day->domestic_debit = sum_take(arena, &view->totals.domestic_debit);
    day->domestic_credit = sum_take(arena, &view->totals.domestic_credit);
    day->foreign_debit = sum_take(arena, &view->totals.foreign_debit);
    day->foreign_credit = sum_take(arena, &view->totals.foreign_credit);
    day->settled = text_of(SETTLED[view->settled_as]);
    day->status_wall_us = view->status_wall_us;
    day->faulty = faulty_take(arena, view->faulty);
    day->has_clock_ahead_s = view->clock_wall_us != 0;
    day->clock_ahead_s = view->clock_ahead_s;
    day->wanted = text_or_none(terminal_request_text(view->terminal_request));
    bool is_whole = day->domestic_debit != NULL && day->domestic_credit != NULL &&
                    day->foreign_debit != NULL && day->foreign_credit != NULL;
    return is_whole ? day : NULL;
}

/* False: no memory. */
static bool put_keys(struct control_arena *arena, struct control_terminal *terminal,
                     Control__Terminal *answer)
{
    answer->keys = control_arena_take(arena, sizeof(Control__Key *) * CONTROL_KEY_COUNT_MAX);
    for (uint32_t i = 0; answer->keys != NULL && i < terminal->key_count; i++) {
        Control__Key *key = control_arena_take(arena, sizeof(*key));
        if (key == NULL) {
            return false;
        }
        control__key__init(key);
        key->name = terminal->keys[i].name;
        key->kcv = terminal->keys[i].kcv;
        answer->keys[answer->n_keys++] = key;
    }
    return answer->keys != NULL;
}

/* NULL: it is not known, or no memory. */
static Control__TerminalWatch *watch_take(struct control_arena *arena,
                                          const struct control_watch *watch)
{
    const struct watch_terminal_view *view = &watch->view;
    Control__TerminalWatch *told =
        watch->fault != NULL ? NULL : control_arena_take(arena, sizeof(*told));
    if (told == NULL) {
        return NULL;
    }
    control__terminal_watch__init(told);
    told->as_of_us = watch->as_of_us;
    told->last_seen_us = view->last_seen_us;
    told->last_signon_us = view->last_signon_us;
    told->last_settled_us = view->last_settled_us;
    told->last_payment_us = view->last_payment_us;
    told->payments_day = view->payments_day;
    told->declines_day = view->declines_day;
    told->timeouts_day = view->timeouts_day;
    told->reversals = view->reversals_day;
    told->mac_failures = view->mac_failures_hour;
    told->tls_failures = view->tls_failures_hour;
    told->fallback_per_mille = view->fallback_per_mille;
    return told;
}

Control__Terminal *control_answer_terminal(struct control_arena *arena,
                                           struct control_terminal *terminal)
{
    Control__Terminal *answer = control_arena_take(arena, sizeof(*answer));
    if (answer == NULL) {
        return NULL;
    }
    const struct engine_terminal_view *view = &terminal->view;
    control__terminal__init(answer);
    answer->terminal_id = text_of(view->terminal_id);
    answer->merchant_id = text_of(view->merchant_id);
    answer->is_registered = terminal->is_registered;
    answer->is_active = terminal->is_active;
    answer->brand = text_or_none(terminal->brand);
    answer->model = text_or_none(terminal->model);
    answer->is_signed_on = view->is_signed_on;
    answer->batch = view->batch;
    answer->signed_on_wall_us = view->signed_on_wall_us;
    answer->last_seen_wall_us = view->last_seen_wall_us;
    answer->requests = view->requests;
    answer->approved = view->approved;
    answer->declined = view->declined;
    answer->refused = view->refused;
    answer->unknown = view->unknown;
    answer->reversals = view->reversals;
    answer->is_connected = terminal->is_connected;
    answer->address = text_or_none(terminal->address);
    answer->tls_version = text_or_none(terminal->tls_version);
    answer->day = day_take(arena, view);
    answer->watch = watch_take(arena, &terminal->watch);
    answer->watch_fault = terminal->watch.fault == NULL ? NULL : text_of(terminal->watch.fault);
    answer->has_is_watch_busy = true;
    answer->is_watch_busy = terminal->watch.is_busy;
    return put_keys(arena, terminal, answer) ? answer : NULL;
}

/* What the store counted per bound in ns becomes cells in seconds. */
static void put_times(struct metric_sink *sink, enum metric metric, const uint64_t *counts,
                      uint64_t sum_ns)
{
    struct metric_cells cells = {.sum = (double)sum_ns / 1e9};
#define X(bound) cells.bounds[cells.bound_count++] = (double)(bound) / 1e9;
    STORE_TIME_MAP(X)
#undef X
    _Static_assert(STORE_TIME_CELLS - 1 <= METRIC_BOUND_COUNT_MAX, "the cells hold each bound");
    memcpy(cells.counts, counts, sizeof(uint64_t) * STORE_TIME_CELLS);
    metric_put_cells(sink, metric, (struct metric_labels){{0}}, &cells);
}

static void put_store(struct metric_sink *sink, const struct store_counts *store)
{
    static const struct metric_labels none;
    struct metric_cells rows = {.sum = (double)store->rows};
#define X(bound) rows.bounds[rows.bound_count++] = (double)(bound);
    STORE_ROWS_MAP(X)
#undef X
    _Static_assert(STORE_ROWS_CELLS - 1 <= METRIC_BOUND_COUNT_MAX, "the cells hold each bound");
    memcpy(rows.counts, store->rows_cells, sizeof(uint64_t) * STORE_ROWS_CELLS);
    put_times(sink, METRIC_STORE_COMMIT, store->commit_cells, store->commit_ns_total);
    put_times(sink, METRIC_STORE_SYNC, store->sync_cells, store->sync_ns_total);
    metric_put_cells(sink, METRIC_STORE_ROWS_PER_COMMIT, none, &rows);
    metric_put(sink, METRIC_STORE_ROWS, none, (double)store->rows);
    metric_put(sink, METRIC_STORE_QUEUED, none, store->queued);
    metric_put(sink, METRIC_STORE_FREE_BYTES, none, (double)store->free_bytes);
}

static void put_engine(struct metric_sink *sink, const struct control_status *status)
{
    static const struct metric_labels none;
    Control__Engine engine;
    engine_fill(&engine, status);
    metric_put(sink, METRIC_TXN_IN_FLIGHT, none, engine.txn_in_flight);
    metric_put(sink, METRIC_TXN_REMEMBERED, none, engine.txn_remembered);
    metric_put(sink, METRIC_EFFECTS_HELD, none, engine.held);
    metric_put(sink, METRIC_SAF_DEPTH, none, engine.reversals_pending);
    metric_put(sink, METRIC_SAF_OLDEST, none, (double)engine.saf_oldest_age_ns / 1e9);
    metric_put(sink, METRIC_SAF_CASES, none, engine.cases);
    metric_put(sink, METRIC_USAGE_KEYS, none, status->engine.usage_keys);
    metric_put(sink, METRIC_USAGE_LOST, none, (double)status->engine.usage_lost);
    metric_put(sink, METRIC_TERMINAL_CONNS, none, status->terminal_conns);
    metric_put(sink, METRIC_TERMINALS_SIGNED_ON, none, status->engine.terminals_signed_on);
}

static void put_channel(struct metric_sink *sink, const struct control_channel *channel)
{
    struct metric_labels labels = {{channel->name}};
    metric_put(sink, METRIC_CHANNEL_UP, labels, channel->is_up);
    metric_put(sink, METRIC_CHANNEL_INFLIGHT, labels, channel->inflight);
    metric_put(sink, METRIC_CHANNEL_REQUESTS, labels, (double)channel->requests);
    metric_put(sink, METRIC_CHANNEL_ANSWERS, labels, (double)channel->answers);
    metric_put(sink, METRIC_CHANNEL_TIMEOUTS, labels, (double)channel->timeouts);
    metric_put(sink, METRIC_CHANNEL_LATE, labels, (double)channel->late);
    metric_put(sink, METRIC_CHANNEL_UNMATCHED, labels, (double)channel->unmatched);
    metric_put(sink, METRIC_CHANNEL_BREAKER_STATE, labels, (double)channel->breaker);
    metric_put(sink, METRIC_CHANNEL_BREAKER_OPENINGS, labels, (double)channel->breaker_openings);
}

static void put_config(struct metric_sink *sink, const struct control_status *status)
{
    static const struct metric_labels none;
    struct metric_labels build = {{status->version, status->revision}};
    metric_put(sink, METRIC_BUILD_INFO, build, 1);
    metric_put(sink, METRIC_START_TIME, none, (double)status->started_wall_us / 1e6);
    metric_put(sink, METRIC_CONFIG_GOOD, none, status->is_config_good);
    metric_put(sink, METRIC_CONFIG_TIME, none, (double)status->config_loaded_wall_us / 1e6);
    metric_put(sink, METRIC_RELOAD_SWAP, (struct metric_labels){{"ready"}},
               (double)status->reload_ready_ns / 1e9);
    metric_put(sink, METRIC_RELOAD_SWAP, (struct metric_labels){{"swap"}},
               (double)status->reload_swap_ns / 1e9);
    metric_put(sink, METRIC_RULESET_VERSION, none, status->ruleset_version);
}

void control_answer_metrics(struct metric_sink *sink, const struct control_status *status)
{
    put_config(sink, status);
    put_engine(sink, status);
    put_store(sink, &status->store);
    for (uint32_t i = 0; i < status->listener_count; i++) {
        metric_put(sink, METRIC_LISTENER_UP, (struct metric_labels){{status->listeners[i].name}},
                   status->listeners[i].is_listening);
    }
    for (uint32_t i = 0; i < status->channel_count; i++) {
        put_channel(sink, &status->channels[i]);
    }
}
