/* See terminal_conn.h. */
#include "switch/terminal/terminal_conn.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocols/base/require.h"
#include "protocols/frame_hint.h"
#include "switch/net/log.h"
#include "switch/net/trace.h"
#include "switch/terminal/gate.h"
#include "switch/terminal/rim_watch.h"
#include "switch/terminal/terminal_clock.h"
#include "switch/terminal/terminal_device.h"
#include "switch/terminal/terminal_port.h"
#include "switch/terminal/terminal_reply.h"

#define NS_PER_MS UINT64_C(1000000)
/* Wrong MACs in a row that one connection may send: who guesses pays a handshake for each few
 * tries. The terminal itself is not stopped, or anybody could stop it. */
#define MAC_FAILURE_COUNT_MAX 8
#define OUTPUT_MAX (64 * 1024) /* a terminal that reads nothing of some thirty answers is cut */

void terminal_conn_close(struct terminal_conn *conn, enum close_reason reason, const char *text)
{
    stream_close(conn->stream, reason, text);
}

static void arm(struct terminal_conn *conn, uint32_t timeout_ms)
{
    stream_arm(conn->stream, loop_now_ns() + timeout_ms * NS_PER_MS);
}

/* One line for what the terminal did wrong: what, where, which one. */
static void log_reject(const struct terminal_conn *conn, const struct message *message,
                       enum reject reject, const struct gate_verdict *verdict)
{
    char peer[NET_ADDRESS_TEXT_SIZE], stan[8] = "", terminal_id[10] = "";
    if (!log_is_on(LOG_WARN)) {
        return;
    }
    net_address_format(peer, stream_address(conn->stream));
    if (message_has(message, 11) && message->fields[11].count < sizeof(stan)) {
        (void)message_text(message, 11, stan, sizeof(stan));
    }
    if (message_has(message, 41) && message->fields[41].count < sizeof(terminal_id)) {
        (void)message_text(message, 41, terminal_id, sizeof(terminal_id));
    }
    LOG(LOG_WARN, "request_rejected", LOG_TEXT("listener", conn->port->setup.name),
        LOG_TEXT("peer", peer), LOG_TEXT("terminal", terminal_id[0] == 0 ? NULL : terminal_id),
        LOG_TEXT("mti", message->mti), LOG_TEXT("stan", stan),
        LOG_TEXT("reason", reject_name(reject)), LOG_TEXT("text", verdict->text),
        LOG_TEXT("answer", verdict->response_code));
}

static bool guesses_macs(struct terminal_conn *conn, enum reject reject)
{
    bool is_mac =
        reject == REJECT_MAC_MISSING || reject == REJECT_MAC_WRONG || reject == REJECT_KEY_MISSING;
    return is_mac && ++conn->mac_failures >= MAC_FAILURE_COUNT_MAX;
}

/* Turns a request away with an answer if one can be addressed, else with the end. */
static void reject(struct terminal_conn *conn, const struct message *message,
                   struct gate_verdict *verdict)
{
    struct terminals *terminals = conn->port->terminals;
    bool is_answered = verdict->response_code[0] != 0 && terminal_reply_may_refuse(message);
    count_add(&terminals->counts.rejects[verdict->reject], 1);
    rim_watch_reject(conn, verdict->reject, terminals->payment.terminal_id);
    if (!is_answered) {
        char text[STREAM_CLOSE_TEXT_SIZE];
        snprintf(text, sizeof(text), "%.32s: %.220s", reject_name(verdict->reject), verdict->text);
        terminal_conn_close(
            conn, verdict->reject == REJECT_IDENTITY ? CLOSE_IDENTITY : CLOSE_MESSAGE, text);
        return;
    }
    log_reject(conn, message, verdict->reject, verdict);
    count_add(&terminals->counts.resignons_asked, verdict->asks_signon);
    struct terminal_refusal refusal = {verdict->response_code, verdict->asks_signon};
    terminal_reply_refuse(conn, message, &refusal);
    if (guesses_macs(conn, verdict->reject)) {
        terminal_conn_close(conn, CLOSE_MESSAGE, "too many messages in a row without a right MAC");
    }
    terminal_conn_answered(conn);
}

