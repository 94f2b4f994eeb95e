/* Frames: whatever the bytes and the framing, the answer stays inside the bytes and does not depend
 * on how they arrived. The first byte chooses the framing. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/frame_http.h"

#define FED_BYTES_MAX 400 /* byte by byte costs the square of it */
#define REPLY_BYTES_MAX 4096

static const char *const PATHS[] = {"/mjc/webtrans/VPB_lb", "/", NULL};

static void must(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void check_fed(const struct framing *framing, struct byte_view bytes, enum status whole,
                      const struct frame_fault *whole_fault)
{
    enum status status = STATUS_TRUNCATED;
    struct frame frame;
    struct frame_fault fault = {.reason = ""};
    uint32_t consumed;
    for (uint32_t n = 0; n <= bytes.length && status == STATUS_TRUNCATED; n++) {
        status =
            frame_parse(&frame, &consumed, framing, (struct byte_view){bytes.bytes, n}, &fault);
    }
    must(status == whole && strcmp(fault.reason, whole_fault->reason) == 0);
    must(fault.http_status == whole_fault->http_status);
}

static void check_reply(const struct framing *framing, const struct frame *request)
{
    uint8_t bytes[REPLY_BYTES_MAX];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    struct frame_mark mark = frame_begin_reply(&writer, framing, request);
    byte_writer_put(&writer, request->message.bytes, request->message.length);
    frame_end(&writer, framing, &mark);
    if (writer.status != STATUS_OK) {
        must(request->message.length + FRAME_TPDU_BYTES > framing->length_max);
        return;
    }
    struct framing plain = *framing;
    plain.may_be_http = false;
    plain.http_post_path = NULL;
    struct frame frame;
    struct frame_fault fault;
    uint32_t consumed;
    struct byte_view inner = {bytes + mark.length_at, writer.position - mark.length_at};
    must(frame_parse(&frame, &consumed, &plain, inner, &fault) == STATUS_OK);
    must(consumed == inner.length && frame.message.length == request->message.length);
}

/* The lowest three bits: one kind, several that are told apart, or the client of an HTTP server. */
static enum frame_length_kind kind_of(uint8_t choice)
{
    static const enum frame_length_kind kinds[8] = {
        FRAME_BINARY_2, FRAME_BINARY_2_INCLUSIVE, FRAME_ASCII_4, FRAME_BCD_2, FRAME_BINARY_4,
        FRAME_STX,      FRAME_BINARY_2_INCLUSIVE, FRAME_BINARY_2};
    return kinds[choice % 8];
}

static uint32_t others_of(uint8_t choice)
{
    return choice % 8 == 6                           ? 1U << FRAME_ASCII_4 | 1U << FRAME_BINARY_4
           : choice % 8 == 7 && (choice & 0x10) != 0 ? 1U << FRAME_ASCII_4
                                                     : 0;
}

static bool is_client(uint8_t choice)
{
    return choice % 8 == 7 && (choice & 0x10) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 1 || length > 8192) {
        return 0;
    }
    const uint8_t choice = bytes[0];
    const struct framing framing = {.length_kind = kind_of(choice),
                                    .other_kinds = others_of(choice),
                                    .http_post_path = is_client(choice) ? "/" : NULL,
                                    .http_post_host = "bank",
                                    .has_tpdu = (choice & 0x20) != 0,
                                    .may_be_http = (choice & 0x40) != 0,
                                    .http_paths = (choice & 0x80) != 0 ? PATHS : NULL,
                                    .length_max = FRAME_LENGTH_MAX};
    struct byte_view rest = {bytes + 1, (uint32_t)length - 1};
    struct frame frame;
    struct frame_fault fault;
    uint32_t consumed;
    enum status status = frame_parse(&frame, &consumed, &framing, rest, &fault);
    if (status == STATUS_OK) {
        must(consumed > 0 && consumed <= rest.length);
        must(frame.message.bytes >= rest.bytes &&
             frame.message.bytes + frame.message.length <= rest.bytes + consumed);
        must(frame.skip_length == 0 || (is_client(choice) && frame.message.length == 0));
        must(frame.skip_length <= FRAME_HTTP_SKIP_MAX);
        check_reply(&framing, &frame);
    } else {
        must(status > STATUS_OK && consumed == 0);
        must((status == STATUS_TRUNCATED) == (fault.reason[0] == '\0'));
    }
    if (rest.length <= FED_BYTES_MAX) {
        check_fed(&framing, rest, status, &fault);
    }
    return 0;
}
