/* One connection of a simulated bank, made or taken, plain or TLS: bytes in, bytes out, one end.
 *
 * What is written is gathered; wire_flush hands it to the socket, so that a turn's answers leave
 * after its commit. TLS is OpenSSL between two memory buffers, nothing shared with the switch's.
 *
 * Life:  wire_take / wire_connect -> on_open -> on_bytes, wire_write, wire_flush ... -> wire_close
 *        -> on_closed (last, and only then may the memory go)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>
#include <uv.h>

#include "protocols/base/bytes.h"

#define WIRE_IN_BYTES 16384
#define WIRE_OUT_BYTES 262144 /* a turn's answers: 1,024 requests in flight and more */
#define WIRE_REASON_SIZE 200

struct wire_calls {
    void (*on_open)(void *owner);
    /* Answers how many were used; the rest comes again, with more behind it. */
    uint32_t (*on_bytes)(void *owner, struct byte_view bytes);
    void (*on_closed)(void *owner, const char *reason);
};

struct wire {
    uv_tcp_t tcp;
    uv_connect_t connect;
    const struct wire_calls *calls;
    void *owner;
    SSL *ssl;                 /* owner; NULL: plain */
    BIO *from_peer, *to_peer; /* the SSL's */
    bool is_used, is_open, is_closing;
    char reason[WIRE_REASON_SIZE];
    uint32_t in_length, out_length;
    uint8_t raw[WIRE_IN_BYTES], in[WIRE_IN_BYTES], out[WIRE_OUT_BYTES];
};

struct wire_setup {
    uv_loop_t *loop;
    SSL_CTX *tls;            /* NULL: plain */
    const char *server_name; /* connect: that the peer's certificate must bear; NULL: any */
    const struct wire_calls *calls;
    void *owner;
};

/* Takes a connection that waits at the listener. False: it could not, and on_closed comes. */
bool wire_take(struct wire *wire, const struct wire_setup *setup, uv_stream_t *listener);
void wire_connect(struct wire *wire, const struct wire_setup *setup,
                  const struct sockaddr *address);
/* False: the peer leaves too much unread; the wire is being closed. */
bool wire_write(struct wire *wire, struct byte_view bytes);
void wire_flush(struct wire *wire);
void wire_close(struct wire *wire, const char *reason);

/* What certificates a bank shows and believes. */
struct wire_tls {
    const char *certificate, *key; /* PEM files; NULL: none is shown */
    const char *ca;                /* NULL: any peer is taken */
};
/* NULL: `reason` names the file and what is wrong with it. */
SSL_CTX *wire_tls_create(const struct wire_tls *setup, bool is_server,
                         char reason[WIRE_REASON_SIZE]);
