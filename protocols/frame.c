/* See frame.h. */
#include "protocols/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/frame_http.h"

#define TPDU_ID 0x60
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

static uint32_t prefix_bytes(const struct framing *framing)
{
    bool is_four = framing->length_kind == FRAME_ASCII_4 || framing->length_kind == FRAME_BINARY_4;
    return is_four ? 4 : 2;
}

static bool is_ascii_digits(struct byte_view bytes, uint32_t count)
{
    return bytes.length >= count && digits_are_decimal((const char *)bytes.bytes, count);
}

/* A length that cannot be: says what the peer seems to speak. Waits for four bytes when the first
 * two could be the ASCII digits of one, so that the answer does not depend on how they arrive. */
static enum status refuse_length(const struct framing *framing, struct byte_view bytes,
                                 struct frame_fault *fault)
{
    REQUIRE(bytes.length >= prefix_bytes(framing));
    bool is_binary = framing->length_kind != FRAME_ASCII_4 && framing->length_kind != FRAME_BCD_2;
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
    switch (framing->length_kind) {
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
    case FRAME_BINARY_2:
    case FRAME_BINARY_2_INCLUSIVE:
        break;
    }
    return refuse(fault, STATUS_MALFORMED, "length 0x%04X exceeds %u", first, framing->length_max);
}

/* What the length bytes say, without themselves; UINT32_MAX when they are no length. */
static uint32_t read_length(const struct framing *framing, const uint8_t *bytes)
{
    char text[4];
    uint64_t length = UINT32_MAX;
    struct byte_reader reader;
    byte_reader_init(&reader, bytes, prefix_bytes(framing));
    switch (framing->length_kind) {
    case FRAME_BINARY_2:
        return byte_reader_u16(&reader);
    case FRAME_BINARY_2_INCLUSIVE:
        length = byte_reader_u16(&reader);
        return length < 2 ? UINT32_MAX : (uint32_t)length - 2;
    case FRAME_BINARY_4:
        return byte_reader_u32(&reader);
    case FRAME_BCD_2:
        if (digits_from_bcd(text, bytes, 4, DIGITS_LEFT) != STATUS_OK) {
            return UINT32_MAX;
        }
        break;
    case FRAME_ASCII_4:
        memcpy(text, bytes, sizeof(text));
        break;
    }
    if (digits_parse(&length, text, sizeof(text), (struct number_range){0, 9999}) != STATUS_OK) {
        return UINT32_MAX;
    }
    return (uint32_t)length;
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
    return refuse(fault, STATUS_MALFORMED, "the TPDU begins with %02X at offset %u, expected 60",
                  body.bytes[0], offset);
}

