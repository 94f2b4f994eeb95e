/* See stream.h. The state says what may still happen to a stream; on_closed alone ends it, from
 * libuv's close callback, so no owner ever loses a stream inside a call of its own. */
#include "switch/net/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "switch/net/stream_output.h"
#include "switch/net/stream_state.h"
#include "switch/net/stream_turn.h"
#include "switch/net/tls.h"

#define NS_PER_MS UINT64_C(1000000)
#define LINGER_NS (1000 * NS_PER_MS) /* for the last bytes of a stream that is closing */
#define SHOWN_BYTES 8
#define TLS_HANDSHAKE 0x16 /* content type of a TLS record, RFC 8446 section 5.1 */

static void list_remove(struct stream **list, struct stream *stream, bool is_again)
{
    while (*list != NULL && *list != stream) {
        list = is_again ? &(*list)->next_again : &(*list)->next_dirty;
    }
    if (*list == stream) {
        *list = is_again ? stream->next_again : stream->next_dirty;
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct stream *stream = handle->data;
    struct loop *loop = stream->loop;
    list_remove(&loop->dirty, stream, false);
    list_remove(&loop->again, stream, true);
    deadline_cancel(&stream->deadline);
    output_drop(stream);
    if (stream->kept != NULL) {
        loop_buffer_give(loop, stream->kept);
    }
    SSL_free(stream->ssl);
    count_add(&loop->counts.closed[stream->reason], 1);
    count_sub(&loop->counts.open, 1);
    const char *text = stream->text != NULL ? stream->text : close_reason_text(stream->reason);
    if (stream->calls != NULL) {
        stream->calls->on_closed(stream->owner, stream->reason, text);
    }
    free(stream->text);
    free(stream);
}

void stream_end(struct stream *stream)
{
    if (stream->state != STREAM_CLOSED) {
        stream->state = STREAM_CLOSED;
        uv_close((uv_handle_t *)&stream->tcp, on_handle_closed);
    }
}

/* Notes why, once. */
static void reason_set(struct stream *stream, enum close_reason reason, const char *text)
{
    if (stream->state < STREAM_CLOSING) {
        stream->reason = reason;
        stream->text = text == NULL ? NULL : strndup(text, STREAM_CLOSE_TEXT_SIZE - 1);
    }
}

void stream_fail(struct stream *stream, enum close_reason reason, const char *text)
{
    reason_set(stream, reason, text);
    stream_end(stream);
}

void stream_close(struct stream *stream, enum close_reason reason, const char *text)
{
    if (stream->state >= STREAM_CLOSING) {
        return;
    }
    reason_set(stream, reason, text);
    if (stream->state == STREAM_OPEN && stream->ssl != NULL) {
        ERR_clear_error();
        (void)SSL_shutdown(stream->ssl); /* gathers the close_notify; nothing waits for theirs */
    }
    stream->state = STREAM_CLOSING;
    stream_flush(stream);
    if (stream->state == STREAM_CLOSING && stream->output_count == 0) {
        stream_end(stream);
    } else if (stream->state == STREAM_CLOSING) {
        uv_read_stop((uv_stream_t *)&stream->tcp);
        deadline_arm(&stream->loop->wheel, &stream->deadline, loop_now_ns() + LINGER_NS);
    }
}

static void on_due(struct deadline *deadline)
{
    struct stream *stream = (struct stream *)((char *)deadline - offsetof(struct stream, deadline));
    switch (stream->state) {
    case STREAM_CONNECTING:
        stream_fail(stream, CLOSE_CONNECT_LATE, NULL);
        return;
    case STREAM_HANDSHAKING:
        count_add(&stream->loop->counts.handshakes_failed, 1);
        stream_fail(stream, CLOSE_HANDSHAKE_LATE, NULL);
        return;
    case STREAM_OPEN:
        stream->calls->on_deadline(stream->owner);
        return;
    case STREAM_CLOSING:
        stream_end(stream);
        return;
    case STREAM_CLOSED:
        return;
    }
}

static void opened(struct stream *stream)
{
    stream->state = STREAM_OPEN;
    deadline_disarm(&stream->deadline);
    if (stream->calls->on_open != NULL) {
        stream->calls->on_open(stream->owner);
    }
}

/* Offers what is kept; what is used goes. */
static void kept_offer(struct stream *stream)
{
    struct loop_buffer *kept = stream->kept;
    struct byte_view view = {kept->bytes + kept->start, kept->end - kept->start};
    uint32_t used = stream->calls->on_bytes(stream->owner, view);
    REQUIRE(used <= view.length);
    kept->start += used;
    if (kept->start == kept->end) {
        loop_buffer_give(stream->loop, kept);
        stream->kept = NULL;
    }
}

/* Adds to what is kept as much as there is room for; answers how much. */
static uint32_t kept_append(struct stream *stream, struct byte_view bytes)
{
    struct loop_buffer *kept = stream->kept;
    if (kept->start > 0) {
        uint32_t length = kept->end - kept->start;
        memmove(kept->bytes, kept->bytes + kept->start, length);
        secret_wipe(kept->bytes + length, kept->end - length);
        kept->start = 0;
        kept->end = length;
    }
    uint32_t room = LOOP_BUFFER_BYTES - kept->end;
    uint32_t taken = bytes.length < room ? bytes.length : room;
    memcpy(kept->bytes + kept->end, bytes.bytes, taken);
    kept->end += taken;
    return taken;
}

/* What the owner leaves is kept; answers what did not fit. */
static struct byte_view keep(struct stream *stream, struct byte_view bytes)
{
    uint32_t taken = kept_append(stream, bytes);
    return (struct byte_view){bytes.bytes + taken, bytes.length - taken};
}

/* Hands bytes to the owner: straight from where they lie, or behind those it left before. */
static void feed(struct stream *stream, struct byte_view bytes)
{
    if (stream->kept == NULL) {
        uint32_t used = stream->calls->on_bytes(stream->owner, bytes);
        REQUIRE(used <= bytes.length);
        bytes = (struct byte_view){bytes.bytes + used, bytes.length - used};
        if (bytes.length == 0 || stream->state != STREAM_OPEN) {
            return;
        }
        stream->kept = loop_buffer_take(stream->loop, stream_spared(stream, true));
        if (stream->kept == NULL) {
            stream_close(stream, CLOSE_NO_MEMORY, "no buffer is free for the rest of a message");
            return;
        }
        bytes = keep(stream, bytes);
    }
    while (bytes.length > 0 && stream->state == STREAM_OPEN) {
        if (stream->kept == NULL) {
            feed(stream, bytes); /* nothing is kept now, so this goes one level deep at most */
            return;
        }
        uint32_t before = bytes.length;
        bytes = keep(stream, bytes);
        if (bytes.length == before) {
            stream_close(stream, CLOSE_OVERRUN, NULL);
            return;
        }
        kept_offer(stream);
    }
}

/* "00 5C 60 00 03 00 00 60": what came in place of a TLS hello. */
static void not_tls(struct stream *stream, struct byte_view bytes)
{
    char hex[2 * SHOWN_BYTES + 1], text[STREAM_CLOSE_TEXT_SIZE];
    uint32_t count = bytes.length < SHOWN_BYTES ? bytes.length : SHOWN_BYTES;
    bytes_to_hex(hex, bytes.bytes, count);
    const char *guess = "";
    if (count >= 4 &&
        (memcmp(bytes.bytes, "POST", 4) == 0 || memcmp(bytes.bytes, "GET ", 4) == 0)) {
        guess = ": HTTP in clear";
    } else if (count >= 3 && bytes.bytes[2] == 0x60) {
        guess = ": a message in clear, length and TPDU";
    }
    snprintf(text, sizeof(text), "the first bytes are %s on a TLS port, expected 16 03%s", hex,
             guess);
    count_add(&stream->loop->counts.handshakes_failed, 1);
    stream_fail(stream, CLOSE_NOT_TLS, text);
}

/* A wrong clock looks like a wrong certificate. */
static const char *clock_hint(long verify)
{
    switch (verify) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "; it begins in the future: look at this machine's clock";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "; renew it, or look at this machine's clock";
    default:
        return "";
    }
}

