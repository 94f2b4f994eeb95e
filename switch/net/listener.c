/* See listener.h. libuv's own listener takes all that waits in one go and has no way to take less,
 * so the socket is watched by a poll handle and accepted here. */
#define _GNU_SOURCE /* accept4 */

#include "switch/net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocols/base/require.h"
#include "switch/net/log.h"

#define PAUSE_NS UINT64_C(500000000)        /* without descriptors: look again in half a second */
#define REFUSAL_LOG_NS UINT64_C(1000000000) /* one line a second for refusals, however many */
#define ADDRESS_SLOT_COUNT 4096u
_Static_assert((ADDRESS_SLOT_COUNT & (ADDRESS_SLOT_COUNT - 1)) == 0, "slots wrap by masking");

/* Open connections by address; a slot is shared by addresses of one hash, which can only refuse too
 * early, never too late. */
struct listener {
    uv_poll_t poll;
    struct loop *loop; /* borrowed */
    struct listener_setup setup;
    struct listener_counts counts;
    struct deadline pause;
    int descriptor;
    uint16_t port; /* as the socket has it */
    bool is_listening, is_closing, is_poll_closed;
    uint64_t refusal_logged_ns;
    uint16_t address_counts[ADDRESS_SLOT_COUNT];
};

static uint32_t address_slot(const struct net_address *address)
{
    uint64_t words[2];
    memcpy(words, address->bytes, sizeof(words));
    uint64_t mixed =
        (words[0] ^ (words[1] * UINT64_C(0x9E3779B97F4A7C15))) * UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)(mixed >> 40) & (ADDRESS_SLOT_COUNT - 1);
}

static void refused(struct listener *listener, const struct net_address *address,
                    enum close_reason reason)
{
    char text[NET_ADDRESS_TEXT_SIZE];
    bool is_address = reason == CLOSE_LIMIT_ADDRESS;
    struct count *count =
        is_address ? &listener->counts.refused_address : &listener->counts.refused_connections;
    count_add(count, 1);
    count_add(&listener->loop->counts.closed[reason], 1);
    uint64_t now_ns = loop_now_ns();
    if (now_ns - listener->refusal_logged_ns >= REFUSAL_LOG_NS) {
        listener->refusal_logged_ns = now_ns;
        net_address_format(text, address);
        LOG(LOG_WARN, "conn_refused", LOG_TEXT("listener", listener->setup.name),
            LOG_TEXT("peer", text), LOG_TEXT("reason", close_reason_name(reason)),
            LOG_NUMBER("limit", is_address ? listener->setup.per_address_max
                                           : listener->setup.connection_max),
            LOG_NUMBER("refused_so_far", count_get(count)));
    }
}

/* False: the owner would not have it. The caller gives its place back; that may free a listener
 * which is closing, so nothing of it is touched afterwards. */
static bool take(struct listener *listener, int descriptor, const struct net_address *address)
{
    const struct listener_setup *setup = &listener->setup;
    uint16_t *address_count = &listener->address_counts[address_slot(address)];
    if (count_get(&listener->counts.open) >= setup->connection_max) {
        refused(listener, address, CLOSE_LIMIT_CONNECTIONS);
        close(descriptor);
        return true;
    }
    if (setup->per_address_max > 0 && *address_count >= setup->per_address_max) {
        refused(listener, address, CLOSE_LIMIT_ADDRESS);
        close(descriptor);
        return true;
    }
    (*address_count)++;
    count_add(&listener->counts.open, 1);
    count_add(&listener->counts.accepted, 1);
    if (!setup->on_accept(setup->argument, descriptor, address)) {
        refused(listener, address, CLOSE_LIMIT_CONNECTIONS);
        return false;
    }
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_pause_over(struct deadline *deadline)
{
    struct listener *listener =
        (struct listener *)((char *)deadline - offsetof(struct listener, pause));
    if (listener->is_listening) {
        uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    }
}

/* The socket stays readable while we cannot accept, so it is not looked at for a while. */
static void pause_accepting(struct listener *listener, int error)
{
    count_add(&listener->counts.paused, 1);
    LOG(LOG_ERROR, "accept_paused", LOG_TEXT("listener", listener->setup.name),
        LOG_TEXT("reason", strerror(error)), LOG_NUMBER("open", count_get(&listener->counts.open)),
        LOG_TEXT("do", "raise LimitNOFILE or lower connection_max"));
    uv_poll_stop(&listener->poll);
    deadline_arm(&listener->loop->wheel, &listener->pause, loop_now_ns() + PAUSE_NS);
}

/* Whether to go on: false when nothing waits, or nothing can be taken now. */
static bool accept_one(struct listener *listener)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof(storage);
    int descriptor = accept4(listener->descriptor, (struct sockaddr *)&storage, &length,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
        struct net_address address;
        net_address_from_socket(&address, &storage);
        if (!take(listener, descriptor, &address)) {
            listener_released(listener, &address);
            return false;
        }
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        pause_accepting(listener, errno);
        return false;
    }
    return errno == EINTR || errno == ECONNABORTED;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    (void)status;
    (void)events;
    for (uint32_t i = 0; i < listener->setup.accept_budget && listener->is_listening; i++) {
        if (!accept_one(listener)) {
            return;
        }
    }
}

