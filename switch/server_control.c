/* What the control socket shows of the running server: numbers only, gathered when asked for. */
#include <stdio.h>
#include <string.h>

#include "protocols/base/bytes.h"
#include "protocols/base/require.h"
#include "switch/net/lower_name.h"
#include "switch/server_state.h"
#include "switch/version.h"

static void put_text(char *to, uint32_t size, const char *from)
{
    snprintf(to, size, "%.*s", (int)size - 1, from);
}

static void listener_status(const struct server *server, uint32_t index,
                            struct control_listener *status)
{
    const struct listener_options *options = &server->configuration->options->listeners[index];
    put_text(status->name, sizeof(status->name), options->name);
    put_text(status->address, sizeof(status->address), options->address);
    status->is_tls = options->tls.is_on;
    status->is_listening = server->state == CONTROL_RUNNING;
    for (uint16_t i = 0; i < server->worker_count; i++) {
        struct terminals_port_view view;
        if (terminals_port(worker_terminals(server->workers[i]), index, &view)) {
            status->port = view.port;
            status->open += view.open;
            status->accepted += view.accepted;
            status->refused += view.refused;
        }
    }
}

/* Channels by their place in the rules; of one that was taken out only what it left to be done. */
static void channels_status(const struct server *server, struct control_status *status)
{
    const struct channel_table *table = ruleset_channel_view(server->configuration->ruleset);
    for (uint16_t i = 0; i < channel_table_count(table); i++) {
        struct control_channel *channel = &status->channels[status->channel_count];
        server_channel_status(server, i, channel);
        status->channel_count += channel->name[0] != 0;
    }
}

static void on_status(void *argument, struct control_status *status)
{
    struct server *server = argument;
    const struct server_options *options = server->configuration->options;
    status->version = TILLWAY_VERSION;
    status->revision = TILLWAY_REVISION;
    status->node = options->node;
    status->state = server->state;
    status->started_wall_us = server->started_wall_us;
    status->wall_us = loop_wall_us();
    status->now_ns = loop_now_ns();
    status->uptime_ns = status->now_ns - server->started_ns;
    status->ruleset_version = ruleset_version(server->configuration->ruleset);
    status->config_loaded_wall_us = server->configuration->loaded_wall_us;
    status->is_config_good = server->is_config_good;
    status->reload_ready_ns = server->reload_ready_ns;
    status->reload_swap_ns = server->reload_swap_ns;
    put_text(status->config_text, sizeof(status->config_text), server->config_text);
    engine_count(core_engine(server->core), &status->engine);
    status->effects_held = core_held_count(server->core);
    store_count(core_store(server->core), &status->store);
    status->terminals_registered =
        terminal_table_count(ruleset_terminal_view(server->configuration->ruleset));
    for (uint16_t i = 0; i < server->worker_count; i++) {
        status->terminal_conns += terminals_conn_count(worker_terminals(server->workers[i]));
    }
    status->listener_count = options->listener_count;
    for (uint32_t i = 0; i < options->listener_count; i++) {
        listener_status(server, i, &status->listeners[i]);
    }
    channels_status(server, status);
}

static void connection_view(const struct server *server, struct control_terminal *terminal)
{
    struct terminals_conn_view view = {0};
    terminal->is_connected = false;
    for (uint16_t i = 0; i < server->worker_count && !terminal->is_connected; i++) {
        terminal->is_connected =
            terminals_find(worker_terminals(server->workers[i]), terminal->view.terminal_id, &view);
    }
    if (terminal->is_connected) {
        char text[NET_ADDRESS_TEXT_SIZE];
        net_address_format(text, &view.address);
        put_text(terminal->address, sizeof(terminal->address), text);
        put_text(terminal->tls_version, sizeof(terminal->tls_version), view.tls_version);
    }
}

