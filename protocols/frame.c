/* See frame.h. */
#include "protocols/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/frame_http.h"

#define TPDU_ID 0x60
#define ETX 0x03
#define TLS_HANDSHAKE 0x16
#define TLS_MAJOR 0x03

_Static_assert((TLS_HANDSHAKE << 8 | TLS_MAJOR) > FRAME_LENGTH_MAX,
               "a TLS hello is no binary length");
_Static_assert(FRAME_LENGTH_MAX <= 9999 && FRAME_LENGTH_MAX + 2 <= UINT16_MAX,
               "every coding of a length can say the longest");
_Static_assert(FRAME_LENGTH_MAX > FRAME_TPDU_BYTES, "a message has room beside its TPDU");

__attribute__((format(printf, 3, 4))) static enum status
refuse(struct frame_fault *fault, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->reason, sizeof(fault->reason), format, arguments);
    va_end(arguments);
    return status;
}

static bool is_ascii_digits(struct byte_view bytes, uint32_t count)
{
    return bytes.length >= count && digits_are_decimal((const char *)bytes.bytes, count);
}

/* A length that cannot be: says what the peer seems to speak. Waits for four bytes when the first
 * two could be the ASCII digits of one, so that the answer does not depend on how they arrive. */
static enum status refuse_length(const struct framing *framing, enum frame_length_kind kind,
                                 struct byte_view bytes, struct frame_fault *fault)
{
    REQUIRE(bytes.length >= frame_length_prefix_bytes(kind));
    bool is_binary =
        kind == FRAME_BINARY_2 || kind == FRAME_BINARY_2_INCLUSIVE || kind == FRAME_BINARY_4;
    unsigned first = (unsigned)bytes.bytes[0] << 8 | bytes.bytes[1];
    if (first == (TLS_HANDSHAKE << 8 | TLS_MAJOR)) {
        return refuse(fault, STATUS_MALFORMED,
                      "a TLS hello on a plain port: the peer speaks TLS, this listener does not");
    }
    if (is_binary && is_ascii_digits(bytes, 2) && bytes.length < 4) {
        return STATUS_TRUNCATED;
    }
    if (is_binary && is_ascii_digits(bytes, 4)) {
        return refuse(fault, STATUS_MALFORMED,
                      "bytes 0-3 are ASCII digits on a binary-length port: the peer writes its "
                      "length as text");
    }
    if (frame_http_is_begun(bytes.bytes[0]) && frame_http_is_begun(bytes.bytes[1])) {
        return refuse(fault, STATUS_MALFORMED,
                      "length 0x%04X exceeds %u: bytes 0-1 read \"%c%c\", as HTTP begins, which is "
                      "not expected here",
                      first, framing->length_max, bytes.bytes[0], bytes.bytes[1]);
    }
    switch (kind) {
    case FRAME_ASCII_4:
        return refuse(fault, STATUS_MALFORMED,
                      "bytes 0-3 are %02X%02X%02X%02X, expected a length of 4 ASCII digits, at "
                      "most %u",
                      bytes.bytes[0], bytes.bytes[1], bytes.bytes[2], bytes.bytes[3],
                      framing->length_max);
    case FRAME_BCD_2:
        return refuse(fault, STATUS_MALFORMED,
                      "bytes 0-1 are %04X, expected a length of 4 BCD digits, at most %u", first,
                      framing->length_max);
    case FRAME_BINARY_4:
        return refuse(fault, STATUS_MALFORMED, "length 0x%04X%02X%02X exceeds %u", first,
                      bytes.bytes[2], bytes.bytes[3], framing->length_max);
    case FRAME_STX:
        return refuse(fault, STATUS_MALFORMED,
                      "bytes 0-2 are %04X%02X, expected 02 (STX) and a length of 4 BCD digits, at "
                      "most %u",
                      first, bytes.bytes[2], framing->length_max);
    case FRAME_BINARY_2:
    case FRAME_BINARY_2_INCLUSIVE:
        break;
    }
    return refuse(fault, STATUS_MALFORMED, "length 0x%04X exceeds %u", first, framing->length_max);
}

static bool is_allowed(const struct framing *framing, unsigned kind)
{
    return framing->length_kind == kind || (framing->other_kinds >> kind & 1U) != 0;
}

