/* See terminal_port.h.
 *
 * A port is replaced, never rewritten under its connections: the socket goes on with the next one,
 * and each connection follows from its next message on, or stays what it began as. The old port is
 * freed with the last connection that still points to it.
 */
#include "switch/terminal/terminal_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/net/log.h"
#include "switch/net/tls.h"
#include "switch/terminal/terminal_conn.h"

#define NS_PER_MS UINT64_C(1000000)
#define ACCEPT_BUDGET 8 /* a full handshake costs about twelve payments: a storm takes turns */
#define BACKLOG 1024

static bool on_accept(void *argument, int descriptor, const struct net_address *address)
{
    return terminal_conn_open(argument, descriptor, address);
}

struct listener_setup terminals_port_place(const struct terminals_port_setup *setup)
{
    return (struct listener_setup){.name = setup->name,
                                   .address = setup->address,
                                   .backlog = BACKLOG,
                                   .accept_budget = ACCEPT_BUDGET,
                                   .connection_max = setup->limits.connection_max,
                                   .per_address_max = setup->limits.per_address_max,
                                   .on_accept = on_accept};
}

static void paths_copy(struct terminal_port *port, const char *const *paths)
{
    uint32_t count = 0;
    while (paths != NULL && paths[count] != NULL) {
        REQUIRE(count < TERMINALS_HTTP_PATH_COUNT_MAX - 1);
        snprintf(port->path_texts[count], TERMINALS_HTTP_PATH_SIZE, "%s", paths[count]);
        port->http_paths[count] = port->path_texts[count];
        count++;
    }
    port->setup.framing.http_paths = count > 0 ? port->http_paths : NULL;
}

struct terminal_port *terminals_port_make(const struct terminals_port_setup *setup)
{
    struct terminal_port *port = calloc(1, sizeof(*port));
    if (port == NULL) {
        return NULL;
    }
    port->setup = *setup;
    port->setup.edition = edition_hold(setup->edition);
    paths_copy(port, setup->framing.http_paths);
    if (setup->tls != NULL) {
        SSL_CTX_up_ref(setup->tls);
    }
    return port;
}

void terminals_port_drop(struct terminal_port *port)
{
    if (port != NULL) {
        REQUIRE(port->conn_count == 0);
        edition_release(port->setup.edition);
        SSL_CTX_free(port->setup.tls);
        free(port);
    }
}

/* False: the socket is lost, which only a lack of memory or of kernel objects does. */
static bool adopt(struct terminal_port *port, int descriptor, char reason[LISTENER_REASON_SIZE])
{
    struct listener_setup place = terminals_port_place(&port->setup);
    place.argument = port;
    port->listener = listener_adopt(port->terminals->setup.loop, &place, descriptor, reason);
    return port->listener != NULL;
}

enum status terminals_listen(struct terminals *terminals, const struct terminals_port_setup *setup,
                             char reason[LISTENER_REASON_SIZE])
{
    REQUIRE(terminals->ruleset != NULL);
    struct terminal_port *port =
        terminals->port_count < TERMINALS_PORT_COUNT_MAX ? terminals_port_make(setup) : NULL;
    if (port == NULL) {
        snprintf(reason, LISTENER_REASON_SIZE, "no room for listener %s", setup->name);
        return STATUS_NO_ROOM;
    }
    port->terminals = terminals;
    struct listener_setup place = terminals_port_place(&port->setup);
    place.argument = port;
    port->listener = listener_create(terminals->setup.loop, &place, reason);
    if (port->listener == NULL) {
        terminals_port_drop(port);
        return STATUS_BROKEN;
    }
    terminals->ports[terminals->port_count++] = port;
    return STATUS_OK;
}

/* ---- connections ---- */

void terminal_port_enter(struct terminal_port *port)
{
    port->conn_count++;
}

static void forget(struct terminal_port *port)
{
    struct terminal_port **at = &port->terminals->retired;
    while (*at != port) {
        at = &(*at)->next;
    }
    *at = port->next;
    terminals_port_drop(port);
}

void terminal_port_leave(struct terminal_port *port)
{
    REQUIRE(port->conn_count > 0);
    port->conn_count--;
    if (port->is_retired && port->conn_count == 0) {
        forget(port);
    }
}

void terminal_port_follow(struct terminal_conn *conn)
{
    struct terminal_port *before = conn->port;
    if (before->successor != NULL) {
        pthread_mutex_lock(&before->terminals->mutex);
        conn->port = before->successor;
        pthread_mutex_unlock(&before->terminals->mutex);
        terminal_port_enter(conn->port);
        terminal_port_leave(before);
    }
}

/* ---- changing ---- */

static void limit(struct terminal_port *port, const struct terminals_change_port *wanted)
{
    port->setup.limits = wanted->limits;
    if (port->setup.tls != NULL && wanted->tls != NULL) {
        SSL_CTX_up_ref(wanted->tls);
        SSL_CTX_free(port->setup.tls);
        port->setup.tls = wanted->tls;
        port->setup.has_identity = tls_asks_client(wanted->tls);
    }
}

/* The port that shall stand in that place. */
static struct terminal_port *port_put(struct terminals *terminals,
                                      const struct terminals_change_port *wanted)
{
    struct terminal_port *before = wanted->before >= 0 ? terminals->ports[wanted->before] : NULL;
    struct terminal_port *port = wanted->fresh;
    char reason[LISTENER_REASON_SIZE];
    if (port == NULL) {
        REQUIRE(before != NULL); /* a change names what stays, or brings another one */
        port = before;
        limit(port, wanted);
    } else {
        port->terminals = terminals;
        if (before != NULL) {
            port->listener = before->listener;
            before->listener = NULL;
        } else if (!adopt(port, wanted->descriptor, reason)) {
            LOG(LOG_ERROR, "listener_lost", LOG_TEXT("text", reason),
                LOG_TEXT("do", "reload once more, with this listener taken out in between"));
        }
        if (port->listener != NULL) {
            listener_give(port->listener, port->setup.name, port);
        }
    }
    if (port->listener != NULL) {
        listener_limit(port->listener, port->setup.limits.connection_max,
                       port->setup.limits.per_address_max);
    }
    return port;
}

