/* See terminals.h. */
#include "switch/terminal/terminals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/net/log.h"
#include "switch/net/tls.h"
#include "switch/terminal/terminal_conn.h"
#include "switch/terminal/terminal_reply.h"

#define ACCEPT_BUDGET 8 /* a full handshake costs about twelve payments: a storm takes turns */
#define BACKLOG 1024

/* At the end of a turn: those that found no room may try again. */
static void on_turn(void *argument)
{
    struct terminals *terminals = argument;
    while (terminals->waiting != NULL && terminals->setup.has_room(terminals->setup.argument)) {
        struct terminal_conn *conn = terminals->waiting;
        terminals->waiting = conn->next;
        conn->next = NULL;
        conn->is_waiting = false;
        terminal_conn_retry(conn);
    }
}

struct terminals *terminals_create(const struct terminals_setup *setup)
{
    REQUIRE(setup->conn_count_max > 0);
    size_t bytes = setup->conn_count_max * sizeof(struct terminal_conn);
    struct terminals *terminals = calloc(1, sizeof(*terminals) + bytes);
    if (terminals == NULL) {
        return NULL;
    }
    terminals->setup = *setup;
    pthread_mutex_init(&terminals->mutex, NULL);
    terminals->hook = (struct loop_hook){.on_turn = on_turn, .argument = terminals};
    loop_enroll(setup->loop, &terminals->hook);
    return terminals;
}

void terminals_destroy(struct terminals *terminals)
{
    if (terminals == NULL) {
        return;
    }
    REQUIRE(terminals_conn_count(terminals) == 0);
    for (uint32_t i = 0; i < terminals->port_count; i++) {
        SSL_CTX_free(terminals->ports[i]->setup.tls);
        free(terminals->ports[i]);
    }
    pthread_mutex_destroy(&terminals->mutex);
    free(terminals);
}

void terminals_use(struct terminals *terminals, const struct ruleset *ruleset)
{
    REQUIRE(ruleset != NULL);
    terminals->ruleset = ruleset;
}

static bool on_accept(void *argument, int descriptor, const struct net_address *address)
{
    return terminal_conn_open(argument, descriptor, address);
}

/* The pointers are copied, the texts stay their owner's. */
static void paths_copy(struct terminal_port *port, const char *const *paths)
{
    uint32_t count = 0;
    while (paths != NULL && paths[count] != NULL) {
        REQUIRE(count < TERMINALS_HTTP_PATH_COUNT_MAX - 1);
        port->http_paths[count] = paths[count];
        count++;
    }
    port->setup.framing.http_paths = count > 0 ? port->http_paths : NULL;
}

enum status terminals_listen(struct terminals *terminals, const struct terminals_port_setup *setup,
                             char reason[LISTENER_REASON_SIZE])
{
    REQUIRE(terminals->ruleset != NULL);
    struct terminal_port *port = calloc(1, sizeof(*port));
    if (port == NULL || terminals->port_count == TERMINALS_PORT_COUNT_MAX) {
        free(port);
        snprintf(reason, LISTENER_REASON_SIZE, "no room for listener %s", setup->name);
        return STATUS_NO_ROOM;
    }
    port->terminals = terminals;
    port->setup = *setup;
    paths_copy(port, setup->framing.http_paths);
    struct listener_setup listener = {.name = port->setup.name,
                                      .address = setup->address,
                                      .backlog = BACKLOG,
                                      .accept_budget = ACCEPT_BUDGET,
                                      .connection_max = setup->limits.connection_max,
                                      .per_address_max = setup->limits.per_address_max,
                                      .on_accept = on_accept,
                                      .argument = port};
    port->listener = listener_create(terminals->setup.loop, &listener, reason);
    if (port->listener == NULL) {
        free(port);
        return STATUS_BROKEN;
    }
    if (setup->tls != NULL) {
        SSL_CTX_up_ref(setup->tls);
    }
    terminals->ports[terminals->port_count++] = port;
    return STATUS_OK;
}

bool terminals_change_port(struct terminals *terminals, const char *name,
                           const struct terminals_port_limits *limits, SSL_CTX *tls)
{
    for (uint32_t i = 0; i < terminals->port_count; i++) {
        struct terminal_port *port = terminals->ports[i];
        if (strcmp(port->setup.name, name) != 0) {
            continue;
        }
        port->setup.limits = *limits;
        listener_limit(port->listener, limits->connection_max, limits->per_address_max);
        if (port->setup.tls != NULL && tls != NULL) {
            SSL_CTX_up_ref(tls);
            SSL_CTX_free(port->setup.tls);
            port->setup.tls = tls;
            port->setup.has_identity = tls_asks_client(tls);
        }
        return true;
    }
    return false;
}

static enum terminals_result result_of(const struct engine_effect *effect)
{
    if (strcmp(effect->payment->response_code, "98") == 0) {
        return TERMINALS_UNKNOWN;
    }
    if (payment_is_approval(effect->payment->response_code)) {
        return TERMINALS_APPROVED;
    }
    return effect->reason == TXN_REASON_CHANNEL_ANSWERED ? TERMINALS_DECLINED : TERMINALS_REJECTED;
}

