/* OpenSSL reads and writes through a BIO of our own that knows two shared buffers: what came in by
 * this read, and what is to go out by this call. So an idle stream holds nothing but its SSL. */
#include "loadtest/load/tls_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "protocols/base/require.h"

#define IN_BYTES 65536
#define OUT_BYTES 65536

struct tls_client {
    struct tls_client_setup setup;
    struct sockaddr_storage address;
    SSL_CTX *context;
    BIO_METHOD *method;
    uint32_t stream_count;
    uint32_t out_length;
    uint8_t in[IN_BYTES], plain[IN_BYTES], out[OUT_BYTES];
};

struct tls_stream {
    uv_tcp_t tcp; /* first: the handle is the stream */
    struct tls_client *client;
    void *argument;
    SSL *ssl; /* owner; NULL on a plain stream */
    uv_connect_t connect;
    const uint8_t *in; /* what OpenSSL has yet to take of this read */
    uint32_t in_left;
    bool is_open, is_closing;
};

static int bio_read(BIO *bio, char *bytes, int length)
{
    struct tls_stream *stream = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (stream->in_left == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    uint32_t taken = stream->in_left < (uint32_t)length ? stream->in_left : (uint32_t)length;
    memcpy(bytes, stream->in, taken);
    stream->in += taken;
    stream->in_left -= taken;
    return (int)taken;
}

static int bio_write(BIO *bio, const char *bytes, int length)
{
    struct tls_stream *stream = BIO_get_data(bio);
    struct tls_client *client = stream->client;
    BIO_clear_retry_flags(bio);
    if ((uint32_t)length > OUT_BYTES - client->out_length) {
        return -1; /* a POS message is far smaller; the stream is given up */
    }
    memcpy(client->out + client->out_length, bytes, (size_t)length);
    client->out_length += (uint32_t)length;
    return length;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static SSL_CTX *context_create(const struct tls_client_setup *setup)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        return NULL;
    }
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context, setup->ca_path == NULL ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    bool is_set = SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                  SSL_CTX_set_max_proto_version(context, setup->is_tls12 ? TLS1_2_VERSION
                                                                         : TLS1_3_VERSION) == 1 &&
                  (setup->ca_path == NULL ||
                   SSL_CTX_load_verify_locations(context, setup->ca_path, NULL) == 1);
    if (!is_set) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

static int address_read(struct tls_client *client)
{
    const struct tls_client_setup *setup = &client->setup;
    int result = uv_ip4_addr(setup->address, setup->port, (struct sockaddr_in *)&client->address);
    return result == 0
               ? 0
               : uv_ip6_addr(setup->address, setup->port, (struct sockaddr_in6 *)&client->address);
}

struct tls_client *tls_client_create(const struct tls_client_setup *setup,
                                     char reason[TLS_CLIENT_REASON_SIZE])
{
    struct tls_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        snprintf(reason, TLS_CLIENT_REASON_SIZE, "no memory");
        return NULL;
    }
    client->setup = *setup;
    if (address_read(client) != 0) {
        snprintf(reason, TLS_CLIENT_REASON_SIZE, "\"%s\" is no IP address", setup->address);
        goto error;
    }
    client->method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "shared buffers");
    client->context = context_create(setup);
    if (client->method == NULL || client->context == NULL) {
        snprintf(reason, TLS_CLIENT_REASON_SIZE, "TLS cannot be set up%s%s: %s",
                 setup->ca_path == NULL ? "" : " with ",
                 setup->ca_path == NULL ? "" : setup->ca_path,
                 ERR_reason_error_string(ERR_peek_last_error()));
        goto error;
    }
    BIO_meth_set_read(client->method, bio_read);
    BIO_meth_set_write(client->method, bio_write);
    BIO_meth_set_ctrl(client->method, bio_control);
    return client;
error:
    tls_client_destroy(client);
    return NULL;
}

void tls_client_destroy(struct tls_client *client)
{
    if (client != NULL) {
        REQUIRE(client->stream_count == 0);
        SSL_CTX_free(client->context);
        BIO_meth_free(client->method);
        free(client);
    }
}

uint32_t tls_client_stream_count(const struct tls_client *client)
{
    return client->stream_count;
}

static void on_closed(uv_handle_t *handle)
{
    struct tls_stream *stream = (struct tls_stream *)handle;
    stream->client->stream_count--;
    SSL_free(stream->ssl);
    free(stream);
}

void tls_stream_close(struct tls_stream *stream)
{
    if (!stream->is_closing) {
        stream->is_closing = true;
        uv_close((uv_handle_t *)&stream->tcp, on_closed);
    }
}

static void stream_lose(struct tls_stream *stream, const char *reason)
{
    if (stream->is_closing) {
        return;
    }
    tls_stream_close(stream);
    stream->client->setup.on_lost(stream->argument, reason);
}

static void on_written(uv_write_t *write, int result)
{
    struct tls_stream *stream = (struct tls_stream *)write->handle;
    free(write);
    if (result < 0 && result != UV_ECANCELED) {
        stream_lose(stream, uv_strerror(result));
    }
}

static void stream_write(struct tls_stream *stream, const uint8_t *bytes, uint32_t length)
{
    uv_buf_t all = uv_buf_init((char *)(uintptr_t)bytes, length);
    int sent = uv_try_write((uv_stream_t *)&stream->tcp, &all, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        stream_lose(stream, uv_strerror(sent));
        return;
    }
    uint32_t done = sent < 0 ? 0 : (uint32_t)sent;
    if (done == length) {
        return;
    }
    uv_write_t *write = malloc(sizeof *write + length - done);
    if (write == NULL) {
        stream_lose(stream, "no memory");
        return;
    }
    memcpy(write + 1, bytes + done, length - done);
    uv_buf_t rest = uv_buf_init((char *)(write + 1), length - done);
    if (uv_write(write, (uv_stream_t *)&stream->tcp, &rest, 1, on_written) != 0) {
        free(write);
        stream_lose(stream, "the socket takes no more");
    }
}

