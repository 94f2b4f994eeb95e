/* A link lives in a slot of a fixed table; answers name slot and generation, so that one meant for
 * a link that is gone is not sent on its successor by mistake. */
#include "loadtest/bank/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

#define LINK_COUNT_MAX 64
#define LINK_IN_BYTES 16384
#define LINK_QUEUE_BYTES_MAX (16U << 20) /* answers that a peer may leave unread */
#define LINK_OUT_BYTES                                                                             \
    262144 /* a turn's answers to one link: 1,024 requests in flight and more                      \
            */
#define MESSAGE_BYTES_MAX 2048U
#define BACKLOG 64

struct link {
    struct server *server; /* borrower; NULL: the slot is free */
    uv_tcp_t tcp;
    bool is_signed_on, is_dropped, is_closing;
    uint32_t in_length, out_length;
    uint8_t in[LINK_IN_BYTES], out[LINK_OUT_BYTES];
};

/* An answer that waits for its time. */
struct delayed {
    struct delayed *next;
    uint64_t due_ms;
    uint32_t length;
    uint8_t bytes[];
};

struct server {
    struct server_setup setup;
    enum status status; /* the first thing that made it stop */
    uint16_t port;
    uv_tcp_t listener;
    uv_check_t turn; /* runs after each turn's reads */
    uv_timer_t timer;
    uv_signal_t signals[3];
    struct delayed *first; /* owner; by time */
    struct link links[LINK_COUNT_MAX];
};

static void on_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;
    link->server = NULL;
}

static void link_close(struct link *link)
{
    if (link->server != NULL && !link->is_closing) {
        link->is_closing = true;
        uv_close((uv_handle_t *)&link->tcp, on_closed);
    }
}

static void server_stop(struct server *server, enum status status)
{
    if (server->status == STATUS_OK) {
        server->status = status;
    }
    uv_stop(server->setup.loop);
}

static void on_written(uv_write_t *write, int result)
{
    struct link *link = write->handle->data;
    free(write);
    if (result < 0) {
        link_close(link);
    }
}

/* Sends what has gathered: straight to the socket, the rest through libuv's queue. */
static void link_flush(struct link *link)
{
    if (link->out_length == 0 || link->is_closing) {
        return;
    }
    uv_stream_t *stream = (uv_stream_t *)&link->tcp;
    uv_buf_t all = uv_buf_init((char *)link->out, link->out_length);
    int sent = uv_try_write(stream, &all, 1);
    uint32_t done = sent < 0 ? 0 : (uint32_t)sent;
    uint32_t rest = link->out_length - done;
    link->out_length = 0;
    if (sent < 0 && sent != UV_EAGAIN) {
        link_close(link);
        return;
    }
    if (rest == 0) {
        return;
    }
    uv_write_t *write = malloc(sizeof *write + rest);
    if (write == NULL) {
        link_close(link);
        return;
    }
    memcpy(write + 1, link->out + done, rest);
    uv_buf_t left = uv_buf_init((char *)(write + 1), rest);
    if (uv_write(write, stream, &left, 1, on_written) != 0) {
        free(write);
        link_close(link);
    }
}

static void link_put(struct link *link, const uint8_t *bytes, uint32_t length)
{
    if (LINK_OUT_BYTES - link->out_length < length + 2) {
        link_flush(link); /* more answers in one reading than the buffer holds */
    }
    if (link->is_closing ||
        uv_stream_get_write_queue_size((uv_stream_t *)&link->tcp) > LINK_QUEUE_BYTES_MAX) {
        fprintf(stderr, "%s: a peer does not read its answers; link closed\n",
                link->server->setup.name);
        link_close(link);
        return;
    }
    uint8_t *at = link->out + link->out_length;
    at[0] = (uint8_t)(length >> 8);
    at[1] = (uint8_t)length;
    memcpy(at + 2, bytes, length);
    link->out_length += length + 2;
}

static struct link *link_any(struct server *server)
{
    for (uint32_t i = 0; i < LINK_COUNT_MAX; i++) {
        struct link *link = &server->links[i];
        if (link->server != NULL && !link->is_closing && !link->is_dropped && link->is_signed_on) {
            return link;
        }
    }
    return NULL;
}