/* One wide line a transaction. */
static void log_txn(const struct terminal_conn *conn, const struct engine_effect *effect,
                    uint64_t took_ns)
{
    const struct payment *payment = effect->payment;
    LOG(LOG_INFO, "txn", LOG_TEXT("type", payment_kind_name(payment->kind)),
        LOG_TEXT("terminal", payment->terminal_id), LOG_TEXT("merchant", payment->merchant_id),
        LOG_NUMBER("batch", payment->batch), LOG_NUMBER("stan", payment->stan),
        LOG_TEXT("txn_id", payment->rrn[0] == 0 ? NULL : payment->rrn),
        LOG_PAN("pan", &payment->pan), LOG_NUMBER("amount", payment->amount.minor),
        LOG_TEXT("answer", payment->response_code),
        LOG_TEXT("reason", txn_reason_name(effect->reason)), LOG_NUMBER("us", took_ns / 1000),
        LOG_TEXT("listener", conn->port->setup.name));
}

static void count_reply(struct terminals *terminals, const struct engine_effect *effect,
                        uint64_t took_ns)
{
    struct terminals_counts *counts = &terminals->counts;
    const struct payment *payment = effect->payment;
    count_add(&counts->results[payment->kind][result_of(effect)], 1);
    histogram_record(&counts->reply, took_ns);
    if (payment->kind == PAYMENT_PURCHASE) {
        histogram_record(&counts->purchase, took_ns);
    }
}

static struct terminal_conn *conn_find(struct terminals *terminals, struct conn_handle handle)
{
    REQUIRE(handle.slot < terminals->conn_used);
    struct terminal_conn *conn = &terminals->conns[handle.slot];
    bool is_there = conn->port != NULL && conn->generation == handle.generation && conn->is_busy;
    return is_there && !stream_is_closing(conn->stream) ? conn : NULL;
}

void terminals_reply(struct terminals *terminals, const struct engine_effect *effect)
{
    const struct payment *payment = effect->payment;
    char reason[TERMINAL_REPLY_REASON_SIZE];
    struct terminal_conn *conn = conn_find(terminals, effect->conn);
    if (conn == NULL) {
        count_add(&terminals->counts.replies_stale, 1);
        LOG(LOG_NOTICE, "reply_undelivered", LOG_TEXT("terminal", payment->terminal_id),
            LOG_NUMBER("stan", payment->stan), LOG_TEXT("answer", payment->response_code),
            LOG_TEXT("text", "the connection is gone; the answer is kept for a repeat"));
        return;
    }
    bool is_sent = terminal_reply_send(conn, payment, reason);
    uint64_t took_ns = loop_now_ns() - conn->request_ns;
    count_reply(terminals, effect, took_ns);
    log_txn(conn, effect, took_ns);
    if (!is_sent) {
        count_add(&terminals->counts.replies_failed, 1);
        LOG(LOG_ERROR, "reply_not_built", LOG_TEXT("terminal", payment->terminal_id),
            LOG_TEXT("type", payment_kind_name(payment->kind)), LOG_NUMBER("stan", payment->stan),
            LOG_TEXT("text", reason));
    }
    terminal_conn_answered(conn);
}

void terminals_drain(struct terminals *terminals)
{
    for (uint32_t i = 0; i < terminals->port_count; i++) {
        listener_stop(terminals->ports[i]->listener);
    }
    for (uint32_t i = 0; i < terminals->conn_used; i++) {
        struct terminal_conn *conn = &terminals->conns[i];
        if (conn->port == NULL) {
            continue;
        }
        conn->is_last = true;
        if (!conn->is_busy) {
            terminal_conn_close(conn, CLOSE_DRAIN, NULL);
        }
    }
}

void terminals_close(struct terminals *terminals)
{
    if (terminals->is_closed) {
        return;
    }
    terminals->is_closed = true;
    for (uint32_t i = 0; i < terminals->port_count; i++) {
        listener_close(terminals->ports[i]->listener);
    }
    for (uint32_t i = 0; i < terminals->conn_used; i++) {
        if (terminals->conns[i].port != NULL) {
            terminal_conn_close(&terminals->conns[i], CLOSE_LOCAL, NULL);
        }
    }
}

bool terminals_find(struct terminals *terminals, const char *terminal_id,
                    struct terminals_conn_view *view)
{
    bool is_there = false;
    pthread_mutex_lock(&terminals->mutex);
    for (uint32_t i = 0; i < terminals->conn_used && !is_there; i++) {
        const struct terminal_conn *conn = &terminals->conns[i];
        is_there = conn->port != NULL && strcmp(conn->terminal_id, terminal_id) == 0;
        if (is_there) {
            view->address = *stream_address(conn->stream);
            view->tls_version = stream_tls_version(conn->stream);
        }
    }
    pthread_mutex_unlock(&terminals->mutex);
    return is_there;
}

uint32_t terminals_conn_count(const struct terminals *terminals)
{
    return (uint32_t)count_get(&terminals->counts.conns);
}

uint32_t terminals_busy_count(const struct terminals *terminals)
{
    return (uint32_t)count_get(&terminals->counts.busy);
}

const struct terminals_counts *terminals_count(const struct terminals *terminals)
{
    return &terminals->counts;
}

const struct listener *terminals_listener(const struct terminals *terminals, uint32_t index)
{
    return index < terminals->port_count ? terminals->ports[index]->listener : NULL;
}

int64_t terminals_certificate_end(const struct terminals *terminals, uint32_t index)
{
    bool has_one = index < terminals->port_count && terminals->ports[index]->setup.tls != NULL;
    return has_one ? tls_certificate_not_after(terminals->ports[index]->setup.tls) : 0;
}
