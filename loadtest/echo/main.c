/* tillway-echo: the bare server that our figures stand beside. libuv, OpenSSL with memory BIOs or
 * no TLS at all, and nothing else: for each whole frame (2-byte length) it sends one frame of the
 * wanted size.
 *
 *   tillway-echo --port P --reply-bytes N [--certificate FILE --key FILE]
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define READ_BYTES_MAX 65536
#define FRAME_BYTES_MAX 4096
#define REPLY_BYTES_MAX 2048U

struct conn {
    uv_tcp_t tcp;
    SSL *ssl;       /* NULL: plain */
    uint8_t *frame; /* NULL while no frame is incomplete, so that an idle one costs nothing */
    uint32_t held;  /* bytes of it so far */
};

static struct {
    uv_loop_t *loop;
    SSL_CTX *tls;
    uint32_t reply_bytes;
    uint8_t read_bytes[READ_BYTES_MAX], plain_bytes[READ_BYTES_MAX], reply[REPLY_BYTES_MAX + 2];
} server;

struct write {
    uv_write_t request;
    char bytes[];
};

static void on_closed(uv_handle_t *handle)
{
    struct conn *conn = handle->data;
    SSL_free(conn->ssl);
    free(conn->frame);
    free(conn);
}

static void conn_close(struct conn *conn)
{
    if (!uv_is_closing((uv_handle_t *)&conn->tcp)) {
        uv_close((uv_handle_t *)&conn->tcp, on_closed);
    }
}

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    free(request);
}

static void conn_write(struct conn *conn, const uint8_t *bytes, size_t length)
{
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)length);
    int sent = uv_try_write((uv_stream_t *)&conn->tcp, &buffer, 1);
    size_t done = sent < 0 ? 0 : (size_t)sent;
    if (done == length || (sent < 0 && sent != UV_EAGAIN)) {
        return;
    }
    struct write *write = malloc(sizeof(*write) + length - done);
    if (write == NULL) {
        conn_close(conn);
        return;
    }
    memcpy(write->bytes, bytes + done, length - done);
    uv_buf_t rest = uv_buf_init(write->bytes, (unsigned)(length - done));
    uv_write(&write->request, (uv_stream_t *)&conn->tcp, &rest, 1, on_written);
}

static void tls_flush(struct conn *conn)
{
    char *bytes = NULL;
    long length = BIO_get_mem_data(SSL_get_wbio(conn->ssl), &bytes);
    if (length > 0) {
        conn_write(conn, (const uint8_t *)bytes, (size_t)length);
        (void)BIO_reset(SSL_get_wbio(conn->ssl));
    }
}

static void reply(struct conn *conn)
{
    size_t length = server.reply_bytes + 2;
    if (conn->ssl == NULL) {
        conn_write(conn, server.reply, length);
    } else if (SSL_write(conn->ssl, server.reply, (int)length) <= 0) {
        conn_close(conn);
    }
}

/* 0: more bytes are needed to know. */
static size_t frame_length(const uint8_t *bytes, size_t count)
{
    return count < 2 ? 0 : 2 + ((size_t)bytes[0] << 8 | bytes[1]);
}

/* Adds to the frame that began earlier; answers it when it is whole. Gives what it took. */
static size_t frame_continue(struct conn *conn, const uint8_t *bytes, size_t count)
{
    size_t length = frame_length(conn->frame, conn->held);
    size_t wanted = (length == 0 ? 2 : length) - conn->held;
    size_t part = wanted < count ? wanted : count;
    memcpy(conn->frame + conn->held, bytes, part);
    conn->held += (uint32_t)part;
    length = frame_length(conn->frame, conn->held);
    if (length > FRAME_BYTES_MAX) {
        conn_close(conn);
    } else if (length == conn->held) {
        free(conn->frame);
        conn->frame = NULL;
        conn->held = 0;
        reply(conn);
    }
    return part;
}

/* Whole frames are answered; the beginning of the next is kept. */
static void on_plain(struct conn *conn, const uint8_t *bytes, size_t count)
{
    while (count > 0 && !uv_is_closing((uv_handle_t *)&conn->tcp)) {
        size_t length = frame_length(bytes, count);
        size_t part = length;
        if (conn->frame == NULL && length > 0 && length <= count) {
            reply(conn);
        } else {
            conn->frame = conn->frame != NULL ? conn->frame : calloc(1, FRAME_BYTES_MAX);
            if (conn->frame == NULL) {
                conn_close(conn);
                return;
            }
            part = frame_continue(conn, bytes, count);
        }
        bytes += part;
        count -= part;
    }
}