static enum status parse_plain(struct frame *frame, uint32_t *consumed,
                               const struct framing *framing, struct byte_view bytes,
                               struct frame_fault *fault)
{
    uint32_t prefix = prefix_bytes(framing);
    if (bytes.length < prefix) {
        return STATUS_TRUNCATED;
    }
    uint32_t length = read_length(framing, bytes.bytes);
    if (length == UINT32_MAX || length > framing->length_max) {
        return refuse_length(framing, bytes, fault);
    }
    struct byte_view body = {bytes.bytes + prefix, bytes.length - prefix};
    if (framing->has_tpdu && length > 0) {
        enum status status = check_tpdu(body, length, prefix, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (body.length < length) {
        return STATUS_TRUNCATED;
    }
    frame->message = (struct byte_view){body.bytes, length};
    if (framing->has_tpdu && length > 0) {
        memcpy(frame->tpdu, body.bytes, FRAME_TPDU_BYTES);
        frame->message.bytes += FRAME_TPDU_BYTES;
        frame->message.length -= FRAME_TPDU_BYTES;
    }
    *consumed = prefix + length;
    return STATUS_OK;
}

/* A bad frame inside good HTTP closes the connection without an answer, as it does outside. */
static enum status parse_http(struct frame *frame, uint32_t *consumed,
                              const struct framing *framing, struct byte_view bytes,
                              struct frame_fault *fault)
{
    struct frame_http_head head;
    enum status status = frame_http_head_parse(&head, framing, bytes, fault);
    if (status != STATUS_OK) {
        return status;
    }
    REQUIRE(head.head_length <= bytes.length && head.body_length > 0);
    if (bytes.length - head.head_length < head.body_length) {
        return STATUS_TRUNCATED;
    }
    struct byte_view body = {bytes.bytes + head.head_length, head.body_length};
    struct frame_fault inner = {.http_status = 0};
    uint32_t body_consumed = 0;
    status = parse_plain(frame, &body_consumed, framing, body, &inner);
    if (status == STATUS_TRUNCATED || (status == STATUS_OK && body_consumed != body.length)) {
        return refuse(
            fault, STATUS_MALFORMED,
            "the HTTP body of %u bytes is not its length bytes and one frame of that length",
            body.length);
    }
    if (status != STATUS_OK) {
        return refuse(fault, status, "in the HTTP body: %.130s", inner.reason);
    }
    frame->is_http = true;
    frame->may_keep_alive = head.may_keep_alive;
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
    if (framing->may_be_http && frame_http_is_begun(bytes.bytes[0])) {
        return parse_http(frame, consumed, framing, bytes, fault);
    }
    return parse_plain(frame, consumed, framing, bytes, fault);
}

static struct frame_mark begin(struct byte_writer *writer, const struct framing *framing,
                               const uint8_t tpdu[FRAME_TPDU_BYTES])
{
    struct frame_mark mark = {.length_at = writer->position};
    byte_writer_fill(writer, 0, prefix_bytes(framing));
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
    uint32_t start = writer->position;
    struct frame_mark mark = begin(writer, framing, tpdu);
    mark.start = start;
    return mark;
}

struct frame_mark frame_begin_reply(struct byte_writer *writer, const struct framing *framing,
                                    const struct frame *request)
{
    uint8_t tpdu[FRAME_TPDU_BYTES] = {TPDU_ID};
    uint32_t start = writer->position;
    if (request != NULL) {
        memcpy(tpdu + 1, request->tpdu + 3, 2);
        memcpy(tpdu + 3, request->tpdu + 1, 2);
    }
    if (request != NULL && request->is_http) {
        frame_http_head_begin(writer, request->may_keep_alive);
    }
    struct frame_mark mark = begin(writer, framing, tpdu);
    mark.start = start;
    return mark;
}

static void put_length(uint8_t *at, const struct framing *framing, uint32_t length)
{
    REQUIRE(length <= framing->length_max && length <= FRAME_LENGTH_MAX);
    char text[4];
    struct byte_writer writer;
    byte_writer_init(&writer, at, prefix_bytes(framing));
    switch (framing->length_kind) {
    case FRAME_BINARY_2:
        byte_writer_u16(&writer, (uint16_t)length);
        break;
    case FRAME_BINARY_2_INCLUSIVE:
        byte_writer_u16(&writer, (uint16_t)(length + 2));
        break;
    case FRAME_BINARY_4:
        byte_writer_u32(&writer, length);
        break;
    case FRAME_ASCII_4:
        digits_format(text, length, sizeof(text));
        byte_writer_put(&writer, text, sizeof(text));
        break;
    case FRAME_BCD_2:
        digits_format(text, length, sizeof(text));
        REQUIRE(digits_to_bcd(at, text, sizeof(text), DIGITS_LEFT) == STATUS_OK);
        break;
    }
}

void frame_end(struct byte_writer *writer, const struct framing *framing,
               const struct frame_mark *mark)
{
    if (writer->status != STATUS_OK) {
        return;
    }
    REQUIRE(mark->start <= mark->length_at && mark->body_at <= writer->position);
    REQUIRE(mark->body_at == mark->length_at + prefix_bytes(framing));
    uint32_t length = writer->position - mark->body_at;
    if (length > framing->length_max) {
        writer->status = STATUS_NO_ROOM;
        return;
    }
    put_length(writer->bytes + mark->length_at, framing, length);
    if (mark->length_at > mark->start) {
        frame_http_head_end(writer, mark->start, writer->position - mark->length_at);
    }
}