/* Those that followed the port follow its successor; where it has none, they end as it does. */
static void redirect(struct terminals *terminals, const struct terminal_port *gone)
{
    for (struct terminal_port *port = terminals->retired; port != NULL; port = port->next) {
        if (port->successor == gone) {
            port->successor = gone->successor;
            port->drain_ns = gone->drain_ns;
        }
    }
}

static void retire(struct terminals *terminals, struct terminal_port *port,
                   struct terminal_port *successor, uint32_t drain_ms)
{
    port->is_retired = true;
    port->successor = successor;
    if (port->listener != NULL && successor == NULL) {
        port->drain_ns = loop_now_ns() + drain_ms * NS_PER_MS + 1;
        deadline_arm(&terminals->setup.loop->wheel, &terminals->drain, port->drain_ns);
    }
    redirect(terminals, port);
    listener_close(port->listener);
    port->listener = NULL;
    port->next = terminals->retired;
    terminals->retired = port;
    if (port->conn_count == 0) {
        forget(port);
    }
}

static bool is_kept(const struct terminals_change *change, uint32_t before)
{
    bool is_found = false;
    for (uint32_t i = 0; i < change->count && !is_found; i++) {
        is_found = change->ports[i].before == (int)before && change->ports[i].fresh == NULL;
    }
    return is_found;
}

static bool has_socket_use(const struct terminals_change *change, uint32_t before)
{
    bool is_used = false;
    for (uint32_t i = 0; i < change->count && !is_used; i++) {
        is_used = change->ports[i].before == (int)before;
    }
    return is_used;
}

void terminals_change(struct terminals *terminals, const struct terminals_change *change)
{
    struct terminal_port *before[TERMINALS_PORT_COUNT_MAX] = {NULL};
    struct terminal_port *after[TERMINALS_PORT_COUNT_MAX] = {NULL};
    uint32_t before_count = terminals->port_count;
    memcpy(before, terminals->ports, sizeof(before));
    for (uint32_t i = 0; i < before_count; i++) {
        if (before[i]->listener != NULL && !has_socket_use(change, i)) {
            listener_accept_waiting(before[i]->listener);
        }
    }
    pthread_mutex_lock(&terminals->mutex);
    for (uint32_t i = 0; i < change->count; i++) {
        after[i] = port_put(terminals, &change->ports[i]);
    }
    for (uint32_t i = 0; i < change->count; i++) {
        terminals->ports[i] = after[i];
    }
    terminals->port_count = change->count;
    pthread_mutex_unlock(&terminals->mutex);
    for (uint32_t i = 0; i < before_count; i++) {
        int successor = change->successors[i];
        if (!is_kept(change, i)) {
            retire(terminals, before[i], successor < 0 ? NULL : after[successor], change->drain_ms);
        }
    }
}

/* Closes what may be closed at once, the rest once it is answered. */
static void drain_conns(struct terminals *terminals, const struct terminal_port *port)
{
    for (uint32_t i = 0; i < terminals->conn_used; i++) {
        struct terminal_conn *conn = &terminals->conns[i];
        if (conn->port == port) {
            conn->is_last = true;
            if (!conn->is_busy) {
                terminal_conn_close(conn, CLOSE_DRAIN, "its listener is gone");
            }
        }
    }
}

/* A stream tells of its end later, so no port is freed in here. */
static void on_drain(struct deadline *deadline)
{
    struct terminals *terminals =
        (struct terminals *)((char *)deadline - offsetof(struct terminals, drain));
    uint64_t now_ns = loop_now_ns(), next_ns = UINT64_MAX;
    for (struct terminal_port *port = terminals->retired; port != NULL; port = port->next) {
        if (port->drain_ns != 0 && port->drain_ns <= now_ns) {
            port->drain_ns = 0;
            drain_conns(terminals, port);
        } else if (port->drain_ns != 0 && port->drain_ns < next_ns) {
            next_ns = port->drain_ns;
        }
    }
    if (next_ns < UINT64_MAX) {
        deadline_arm(&terminals->setup.loop->wheel, deadline, next_ns);
    }
}

void terminal_ports_init(struct terminals *terminals)
{
    deadline_init(&terminals->drain, on_drain);
}

void terminal_ports_free(struct terminals *terminals)
{
    for (uint32_t i = 0; i < terminals->port_count; i++) {
        terminals_port_drop(terminals->ports[i]);
    }
    REQUIRE(terminals->retired == NULL);
}

bool terminals_port(struct terminals *terminals, uint32_t index, struct terminals_port_view *view)
{
    pthread_mutex_lock(&terminals->mutex);
    bool is_there = index < terminals->port_count;
    *view = (struct terminals_port_view){.port = 0};
    if (is_there) {
        const struct terminal_port *port = terminals->ports[index];
        if (port->listener != NULL) {
            const struct listener_counts *counts = listener_count(port->listener);
            view->port = listener_port(port->listener);
            view->open = count_get(&counts->open);
            view->accepted = count_get(&counts->accepted);
            view->refused =
                count_get(&counts->refused_connections) + count_get(&counts->refused_address);
        }
        view->certificate_end =
            port->setup.tls != NULL ? tls_certificate_not_after(port->setup.tls) : 0;
    }
    pthread_mutex_unlock(&terminals->mutex);
    return is_there;
}