static struct gate_verdict format_verdict(enum reject why, const char *reason)
{
    struct gate_verdict verdict = {.reject = why, .response_code = reject_code(why)};
    snprintf(verdict.text, sizeof(verdict.text), "%s", reason);
    return verdict;
}

/* Says beside what is wrong with a message how the port would have to be set for it to be right. */
static void add_hint(const struct terminal_conn *conn, const struct message *message,
                     struct byte_view bytes, struct gate_verdict *verdict)
{
    const struct framing *framing = &conn->port->setup.framing;
    struct byte_view body = bytes;
    char hint[FRAME_HINT_SIZE];
    if (framing->has_tpdu) { /* it stands before the message, in the same frame */
        body = (struct byte_view){bytes.bytes - FRAME_TPDU_BYTES, bytes.length + FRAME_TPDU_BYTES};
    }
    if (frame_hint_of_body(hint, framing, message->spec, body)) {
        size_t length = strlen(verdict->text);
        snprintf(verdict->text + length, sizeof(verdict->text) - length, "; %s", hint);
    }
}

/* Message and payment of a frame. False: `verdict` says why it was none. */
static bool read_request(struct terminal_conn *conn, struct byte_view bytes,
                         struct message *message, struct gate_verdict *verdict)
{
    const struct dialect *dialect = edition_dialect(conn->port->setup.edition);
    struct payment *payment = &conn->port->terminals->payment;
    struct message_fault message_fault;
    struct dialect_fault dialect_fault;
    enum status status = message_parse(message, dialect_spec(dialect), bytes, &message_fault);
    if (status != STATUS_OK) {
        enum reject why = message_fault.is_answerable ? REJECT_FORMAT : REJECT_UNREADABLE;
        *verdict = format_verdict(why, message_fault.reason);
        add_hint(conn, message, bytes, verdict);
        return false;
    }
    status = dialect_read(dialect, message, payment, &dialect_fault);
    if (status != STATUS_OK) {
        bool is_unsealed =
            status == STATUS_MISSING && dialect_fault.field == message->spec->mac_field;
        enum reject why = dialect_fault.is_unknown_kind ? REJECT_UNKNOWN_KIND
                          : is_unsealed                 ? REJECT_MAC_MISSING
                                                        : REJECT_FORMAT;
        count_add(&conn->port->terminals->counts.mac_failures, is_unsealed);
        *verdict = format_verdict(why, dialect_fault.reason);
        return false;
    }
    if (payment->leg != PAYMENT_REQUEST) {
        *verdict = format_verdict(REJECT_UNREADABLE, "a response where a request is expected");
        return false;
    }
    return true;
}

static void keep_header(struct terminal_conn *conn, const struct message *message)
{
    struct byte_view header = {message->bytes.bytes, message->spec->header_bytes};
    if (message->mti[0] == 0) {
        header.length = 0;
    }
    REQUIRE(header.length <= sizeof(conn->header));
    memcpy(conn->header, header.bytes, header.length);
    conn->header_bytes = (uint8_t)header.length;
}

/* What was proven was proven of the name before. */
static void name_terminal(struct terminal_conn *conn, const char terminal_id[9])
{
    if (memcmp(conn->terminal_id, terminal_id, sizeof(conn->terminal_id)) != 0) {
        conn->is_proven = false;
        pthread_mutex_lock(&conn->port->terminals->mutex);
        memcpy(conn->terminal_id, terminal_id, sizeof(conn->terminal_id));
        pthread_mutex_unlock(&conn->port->terminals->mutex);
    }
}

/* For whoever watches this terminal; its name is the connection's where the message has none. */
static void trace_received(const struct terminal_conn *conn, struct byte_view bytes,
                           const char *note)
{
    struct trace_message message = {.subject = {.side = TRACE_TERMINAL},
                                    .spec =
                                        dialect_spec(edition_dialect(conn->port->setup.edition)),
                                    .bytes = bytes,
                                    .note = note,
                                    .wall_us = loop_wall_us(),
                                    .now_ns = loop_now_ns()};
    memcpy(message.subject.name, conn->terminal_id, sizeof(conn->terminal_id));
    trace_put(&message);
}

