/* The head of an HTTP POST that carries one frame, as Chinese TLS terminals send it (unionpay, "In
 * HTTP").
 *
 * Liberal where terminals are careless (case of names, blanks after a colon, no Host), strict where
 * two readers could disagree on where a request ends (RFC 9112 section 11.2): one Content-Length
 * of digits only, no transfer coding, no bare CR or LF, no folded header.
 */
#pragma once

#include "protocols/frame.h"

struct frame_http_head {
    uint32_t head_length, body_length; /* bytes */
    uint16_t status;                   /* of an answer */
    bool may_keep_alive;
};

/* Whether a stream of this framing that begins with `first` is HTTP: a capital letter can begin no
 * length of FRAME_LENGTH_MAX or less. */
bool frame_http_is_begun(uint8_t first);

/* The longest body that can be one frame. */
uint32_t frame_http_body_max(const struct framing *framing);

/* STATUS_TRUNCATED: the head is not all there. Else as frame_parse; the body is not looked at. */
MUST_CHECK enum status frame_http_head_parse(struct frame_http_head *head,
                                             const struct framing *framing, struct byte_view bytes,
                                             struct frame_fault *fault);

/* The same for the answer to what we posted, of any status, as long as it says where it ends: of
 * 1xx, 204 and 304 it is the head alone (RFC 9112 section 6.3). A body that carries no frame may be
 * of FRAME_HTTP_SKIP_MAX bytes. No type is asked for, since banks name many. */
#define FRAME_HTTP_SKIP_MAX (1U << 20) /* the longest page of an error */
MUST_CHECK enum status frame_http_answer_parse(struct frame_http_head *head,
                                               const struct framing *framing,
                                               struct byte_view bytes, struct frame_fault *fault);

/* A POST that carries something else than a frame, as wallets notify: the same strictness about
 * where it ends, any path, any type; and what some headers say. */
#define FRAME_HTTP_WANTED_COUNT_MAX 8
struct frame_http_post {
    struct frame_http_head head;
    struct byte_view path; /* without its query */
    /* What the wanted headers say, in their order; length 0: absent. Views into the bytes. */
    struct byte_view values[FRAME_HTTP_WANTED_COUNT_MAX];
};
/* `wanted`: names of headers in lower case, ending with NULL; one that comes twice is a fault. Else
 * as frame_http_head_parse. */
MUST_CHECK enum status frame_http_post_parse(struct frame_http_post *post,
                                             const char *const *wanted, uint32_t body_length_max,
                                             struct byte_view bytes, struct frame_fault *fault);

/* Write the head of a 200 answer, or of a POST to framing.http_post_path, with room for the length;
 * frame_http_head_end fills it in at the place that they answer. */
#define FRAME_HTTP_POST_TEXT_MAX 127 /* of path and of host each */
#define FRAME_HTTP_POST_HEAD_MAX 512
uint32_t frame_http_head_begin(struct byte_writer *writer, bool may_keep_alive);
uint32_t frame_http_post_begin(struct byte_writer *writer, const struct framing *framing);
void frame_http_head_end(struct byte_writer *writer, uint32_t content_length_at,
                         uint32_t body_length, bool is_post);
