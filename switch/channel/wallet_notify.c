/* See wallet_notify.h. */
#include "switch/channel/wallet_notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "protocols/frame_http.h"
#include "switch/channel/wallet_trace.h"
#include "switch/net/listener.h"
#include "switch/net/log.h"
#include "switch/net/stream.h"
#include "switch/net/tls.h"
#include "switch/net/trace.h"

#define BODY_BYTES_MAX 16384
#define INPUT_BYTES_MAX (FRAME_HTTP_HEAD_MAX + BODY_BYTES_MAX)
#define OUTPUT_BYTES_MAX 16384
#define BACKLOG 64
#define ACCEPT_BUDGET 16
#define HANDSHAKE_TIMEOUT_MS 10000
#define REQUEST_TIMEOUT_NS UINT64_C(10000000000) /* from the connection, or the answer before */

struct conn {
    struct wallet_notify *notify;
    struct stream *stream;
    struct conn *next, *previous;
    uint32_t length;
    uint8_t input[INPUT_BYTES_MAX];
};

struct wallet_notify {
    struct wallet_channel *channel;
    struct loop *loop;
    struct listener *listener;
    struct tls_tickets tickets;
    SSL_CTX *tls;
    struct conn *conns;
    void (*on_stopped)(void *argument);
    uint16_t port;
    bool is_stopping, is_stopped;
};

/* The headers that WeChat Pay signs with, in the order of the enum. */
enum wanted { WANTED_TIMESTAMP, WANTED_NONCE, WANTED_SERIAL, WANTED_SIGNATURE };
static const char *const WANTED[] = {"wechatpay-timestamp", "wechatpay-nonce", "wechatpay-serial",
                                     "wechatpay-signature", NULL};

/* --- answers ------------------------------------------------------------------------------ */

static void write_answer(struct conn *conn, const char *line, const char *type, const char *body,
                         bool may_keep_alive)
{
    char text[512];
    int length =
        snprintf(text, sizeof(text),
                 "HTTP/1.1 %s\r\nServer: Tillway\r\n%s%s%sContent-Length: %zu\r\n"
                 "Connection: %s\r\n\r\n%s",
                 line, type[0] != '\0' ? "Content-Type: " : "", type, type[0] != '\0' ? "\r\n" : "",
                 strlen(body), may_keep_alive ? "keep-alive" : "close", body);
    REQUIRE(length > 0 && (size_t)length < sizeof(text));
    stream_write(conn->stream, (struct byte_view){(const uint8_t *)text, (uint32_t)length});
}

/* `is_taken`: it need not be repeated. */
static void answer(struct conn *conn, bool is_taken, bool may_keep_alive)
{
    bool is_alipay = conn->notify->channel->party.kind == WALLET_ALIPAY;
    if (is_alipay) {
        write_answer(conn, "200 OK", "text/plain", is_taken ? "success" : "fail", may_keep_alive);
    } else if (is_taken) {
        write_answer(conn, "200 OK", "application/json", "{\"code\":\"SUCCESS\"}", may_keep_alive);
    } else {
        write_answer(conn, "500 Internal Server Error", "application/json",
                     "{\"code\":\"FAIL\",\"message\":\"to be sent again\"}", may_keep_alive);
    }
}

/* --- requests ----------------------------------------------------------------------------- */

static void keep_text(char *text, size_t size, struct byte_view value)
{
    bool fits = value.length < size;
    memcpy(text, value.bytes == NULL ? (const uint8_t *)"" : value.bytes, fits ? value.length : 0);
    text[fits ? value.length : 0] = '\0';
}

static void log_notify(const struct wallet_channel *channel, const struct wallet_answer *told,
                       bool is_taken)
{
    enum log_level level = told->is_alert                    ? LOG_ERROR
                           : told->verdict == WALLET_UNKNOWN ? LOG_WARN
                                                             : LOG_INFO;
    LOG(level, told->is_forged ? "wallet_signature_failed" : "wallet_notify",
        LOG_TEXT("channel", channel->base.name), LOG_TEXT("ask", "notify"),
        LOG_TEXT("order", told->order[0] != '\0' ? told->order : NULL),
        LOG_TEXT("verdict", wallet_verdict_text(told->verdict)), LOG_TEXT("text", told->words),
        LOG_NUMBER("taken", is_taken));
}

/* A forged one is refused, so that a genuine one that was spoilt on its way comes again. */
static bool take_notify(struct wallet_channel *channel, const struct wallet_reply *reply)
{
    struct wallet_answer told;
    bool is_taken = true;
    wallet_read_notify(&channel->party, reply, &told);
    if (told.is_forged) {
        channel->base.counts.macs_failed++;
        is_taken = false;
        if (told.wants_certificates) {
            wallet_call_certificates(channel);
        }
    } else if (told.order[0] != '\0') {
        is_taken = wallet_on_told(channel, told.order, &told);
    } else {
        channel->base.counts.unexpected++;
    }
    log_notify(channel, &told, is_taken);
    if (trace_is_on()) {
        wallet_trace_notify(channel, reply, &told, is_taken);
    }
    return is_taken;
}

