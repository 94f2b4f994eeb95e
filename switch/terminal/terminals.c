/* See terminals.h. */
#include "switch/terminal/terminals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/net/log.h"
#include "switch/terminal/rim_watch.h"
#include "switch/terminal/terminal_conn.h"
#include "switch/terminal/terminal_port.h"
#include "switch/terminal/terminal_reply.h"

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
    terminal_ports_init(terminals);
    rim_watch_init(terminals);
    return terminals;
}

void terminals_destroy(struct terminals *terminals)
{
    if (terminals == NULL) {
        return;
    }
    REQUIRE(terminals_conn_count(terminals) == 0);
    deadline_cancel(&terminals->drain);
    rim_watch_close(terminals);
    terminal_ports_free(terminals);
    pthread_mutex_destroy(&terminals->mutex);
    free(terminals);
}

void terminals_use(struct terminals *terminals, const struct ruleset *ruleset)
{
    REQUIRE(ruleset != NULL);
    terminals->ruleset = ruleset;
}

static enum terminals_result result_of(const struct engine_effect *effect)
{
    if (strcmp(effect->payment->response_code, "98") == 0) {
        return TERMINALS_UNKNOWN;
    }
    if (payment_is_approval(effect->payment->response_code) ||
        (effect->payment->response_code[0] == 0 && effect->reason == TXN_REASON_NONE)) {
        return TERMINALS_APPROVED; /* a settlement's answer has no code of its own */
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
    if (effect->reason == TXN_REASON_TERMINAL_UNKNOWN) {
        rim_watch_stranger(terminals, payment->terminal_id);
    }
    if (conn == NULL) {
        count_add(&terminals->counts.replies_stale, 1);
        LOG(LOG_NOTICE, "reply_undelivered", LOG_TEXT("terminal", payment->terminal_id),
            LOG_NUMBER("stan", payment->stan), LOG_TEXT("answer", payment->response_code),
            LOG_TEXT("text", "the connection is gone; the answer is kept for a repeat"));
        return;
    }
    bool is_sent = terminal_reply_send(conn, effect, reason);
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

void terminals_sighted(struct terminals *terminals, const struct terminal_sighting *sighting)
{
    rim_watch_taken(terminals, sighting);
}

void terminals_drain(struct terminals *terminals)
{
    for (uint32_t i = 0; i < terminals->port_count; i++) {
        if (terminals->ports[i]->listener != NULL) {
            listener_stop(terminals->ports[i]->listener);
        }
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
    deadline_cancel(&terminals->drain);
    rim_watch_close(terminals);
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