/* Sends what OpenSSL has put into the shared buffer by this call. */
static void stream_flush(struct tls_stream *stream)
{
    struct tls_client *client = stream->client;
    uint32_t length = client->out_length;
    client->out_length = 0;
    if (length > 0 && !stream->is_closing) {
        stream_write(stream, client->out, length);
    }
}

static const char *tls_reason(const SSL *ssl)
{
    long verified = SSL_get_verify_result(ssl);
    if (verified != X509_V_OK) {
        return X509_verify_cert_error_string(verified);
    }
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason == NULL ? "the peer broke off the TLS handshake" : reason;
}

static bool handshake_step(struct tls_stream *stream)
{
    ERR_clear_error();
    int result = SSL_do_handshake(stream->ssl);
    int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(stream->ssl, result);
    stream_flush(stream);
    if (stream->is_closing) {
        return false;
    }
    if (error == SSL_ERROR_NONE) {
        stream->is_open = true;
        stream->client->setup.on_open(stream->argument);
        return !stream->is_closing;
    }
    if (error != SSL_ERROR_WANT_READ) {
        stream_lose(stream, tls_reason(stream->ssl));
    }
    return false;
}

static void stream_decrypt(struct tls_stream *stream)
{
    struct tls_client *client = stream->client;
    if (!stream->is_open && !handshake_step(stream)) {
        return;
    }
    for (;;) {
        ERR_clear_error();
        int length = SSL_read(stream->ssl, client->plain, IN_BYTES);
        if (length <= 0) {
            int error = SSL_get_error(stream->ssl, length);
            stream_flush(stream); /* a key update is answered by reading */
            if (error == SSL_ERROR_ZERO_RETURN) {
                stream_lose(stream, "the peer closed the TLS session");
            } else if (error != SSL_ERROR_WANT_READ) {
                stream_lose(stream, tls_reason(stream->ssl));
            }
            return;
        }
        client->setup.on_bytes(stream->argument,
                               (struct byte_view){client->plain, (uint32_t)length});
        if (stream->is_closing) {
            return;
        }
    }
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    (void)wanted;
    struct tls_stream *stream = (struct tls_stream *)handle;
    *buffer = uv_buf_init((char *)stream->client->in, IN_BYTES);
}

static void on_read(uv_stream_t *handle, ssize_t count, const uv_buf_t *buffer)
{
    struct tls_stream *stream = (struct tls_stream *)handle;
    if (count < 0) {
        stream_lose(stream, uv_strerror((int)count));
        return;
    }
    if (stream->ssl == NULL) {
        struct byte_view bytes = {(const uint8_t *)buffer->base, (uint32_t)count};
        stream->client->setup.on_bytes(stream->argument, bytes);
        return;
    }
    stream->in = (const uint8_t *)buffer->base;
    stream->in_left = (uint32_t)count;
    stream_decrypt(stream);
}

static void on_connected(uv_connect_t *connect, int result)
{
    struct tls_stream *stream = (struct tls_stream *)connect->handle;
    if (stream->is_closing) {
        return;
    }
    if (result < 0) {
        stream_lose(stream, uv_strerror(result));
        return;
    }
    uv_tcp_nodelay(&stream->tcp, 1);
    uv_read_start((uv_stream_t *)&stream->tcp, on_alloc, on_read);
    if (stream->ssl == NULL) {
        stream->is_open = true;
        stream->client->setup.on_open(stream->argument);
        return;
    }
    (void)handshake_step(stream);
}

static bool stream_secure(struct tls_stream *stream)
{
    struct tls_client *client = stream->client;
    stream->ssl = SSL_new(client->context);
    BIO *bio = BIO_new(client->method);
    if (stream->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    SSL_set_bio(stream->ssl, bio, bio);
    SSL_set_connect_state(stream->ssl);
    /* The certificate must name the address we meant, not only come from our authority. */
    return client->setup.ca_path == NULL ||
           X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(stream->ssl), client->setup.address) == 1;
}

struct tls_stream *tls_stream_open(struct tls_client *client, void *argument)
{
    struct tls_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    stream->client = client;
    stream->argument = argument;
    REQUIRE(uv_tcp_init(client->setup.loop, &stream->tcp) == 0);
    client->stream_count++;
    bool is_begun = client->setup.is_plain || stream_secure(stream);
    is_begun =
        is_begun && uv_tcp_connect(&stream->connect, &stream->tcp,
                                   (const struct sockaddr *)&client->address, on_connected) == 0;
    if (!is_begun) {
        tls_stream_close(stream);
        return NULL;
    }
    return stream;
}

void tls_stream_send(struct tls_stream *stream, struct byte_view bytes)
{
    REQUIRE(stream->is_open);
    if (stream->is_closing) {
        return;
    }
    if (stream->ssl == NULL) {
        stream_write(stream, bytes.bytes, bytes.length);
        return;
    }
    ERR_clear_error();
    int done = SSL_write(stream->ssl, bytes.bytes, (int)bytes.length);
    if (done != (int)bytes.length) {
        stream_lose(stream, tls_reason(stream->ssl));
        return;
    }
    stream_flush(stream);
}