static void put_keys(struct server *server, const char *terminal_id,
                     struct control_terminal *terminal)
{
    struct security_kcv kcvs[SECURITY_KCV_COUNT];
    terminal->key_count =
        security_terminal_kcvs(security_unit(server->security, 0), terminal_id, kcvs);
    REQUIRE(terminal->key_count <= CONTROL_KEY_COUNT_MAX);
    for (uint32_t i = 0; i < terminal->key_count; i++) {
        put_text(terminal->keys[i].name, sizeof(terminal->keys[i].name), kcvs[i].name);
        bytes_to_hex(terminal->keys[i].kcv, kcvs[i].kcv, SECURITY_KCV_BYTES);
    }
}

static bool on_terminal(void *argument, const char *terminal_id, struct control_terminal *terminal)
{
    struct server *server = argument;
    const struct terminal_row *row =
        terminal_table_find(ruleset_terminal_view(server->configuration->ruleset), terminal_id);
    bool is_known = engine_terminal(core_engine(server->core), terminal_id, &terminal->view);
    if (row != NULL) {
        terminal->is_registered = true;
        terminal->is_active = row->is_active;
        put_text(terminal->brand, sizeof(terminal->brand), row->brand);
        put_text(terminal->model, sizeof(terminal->model), row->model);
        put_text(terminal->view.terminal_id, sizeof(terminal->view.terminal_id), row->terminal_id);
        put_text(terminal->view.merchant_id, sizeof(terminal->view.merchant_id), row->merchant_id);
    }
    connection_view(server, terminal);
    put_keys(server, terminal_id, terminal);
    server_watch_look(server, terminal_id, &terminal->watch);
    return row != NULL || is_known;
}

/* ---- metrics ---- */

static void put_loop(const struct worker *worker, struct metric_sink *sink)
{
    const struct loop_counts *counts = &worker_loop(worker)->counts;
    char name[16];
    snprintf(name, sizeof(name), "%u", worker_loop(worker)->index);
    struct metric_labels labels = {{name}};
    metric_put(sink, METRIC_LOOP_BUSY, labels, (double)count_get(&counts->busy_per_mille) / 1000);
    metric_put(sink, METRIC_LOOP_LAG, labels, (double)count_get(&counts->turn_longest_ns) / 1e9);
    metric_put(sink, METRIC_LOOP_BUFFERS, labels, (double)count_get(&counts->buffers_used));
    if (worker_loop(worker)->index > 0) {
        snprintf(name, sizeof(name), "requests_%u", worker_loop(worker)->index);
        metric_put(sink, METRIC_MAILBOX_DEPTH, labels, worker_request_depth(worker));
        snprintf(name, sizeof(name), "answers_%u", worker_loop(worker)->index);
        metric_put(sink, METRIC_MAILBOX_DEPTH, labels, worker_answer_depth(worker));
    }
}

/* The sum over all workers of the counter that lies `offset` bytes into the counts of each. */
static double sum_terminals(const struct server *server, size_t offset)
{
    uint64_t sum = 0;
    for (uint16_t i = 0; i < server->worker_count; i++) {
        const char *counts = (const char *)terminals_count(worker_terminals(server->workers[i]));
        sum += count_get((const struct count *)(counts + offset));
    }
    return (double)sum;
}

static double sum_loops(const struct server *server, size_t offset)
{
    uint64_t sum = 0;
    for (uint16_t i = 0; i < server->worker_count; i++) {
        const char *counts = (const char *)&worker_loop(server->workers[i])->counts;
        sum += count_get((const struct count *)(counts + offset));
    }
    return (double)sum;
}

static void put_txns(const struct server *server, struct metric_sink *sink)
{
    static const char *const NAMES[] = {
#define X(name) #name,
        TERMINALS_RESULT_MAP(X)
#undef X
    };
    for (unsigned kind = 0; kind < PAYMENT_KIND_COUNT; kind++) {
        for (unsigned result = 0; result < TERMINALS_RESULT_COUNT; result++) {
            char word[LOWER_NAME_SIZE] = "";
            double value = sum_terminals(server, offsetof(struct terminals_counts, results) +
                                                     (kind * TERMINALS_RESULT_COUNT + result) *
                                                         sizeof(struct count));
            if (value > 0 || kind == PAYMENT_PURCHASE) {
                struct metric_labels labels = {
                    {payment_kind_name((enum payment_kind)kind), lower_name(word, NAMES[result])}};
                metric_put(sink, METRIC_TXN, labels, value);
            }
        }
    }
}