static void handshake_failed(struct stream *stream)
{
    char error[200], text[STREAM_CLOSE_TEXT_SIZE];
    tls_error_text(error, sizeof(error));
    long verify = SSL_get_verify_result(stream->ssl);
    snprintf(text, sizeof(text), "handshake: %.120s%s%.60s%s", error,
             verify == X509_V_OK ? "" : ": ",
             verify == X509_V_OK ? "" : X509_verify_cert_error_string(verify), clock_hint(verify));
    count_add(&stream->loop->counts.handshakes_failed, 1);
    stream_close(stream, CLOSE_HANDSHAKE_FAILED, text);
}

static void handshake_step(struct stream *stream)
{
    ERR_clear_error();
    int result = SSL_do_handshake(stream->ssl);
    if (result == 1) {
        bool is_1_3 = SSL_version(stream->ssl) == TLS1_3_VERSION;
        bool is_resumed = SSL_session_reused(stream->ssl) != 0;
        count_add(&stream->loop->counts.handshakes[is_1_3][is_resumed], 1);
        opened(stream);
    } else if (SSL_get_error(stream->ssl, result) != SSL_ERROR_WANT_READ) {
        handshake_failed(stream);
    }
}

static void tls_read_failed(struct stream *stream, int result)
{
    char error[200], text[STREAM_CLOSE_TEXT_SIZE];
    switch (SSL_get_error(stream->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return;
    case SSL_ERROR_ZERO_RETURN:
        stream_close(stream, CLOSE_PEER, NULL);
        return;
    default:
        tls_error_text(error, sizeof(error));
        snprintf(text, sizeof(text), "TLS after the handshake: %s", error);
        stream_close(stream, CLOSE_TLS_BROKEN, text);
        return;
    }
}

/* Deciphers all that came. Bytes of a record that is not whole stay in OpenSSL. */
static void tls_input(struct stream *stream, struct byte_view bytes)
{
    struct loop *loop = stream->loop;
    /* From a server an alert may come first; OpenSSL explains that one. */
    if (!stream->has_input && bytes.bytes[0] != TLS_HANDSHAKE && SSL_is_server(stream->ssl)) {
        not_tls(stream, bytes);
        return;
    }
    stream->has_input = true;
    stream->input = bytes;
    if (stream->state == STREAM_HANDSHAKING) {
        handshake_step(stream);
    }
    while (stream->state == STREAM_OPEN &&
           (stream->input.length > 0 || SSL_pending(stream->ssl) > 0)) {
        ERR_clear_error();
        int length = SSL_read(stream->ssl, loop->plain, LOOP_PLAIN_BYTES);
        if (length <= 0) {
            tls_read_failed(stream, length);
            break;
        }
        feed(stream, (struct byte_view){loop->plain, (uint32_t)length});
        secret_wipe(loop->plain, (uint32_t)length);
    }
    stream->input.length = 0;
}

static void on_input_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct stream *stream = handle->data;
    (void)suggested;
    *buffer = uv_buf_init((char *)stream->loop->input, LOOP_INPUT_BYTES);
}

