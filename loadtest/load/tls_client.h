/* Many TLS connections out of one loop, small while idle: no buffer of its own but OpenSSL's, which
 * are released between messages.
 *
 * Bytes come in through one shared buffer and leave through another; both are empty between two
 * callbacks.
 *
 * Life:  tls_client_create -> stream open, send, close ... -> (all closed) -> tls_client_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"

#define TLS_CLIENT_REASON_SIZE 200

struct tls_client;
struct tls_stream;

struct tls_client_setup {
    uv_loop_t *loop;     /* borrowed */
    const char *address; /* IPv4 or IPv6 address */
    uint16_t port;
    const char *ca_path; /* PEM of the authority; NULL: any certificate is taken */
    bool is_tls12;       /* no higher than TLS 1.2 */
    bool is_plain;       /* no TLS at all: leased lines */
    /* `argument` is the stream's. None is called after tls_stream_close. */
    void (*on_open)(void *argument);
    void (*on_bytes)(void *argument, struct byte_view bytes);
    void (*on_lost)(void *argument, const char *reason); /* the stream is closing already */
};

/* NULL: `reason` says why. */
struct tls_client *tls_client_create(const struct tls_client_setup *setup,
                                     char reason[TLS_CLIENT_REASON_SIZE]);
void tls_client_destroy(struct tls_client *client);
/* Streams that libuv still holds. */
uint32_t tls_client_stream_count(const struct tls_client *client);

/* Begins to connect; on_open or on_lost follows. NULL: no memory or no descriptor. */
struct tls_stream *tls_stream_open(struct tls_client *client, void *argument);
/* Sends whole; what the socket does not take now is queued. */
void tls_stream_send(struct tls_stream *stream, struct byte_view bytes);
/* No callback follows; the stream frees itself. */
void tls_stream_close(struct tls_stream *stream);