static void timer_arm(struct server *server);

static void on_timer(uv_timer_t *timer)
{
    struct server *server = timer->data;
    uint64_t now_ms = uv_now(server->setup.loop);
    while (server->first != NULL && server->first->due_ms <= now_ms) {
        struct delayed *due = server->first;
        server->first = due->next;
        struct link *link = link_any(server);
        if (link != NULL) {
            link_put(link, due->bytes, due->length);
            link_flush(link);
        }
        free(due);
    }
    timer_arm(server);
}

static void timer_arm(struct server *server)
{
    if (server->first == NULL) {
        uv_timer_stop(&server->timer);
        return;
    }
    uint64_t now_ms = uv_now(server->setup.loop);
    uint64_t wait_ms = server->first->due_ms > now_ms ? server->first->due_ms - now_ms : 0;
    uv_timer_start(&server->timer, on_timer, wait_ms, 0);
}

static void answer_delay(struct server *server, const struct host_answer *answer)
{
    struct delayed *delayed = malloc(sizeof *delayed + answer->length);
    if (delayed == NULL) {
        server_stop(server, STATUS_NO_MEMORY);
        return;
    }
    delayed->due_ms = uv_now(server->setup.loop) + answer->verdict.delay_ms;
    delayed->length = answer->length;
    memcpy(delayed->bytes, answer->bytes, answer->length);
    struct delayed **place = &server->first;
    while (*place != NULL && (*place)->due_ms <= delayed->due_ms) {
        place = &(*place)->next;
    }
    delayed->next = *place;
    *place = delayed;
    timer_arm(server);
}

static void link_on_message(struct link *link, struct byte_view message)
{
    struct server *server = link->server;
    struct host_answer answer;
    char fault[HOST_FAULT_SIZE];
    enum status status =
        host_on_message(server->setup.host, message, link->is_signed_on, &answer, fault);
    if (status < STATUS_OK) {
        fprintf(stderr, "%s: the books cannot be kept: %s\n", server->setup.name,
                status_text(status));
        server_stop(server, status);
        return;
    }
    if (status > STATUS_OK) {
        fprintf(stderr, "%s: message refused, link closed: %s\n", server->setup.name, fault);
        link_close(link);
        return;
    }
    link->is_signed_on = (link->is_signed_on || answer.is_sign_on) && !answer.is_sign_off;
    link->is_dropped = link->is_dropped || answer.verdict.is_dropped;
    for (int i = 0; answer.length > 0 && i < 1 + answer.verdict.is_twice; i++) {
        if (answer.verdict.delay_ms > 0) {
            answer_delay(server, &answer);
        } else {
            link_put(link, answer.bytes, answer.length);
        }
    }
}

/* Takes whole frames out of the buffer; two bytes of length before each message. */
static void link_on_bytes(struct link *link)
{
    uint32_t at = 0;
    while (link->in_length - at >= 2 && !link->is_closing && !link->is_dropped) {
        uint32_t length = (uint32_t)link->in[at] << 8 | link->in[at + 1];
        if (length > MESSAGE_BYTES_MAX) {
            fprintf(stderr, "%s: a length of %u bytes, %u at most; link closed\n",
                    link->server->setup.name, length, MESSAGE_BYTES_MAX);
            link_close(link);
            return;
        }
        if (link->in_length - at - 2 < length) {
            break;
        }
        if (length > 0) { /* nothing but a length keeps the link alive */
            link_on_message(link, (struct byte_view){link->in + at + 2, length});
        }
        at += 2 + length;
    }
    link->in_length -= at;
    memmove(link->in, link->in + at, link->in_length);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    (void)wanted;
    struct link *link = handle->data;
    *buffer = uv_buf_init((char *)link->in + link->in_length, LINK_IN_BYTES - link->in_length);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    (void)buffer;
    struct link *link = stream->data;
    if (count < 0) {
        link_close(link);
        return;
    }
    link->in_length += (uint32_t)count;
    link_on_bytes(link);
}