static void on_read(uv_stream_t *tcp, ssize_t length, const uv_buf_t *buffer)
{
    struct stream *stream = tcp->data;
    if (length == 0 || stream->state >= STREAM_CLOSING) {
        return;
    }
    if (length < 0) {
        stream_fail(stream, length == UV_EOF ? CLOSE_PEER : CLOSE_RESET,
                    length == UV_EOF ? NULL : uv_strerror((int)length));
        return;
    }
    struct byte_view bytes = {(const uint8_t *)buffer->base, (uint32_t)length};
    count_add(&stream->loop->counts.bytes_in, bytes.length);
    if (stream->ssl != NULL) {
        tls_input(stream, bytes);
        if (stream->output_count > 0 && stream->state != STREAM_OPEN) {
            stream_flush(stream); /* a handshake's flight does not wait for the end of the turn */
        }
        /* OpenSSL answers some records by itself, such as an update of keys. */
        if (stream->output_count > stream->output_max) {
            stream_fail(stream, CLOSE_SLOW_READER, NULL);
        }
    } else {
        feed(stream, bytes);
        secret_wipe(stream->loop->input, bytes.length);
    }
}

static struct stream *stream_create(struct loop *loop, const struct stream_setup *setup)
{
    REQUIRE(setup->calls != NULL);
    struct stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return NULL;
    }
    stream->loop = loop;
    stream->calls = setup->calls;
    stream->owner = setup->owner;
    stream->address = setup->address;
    stream->output_max = setup->output_max;
    if (setup->tls != NULL && !output_tls_create(stream, setup->tls)) {
        free(stream);
        return NULL;
    }
    uv_tcp_init(&loop->uv, &stream->tcp);
    stream->tcp.data = stream;
    deadline_init(&stream->deadline, on_due);
    deadline_arm(&loop->wheel, &stream->deadline, loop_now_ns() + setup->timeout_ms * NS_PER_MS);
    count_add(&loop->counts.opened, 1);
    count_add(&loop->counts.open, 1);
    return stream;
}