/* A whole message is there. */
static void on_message(struct terminal_conn *conn, struct byte_view bytes)
{
    struct terminals *terminals = conn->port->terminals;
    struct payment *payment = &terminals->payment;
    struct message message;
    struct gate_verdict verdict;
    conn->request_ns = loop_now_ns();
    conn->is_busy = true;
    count_add(&terminals->counts.busy, 1);
    bool is_read = read_request(conn, bytes, &message, &verdict);
    keep_header(conn, &message);
    uint64_t read_ns = loop_now_ns();
    histogram_record(&terminals->counts.parse, read_ns - conn->request_ns);
    if (is_read) {
        name_terminal(conn, payment->terminal_id);
        gate_check(conn, &message, payment, &verdict);
        histogram_record(&terminals->counts.gate, loop_now_ns() - read_ns);
    }
    if (trace_is_on()) {
        bool is_passed = is_read && verdict.is_passed;
        trace_received(conn, bytes, is_passed ? NULL : verdict.text);
    }
    if (is_read && verdict.is_passed) {
        terminal_clock_take(payment, &message);
        terminal_device_take(payment, &message);
        struct conn_handle handle = {terminals->setup.worker, conn_slot(terminals, conn),
                                     conn->generation};
        /* A request that carries no MAC proves nothing. */
        if (dialect_has_mac(edition_dialect(conn->port->setup.edition), payment)) {
            conn->mac_failures = 0;
            if (!conn->is_proven) {
                conn->is_proven = true;
                rim_watch_proven(conn);
            }
        }
        terminals->setup.on_request(terminals->setup.argument, handle, payment);
    } else {
        reject(conn, &message, &verdict);
    }
    payment_wipe(payment);
}

static void not_a_frame(struct terminal_conn *conn, const struct frame_fault *fault)
{
    struct terminals *terminals = conn->port->terminals;
    struct byte_writer writer;
    if (trace_is_on()) {
        trace_received(conn, (struct byte_view){NULL, 0}, fault->reason);
    }
    if (fault->http_status == 0) {
        count_add(&terminals->counts.rejects[REJECT_FRAME], 1);
        rim_watch_reject(conn, REJECT_FRAME, "");
        terminal_conn_close(conn, CLOSE_FRAME, fault->reason);
        return;
    }
    count_add(&terminals->counts.rejects[REJECT_HTTP], 1);
    rim_watch_reject(conn, REJECT_HTTP, "");
    byte_writer_init(&writer, terminals->reply_bytes, REPLY_BYTES_MAX);
    frame_put_http_error(&writer, fault->http_status);
    stream_write(conn->stream, (struct byte_view){writer.bytes, writer.position});
    terminal_conn_close(conn, CLOSE_HTTP, fault->reason);
}

static void wait_for_room(struct terminal_conn *conn)
{
    struct terminals *terminals = conn->port->terminals;
    if (!conn->is_waiting) {
        conn->is_waiting = true;
        conn->next = terminals->waiting;
        terminals->waiting = conn;
    }
}

/* Looks at the first frame of `bytes`; answers how many bytes it used, 0 when there is none yet. */
static uint32_t on_first_frame(struct terminal_conn *conn, struct byte_view bytes)
{
    const struct terminal_port *port = conn->port;
    struct terminals *terminals = port->terminals;
    struct frame_fault fault;
    uint32_t used = 0;
    enum status status = frame_parse(&conn->frame, &used, &port->setup.framing, bytes, &fault);
    if (status == STATUS_TRUNCATED) {
        if (!conn->is_begun) { /* its deadline is set once: more bytes do not move it (F11) */
            conn->is_begun = true;
            arm(conn, port->setup.limits.first_message_timeout_ms);
        }
        return 0;
    }
    conn->is_begun = false;
    if (status != STATUS_OK) {
        not_a_frame(conn, &fault);
        return 0;
    }
    struct byte_view message = conn->frame.message;
    conn->frame.message = (struct byte_view){NULL, 0};
    arm(conn, port->setup.limits.idle_timeout_ms);
    if (message.length == 0) {
        count_add(&terminals->counts.keep_alives, 1);
    } else {
        on_message(conn, message);
    }
    return used;
}