/* One histogram of all workers. */
static void put_stage(const struct server *server, struct metric_sink *sink, enum metric metric,
                      const char *label, size_t offset)
{
    struct histogram sum = {.total = {0}};
    for (uint16_t i = 0; i < server->worker_count; i++) {
        const char *counts = (const char *)terminals_count(worker_terminals(server->workers[i]));
        histogram_add(&sum, (const struct histogram *)(counts + offset));
    }
    metric_put_histogram(sink, metric, (struct metric_labels){{label}}, &sum);
}

static void put_connections(const struct server *server, struct metric_sink *sink)
{
    static const char *const VERSIONS[] = {"TLSv1.2", "TLSv1.3"};
    static const char *const RESULTS[] = {"full", "resumed"};
    for (unsigned reason = 0; reason < CLOSE_REASON_COUNT; reason++) {
        struct metric_labels labels = {{close_reason_name((enum close_reason)reason)}};
        metric_put(sink, METRIC_CONNS_CLOSED, labels,
                   sum_loops(server,
                             offsetof(struct loop_counts, closed) + reason * sizeof(struct count)));
    }
    for (unsigned i = 0; i < 4; i++) {
        struct metric_labels labels = {{RESULTS[i % 2], VERSIONS[i / 2]}};
        metric_put(
            sink, METRIC_TLS_HANDSHAKES, labels,
            sum_loops(server, offsetof(struct loop_counts, handshakes) + i * sizeof(struct count)));
    }
    metric_put(sink, METRIC_TLS_HANDSHAKES, (struct metric_labels){{"failed", ""}},
               sum_loops(server, offsetof(struct loop_counts, handshakes_failed)));
    for (unsigned reject = 0; reject < REJECT_COUNT; reject++) {
        struct metric_labels labels = {{reject_name((enum reject)reject)}};
        metric_put(sink, METRIC_FRAMES_REJECTED, labels,
                   sum_terminals(server, offsetof(struct terminals_counts, rejects) +
                                             reject * sizeof(struct count)));
    }
    metric_put(sink, METRIC_MAC_FAILURES, (struct metric_labels){{NULL}},
               sum_terminals(server, offsetof(struct terminals_counts, mac_failures)));
}

static void put_core(const struct server *server, struct metric_sink *sink)
{
    static const struct {
        const char *state;
        enum record_kind kind;
    } REVERSALS[] = {{"pending", RECORD_REVERSAL},
                     {"sent", RECORD_REVERSAL_SENT},
                     {"acknowledged", RECORD_REVERSAL_DONE},
                     {"case", RECORD_REVERSAL_CASE}};
    const struct core_counts *counts = core_count(server->core);
    for (unsigned reason = 0; reason < TXN_REASON_COUNT; reason++) {
        uint64_t value = count_get(&counts->notices[reason]);
        if (value > 0) {
            struct metric_labels labels = {{txn_reason_name((enum txn_reason)reason)}};
            metric_put(sink, METRIC_NOTICES, labels, (double)value);
        }
    }
    for (size_t i = 0; i < sizeof(REVERSALS) / sizeof(REVERSALS[0]); i++) {
        metric_put(sink, METRIC_REVERSALS, (struct metric_labels){{REVERSALS[i].state}},
                   (double)count_get(&counts->records[REVERSALS[i].kind]));
    }
}

static void put_certificates(const struct server *server, struct metric_sink *sink)
{
    struct terminals *terminals = worker_terminals(server->workers[0]);
    const struct server_options *options = server->configuration->options;
    struct terminals_port_view view;
    for (uint32_t i = 0; i < options->listener_count && terminals_port(terminals, i, &view); i++) {
        if (view.certificate_end > 0) {
            metric_put(sink, METRIC_CERT_NOT_AFTER,
                       (struct metric_labels){{options->listeners[i].name}},
                       (double)view.certificate_end);
        }
    }
}