/* No call came yet, and none shall. */
static void stream_abandon(struct stream *stream)
{
    stream->calls = NULL;
    stream_fail(stream, CLOSE_NO_MEMORY, NULL);
}

struct stream *stream_accept(struct loop *loop, int descriptor, const struct stream_setup *setup)
{
    struct stream *stream = stream_create(loop, setup);
    if (stream == NULL) {
        close(descriptor);
        return NULL;
    }
    if (uv_tcp_open(&stream->tcp, descriptor) != 0) {
        close(descriptor);
        stream_abandon(stream);
        return NULL;
    }
    uv_tcp_nodelay(&stream->tcp, 1);
    if (uv_read_start((uv_stream_t *)&stream->tcp, on_input_room, on_read) != 0) {
        stream_abandon(stream);
        return NULL;
    }
    stream->state = STREAM_HANDSHAKING;
    if (stream->ssl == NULL) {
        stream->state = STREAM_OPEN;
        deadline_disarm(&stream->deadline);
    } else {
        SSL_set_accept_state(stream->ssl);
        if (setup->server_name != NULL) {
            SSL_set1_host(stream->ssl, setup->server_name);
        }
    }
    return stream;
}

static void on_connected(uv_connect_t *request, int status)
{
    struct stream *stream = request->data;
    free(request);
    if (stream->state != STREAM_CONNECTING) {
        return;
    }
    if (status != 0) {
        stream_fail(stream, CLOSE_CONNECT_FAILED, uv_strerror(status));
        return;
    }
    uv_tcp_nodelay(&stream->tcp, 1);
    uv_read_start((uv_stream_t *)&stream->tcp, on_input_room, on_read);
    stream->state = STREAM_HANDSHAKING;
    if (stream->ssl == NULL) {
        opened(stream);
    } else {
        handshake_step(stream);
        stream_flush(stream);
    }
}

