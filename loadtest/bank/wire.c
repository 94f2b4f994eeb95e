/* See wire.h. */
#include "loadtest/bank/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "protocols/base/require.h"

#define QUEUE_BYTES_MAX (16U << 20) /* that a peer may leave unread */
#define CIPHER_BYTES 16384

static void on_handle_closed(uv_handle_t *handle)
{
    struct wire *wire = handle->data;
    SSL_free(wire->ssl);
    wire->ssl = NULL;
    wire->is_used = wire->is_open = false;
    wire->calls->on_closed(wire->owner, wire->reason);
}

void wire_close(struct wire *wire, const char *reason)
{
    if (wire->is_used && !wire->is_closing) {
        wire->is_closing = true;
        snprintf(wire->reason, sizeof wire->reason, "%s", reason);
        uv_close((uv_handle_t *)&wire->tcp, on_handle_closed);
    }
}

/* --- out ------------------------------------------------------------------------------------- */

static void on_written(uv_write_t *write, int result)
{
    struct wire *wire = write->handle->data;
    free(write);
    if (result < 0) {
        wire_close(wire, uv_strerror(result));
    }
}

/* Straight to the socket, the rest through libuv's queue. */
static void socket_write(struct wire *wire, const uint8_t *bytes, uint32_t length)
{
    uv_stream_t *stream = (uv_stream_t *)&wire->tcp;
    uv_buf_t all = uv_buf_init((char *)(uintptr_t)bytes, length);
    int sent = uv_try_write(stream, &all, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        wire_close(wire, uv_strerror(sent));
        return;
    }
    uint32_t done = sent < 0 ? 0 : (uint32_t)sent;
    uint32_t rest = length - done;
    if (rest == 0) {
        return;
    }
    uv_write_t *write = malloc(sizeof *write + rest);
    if (write == NULL) {
        wire_close(wire, "no memory");
        return;
    }
    memcpy(write + 1, bytes + done, rest);
    uv_buf_t left = uv_buf_init((char *)(write + 1), rest);
    if (uv_write(write, stream, &left, 1, on_written) != 0) {
        free(write);
        wire_close(wire, "the socket takes nothing more");
    }
}

/* What OpenSSL has to say: records, a part of the handshake, an alert. */
static void cipher_flush(struct wire *wire)
{
    uint8_t bytes[CIPHER_BYTES];
    int length;
    while (!wire->is_closing && (length = BIO_read(wire->to_peer, bytes, sizeof bytes)) > 0) {
        socket_write(wire, bytes, (uint32_t)length);
    }
}

void wire_flush(struct wire *wire)
{
    uint32_t length = wire->out_length;
    if (length == 0 || wire->is_closing || !wire->is_open) {
        return;
    }
    wire->out_length = 0;
    if (wire->ssl == NULL) {
        socket_write(wire, wire->out, length);
        return;
    }
    if (SSL_write(wire->ssl, wire->out, (int)length) != (int)length) {
        wire_close(wire, "TLS takes nothing more");
        return;
    }
    cipher_flush(wire);
}

bool wire_write(struct wire *wire, struct byte_view bytes)
{
    REQUIRE(bytes.length <= WIRE_OUT_BYTES);
    if (WIRE_OUT_BYTES - wire->out_length < bytes.length) {
        wire_flush(wire); /* more answers in one reading than the buffer holds */
    }
    bool is_slow = uv_stream_get_write_queue_size((uv_stream_t *)&wire->tcp) > QUEUE_BYTES_MAX ||
                   WIRE_OUT_BYTES - wire->out_length < bytes.length;
    if (is_slow) {
        wire_close(wire, "a peer does not read its answers");
    }
    if (wire->is_closing || !wire->is_open) {
        return false;
    }
    memcpy(wire->out + wire->out_length, bytes.bytes, bytes.length);
    wire->out_length += bytes.length;
    return true;
}

/* --- in -------------------------------------------------------------------------------------- */

static void offer(struct wire *wire)
{
    uint32_t used =
        wire->calls->on_bytes(wire->owner, (struct byte_view){wire->in, wire->in_length});
    REQUIRE(used <= wire->in_length);
    wire->in_length -= used;
    memmove(wire->in, wire->in + used, wire->in_length);
    if (wire->in_length == WIRE_IN_BYTES) {
        wire_close(wire, "a message longer than any buffer");
    }
}

static void opened(struct wire *wire)
{
    wire->is_open = true;
    wire->calls->on_open(wire->owner);
}

static void handshake_failed(struct wire *wire)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    long verdict = SSL_get_verify_result(wire->ssl);
    char text[WIRE_REASON_SIZE];
    snprintf(text, sizeof text, "TLS handshake: %s%s%s", why != NULL ? why : "it failed",
             verdict == X509_V_OK ? "" : ": ",
             verdict == X509_V_OK ? "" : X509_verify_cert_error_string(verdict));
    cipher_flush(wire); /* the alert */
    wire_close(wire, text);
}