static void on_post(struct conn *conn, const struct frame_http_post *post)
{
    struct wallet_reply reply = {.wall_s = loop_wall_us() / 1000000};
    reply.body = (struct byte_view){conn->input + post->head.head_length, post->head.body_length};
    keep_text(reply.timestamp, sizeof(reply.timestamp), post->values[WANTED_TIMESTAMP]);
    keep_text(reply.nonce, sizeof(reply.nonce), post->values[WANTED_NONCE]);
    keep_text(reply.serial, sizeof(reply.serial), post->values[WANTED_SERIAL]);
    keep_text(reply.signature, sizeof(reply.signature), post->values[WANTED_SIGNATURE]);
    bool is_taken = take_notify(conn->notify->channel, &reply);
    answer(conn, is_taken, post->head.may_keep_alive);
    if (!post->head.may_keep_alive) {
        stream_close(conn->stream, CLOSE_ANSWERED, NULL);
    }
}

static void refuse(struct conn *conn, const struct frame_fault *fault)
{
    uint8_t bytes[256];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    frame_put_http_error(&writer, fault->http_status);
    stream_write(conn->stream, (struct byte_view){bytes, writer.position});
    LOG(LOG_WARN, "wallet_notify_refused", LOG_TEXT("channel", conn->notify->channel->base.name),
        LOG_TEXT("reason", fault->reason));
    stream_close(conn->stream, CLOSE_HTTP, fault->reason);
}

/* The first request of the input, when it is all there. False: there is none yet, or it was
 * refused.
 */
static bool take_request(struct conn *conn)
{
    struct frame_http_post post;
    struct frame_fault fault;
    enum status status = frame_http_post_parse(
        &post, WANTED, BODY_BYTES_MAX, (struct byte_view){conn->input, conn->length}, &fault);
    if (status == STATUS_TRUNCATED) {
        return false;
    }
    if (status != STATUS_OK) {
        refuse(conn, &fault);
        return false;
    }
    uint32_t whole = post.head.head_length + post.head.body_length;
    if (whole > conn->length) {
        return false;
    }
    on_post(conn, &post);
    memmove(conn->input, conn->input + whole, conn->length - whole);
    conn->length -= whole;
    stream_arm(conn->stream, loop_now_ns() + REQUEST_TIMEOUT_NS);
    return true;
}

static uint32_t on_bytes(void *owner, struct byte_view bytes)
{
    struct conn *conn = owner;
    uint32_t room = INPUT_BYTES_MAX - conn->length;
    uint32_t used = bytes.length < room ? bytes.length : room;
    memcpy(conn->input + conn->length, bytes.bytes, used);
    conn->length += used;
    while (!stream_is_closing(conn->stream) && conn->length > 0 && take_request(conn)) {
    }
    return stream_is_closing(conn->stream) ? bytes.length : used;
}

/* --- connections -------------------------------------------------------------------------- */

static void on_deadline(void *owner)
{
    const struct conn *conn = owner;
    stream_close(conn->stream, conn->length > 0 ? CLOSE_HALF_MESSAGE : CLOSE_IDLE, NULL);
}

static void on_open(void *owner)
{
    const struct conn *conn = owner;
    stream_arm(conn->stream, loop_now_ns() + REQUEST_TIMEOUT_NS);
}

static void end_when_closed(struct wallet_notify *notify)
{
    if (notify->is_stopping && !notify->is_stopped && notify->conns == NULL) {
        notify->is_stopped = true;
        notify->on_stopped(notify->channel);
    }
}

static void on_closed(void *owner, enum close_reason reason, const char *text)
{
    struct conn *conn = owner;
    struct wallet_notify *notify = conn->notify;
    LOG(LOG_DEBUG, "wallet_notify_closed", LOG_TEXT("channel", notify->channel->base.name),
        LOG_TEXT("reason", close_reason_name(reason)), LOG_TEXT("text", text));
    listener_released(notify->listener, stream_address(conn->stream));
    if (conn->previous != NULL) {
        conn->previous->next = conn->next;
    } else {
        notify->conns = conn->next;
    }
    if (conn->next != NULL) {
        conn->next->previous = conn->previous;
    }
    secret_wipe(conn->input, conn->length);
    free(conn);
    end_when_closed(notify);
}

static const struct stream_calls CALLS = {on_open, on_bytes, on_deadline, on_closed};