static uint32_t on_bytes(void *owner, struct byte_view bytes)
{
    struct terminal_conn *conn = owner;
    struct terminals *terminals = conn->port->terminals;
    uint32_t used = 0;
    while (used < bytes.length && !conn->is_busy && !stream_is_closing(conn->stream)) {
        if (!terminals->setup.has_room(terminals->setup.argument)) {
            wait_for_room(conn);
            break;
        }
        terminal_port_follow(conn);
        uint32_t taken =
            on_first_frame(conn, (struct byte_view){bytes.bytes + used, bytes.length - used});
        if (taken == 0) {
            break;
        }
        used += taken;
    }
    return used;
}

static void on_open(void *owner)
{
    struct terminal_conn *conn = owner;
    arm(conn, conn->port->setup.limits.first_message_timeout_ms);
}

static void on_deadline(void *owner)
{
    struct terminal_conn *conn = owner;
    if (conn->is_begun) {
        char text[STREAM_CLOSE_TEXT_SIZE], hint[FRAME_HINT_SIZE] = "";
        bool has_hint =
            frame_hint_of_begun(hint, &conn->port->setup.framing, stream_kept(conn->stream));
        snprintf(text, sizeof(text), "%u bytes of a message came, the rest not within %u ms%s%s",
                 stream_kept_count(conn->stream), conn->port->setup.limits.first_message_timeout_ms,
                 has_hint ? "; " : "", hint);
        count_add(&conn->port->terminals->counts.rejects[REJECT_HALF_MESSAGE], 1);
        conn->is_begun = false;
        terminal_conn_close(conn, CLOSE_HALF_MESSAGE, text);
        return;
    }
    terminal_conn_close(conn, CLOSE_IDLE, conn->is_busy ? "a request without an answer" : NULL);
}

/* A worry for an operator, or the ordinary end of a connection. */
static enum log_level level_of(const struct terminal_conn *conn, enum close_reason reason)
{
    switch (reason) {
    case CLOSE_PEER:
        return conn->is_begun ? LOG_WARN : LOG_DEBUG;
    case CLOSE_LOCAL:
    case CLOSE_DRAIN:
    case CLOSE_IDLE:
    case CLOSE_ANSWERED:
        return LOG_DEBUG;
    case CLOSE_RESET:
        return LOG_INFO;
    case CLOSE_NOT_TLS:
    case CLOSE_HANDSHAKE_FAILED:
    case CLOSE_HANDSHAKE_LATE:
    case CLOSE_TLS_BROKEN:
    case CLOSE_CONNECT_FAILED:
    case CLOSE_CONNECT_LATE:
    case CLOSE_HALF_MESSAGE:
    case CLOSE_FRAME:
    case CLOSE_HTTP:
    case CLOSE_MESSAGE:
    case CLOSE_IDENTITY:
    case CLOSE_OVERRUN:
    case CLOSE_SLOW_READER:
    case CLOSE_LIMIT_CONNECTIONS:
    case CLOSE_LIMIT_ADDRESS:
    case CLOSE_NO_MEMORY:
    case CLOSE_REASON_COUNT:
        break;
    }
    return LOG_WARN;
}

/* NULL: the limit is reached. */
static struct terminal_conn *conn_take(struct terminals *terminals)
{
    struct terminal_conn *conn = terminals->free_conns;
    if (conn != NULL) {
        terminals->free_conns = conn->next;
        conn->next = NULL;
    } else if (terminals->conn_used < terminals->setup.conn_count_max) {
        pthread_mutex_lock(&terminals->mutex);
        conn = &terminals->conns[terminals->conn_used++];
        pthread_mutex_unlock(&terminals->mutex);
    }
    return conn;
}