/* Deciphers what has come, as far as records are whole. */
static void decipher(struct wire *wire)
{
    if (!wire->is_open) {
        ERR_clear_error();
        int result = SSL_do_handshake(wire->ssl);
        if (result != 1) {
            if (SSL_get_error(wire->ssl, result) != SSL_ERROR_WANT_READ) {
                handshake_failed(wire);
            }
            cipher_flush(wire);
            return;
        }
        cipher_flush(wire);
        opened(wire);
    }
    for (;;) {
        ERR_clear_error();
        int length = wire->is_closing ? 0
                                      : SSL_read(wire->ssl, wire->in + wire->in_length,
                                                 (int)(WIRE_IN_BYTES - wire->in_length));
        if (length <= 0) {
            bool is_end =
                !wire->is_closing && SSL_get_error(wire->ssl, length) != SSL_ERROR_WANT_READ;
            if (is_end) {
                wire_close(wire, "the peer ended TLS");
            }
            break;
        }
        wire->in_length += (uint32_t)length;
        offer(wire);
    }
    cipher_flush(wire);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct wire *wire = handle->data;
    (void)wanted;
    *buffer = wire->ssl != NULL ? uv_buf_init((char *)wire->raw, sizeof wire->raw)
                                : uv_buf_init((char *)wire->in + wire->in_length,
                                              WIRE_IN_BYTES - wire->in_length);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct wire *wire = stream->data;
    if (count < 0) {
        wire_close(wire, count == UV_EOF ? "the peer closed" : uv_strerror((int)count));
        return;
    }
    if (wire->ssl == NULL) {
        wire->in_length += (uint32_t)count;
        offer(wire);
        return;
    }
    REQUIRE(BIO_write(wire->from_peer, buffer->base, (int)count) == (int)count);
    decipher(wire);
}

/* --- beginning ------------------------------------------------------------------------------- */

static bool tls_begin(struct wire *wire, const struct wire_setup *setup, bool is_server)
{
    wire->ssl = SSL_new(setup->tls);
    wire->from_peer = BIO_new(BIO_s_mem());
    wire->to_peer = BIO_new(BIO_s_mem());
    if (wire->ssl == NULL || wire->from_peer == NULL || wire->to_peer == NULL) {
        return false;
    }
    SSL_set_bio(wire->ssl, wire->from_peer, wire->to_peer);
    if (is_server) {
        SSL_set_accept_state(wire->ssl);
    } else {
        SSL_set_connect_state(wire->ssl);
        if (setup->server_name != NULL) {
            SSL_set_tlsext_host_name(wire->ssl, setup->server_name);
            SSL_set1_host(wire->ssl, setup->server_name);
        }
    }
    return true;
}

static void begin(struct wire *wire, const struct wire_setup *setup)
{
    REQUIRE(!wire->is_used);
    wire->calls = setup->calls;
    wire->owner = setup->owner;
    wire->is_used = true;
    wire->is_open = wire->is_closing = false;
    wire->in_length = wire->out_length = 0;
    REQUIRE(uv_tcp_init(setup->loop, &wire->tcp) == 0);
    wire->tcp.data = wire;
}

/* The connection stands; what follows is the handshake, or nothing. */
static void stand(struct wire *wire)
{
    uv_tcp_nodelay(&wire->tcp, 1);
    uv_read_start((uv_stream_t *)&wire->tcp, on_alloc, on_read);
    if (wire->ssl == NULL) {
        opened(wire);
    } else {
        decipher(wire);
    }
}

bool wire_take(struct wire *wire, const struct wire_setup *setup, uv_stream_t *listener)
{
    begin(wire, setup);
    if (uv_accept(listener, (uv_stream_t *)&wire->tcp) != 0 ||
        (setup->tls != NULL && !tls_begin(wire, setup, true))) {
        wire_close(wire, "the connection could not be taken");
        return false;
    }
    stand(wire);
    return true;
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct wire *wire = connect->data;
    if (wire->is_closing) {
        return;
    }
    if (status != 0) {
        wire_close(wire, uv_strerror(status));
        return;
    }
    stand(wire);
}

void wire_connect(struct wire *wire, const struct wire_setup *setup, const struct sockaddr *address)
{
    begin(wire, setup);
    wire->connect.data = wire;
    if ((setup->tls != NULL && !tls_begin(wire, setup, false)) ||
        uv_tcp_connect(&wire->connect, &wire->tcp, address, on_connected) != 0) {
        wire_close(wire, "the connection could not be begun");
    }
}

SSL_CTX *wire_tls_create(const struct wire_tls *setup, bool is_server,
                         char reason[WIRE_REASON_SIZE])
{
    SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    const char *file = "TLS";
    bool is_good = context != NULL && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
    if (is_good && setup->certificate != NULL) {
        file = setup->certificate;
        is_good = SSL_CTX_use_certificate_chain_file(context, file) == 1;
    }
    if (is_good && setup->key != NULL) {
        file = setup->key;
        is_good = SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) == 1;
    }
    if (is_good && setup->ca != NULL) {
        file = setup->ca;
        is_good = SSL_CTX_load_verify_locations(context, file, NULL) == 1;
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    if (!is_good) {
        const char *why = ERR_reason_error_string(ERR_peek_last_error());
        snprintf(reason, WIRE_REASON_SIZE, "%s: %s", file, why != NULL ? why : "no memory");
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}
