/* One TCP connection, with TLS or without: bytes in, bytes out, one end.
 *
 * TLS runs over a BIO of our own that reads straight from the loop's input and writes straight into
 * the stream's output, so nothing is copied between OpenSSL and us. An idle stream holds no buffer
 * at all: input lives in the loop while it is looked at; only the tail of a message begun is kept,
 * in a buffer of the loop's pool.
 *
 * Owners are called for what happens. on_closed is always the last call, comes exactly once,
 * between two turns, and the stream is gone after it.
 *
 * Life:  stream_accept / stream_connect -> on_open -> on_bytes, stream_write ... -> stream_close ->
 * on_closed
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"
#include "switch/net/address.h"
#include "switch/net/close_reason.h"
#include "switch/net/loop.h"

#define STREAM_PEER_NAME_SIZE 65
#define STREAM_CLOSE_TEXT_SIZE 256

struct stream;

struct stream_calls {
    /* Connected, handshake done. A plain accepted stream is open from the start, without this call.
     * May be NULL. */
    void (*on_open)(void *owner);
    /* Bytes that came. Answers how many were used; the rest is offered again with the bytes after
     * it, or after stream_offer_again. All of the content may be wiped after the call. */
    uint32_t (*on_bytes)(void *owner, struct byte_view bytes);
    void (*on_deadline)(void *owner); /* of stream_arm; may be NULL if that is never called */
    /* `text` says what was wrong and where, in words; never NULL. */
    void (*on_closed)(void *owner, enum close_reason reason, const char *text);
};

struct stream_setup {
    struct net_address address; /* the peer's */
    SSL_CTX *tls;               /* NULL: plain TCP. The stream takes a reference. */
    const char *server_name;    /* with TLS: the name that the peer's certificate must bear; NULL:
                                   any that its authority vouches for */
    uint32_t timeout_ms;        /* for connect and handshake together */
    uint32_t output_max;        /* bytes that may wait to be written; more: CLOSE_SLOW_READER */
    const struct stream_calls *calls;
    void *owner;
};

/* Takes over a connected, non-blocking descriptor. NULL: no memory; the descriptor is closed then,
 * and no call will come. */
struct stream *stream_accept(struct loop *loop, int descriptor, const struct stream_setup *setup);
/* Begins to connect. NULL: no memory or no descriptor, and no call will come. */
struct stream *stream_connect(struct loop *loop, const struct stream_setup *setup);

/* Gathers bytes for the end of the turn. Once closing has begun they are dropped. */
void stream_write(struct stream *stream, struct byte_view bytes);
/* Writes what is gathered now rather than at the end of the turn. */
void stream_flush(struct stream *stream);
/* Bytes that wait for the peer to read. */
uint32_t stream_output_count(const struct stream *stream);

/* Offers kept bytes to on_bytes again, at the end of this turn or in the next one. */
void stream_offer_again(struct stream *stream);
/* Bytes kept of a message begun. */
uint32_t stream_kept_count(const struct stream *stream);
/* They themselves; good for this call only. */
struct byte_view stream_kept(const struct stream *stream);
/* Stops reading from the network, and begins again. For back-pressure: each costs a system call. */
void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);

/* One deadline a stream; arming again moves it. */
void stream_arm(struct stream *stream, uint64_t due_ns);
void stream_disarm(struct stream *stream);

/* What is gathered is still written, a second at most. `text` (may be NULL) is copied. Further
 * calls change nothing: the first reason stands. */
void stream_close(struct stream *stream, enum close_reason reason, const char *text);
bool stream_is_closing(const struct stream *stream);

const struct net_address *stream_address(const struct stream *stream);
/* "TLSv1.3"; "" for plain TCP. */
const char *stream_tls_version(const struct stream *stream);
/* The common name of the peer's verified certificate; empty when there is none. */
void stream_peer_name(const struct stream *stream, char name[STREAM_PEER_NAME_SIZE]);
/* When that certificate ends, seconds since 1970; 0: there is none. */
int64_t stream_peer_end(const struct stream *stream);
