/* A visit is a call with its answer. While it is held its connection is suspended; the waker
 * resumes it when its time has come, and the library asks again. */
#include "loadtest/wallet/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <utlist.h>

#include "protocols/base/require.h"

#define BODY_BYTES_MAX 65536U
#define BODY_ROOM_FIRST 4096U
#define THREAD_COUNT 2U
#define CONNECTIONS_MAX 2048U
#define IDLE_SECONDS 120U
#define CONNECTION_MEMORY 65536U
/* This port is used by tests: what the real ones speak today, nothing older. */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

enum visit_state { VISIT_READING, VISIT_HELD, VISIT_READY };

struct visit {
    struct server *server;
    struct MHD_Connection *connection;
    enum visit_state state;
    bool has_begun;
    char *target;  /* owner; as it came */
    uint8_t *body; /* owner */
    uint32_t length, room;
    bool is_too_long;
    struct reply reply;
    int64_t due_ns;                /* when it is let go */
    struct visit *previous, *next; /* among those that wait */
};

struct server {
    struct server_setup setup;
    struct MHD_Daemon *daemon;
    pthread_t waker;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct visit *waiting; /* borrower */
    bool is_stopping;
    uint16_t port;
};

static int64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- holding ---- */

static void visit_wait(struct visit *visit, uint32_t delay_ms, enum visit_state state)
{
    struct server *server = visit->server;
    visit->state = state;
    visit->due_ns = monotonic_ns() + INT64_C(1000000) * delay_ms;
    pthread_mutex_lock(&server->lock);
    MHD_suspend_connection(visit->connection);
    DL_APPEND2(server->waiting, visit, previous, next);
    pthread_cond_signal(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

/* Resumes what is due, or all; answers when the next is due (0: none waits). */
static int64_t waiting_resume(struct server *server, bool is_all)
{
    int64_t now_ns = monotonic_ns(), next_ns = 0;
    struct visit *visit = NULL, *next = NULL;
    DL_FOREACH_SAFE2(server->waiting, visit, next, next)
    {
        if (is_all || visit->due_ns <= now_ns) {
            DL_DELETE2(server->waiting, visit, previous, next);
            MHD_resume_connection(visit->connection);
        } else if (next_ns == 0 || visit->due_ns < next_ns) {
            next_ns = visit->due_ns;
        }
    }
    return next_ns;
}

static void *waker_run(void *argument)
{
    struct server *server = argument;
    pthread_mutex_lock(&server->lock);
    while (!server->is_stopping) {
        int64_t due_ns = waiting_resume(server, false);
        if (due_ns == 0) {
            pthread_cond_wait(&server->changed, &server->lock);
        } else {
            struct timespec due = {due_ns / 1000000000, due_ns % 1000000000};
            pthread_cond_timedwait(&server->changed, &server->lock, &due);
        }
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* ---- answering ---- */

static ssize_t on_cut_read(void *argument, uint64_t position, char *bytes, size_t room)
{
    struct visit *visit = argument;
    size_t half = strlen(visit->reply.body) / 2;
    if (position >= half) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t count = half - (size_t)position < room ? half - (size_t)position : room;
    memcpy(bytes, visit->reply.body + position, count);
    return (ssize_t)count;
}

static enum MHD_Result reply_send(struct visit *visit)
{
    struct reply *reply = &visit->reply;
    if (reply->ending == REPLY_DROPPED || reply->ending == REPLY_NEVER || reply->body == NULL) {
        return MHD_NO; /* closes the connection */
    }
    size_t length = strlen(reply->body);
    struct MHD_Response *response =
        reply->ending == REPLY_CUT && length > 1
            ? MHD_create_response_from_callback(length, 512, on_cut_read, visit, NULL)
            : MHD_create_response_from_buffer(length, reply->body, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
    for (uint32_t i = 0; i < reply->header_count; i++) {
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
    }
    enum MHD_Result result = MHD_queue_response(visit->connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* Whether the peer has shown a certificate of our CA: the handshake asks for one and takes none as
 * well. */
static bool client_is_certified(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *told =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    gnutls_session_t session = told == NULL ? NULL : (gnutls_session_t)told->tls_session;
    unsigned count = 0, faults = 1;
    return session != NULL && gnutls_certificate_get_peers(session, &count) != NULL && count > 0 &&
           gnutls_certificate_verify_peers2(session, &faults) == 0 && faults == 0;
}

static const char *header_of(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value == NULL ? "" : value;
}

/* Acts on the call; afterwards the answer is ready, or held. */
static enum MHD_Result visit_act(struct visit *visit, const char *method)
{
    struct server *server = visit->server;
    char *query = strchr(visit->target, '?');
    struct verdict held = visit->reply.verdict;
    struct call call = {.method = method,
                        .target = visit->target,
                        .authorization = header_of(visit->connection, "Authorization"),
                        .negative_test = header_of(visit->connection, "Wechatpay-Negative-Test"),
                        .body = {visit->body, visit->length},
                        .has_client_certificate = client_is_certified(visit->connection),
                        .now_us = wall_us(),
                        .verdict = visit->state == VISIT_HELD ? &held : NULL};
    char path[CALL_PATH_SIZE];
    size_t length = query == NULL ? strlen(visit->target) : (size_t)(query - visit->target);
    if (length >= sizeof path) {
        return MHD_NO;
    }
    memcpy(path, visit->target, length);
    path[length] = '\0';
    call.path = path;
    call.query = query == NULL ? "" : query + 1;
    reply_free(&visit->reply);
    if (gateway_answer(server->setup.gateway, &call, &visit->reply) != STATUS_OK) {
        server->setup.on_broken(server->setup.argument);
        return MHD_NO;
    }
    if (visit->reply.is_held) {
        visit_wait(visit, visit->reply.delay_ms, VISIT_HELD);
    } else if (visit->reply.ending == REPLY_NEVER) {
        visit_wait(visit, server->setup.hold_ms, VISIT_READY);
    } else if (visit->reply.delay_ms > 0) {
        visit_wait(visit, visit->reply.delay_ms, VISIT_READY);
    } else {
        return reply_send(visit);
    }
    return MHD_YES;
}

/* ---- reading ---- */

static bool body_take(struct visit *visit, const char *bytes, size_t count)
{
    if (count > BODY_BYTES_MAX - visit->length) {
        visit->is_too_long = true;
        return true; /* read on: the answer says so */
    }
    while (visit->room - visit->length < count) {
        uint32_t room = visit->room == 0 ? BODY_ROOM_FIRST : visit->room * 2;
        uint8_t *more = realloc(visit->body, room);
        if (more == NULL) {
            return false;
        }
        visit->body = more;
        visit->room = room;
    }
    memcpy(visit->body + visit->length, bytes, count);
    visit->length += (uint32_t)count;
    return true;
}

static enum MHD_Result too_long_send(struct visit *visit)
{
    visit->reply.status = MHD_HTTP_CONTENT_TOO_LARGE;
    visit->reply.type = "text/plain";
    visit->reply.body = strdup("a body of at most 65536 bytes is expected\n");
    return reply_send(visit);
}

/* The library asks this first, with the address as it came: what is signed must not be decoded. */
static void *on_target(void *argument, const char *target, struct MHD_Connection *connection)
{
    struct visit *visit = calloc(1, sizeof *visit);
    if (visit == NULL || (visit->target = strdup(target)) == NULL) {
        free(visit);
        return NULL;
    }
    visit->server = argument;
    visit->connection = connection;
    return visit;
}

static enum MHD_Result on_call(void *argument, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *bytes,
                               size_t *count, void **memory)
{
    struct visit *visit = *memory;
    (void)argument, (void)connection, (void)url, (void)version;
    if (visit == NULL) {
        return MHD_NO;
    }
    if (visit->state == VISIT_READY) {
        return reply_send(visit);
    }
    if (visit->state == VISIT_HELD) {
        return visit_act(visit, method);
    }
    if (*count > 0) {
        bool is_taken = body_take(visit, bytes, *count);
        *count = 0;
        return is_taken ? MHD_YES : MHD_NO;
    }
    if (!visit->has_begun) { /* the headers alone: the body is still to come */
        visit->has_begun = true;
        return MHD_YES;
    }
    return visit->is_too_long ? too_long_send(visit) : visit_act(visit, method);
}

static void on_completed(void *argument, struct MHD_Connection *connection, void **memory,
                         enum MHD_RequestTerminationCode reason)
{
    struct visit *visit = *memory;
    (void)argument, (void)connection, (void)reason;
    if (visit != NULL) {
        reply_free(&visit->reply);
        free(visit->body);
        free(visit->target);
        free(visit);
    }
    *memory = NULL;
}

/* ---- life ---- */

static bool daemon_start(struct server *server, const struct sockaddr_in *address)
{
    const struct keyring *keyring = server->setup.gateway->keyring;
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        on_call, server, MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)address,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        server, MHD_OPTION_THREAD_POOL_SIZE, THREAD_COUNT, MHD_OPTION_HTTPS_MEM_CERT,
        keyring->tls_certificate, MHD_OPTION_HTTPS_MEM_KEY, keyring->tls_key,
        MHD_OPTION_HTTPS_MEM_TRUST, keyring->tls_ca, MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES,
        MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    if (server->daemon == NULL) {
        return false;
    }
    const union MHD_DaemonInfo *told =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    server->port = told == NULL ? 0 : told->port;
    return true;
}

static void lock_create(struct server *server)
{
    pthread_condattr_t clock;
    REQUIRE(pthread_mutex_init(&server->lock, NULL) == 0);
    REQUIRE(pthread_condattr_init(&clock) == 0);
    REQUIRE(pthread_condattr_setclock(&clock, CLOCK_MONOTONIC) == 0);
    REQUIRE(pthread_cond_init(&server->changed, &clock) == 0);
    pthread_condattr_destroy(&clock);
}

struct server *server_start(const struct server_setup *setup, char reason[SERVER_REASON_SIZE])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(setup->port)};
    if (inet_pton(AF_INET, setup->address, &address.sin_addr) != 1) {
        snprintf(reason, SERVER_REASON_SIZE, "--address: an IPv4 address is expected, not \"%s\"",
                 setup->address);
        return NULL;
    }
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        snprintf(reason, SERVER_REASON_SIZE, "no memory for the server");
        return NULL;
    }
    server->setup = *setup;
    lock_create(server);
    if (!daemon_start(server, &address) ||
        pthread_create(&server->waker, NULL, waker_run, server) != 0) {
        snprintf(reason, SERVER_REASON_SIZE, "%s:%u: cannot listen with TLS (%s); give a free port",
                 setup->address, setup->port, strerror(errno));
        if (server->daemon != NULL) {
            MHD_stop_daemon(server->daemon);
        }
        free(server);
        return NULL;
    }
    return server;
}

void server_stop(struct server *server)
{
    if (server == NULL) {
        return;
    }
    pthread_mutex_lock(&server->lock);
    server->is_stopping = true;
    pthread_cond_signal(&server->changed);
    pthread_mutex_unlock(&server->lock);
    pthread_join(server->waker, NULL);
    (void)MHD_quiesce_daemon(server->daemon);
    pthread_mutex_lock(&server->lock);
    waiting_resume(server, true); /* the library wants none suspended when it stops */
    pthread_mutex_unlock(&server->lock);
    MHD_stop_daemon(server->daemon);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}