/* The slot may be taken again; handles of this life are stale from here on. */
static void conn_give(struct terminals *terminals, struct terminal_conn *conn)
{
    uint32_t generation = conn->generation + 1;
    pthread_mutex_lock(&terminals->mutex);
    memset(conn, 0, sizeof(*conn));
    conn->generation = generation;
    conn->next = terminals->free_conns;
    terminals->free_conns = conn;
    pthread_mutex_unlock(&terminals->mutex);
}

static void unwait(struct terminal_conn *conn)
{
    struct terminal_conn **at = &conn->port->terminals->waiting;
    while (*at != NULL && *at != conn) {
        at = &(*at)->next;
    }
    if (*at == conn) {
        *at = conn->next;
    }
    conn->is_waiting = false;
}

static void on_closed(void *owner, enum close_reason reason, const char *text)
{
    struct terminal_conn *conn = owner;
    struct terminal_port *port = conn->port;
    struct terminals *terminals = port->terminals;
    char peer[NET_ADDRESS_TEXT_SIZE];
    enum log_level level = level_of(conn, reason);
    bool is_cut = conn->is_begun && (reason == CLOSE_PEER || reason == CLOSE_RESET);
    count_add(&terminals->counts.rejects[REJECT_HALF_MESSAGE], is_cut);
    if (log_is_on(level)) {
        net_address_format(peer, stream_address(conn->stream));
        LOG(level, "conn_closed", LOG_TEXT("listener", port->setup.name), LOG_TEXT("peer", peer),
            LOG_TEXT("terminal", conn->terminal_id[0] == 0 ? NULL : conn->terminal_id),
            LOG_TEXT("reason", is_cut ? "half_message" : close_reason_name(reason)),
            LOG_TEXT("text", is_cut ? "the peer closed in the middle of a message" : text));
    }
    rim_watch_closed(conn, reason);
    if (conn->is_waiting) {
        unwait(conn);
    }
    listener_released(conn->listener, stream_address(conn->stream));
    count_sub(&terminals->counts.busy, conn->is_busy);
    count_sub(&terminals->counts.conns, 1);
    conn_give(terminals, conn);
    terminal_port_leave(port);
}

static const struct stream_calls CALLS = {on_open, on_bytes, on_deadline, on_closed};

bool terminal_conn_open(struct terminal_port *port, int descriptor,
                        const struct net_address *address)
{
    struct terminals *terminals = port->terminals;
    struct terminal_conn *conn = conn_take(terminals);
    if (conn == NULL) {
        close(descriptor);
        return false;
    }
    struct stream_setup setup = {.address = *address,
                                 .tls = port->setup.tls,
                                 .timeout_ms = port->setup.limits.handshake_timeout_ms,
                                 .output_max = OUTPUT_MAX,
                                 .calls = &CALLS,
                                 .owner = conn};
    struct stream *stream = stream_accept(terminals->setup.loop, descriptor, &setup);
    if (stream == NULL) {
        conn_give(terminals, conn);
        return false;
    }
    terminal_port_enter(port);
    count_add(&terminals->counts.conns, 1);
    pthread_mutex_lock(&terminals->mutex);
    conn->port = port;
    conn->listener = port->listener;
    conn->stream = stream;
    pthread_mutex_unlock(&terminals->mutex);
    if (port->setup.tls == NULL) {
        on_open(conn);
    }
    return true;
}

void terminal_conn_answered(struct terminal_conn *conn)
{
    REQUIRE(conn->is_busy);
    conn->is_busy = false;
    count_sub(&conn->port->terminals->counts.busy, 1);
    if (conn->frame.is_http && !conn->frame.may_keep_alive) {
        terminal_conn_close(conn, CLOSE_ANSWERED, NULL);
    } else if (conn->is_last) {
        terminal_conn_close(conn, CLOSE_DRAIN, NULL);
    } else if (stream_kept_count(conn->stream) > 0) {
        stream_offer_again(conn->stream);
    }
}

void terminal_conn_retry(struct terminal_conn *conn)
{
    stream_offer_again(conn->stream);
}