static void on_sealed(struct conn *conn, const uint8_t *bytes, size_t length)
{
    if (BIO_write(SSL_get_rbio(conn->ssl), bytes, (int)length) != (int)length) {
        conn_close(conn);
        return;
    }
    int count = 0;
    while ((count = SSL_read(conn->ssl, server.plain_bytes, sizeof(server.plain_bytes))) > 0) {
        on_plain(conn, server.plain_bytes, (size_t)count);
    }
    int error = SSL_get_error(conn->ssl, count);
    tls_flush(conn);
    if (error != SSL_ERROR_WANT_READ) {
        ERR_clear_error();
        conn_close(conn);
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct conn *conn = stream->data;
    if (count < 0) {
        conn_close(conn);
    } else if (count > 0 && conn->ssl != NULL) {
        on_sealed(conn, (const uint8_t *)buffer->base, (size_t)count);
    } else if (count > 0) {
        on_plain(conn, (const uint8_t *)buffer->base, (size_t)count);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init((char *)server.read_bytes, sizeof(server.read_bytes));
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct conn *conn = status < 0 ? NULL : calloc(1, sizeof(*conn));
    if (conn == NULL) {
        return;
    }
    uv_tcp_init(server.loop, &conn->tcp);
    conn->tcp.data = conn;
    if (uv_accept(listener, (uv_stream_t *)&conn->tcp) != 0) {
        conn_close(conn);
        return;
    }
    uv_tcp_nodelay(&conn->tcp, 1);
    if (server.tls != NULL) {
        conn->ssl = SSL_new(server.tls);
        SSL_set_bio(conn->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_accept_state(conn->ssl);
    }
    uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

static int tls_load(const char *certificate, const char *key)
{
    server.tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(server.tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(server.tls, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_use_certificate_chain_file(server.tls, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(server.tls, key, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        return 1;
    }
    return 0;
}

static int serve(uint16_t port)
{
    uv_tcp_t listener;
    uv_signal_t terminate;
    struct sockaddr_in address;
    server.loop = uv_default_loop();
    server.reply[0] = (uint8_t)(server.reply_bytes >> 8);
    server.reply[1] = (uint8_t)server.reply_bytes;
    uv_ip4_addr("127.0.0.1", port, &address);
    uv_tcp_init(server.loop, &listener);
    int error = uv_tcp_bind(&listener, (const struct sockaddr *)&address, 0);
    error = error != 0 ? error : uv_listen((uv_stream_t *)&listener, 4096, on_connection);
    if (error != 0) {
        fprintf(stderr, "tillway-echo: port %u: %s\n", port, uv_strerror(error));
        return 1;
    }
    uv_signal_init(server.loop, &terminate);
    uv_signal_start(&terminate, on_signal, SIGTERM);
    printf("ready\n");
    fflush(stdout);
    return uv_run(server.loop, UV_RUN_DEFAULT) < 0;
}

int main(int argument_count, char **arguments)
{
    const char *certificate = NULL;
    const char *key = NULL;
    unsigned long port = 0;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i + 1 < argument_count; i += 2) {
        if (strcmp(arguments[i], "--port") == 0) {
            port = strtoul(arguments[i + 1], NULL, 10);
        } else if (strcmp(arguments[i], "--reply-bytes") == 0) {
            server.reply_bytes = (uint32_t)strtoul(arguments[i + 1], NULL, 10);
        } else if (strcmp(arguments[i], "--certificate") == 0) {
            certificate = arguments[i + 1];
        } else if (strcmp(arguments[i], "--key") == 0) {
            key = arguments[i + 1];
        } else {
            port = 0;
            break;
        }
    }
    if (port == 0 || port > 65535 || server.reply_bytes == 0 ||
        server.reply_bytes > REPLY_BYTES_MAX) {
        fprintf(
            stderr,
            "usage: tillway-echo --port P --reply-bytes 1..%u [--certificate FILE --key FILE]\n",
            REPLY_BYTES_MAX);
        return 2;
    }
    if (certificate != NULL && key != NULL && tls_load(certificate, key) != 0) {
        return 1;
    }
    return serve((uint16_t)port);
}