/* None of several kinds begins so. */
static enum status refuse_begin(const struct framing *framing, const uint8_t first[2],
                                struct frame_fault *fault)
{
    char names[96] = "";
    uint32_t used = 0;
    if (first[0] == TLS_HANDSHAKE && first[1] == TLS_MAJOR) {
        return refuse(fault, STATUS_MALFORMED,
                      "a TLS hello on a plain port: the peer speaks TLS, this listener does not");
    }
    for (unsigned kind = 0; kind < FRAME_LENGTH_KIND_COUNT; kind++) {
        if (is_allowed(framing, kind)) {
            used +=
                (uint32_t)snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "",
                                   frame_length_name((enum frame_length_kind)kind));
            REQUIRE(used < sizeof(names));
        }
    }
    return refuse(fault, STATUS_MALFORMED,
                  "bytes 0-1 are %02X%02X, which begins no message of at most %u bytes by %s",
                  first[0], first[1], framing->length_max, names);
}

/* Which of the kinds that are allowed the message is of. */
static enum status tell_kind(const struct framing *framing, struct byte_view bytes,
                             enum frame_length_kind *kind, struct frame_fault *fault)
{
    *kind = framing->length_kind;
    if (framing->other_kinds == 0) {
        return STATUS_OK;
    }
    if (bytes.length < 2) {
        return STATUS_TRUNCATED;
    }
    for (unsigned i = 0; i < FRAME_LENGTH_KIND_COUNT; i++) {
        *kind = (enum frame_length_kind)i;
        if (is_allowed(framing, i) &&
            frame_length_may_begin(*kind, framing->length_max, bytes.bytes)) {
            return STATUS_OK;
        }
    }
    return refuse_begin(framing, bytes.bytes, fault);
}

/* TPDU: id 60, destination, source (unionpay section 1). */
static enum status check_tpdu(struct byte_view body, uint32_t length, uint32_t offset,
                              struct frame_fault *fault)
{
    if (length < FRAME_TPDU_BYTES) {
        return refuse(fault, STATUS_MALFORMED, "length %u is shorter than the %d bytes of a TPDU",
                      length, FRAME_TPDU_BYTES);
    }
    if (body.length == 0 || body.bytes[0] == TPDU_ID) {
        return STATUS_OK;
    }
    if (body.bytes[0] == 'L') {
        if (body.length < 3 && memcmp(body.bytes, "LRI", body.length) == 0) {
            return STATUS_TRUNCATED;
        }
        if (body.length >= 3 && memcmp(body.bytes, "LRI", 3) == 0) {
            return refuse(
                fault, STATUS_UNSUPPORTED,
                "an LRI block of a dial-up line stands at offset %u, expected a TPDU that "
                "begins with 60",
                offset);
        }
    }
    return refuse(
        fault, STATUS_MALFORMED,
        "the TPDU begins with %02X at offset %u, expected 60, or framing.tpdu: false for a "
        "peer that sends none",
        body.bytes[0], offset);
}

/* What stands behind a message whose length has come true: ETX and the block check. `whole` ends
 * with them. */
static enum status check_suffix(struct byte_view whole, struct frame_fault *fault)
{
    REQUIRE(whole.length > FRAME_SUFFIX_BYTES_MAX);
    uint32_t etx_at = whole.length - 2, lrc_at = whole.length - 1;
    uint8_t lrc = frame_length_lrc(whole.bytes + 1, whole.length - 2);
    if (whole.bytes[etx_at] != ETX) {
        return refuse(fault, STATUS_MALFORMED,
                      "byte %u is %02X, expected 03 (ETX), where bytes 1-2 say that the message "
                      "ends",
                      etx_at, whole.bytes[etx_at]);
    }
    if (whole.bytes[lrc_at] != lrc) {
        return refuse(fault, STATUS_MALFORMED,
                      "the block check (LRC) at offset %u is %02X, expected %02X, the exclusive or "
                      "of bytes 1 to %u",
                      lrc_at, whole.bytes[lrc_at], lrc, etx_at);
    }
    return STATUS_OK;
}