static bool on_accept(void *argument, int descriptor, const struct net_address *address)
{
    struct wallet_notify *notify = argument;
    struct conn *conn = calloc(1, sizeof(*conn));
    const struct stream_setup setup = {.address = *address,
                                       .tls = notify->tls,
                                       .timeout_ms = HANDSHAKE_TIMEOUT_MS,
                                       .output_max = OUTPUT_BYTES_MAX,
                                       .calls = &CALLS,
                                       .owner = conn};
    if (conn == NULL) {
        return false;
    }
    conn->notify = notify;
    conn->stream = stream_accept(notify->loop, descriptor, &setup);
    if (conn->stream == NULL) {
        free(conn);
        return false;
    }
    conn->next = notify->conns;
    if (notify->conns != NULL) {
        notify->conns->previous = conn;
    }
    notify->conns = conn;
    return true;
}

/* --- life --------------------------------------------------------------------------------- */

static bool make_tls(struct wallet_notify *notify, const struct wallet_notify_setup *setup,
                     char reason[CHANNEL_REASON_SIZE])
{
    char fault[TLS_REASON_SIZE] = "no random bytes";
    if (tls_tickets_init(&notify->tickets)) {
        const struct tls_server_setup tls = {.certificate_file = setup->certificate_file,
                                             .key_file = setup->key_file,
                                             .tickets = &notify->tickets};
        notify->tls = tls_server_create(&tls, fault);
    }
    if (notify->tls == NULL) {
        snprintf(reason, CHANNEL_REASON_SIZE, "wallet.notify: %.200s", fault);
    }
    return notify->tls != NULL;
}

static bool listen_there(struct wallet_notify *notify, const struct wallet_notify_setup *setup,
                         char reason[CHANNEL_REASON_SIZE])
{
    char text[NET_ADDRESS_TEXT_SIZE + 32], fault[LISTENER_REASON_SIZE];
    struct listener_setup listener = {.name = "wallet_notify",
                                      .backlog = BACKLOG,
                                      .accept_budget = ACCEPT_BUDGET,
                                      .connection_max = setup->connection_max,
                                      .on_accept = on_accept,
                                      .argument = notify};
    bool is_v6 = strchr(setup->address, ':') != NULL;
    snprintf(text, sizeof(text), is_v6 ? "[%.60s]:%u" : "%.60s:%u", setup->address,
             (unsigned)setup->port);
    if (net_address_parse(&listener.address, text) != STATUS_OK) {
        snprintf(reason, CHANNEL_REASON_SIZE, "wallet.notify.address: \"%.60s\" is no IP address",
                 setup->address);
        return false;
    }
    notify->listener = setup->port != 0 && !listener_is_free(&listener, fault)
                           ? NULL
                           : listener_create(notify->loop, &listener, fault);
    if (notify->listener == NULL) {
        snprintf(reason, CHANNEL_REASON_SIZE, "wallet.notify: %.200s", fault);
        return false;
    }
    notify->port = listener_port(notify->listener);
    LOG(LOG_INFO, "wallet_notify_listens", LOG_TEXT("channel", notify->channel->base.name),
        LOG_TEXT("address", setup->address), LOG_NUMBER("port", notify->port));
    return true;
}

struct wallet_notify *wallet_notify_create(struct loop *loop,
                                           const struct wallet_notify_setup *setup,
                                           struct wallet_channel *channel,
                                           void (*on_stopped)(void *argument),
                                           char reason[CHANNEL_REASON_SIZE])
{
    struct wallet_notify *notify = calloc(1, sizeof(*notify));
    if (notify == NULL) {
        snprintf(reason, CHANNEL_REASON_SIZE, "no memory");
        return NULL;
    }
    notify->loop = loop;
    notify->channel = channel;
    notify->on_stopped = on_stopped;
    if (!make_tls(notify, setup, reason) || !listen_there(notify, setup, reason)) {
        wallet_notify_destroy(notify);
        return NULL;
    }
    return notify;
}

void wallet_notify_stop(struct wallet_notify *notify)
{
    notify->is_stopping = true;
    for (struct conn *conn = notify->conns; conn != NULL; conn = conn->next) {
        stream_close(conn->stream, CLOSE_DRAIN, NULL);
    }
    listener_stop(notify->listener);
    end_when_closed(notify);
}

void wallet_notify_destroy(struct wallet_notify *notify)
{
    if (notify == NULL) {
        return;
    }
    REQUIRE(notify->conns == NULL);
    listener_close(notify->listener);
    if (notify->tls != NULL) {
        tls_release(notify->tls);
    }
    secret_wipe(&notify->tickets, sizeof(notify->tickets));
    free(notify);
}

uint16_t wallet_notify_port(const struct wallet_notify *notify)
{
    return notify->port;
}