/* The end of a turn: the books first, then the answers, then the faults' closed links. */
static void on_turn(uv_check_t *check)
{
    struct server *server = check->data;
    if (ledger_commit(server->setup.ledger) != STATUS_OK) {
        fprintf(stderr, "%s: the commit failed; no answer leaves\n", server->setup.name);
        server_stop(server, STATUS_BROKEN);
        return;
    }
    for (uint32_t i = 0; i < LINK_COUNT_MAX; i++) {
        struct link *link = &server->links[i];
        if (link->server == NULL) {
            continue;
        }
        if (link->is_dropped) {
            link_close(link);
        } else {
            link_flush(link);
        }
    }
}

static void on_connection(uv_stream_t *listener, int result)
{
    struct server *server = listener->data;
    struct link *link = NULL;
    for (uint32_t i = 0; i < LINK_COUNT_MAX && link == NULL; i++) {
        link = server->links[i].server == NULL ? &server->links[i] : NULL;
    }
    if (result < 0 || link == NULL) {
        fprintf(stderr, "%s: no connection taken: %s\n", server->setup.name,
                result < 0 ? uv_strerror(result) : "all links are in use");
        return;
    }
    link->is_signed_on = link->is_dropped = link->is_closing = false;
    link->in_length = link->out_length = 0;
    REQUIRE(uv_tcp_init(server->setup.loop, &link->tcp) == 0);
    link->server = server;
    link->tcp.data = link;
    if (uv_accept(listener, (uv_stream_t *)&link->tcp) != 0) {
        link_close(link);
        return;
    }
    uv_tcp_nodelay(&link->tcp, 1);
    uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    if (number == SIGUSR1) {
        server->setup.faults->are_healed = true;
        fprintf(stderr, "%s: healed, all faults are off\n", server->setup.name);
        return;
    }
    uv_stop(server->setup.loop);
}

static int server_listen(struct server *server)
{
    struct sockaddr_storage bound;
    struct sockaddr_in address;
    int length = sizeof bound;
    int result = uv_ip4_addr(server->setup.address, server->setup.port, &address);
    result =
        result != 0 ? result : uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0);
    result =
        result != 0 ? result : uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    result = result != 0
                 ? result
                 : uv_tcp_getsockname(&server->listener, (struct sockaddr *)&bound, &length);
    if (result == 0) {
        const uint8_t *port = (const uint8_t *)&((struct sockaddr_in *)&bound)->sin_port;
        server->port = (uint16_t)(port[0] << 8 | port[1]);
    }
    return result;
}

struct server *server_create(const struct server_setup *setup, char reason[160])
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1};
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        snprintf(reason, 160, "no memory");
        return NULL;
    }
    server->setup = *setup;
    REQUIRE(uv_tcp_init(setup->loop, &server->listener) == 0);
    REQUIRE(uv_check_init(setup->loop, &server->turn) == 0);
    REQUIRE(uv_timer_init(setup->loop, &server->timer) == 0);
    server->listener.data = server->turn.data = server->timer.data = server;
    REQUIRE(uv_check_start(&server->turn, on_turn) == 0);
    for (unsigned i = 0; i < 3; i++) {
        REQUIRE(uv_signal_init(setup->loop, &server->signals[i]) == 0);
        server->signals[i].data = server;
        REQUIRE(uv_signal_start(&server->signals[i], on_signal, numbers[i]) == 0);
    }
    int result = server_listen(server);
    if (result != 0) {
        snprintf(reason, 160, "cannot listen on %s:%u: %s", setup->address, setup->port,
                 uv_strerror(result));
        (void)server_destroy(server);
        return NULL;
    }
    return server;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

enum status server_destroy(struct server *server)
{
    enum status status = server->status;
    for (uint32_t i = 0; i < LINK_COUNT_MAX; i++) {
        link_close(&server->links[i]);
    }
    uv_close((uv_handle_t *)&server->listener, NULL);
    uv_close((uv_handle_t *)&server->turn, NULL);
    uv_close((uv_handle_t *)&server->timer, NULL);
    for (unsigned i = 0; i < 3; i++) {
        uv_close((uv_handle_t *)&server->signals[i], NULL);
    }
    uv_run(server->setup.loop, UV_RUN_DEFAULT);
    while (server->first != NULL) {
        struct delayed *next = server->first->next;
        free(server->first);
        server->first = next;
    }
    free(server);
    return status;
}
