/* Links live in the slots of a fixed table: the first ones we make ourselves, the others are taken.
 * A late answer goes out on whatever link is up then, so it names none. */
#include "loadtest/bank/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/bank/wire.h"
#include "protocols/base/require.h"
#include "protocols/frame_http.h"

#define LINK_COUNT_MAX 64
#define CONNECT_EVERY_MS 200
#define FRAME_ROOM (64 + FRAME_HTTP_POST_HEAD_MAX) /* what stands around a message */
#define BACKLOG 64
#define SIGNAL_COUNT 4

struct link {
    struct server *server; /* borrower */
    struct wire wire;
    bool is_signed_on, is_dropped;
    bool is_half_dead; /* reads, and says nothing any more */
    bool is_stuck;     /* in HTTP: a POST stays without an answer, so that none can be given */
    uint64_t held_ms;  /* in HTTP: nothing is answered before what waits until then */
    uint32_t number;   /* of the connection */
    uint32_t message_count;
    struct frame asked; /* what came last: an answer stands in the same frame and HTTP */
};

/* An answer that waits for its time. */
struct delayed {
    struct delayed *next;
    struct link *link; /* in HTTP, where an answer goes back on its own connection; NULL: any */
    uint32_t number;   /* of that connection */
    uint64_t due_ms;
    uint32_t length;
    uint8_t bytes[];
};

struct server {
    struct server_setup setup;
    enum status status; /* the first thing that made it stop */
    uint16_t port;
    SSL_CTX *tls_server, *tls_client; /* owner; NULL: plain, or no such side */
    struct sockaddr_storage peer;     /* to connect to */
    bool is_signed_on;                /* where one link signs on for all */
    bool was_half_dead;               /* it happens once */
    uv_tcp_t listener;
    uv_check_t turn; /* runs after each turn's reads */
    uv_timer_t timer, connecting, keys;
    uv_signal_t signals[SIGNAL_COUNT];
    struct delayed *first; /* owner; by time */
    struct link links[LINK_COUNT_MAX];
};

static void server_stop(struct server *server, enum status status)
{
    if (server->status == STATUS_OK) {
        server->status = status;
    }
    uv_stop(server->setup.loop);
}

static void link_close(struct link *link, const char *reason)
{
    wire_close(&link->wire, reason);
}

static bool link_is_open(const struct link *link)
{
    return link->wire.is_open && !link->wire.is_closing && !link->is_dropped;
}

static bool link_is_signed_on(const struct link *link)
{
    return link->is_signed_on ||
           (link->server->setup.is_signon_for_all && link->server->is_signed_on);
}

/* Gathers one message, framed. */
static void link_put(struct link *link, const uint8_t *bytes, uint32_t length)
{
    uint8_t framed[HOST_ANSWER_BYTES_MAX + FRAME_ROOM];
    struct byte_writer writer;
    struct server *server = link->server;
    if (link->is_half_dead || link->is_stuck) {
        return;
    }
    byte_writer_init(&writer, framed, sizeof framed);
    struct frame_mark mark = frame_begin_reply(&writer, &server->setup.framing, &link->asked);
    byte_writer_put(&writer, bytes, length);
    frame_end(&writer, &server->setup.framing, &mark);
    REQUIRE(writer.status == STATUS_OK);
    if (!wire_write(&link->wire, (struct byte_view){framed, writer.position})) {
        fprintf(stderr, "%s: link closed: %s\n", server->setup.name, link->wire.reason);
    }
}

static struct link *link_any(struct server *server)
{
    for (uint32_t i = 0; i < LINK_COUNT_MAX; i++) {
        struct link *link = &server->links[i];
        if (link_is_open(link) && link_is_signed_on(link) && !link->is_half_dead) {
            return link;
        }
    }
    return NULL;
}

/* Where a delayed answer goes; NULL: nowhere any more. */
static struct link *link_for(struct server *server, const struct delayed *due)
{
    if (due->link == NULL) {
        return link_any(server);
    }
    return due->link->number == due->number && link_is_open(due->link) ? due->link : NULL;
}

static void timer_arm(struct server *server);