static void on_metrics(void *argument, struct metric_sink *sink)
{
    const struct server *server = argument;
    put_txns(server, sink);
    put_stage(server, sink, METRIC_TXN_DURATION, "purchase",
              offsetof(struct terminals_counts, purchase));
    put_stage(server, sink, METRIC_STAGE, "parse", offsetof(struct terminals_counts, parse));
    put_stage(server, sink, METRIC_STAGE, "gate", offsetof(struct terminals_counts, gate));
    put_stage(server, sink, METRIC_STAGE, "reply", offsetof(struct terminals_counts, reply));
    put_connections(server, sink);
    put_core(server, sink);
    for (uint16_t i = 0; i < server->worker_count; i++) {
        put_loop(server->workers[i], sink);
    }
    metric_put(sink, METRIC_LOG_LINES_DROPPED, (struct metric_labels){{NULL}},
               (double)log_dropped_count());
    put_certificates(server, sink);
    server_orders_metrics(server, sink);
    server_watch_metrics(server, sink);
}

/* ---- acts ---- */

static void on_reload(void *argument, struct control_call call, const char *operator_name)
{
    LOG(LOG_NOTICE, "reload_asked", LOG_TEXT("operator", operator_name));
    server_reload(argument, &call, operator_name);
}

static void on_version(void *argument, struct control_call call,
                       const struct control_version *version)
{
    server_version(argument, &call, version);
}

static void on_drain(void *argument, struct control_call call, const char *operator_name)
{
    struct server *server = argument;
    LOG(LOG_NOTICE, "drain_asked", LOG_TEXT("operator", operator_name));
    server_drain(server, "an operator asked for it");
    control_done(server->control, call, true, NULL);
}

/* Removing takes as long as the disk wants, so the log's own thread does it. */
static void on_purge(void *argument, struct control_call call, uint32_t days)
{
    struct server *server = argument;
    char text[96];
    days = days == 0 ? server->configuration->options->store.retention_days : days;
    if (days == 0) {
        control_done(server->control, call, false,
                     "store.retention_days is 0, which keeps everything; say how many days");
        return;
    }
    core_purge(server->core, days);
    snprintf(text, sizeof(text), "sealed segments older than %u days are being removed",
             (unsigned)days);
    control_done(server->control, call, true, text);
}

static void on_explain(void *argument, const struct route_question *question, int64_t wall_us,
                       struct control_explanation *explanation)
{
    const struct server *server = argument;
    const struct engine_clocks clocks = {loop_now_ns(), wall_us != 0 ? wall_us : loop_wall_us()};
    engine_explain(core_engine(server->core), question, &clocks, &explanation->engine);
    explanation->channels = ruleset_channel_view(server->configuration->ruleset);
}

static void on_usage(void *argument, const struct control_usage_question *question,
                     struct control_usage *usage)
{
    const struct server *server = argument;
    const struct ruleset *ruleset = server->configuration->ruleset;
    struct payment payment;
    payment_clear(&payment);
    put_text(payment.merchant_id, sizeof(payment.merchant_id), question->merchant_id);
    put_text(payment.terminal_id, sizeof(payment.terminal_id), question->terminal_id);
    payment.pan_hash = question->pan_hash;
    engine_usage_on(core_engine(server->core), &payment, question->scope, loop_wall_us(),
                    &usage->engine);
    usage->currency = fee_plan_set_currency(ruleset_fee_plans(ruleset));
    usage->rules = ruleset_limit_rules(ruleset);
}

struct control_rim server_control_rim(struct server *server)
{
    return (struct control_rim){.status = on_status,
                                .terminal = on_terminal,
                                .metrics = on_metrics,
                                .reload = on_reload,
                                .version = on_version,
                                .drain = on_drain,
                                .purge = on_purge,
                                .explain = on_explain,
                                .usage = on_usage,
                                .order = server_order,
                                .orders = server_orders,
                                .argument = server};
}