static void fill(struct frame *frame, const struct framing *framing, struct byte_view message)
{
    frame->message = message;
    if (framing->has_tpdu && message.length > 0) {
        memcpy(frame->tpdu, message.bytes, FRAME_TPDU_BYTES);
        frame->message.bytes += FRAME_TPDU_BYTES;
        frame->message.length -= FRAME_TPDU_BYTES;
    }
}

static enum status parse_plain(struct frame *frame, uint32_t *consumed,
                               const struct framing *framing, struct byte_view bytes,
                               struct frame_fault *fault)
{
    enum frame_length_kind kind;
    enum status status = tell_kind(framing, bytes, &kind, fault);
    if (status != STATUS_OK) {
        return status;
    }
    uint32_t prefix = frame_length_prefix_bytes(kind), suffix = frame_length_suffix_bytes(kind);
    if (bytes.length < prefix) {
        return STATUS_TRUNCATED;
    }
    uint32_t length = frame_length_read(kind, bytes.bytes);
    if (length == FRAME_LENGTH_NONE || length > framing->length_max) {
        return refuse_length(framing, kind, bytes, fault);
    }
    struct byte_view body = {bytes.bytes + prefix, bytes.length - prefix};
    if (framing->has_tpdu && length > 0) {
        status = check_tpdu(body, length, prefix, fault);
    }
    if (status == STATUS_OK && body.length < length + suffix) {
        status = STATUS_TRUNCATED;
    }
    if (status == STATUS_OK && suffix > 0) {
        status = check_suffix((struct byte_view){bytes.bytes, prefix + length + suffix}, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    fill(frame, framing, (struct byte_view){body.bytes, length});
    frame->length_kind = kind;
    *consumed = prefix + length + suffix;
    return STATUS_OK;
}

/* An answer that carries no message: where a body begins, others' bytes begin. */
static void fill_bare(struct frame *frame, const struct frame_http_head *head,
                      struct byte_view bytes, uint32_t *consumed)
{
    *frame = (struct frame){.is_http = true,
                            .may_keep_alive = head->may_keep_alive,
                            .http_status = head->status,
                            .message = {bytes.bytes + head->head_length, 0},
                            .skip_length = head->body_length};
    *consumed = head->head_length;
}

/* The one frame that a whole HTTP body must be. */
static enum status parse_body(struct frame *frame, const struct framing *framing,
                              struct byte_view body, struct frame_fault *fault)
{
    struct frame_fault inner = {.http_status = 0};
    uint32_t consumed = 0;
    enum status status = parse_plain(frame, &consumed, framing, body, &inner);
    if (status == STATUS_TRUNCATED || (status == STATUS_OK && consumed != body.length)) {
        return refuse(
            fault, STATUS_MALFORMED,
            "the HTTP body of %u bytes is not its length bytes and one frame of that length",
            body.length);
    }
    if (status != STATUS_OK) {
        return refuse(fault, status, "in the HTTP body: %.130s", inner.reason);
    }
    return STATUS_OK;
}

/* A bad frame inside good HTTP closes the connection of who posts it without an answer, as it does
 * outside; in an answer to us it is that answer's fault alone, since HTTP says where it ends. */
static enum status parse_http(struct frame *frame, uint32_t *consumed,
                              const struct framing *framing, struct byte_view bytes,
                              struct frame_fault *fault)
{
    struct frame_http_head head = {.status = 0};
    const bool is_answer = framing->http_post_path != NULL;
    enum status status = is_answer ? frame_http_answer_parse(&head, framing, bytes, fault)
                                   : frame_http_head_parse(&head, framing, bytes, fault);
    if (status != STATUS_OK) {
        return status;
    }
    REQUIRE(head.head_length <= bytes.length);
    if (is_answer && (head.status != 200 || head.body_length == 0)) {
        fill_bare(frame, &head, bytes, consumed);
        return STATUS_OK;
    }
    if (is_answer && head.body_length > frame_http_body_max(framing)) {
        fill_bare(frame, &head, bytes, consumed);
        (void)refuse(fault, STATUS_OK,
                     "the HTTP body of %u bytes is longer than a frame, at most %u",
                     head.body_length, frame_http_body_max(framing));
        return STATUS_OK;
    }
    if (bytes.length - head.head_length < head.body_length) {
        return STATUS_TRUNCATED;
    }
    struct byte_view body = {bytes.bytes + head.head_length, head.body_length};
    status = parse_body(frame, framing, body, fault);
    if (status != STATUS_OK && is_answer) {
        fill_bare(frame, &head, bytes, consumed);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    frame->is_http = true;
    frame->may_keep_alive = head.may_keep_alive;
    frame->http_status = head.status;
    *consumed = head.head_length + head.body_length;
    return STATUS_OK;
}

enum status frame_parse(struct frame *frame, uint32_t *consumed, const struct framing *framing,
                        struct byte_view bytes, struct frame_fault *fault)
{
    REQUIRE(framing->length_max > 0 && framing->length_max <= FRAME_LENGTH_MAX);
    *frame = (struct frame){.is_http = false};
    *consumed = 0;
    fault->reason[0] = '\0';
    fault->http_status = 0;
    if (bytes.length == 0) {
        return STATUS_TRUNCATED;
    }
    if (framing->http_post_path != NULL ||
        (framing->may_be_http && frame_http_is_begun(bytes.bytes[0]))) {
        return parse_http(frame, consumed, framing, bytes, fault);
    }
    return parse_plain(frame, consumed, framing, bytes, fault);
}

static struct frame_mark begin(struct byte_writer *writer, const struct framing *framing,
                               enum frame_length_kind kind, const uint8_t tpdu[FRAME_TPDU_BYTES])
{
    struct frame_mark mark = {.length_at = writer->position, .length_kind = kind};
    byte_writer_fill(writer, 0, frame_length_prefix_bytes(kind));
    mark.body_at = writer->position;
    if (framing->has_tpdu) {
        REQUIRE(tpdu != NULL);
        byte_writer_put(writer, tpdu, FRAME_TPDU_BYTES);
    }
    return mark;
}

struct frame_mark frame_begin_request(struct byte_writer *writer, const struct framing *framing,
                                      const uint8_t tpdu[FRAME_TPDU_BYTES])
{
    uint32_t start = writer->position, content_length_at = 0;
    if (framing->http_post_path != NULL) {
        content_length_at = frame_http_post_begin(writer, framing);
    }
    struct frame_mark mark = begin(writer, framing, framing->length_kind, tpdu);
    mark.start = start;
    mark.content_length_at = content_length_at;
    return mark;
}

struct frame_mark frame_begin_reply(struct byte_writer *writer, const struct framing *framing,
                                    const struct frame *request)
{
    uint8_t tpdu[FRAME_TPDU_BYTES] = {TPDU_ID};
    uint32_t start = writer->position, content_length_at = 0;
    if (request != NULL) {
        memcpy(tpdu + 1, request->tpdu + 3, 2);
        memcpy(tpdu + 3, request->tpdu + 1, 2);
    }
    if (request != NULL && request->is_http) {
        content_length_at = frame_http_head_begin(writer, request->may_keep_alive);
    }
    bool is_other = request != NULL && is_allowed(framing, request->length_kind);
    struct frame_mark mark =
        begin(writer, framing, is_other ? request->length_kind : framing->length_kind, tpdu);
    mark.start = start;
    mark.content_length_at = content_length_at;
    return mark;
}

void frame_end(struct byte_writer *writer, const struct framing *framing,
               const struct frame_mark *mark)
{
    enum frame_length_kind kind = mark->length_kind;
    if (writer->status != STATUS_OK) {
        return;
    }
    REQUIRE(mark->start <= mark->length_at && mark->body_at <= writer->position);
    REQUIRE(mark->body_at == mark->length_at + frame_length_prefix_bytes(kind));
    uint32_t length = writer->position - mark->body_at;
    if (length > framing->length_max) {
        writer->status = STATUS_NO_ROOM;
        return;
    }
    frame_length_write(kind, writer->bytes + mark->length_at, length);
    if (frame_length_suffix_bytes(kind) > 0) {
        byte_writer_u8(writer, ETX);
        uint32_t checked_at = mark->length_at + 1; /* behind STX */
        byte_writer_u8(writer,
                       frame_length_lrc(writer->bytes + checked_at, writer->position - checked_at));
    }
    if (writer->status == STATUS_OK && mark->content_length_at > 0) {
        frame_http_head_end(writer, mark->content_length_at, writer->position - mark->length_at,
                            framing->http_post_path != NULL);
    }
}
