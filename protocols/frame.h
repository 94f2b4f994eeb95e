/* Where a message begins and ends on a stream, and what stands around it.
 *
 * A framing says how the length is written; a TPDU (ISO 8583 over X.25 habit: 60 dddd ssss) may
 * stand before the message and is answered swapped; an HTTP POST may stand around it all. The first
 * bytes tell HTTP and TLS from a binary length, and wrong guesses get a sentence, not silence.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/base/frame_length.h"
#include "protocols/base/status.h"

#define FRAME_LENGTH_MAX 2048
#define FRAME_TPDU_BYTES 5
#define FRAME_HTTP_HEAD_MAX 4096
#define FRAME_REASON_SIZE 160

struct framing {
    enum frame_length_kind length_kind; /* of what we begin */
    /* Further kinds that a peer may begin with, 1u << each: every message is told apart by its
     * first two bytes and answered as it came. Any two of them are told apart (base/frame_length).
     */
    uint32_t other_kinds;
    bool has_tpdu;
    bool may_be_http;              /* HTTP POST told apart by its first bytes */
    uint32_t length_max;           /* 1 .. FRAME_LENGTH_MAX, length bytes not counted */
    const char *const *http_paths; /* ends with NULL; NULL: any. Borrowed from the listener. */
    /* We are the client: each message is posted there, and nothing but HTTP answers comes back.
     * NULL: we are not. Borrowed from the channel. */
    const char *http_post_path, *http_post_host;
};

struct frame {
    struct byte_view message;           /* after TPDU; a view into the stream's bytes */
    uint8_t tpdu[FRAME_TPDU_BYTES];     /* as received; zeros where there is none */
    enum frame_length_kind length_kind; /* as it came */
    bool is_http, may_keep_alive;       /* may_keep_alive: the HTTP peer wants to stay connected */
    /* Of an answer to what we posted: its status, else 0. One without a message (any status but
     * 200, no body, or one that is no frame) has an empty one; its body, of any kind, are the
     * skip_length bytes behind those consumed, which nobody reads. 1xx announces another answer to
     * the same POST. */
    uint16_t http_status;
    uint32_t skip_length;
};

struct frame_fault {
    char reason[FRAME_REASON_SIZE];
    uint16_t http_status;
};

/* Looks for one whole frame at the start of `bytes`.
 * STATUS_OK: *consumed bytes belong to it (0-length keep-alive frames come as an empty message,
 * and so do HTTP answers without one; `reason` is empty, or says why the body of an answer of
 * status 200 is no message). STATUS_TRUNCATED: more bytes are needed, and the same call is made
 * again with all of them. Else the stream is of no more use, `reason` says why in words an operator
 * can act on, with offsets; for HTTP faults `http_status` is the answer to give (400, 404, 405,
 * 411, 413, 415), else 0: close without an answer. The answer does not depend on how the bytes
 * arrived. */
MUST_CHECK enum status frame_parse(struct frame *frame, uint32_t *consumed,
                                   const struct framing *framing, struct byte_view bytes,
                                   struct frame_fault *fault);

/* Writing a frame: begin leaves room for length (and HTTP head, where the request came in HTTP or
 * we are the client) and puts the TPDU of `request` with destination and source swapped (NULL: 60
 * and zeros); the caller appends the message to the writer; end patches the length, appends what
 * stands behind, and moves no byte. The frame is what stands in the writer from mark.start. Room
 * and limits are looked at once, in the writer's status: STATUS_NO_ROOM also when the frame is
 * longer than framing.length_max. */
struct frame_mark {
    uint32_t start, length_at, body_at;
    enum frame_length_kind length_kind;
    uint32_t content_length_at; /* where the digits of an HTTP head go; 0: no HTTP */
};
struct frame_mark frame_begin_reply(struct byte_writer *writer, const struct framing *framing,
                                    const struct frame *request);
struct frame_mark frame_begin_request(struct byte_writer *writer, const struct framing *framing,
                                      const uint8_t tpdu[FRAME_TPDU_BYTES]);
void frame_end(struct byte_writer *writer, const struct framing *framing,
               const struct frame_mark *mark);
/* A whole HTTP error answer without a body, "Connection: close". */
void frame_put_http_error(struct byte_writer *writer, uint16_t http_status);