void listener_accept_waiting(struct listener *listener)
{
    for (uint32_t i = 0; i < listener->setup.backlog && listener->is_listening; i++) {
        if (!accept_one(listener)) {
            return;
        }
    }
}

void listener_give(struct listener *listener, const char *name, void *argument)
{
    listener->setup.name = name;
    listener->setup.argument = argument;
}

/* A socket bound to the address, or -1 and errno. */
static int socket_bind(const struct net_address *address, bool is_shared)
{
    struct sockaddr_storage storage;
    net_address_to_socket(address, &storage);
    int descriptor = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, shared = is_shared;
    if (descriptor >= 0 && setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &shared, sizeof(shared)) == 0 &&
        bind(descriptor, (const struct sockaddr *)&storage,
             address->is_v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)) == 0) {
        return descriptor;
    }
    int error = errno;
    if (descriptor >= 0) {
        close(descriptor);
    }
    errno = error;
    return -1;
}

static void say_why(const struct listener_setup *setup, char reason[LISTENER_REASON_SIZE])
{
    char text[NET_ADDRESS_TEXT_SIZE];
    int error = errno;
    net_address_format(text, &setup->address);
    snprintf(reason, LISTENER_REASON_SIZE, "listener %s cannot listen on %s: %s%s", setup->name,
             text, strerror(error),
             error == EADDRINUSE ? "; stop what listens there, or choose another port" : "");
}

bool listener_is_free(const struct listener_setup *setup, char reason[LISTENER_REASON_SIZE])
{
    int descriptor = setup->address.port == 0 ? -1 : socket_bind(&setup->address, false);
    if (descriptor >= 0) {
        close(descriptor);
    } else if (setup->address.port != 0) {
        say_why(setup, reason);
        return false;
    }
    return true;
}

int listener_bind(const struct listener_setup *setup, char reason[LISTENER_REASON_SIZE])
{
    int descriptor = socket_bind(&setup->address, true);
    if (descriptor < 0) {
        say_why(setup, reason);
    }
    return descriptor;
}

uint16_t listener_bound_port(int descriptor)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof(storage);
    struct net_address address = {.port = 0};
    if (getsockname(descriptor, (struct sockaddr *)&storage, &length) == 0) {
        net_address_from_socket(&address, &storage);
    }
    return address.port;
}

bool listener_listen(int descriptor, const struct listener_setup *setup,
                     char reason[LISTENER_REASON_SIZE])
{
    if (listen(descriptor, (int)setup->backlog) != 0) {
        say_why(setup, reason);
        return false;
    }
    return true;
}

struct listener *listener_adopt(struct loop *loop, const struct listener_setup *setup,
                                int descriptor, char reason[LISTENER_REASON_SIZE])
{
    REQUIRE(setup->accept_budget > 0);
    struct listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL || uv_poll_init(&loop->uv, &listener->poll, descriptor) != 0) {
        say_why(setup, reason);
        close(descriptor);
        free(listener);
        return NULL;
    }
    listener->loop = loop;
    listener->setup = *setup;
    listener->descriptor = descriptor;
    listener->port = listener_bound_port(descriptor);
    listener->is_listening = true;
    listener->poll.data = listener;
    deadline_init(&listener->pause, on_pause_over);
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    return listener;
}

struct listener *listener_create(struct loop *loop, const struct listener_setup *setup,
                                 char reason[LISTENER_REASON_SIZE])
{
    int descriptor = listener_bind(setup, reason);
    if (descriptor < 0) {
        return NULL;
    }
    if (!listener_listen(descriptor, setup, reason)) {
        close(descriptor);
        return NULL;
    }
    return listener_adopt(loop, setup, descriptor, reason);
}

static void free_when_done(struct listener *listener)
{
    if (listener->is_closing && listener->is_poll_closed &&
        count_get(&listener->counts.open) == 0) {
        free(listener);
    }
}

void listener_released(struct listener *listener, const struct net_address *address)
{
    uint16_t *address_count = &listener->address_counts[address_slot(address)];
    REQUIRE(*address_count > 0);
    (*address_count)--;
    count_sub(&listener->counts.open, 1);
    free_when_done(listener);
}

void listener_limit(struct listener *listener, uint32_t connection_max, uint32_t per_address_max)
{
    listener->setup.connection_max = connection_max;
    listener->setup.per_address_max = per_address_max;
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    listener->is_poll_closed = true;
    free_when_done(listener);
}

void listener_stop(struct listener *listener)
{
    if (listener->is_listening) {
        listener->is_listening = false;
        deadline_cancel(&listener->pause);
        uv_close((uv_handle_t *)&listener->poll, on_poll_closed);
        close(listener->descriptor);
    }
}

void listener_close(struct listener *listener)
{
    if (listener != NULL) {
        listener->is_closing = true;
        listener_stop(listener);
        free_when_done(listener);
    }
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

const struct listener_counts *listener_count(const struct listener *listener)
{
    return &listener->counts;
}
