/* The inside of a stream, shared by stream.c (life and input) and stream_output.c. */
#pragma once

#include "switch/net/stream.h"

enum stream_state {
    STREAM_CONNECTING,
    STREAM_HANDSHAKING, /* connected; TLS is not done */
    STREAM_OPEN,
    STREAM_CLOSING, /* the last bytes are being written; nothing is read */
    STREAM_CLOSED   /* libuv is closing the handle: on_closed is due */
};

struct stream {
    uv_tcp_t tcp;
    struct loop *loop;                /* borrowed */
    const struct stream_calls *calls; /* borrowed; NULL: abandoned before it was given out */
    void *owner;
    SSL *ssl;                 /* owned; NULL: plain */
    struct byte_view input;   /* what the BIO may read; the loop's, only within a read */
    struct loop_buffer *kept; /* of a message begun; NULL: nothing */
    struct loop_buffer *output, *output_last;
    struct uv_write_s *writing; /* libuv waits for the peer; NULL: it does not */
    struct stream *next_dirty, *next_again;
    struct deadline deadline;
    char *text; /* owned: why it was closed; NULL: the reason's own words */
    uint32_t output_count, output_max;
    struct net_address address;
    enum stream_state state;
    enum close_reason reason;
    bool is_dirty, is_again, has_input;
    bool is_ours; /* we connected */
};

/* Whoever comes to us may not take all buffers: half of them are not for messages begun, and of the
 * rest some are not for what strangers do not read. A connection of our own, to a bank, takes the
 * last one (I26). */
static inline uint32_t stream_spared(const struct stream *stream, bool is_input)
{
    uint32_t most = stream->loop->buffer_count_max;
    return stream->is_ours ? 0 : is_input ? most / 2 : most / 8;
}

/* Closes at once: what is gathered is lost. */
void stream_fail(struct stream *stream, enum close_reason reason, const char *text);
/* The end of a stream that is closing. */
void stream_end(struct stream *stream);