struct stream *stream_connect(struct loop *loop, const struct stream_setup *setup)
{
    struct sockaddr_storage address;
    struct stream *stream = stream_create(loop, setup);
    if (stream == NULL) {
        return NULL;
    }
    stream->is_ours = true;
    if (stream->ssl != NULL) {
        SSL_set_connect_state(stream->ssl);
        if (setup->server_name != NULL) {
            SSL_set_tlsext_host_name(stream->ssl, setup->server_name);
            SSL_set1_host(stream->ssl, setup->server_name);
        }
    }
    net_address_to_socket(&setup->address, &address);
    uv_connect_t *request = malloc(sizeof(*request));
    if (request == NULL) {
        stream_abandon(stream);
        return NULL;
    }
    request->data = stream;
    int result =
        uv_tcp_connect(request, &stream->tcp, (const struct sockaddr *)&address, on_connected);
    if (result != 0) {
        free(request);
        stream_abandon(stream);
        return NULL;
    }
    return stream;
}

void streams_offer_again(struct loop *loop)
{
    struct stream *stream = loop->again;
    loop->again = NULL;
    while (stream != NULL) {
        struct stream *next = stream->next_again;
        stream->is_again = false;
        stream->next_again = NULL;
        if (stream->state == STREAM_OPEN && stream->kept != NULL) {
            kept_offer(stream);
        }
        stream = next;
    }
}

void stream_offer_again(struct stream *stream)
{
    if (!stream->is_again && stream->state == STREAM_OPEN) {
        stream->is_again = true;
        stream->next_again = stream->loop->again;
        stream->loop->again = stream;
    }
}

uint32_t stream_kept_count(const struct stream *stream)
{
    return stream->kept == NULL ? 0 : stream->kept->end - stream->kept->start;
}

struct byte_view stream_kept(const struct stream *stream)
{
    const struct loop_buffer *kept = stream->kept;
    return kept == NULL ? (struct byte_view){NULL, 0}
                        : (struct byte_view){kept->bytes + kept->start, kept->end - kept->start};
}

void stream_pause(struct stream *stream)
{
    if (stream->state == STREAM_OPEN) {
        uv_read_stop((uv_stream_t *)&stream->tcp);
    }
}

void stream_resume(struct stream *stream)
{
    if (stream->state == STREAM_OPEN) {
        uv_read_start((uv_stream_t *)&stream->tcp, on_input_room, on_read);
        stream_offer_again(stream);
    }
}

void stream_arm(struct stream *stream, uint64_t due_ns)
{
    REQUIRE(stream->calls->on_deadline != NULL);
    if (stream->state == STREAM_OPEN) {
        deadline_arm(&stream->loop->wheel, &stream->deadline, due_ns);
    }
}

void stream_disarm(struct stream *stream)
{
    if (stream->state == STREAM_OPEN) {
        deadline_disarm(&stream->deadline);
    }
}

bool stream_is_closing(const struct stream *stream)
{
    return stream->state >= STREAM_CLOSING;
}

const struct net_address *stream_address(const struct stream *stream)
{
    return &stream->address;
}

const char *stream_tls_version(const struct stream *stream)
{
    return stream->ssl == NULL ? "" : SSL_get_version(stream->ssl);
}

/* Verified; NULL: there is none. */
static const X509 *peer_certificate(const struct stream *stream)
{
    bool is_verified = stream->ssl != NULL && SSL_get_verify_result(stream->ssl) == X509_V_OK;
    return is_verified ? SSL_get0_peer_certificate(stream->ssl) : NULL;
}

void stream_peer_name(const struct stream *stream, char name[STREAM_PEER_NAME_SIZE])
{
    name[0] = 0;
    const X509 *certificate = peer_certificate(stream);
    int length = certificate == NULL
                     ? 0
                     : X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                                 name, STREAM_PEER_NAME_SIZE);
    /* A zero byte inside would let "10000001\0 of somebody else" pass for "10000001". */
    if (length < 0 || strlen(name) != (size_t)length) {
        name[0] = 0;
    }
}

int64_t stream_peer_end(const struct stream *stream)
{
    return tls_certificate_end(peer_certificate(stream));
}