static void on_timer(uv_timer_t *timer)
{
    struct server *server = timer->data;
    uint64_t now_ms = uv_now(server->setup.loop);
    while (server->first != NULL && server->first->due_ms <= now_ms) {
        struct delayed *due = server->first;
        server->first = due->next;
        struct link *link = link_for(server, due);
        if (link != NULL) {
            link_put(link, due->bytes, due->length);
            wire_flush(&link->wire);
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

static void answer_delay(struct link *link, const struct host_answer *answer)
{
    struct server *server = link->server;
    struct delayed *delayed = malloc(sizeof *delayed + answer->length);
    if (delayed == NULL) {
        server_stop(server, STATUS_NO_MEMORY);
        return;
    }
    delayed->due_ms = uv_now(server->setup.loop) + answer->verdict.delay_ms;
    delayed->link = NULL;
    if (server->setup.framing.may_be_http) { /* in the order of the POSTs */
        delayed->link = link;
        delayed->number = link->number;
        link->held_ms = link->held_ms > delayed->due_ms ? link->held_ms : delayed->due_ms;
        delayed->due_ms = link->held_ms;
    }
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

/* Tells one link which settlement day is in force. */
static void link_tell_day(struct link *link)
{
    struct server *server = link->server;
    struct host_answer notice;
    char fault[HOST_FAULT_SIZE];
    if (host_tell_day(server->setup.host, &notice, fault) != STATUS_OK) {
        fprintf(stderr, "%s: the cut-over cannot be told: %s\n", server->setup.name, fault);
        return;
    }
    link_put(link, notice.bytes, notice.length);
}

/* From the message of that number on, the first link that got so far is as good as cut. */
static void half_death_look(struct link *link)
{
    struct server *server = link->server;
    uint32_t after = server->setup.half_dead_after;
    link->message_count++;
    if (after > 0 && link->message_count > after && !server->was_half_dead &&
        !server->setup.faults->are_healed) {
        server->was_half_dead = link->is_half_dead = true;
        fprintf(stderr, "%s: a link is half dead from here on\n", server->setup.name);
    }
}

static void signs_note(struct link *link, const struct host_answer *answer)
{
    link->is_signed_on = (link->is_signed_on || answer->is_sign_on) && !answer->is_sign_off;
    link->server->is_signed_on =
        (link->server->is_signed_on || answer->is_sign_on) && !answer->is_sign_off;
}

/* An answer waits for its time, and none may be before it. */
static bool is_held(const struct link *link)
{
    return link->held_ms > 0 && link->held_ms >= uv_now(link->server->setup.loop);
}

static void link_on_message(struct link *link, struct byte_view message)
{
    struct server *server = link->server;
    struct host_answer answer;
    char fault[HOST_FAULT_SIZE];
    half_death_look(link);
    if (link->is_half_dead) {
        return;
    }
    enum status status =
        host_on_message(server->setup.host, message, link_is_signed_on(link), &answer, fault);
    if (status < STATUS_OK) {
        fprintf(stderr, "%s: the books cannot be kept: %s\n", server->setup.name,
                status_text(status));
        server_stop(server, status);
        return;
    }
    if (status > STATUS_OK) {
        fprintf(stderr, "%s: message refused, link closed: %s\n", server->setup.name, fault);
        link_close(link, fault);
        return;
    }
    signs_note(link, &answer);
    link->is_dropped = link->is_dropped || answer.verdict.is_dropped;
    bool is_http = server->setup.framing.may_be_http;
    link->is_stuck = link->is_stuck || (is_http && answer.length == 0);
    for (int i = 0; answer.length > 0 && i < 1 + answer.verdict.is_twice; i++) {
        if (answer.verdict.delay_ms > 0 || is_held(link)) {
            answer_delay(link, &answer);
        } else {
            link_put(link, answer.bytes, answer.length);
        }
    }
    if (!is_http && answer.is_sign_on && !link->wire.is_closing &&
        host_has_cut_over(server->setup.host)) {
        link_tell_day(link); /* it may have been away */
    }
}

/* What is no frame: an HTTP fault is answered before the link is closed. */
static void refuse_bytes(struct link *link, const struct frame_fault *fault)
{
    struct server *server = link->server;
    fprintf(stderr, "%s: link closed: %s\n", server->setup.name, fault->reason);
    if (fault->http_status != 0) {
        uint8_t bytes[256];
        struct byte_writer writer;
        byte_writer_init(&writer, bytes, sizeof bytes);
        frame_put_http_error(&writer, fault->http_status);
        (void)wire_write(&link->wire, (struct byte_view){bytes, writer.position});
        wire_flush(&link->wire);
    }
    link_close(link, fault->reason);
}

/* Where messages are posted to us, nothing else is taken. */
static enum status next_frame(const struct framing *framing, struct byte_view bytes,
                              struct frame *frame, uint32_t *consumed, struct frame_fault *fault)
{
    if (framing->may_be_http && !frame_http_is_begun(bytes.bytes[0])) {
        *fault = (struct frame_fault){.http_status = 0};
        snprintf(fault->reason, sizeof fault->reason,
                 "byte 0 is %02X, expected a POST: messages are taken in HTTP alone (--http)",
                 bytes.bytes[0]);
        return STATUS_MALFORMED;
    }
    return frame_parse(frame, consumed, framing, bytes, fault);
}

/* Takes whole frames out of what has come. */
static uint32_t on_bytes(void *owner, struct byte_view bytes)
{
    struct link *link = owner;
    struct server *server = link->server;
    uint32_t at = 0;
    while (at < bytes.length && link_is_open(link)) {
        struct frame frame;
        struct frame_fault fault;
        uint32_t consumed;
        struct byte_view rest = {bytes.bytes + at, bytes.length - at};
        enum status status = next_frame(&server->setup.framing, rest, &frame, &consumed, &fault);
        if (status == STATUS_TRUNCATED) {
            return at;
        }
        if (status != STATUS_OK) {
            refuse_bytes(link, &fault);
            return bytes.length;
        }
        at += consumed;
        link->asked = frame;
        link->asked.message = (struct byte_view){NULL, 0};
        if (frame.message.length > 0) { /* nothing but a length keeps the link alive */
            link_on_message(link, frame.message);
        }
    }
    return link_is_open(link) ? at : bytes.length;
}

static void on_open(void *owner)
{
    struct link *link = owner;
    link->is_signed_on = link->is_dropped = link->is_half_dead = link->is_stuck = false;
    link->held_ms = 0;
    link->number++;
    link->message_count = 0;
    link->asked = (struct frame){.length_kind = link->server->setup.framing.length_kind};
}

static void on_wire_closed(void *owner, const char *reason)
{
    struct link *link = owner;
    bool is_any = false;
    if (strncmp(reason, "TLS", 3) == 0) {
        fprintf(stderr, "%s: %s\n", link->server->setup.name, reason);
    }
    for (uint32_t i = 0; i < LINK_COUNT_MAX; i++) {
        is_any = is_any || link_is_open(&link->server->links[i]);
    }
    link->server->is_signed_on = link->server->is_signed_on && is_any;
}

static const struct wire_calls WIRE_CALLS = {on_open, on_bytes, on_wire_closed};

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
        if (!link->wire.is_used) {
            continue;
        }
        if (link->is_dropped) {
            link_close(link, "dropped as a fault");
        } else {
            wire_flush(&link->wire);
        }
    }
}

static struct wire_setup wire_setup_of(struct link *link, SSL_CTX *tls)
{
    struct server *server = link->server;
    return (struct wire_setup){server->setup.loop, tls, server->setup.server_name, &WIRE_CALLS,
                               link};
}

static void on_connection(uv_stream_t *listener, int result)
{
    struct server *server = listener->data;
    struct link *link = NULL;
    for (uint32_t i = server->setup.connection_count; i < LINK_COUNT_MAX && link == NULL; i++) {
        link = server->links[i].wire.is_used ? NULL : &server->links[i];
    }
    if (result < 0 || link == NULL) {
        fprintf(stderr, "%s: no connection taken: %s\n", server->setup.name,
                result < 0 ? uv_strerror(result) : "all links are in use");
        return;
    }
    struct wire_setup setup = wire_setup_of(link, server->tls_server);
    (void)wire_take(&link->wire, &setup, listener);
}

/* Makes every link of ours that is not there. */
static void on_connecting(uv_timer_t *timer)
{
    struct server *server = timer->data;
    for (uint32_t i = 0; i < server->setup.connection_count; i++) {
        struct link *link = &server->links[i];
        if (!link->wire.is_used) {
            struct wire_setup setup = wire_setup_of(link, server->tls_client);
            wire_connect(&link->wire, &setup, (const struct sockaddr *)&server->peer);
        }
    }
}

/* New working keys for the other side, on any link that is up. */
static void on_keys(uv_timer_t *timer)
{
    struct server *server = timer->data;
    struct link *link = link_any(server);
    struct host_answer notice;
    char fault[HOST_FAULT_SIZE];
    if (link == NULL) {
        return;
    }
    if (host_offer_keys(server->setup.host, &notice, fault) != STATUS_OK) {
        fprintf(stderr, "%s: no new keys: %s\n", server->setup.name, fault);
        return;
    }
    link_put(link, notice.bytes, notice.length);
    wire_flush(&link->wire);
}

static void do_cut_over(struct server *server)
{
    host_cut_over(server->setup.host);
    fprintf(stderr, "%s: cut over, the next settlement day begins\n", server->setup.name);
    for (uint32_t i = 0; i < LINK_COUNT_MAX; i++) {
        struct link *link = &server->links[i];
        if (link_is_open(link) && link_is_signed_on(link)) {
            link_tell_day(link);
            wire_flush(&link->wire);
        }
    }
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    if (number == SIGUSR1) {
        server->setup.faults->are_healed = true;
        for (uint32_t i = 0; i < LINK_COUNT_MAX; i++) {
            server->links[i].is_half_dead = false;
        }
        fprintf(stderr, "%s: healed, all faults are off\n", server->setup.name);
        return;
    }
    if (number == SIGUSR2) {
        do_cut_over(server);
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

static bool server_tls(struct server *server, char reason[SERVER_REASON_SIZE])
{
    const struct wire_tls *tls = &server->setup.tls;
    bool is_on = tls->certificate != NULL || tls->ca != NULL;
    if (!is_on) {
        return true;
    }
    if (tls->certificate != NULL) {
        server->tls_server = wire_tls_create(tls, true, reason);
    }
    if (server->setup.connection_count > 0) {
        server->tls_client = wire_tls_create(tls, false, reason);
    }
    return (tls->certificate == NULL || server->tls_server != NULL) &&
           (server->setup.connection_count == 0 || server->tls_client != NULL);
}

/* Listens, connects, and sends keys, as far as each is wanted. */
static bool server_begin(struct server *server, char reason[SERVER_REASON_SIZE])
{
    const struct server_setup *setup = &server->setup;
    int result = server_listen(server);
    if (result != 0) {
        snprintf(reason, SERVER_REASON_SIZE, "cannot listen on %s:%u: %s", setup->address,
                 setup->port, uv_strerror(result));
        return false;
    }
    if (setup->connection_count > 0) {
        result =
            uv_ip4_addr(setup->peer_address, setup->peer_port, (struct sockaddr_in *)&server->peer);
        if (result != 0) {
            snprintf(reason, SERVER_REASON_SIZE, "--connect: \"%s\" is no IPv4 address",
                     setup->peer_address);
            return false;
        }
        REQUIRE(uv_timer_start(&server->connecting, on_connecting, 0, CONNECT_EVERY_MS) == 0);
    }
    if (setup->keys_every_ms > 0) {
        REQUIRE(uv_timer_start(&server->keys, on_keys, setup->keys_every_ms,
                               setup->keys_every_ms) == 0);
    }
    return true;
}

struct server *server_create(const struct server_setup *setup, char reason[SERVER_REASON_SIZE])
{
    static const int numbers[SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        snprintf(reason, SERVER_REASON_SIZE, "no memory");
        return NULL;
    }
    server->setup = *setup;
    for (uint32_t i = 0; i < LINK_COUNT_MAX; i++) {
        server->links[i].server = server;
    }
    REQUIRE(uv_tcp_init(setup->loop, &server->listener) == 0);
    REQUIRE(uv_timer_init(setup->loop, &server->connecting) == 0);
    REQUIRE(uv_timer_init(setup->loop, &server->keys) == 0);
    server->connecting.data = server->keys.data = server;
    REQUIRE(uv_check_init(setup->loop, &server->turn) == 0);
    REQUIRE(uv_timer_init(setup->loop, &server->timer) == 0);
    server->listener.data = server->turn.data = server->timer.data = server;
    REQUIRE(uv_check_start(&server->turn, on_turn) == 0);
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        REQUIRE(uv_signal_init(setup->loop, &server->signals[i]) == 0);
        server->signals[i].data = server;
        REQUIRE(uv_signal_start(&server->signals[i], on_signal, numbers[i]) == 0);
    }
    if (!server_tls(server, reason) || !server_begin(server, reason)) {
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
        link_close(&server->links[i], "the bank ends");
    }
    uv_close((uv_handle_t *)&server->connecting, NULL);
    uv_close((uv_handle_t *)&server->keys, NULL);
    uv_close((uv_handle_t *)&server->listener, NULL);
    uv_close((uv_handle_t *)&server->turn, NULL);
    uv_close((uv_handle_t *)&server->timer, NULL);
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        uv_close((uv_handle_t *)&server->signals[i], NULL);
    }
    uv_run(server->setup.loop, UV_RUN_DEFAULT);
    while (server->first != NULL) {
        struct delayed *next = server->first->next;
        free(server->first);
        server->first = next;
    }
    SSL_CTX_free(server->tls_server);
    SSL_CTX_free(server->tls_client);
    free(server);
    return status;
}
