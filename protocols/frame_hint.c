/* See frame_hint.h. */
#include "protocols/frame_hint.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"

#define LENGTH_BYTES 2 /* what an inclusive length counts beside the message */

bool frame_hint_of_begun(char text[FRAME_HINT_SIZE], const struct framing *framing,
                         struct byte_view bytes)
{
    for (unsigned i = 0; i < FRAME_LENGTH_KIND_COUNT; i++) {
        struct framing other = *framing;
        struct frame frame;
        struct frame_fault fault;
        uint32_t consumed = 0;
        other.length_kind = (enum frame_length_kind)i;
        other.may_be_http = false;
        if (other.length_kind != framing->length_kind &&
            frame_parse(&frame, &consumed, &other, bytes, &fault) == STATUS_OK &&
            frame.message.length > 0 && consumed == bytes.length) {
            snprintf(text, FRAME_HINT_SIZE,
                     "they are one whole message where framing.length is %s: the peer writes its "
                     "length so",
                     frame_length_name(other.length_kind));
            return true;
        }
    }
    return false;
}

static bool is_message(const struct spec *spec, struct byte_view bytes)
{
    struct message message;
    struct message_fault fault;
    return message_parse(&message, spec, bytes, &fault) == STATUS_OK;
}

/* Whether two bytes more, whatever they are, make it whole; a MAC is the last that stands in it. */
static bool is_cut(const struct spec *spec, struct byte_view bytes)
{
    uint8_t longer[FRAME_LENGTH_MAX + LENGTH_BYTES] = {0};
    if (bytes.length > FRAME_LENGTH_MAX) {
        return false;
    }
    memcpy(longer, bytes.bytes, bytes.length);
    return is_message(spec, (struct byte_view){longer, bytes.length + LENGTH_BYTES});
}

static struct byte_view behind(struct byte_view body, uint32_t count)
{
    REQUIRE(count <= body.length);
    return (struct byte_view){body.bytes + count, body.length - count};
}

bool frame_hint_of_body(char text[FRAME_HINT_SIZE], const struct framing *framing,
                        const struct spec *spec, struct byte_view body)
{
    const uint32_t tpdu = framing->has_tpdu ? FRAME_TPDU_BYTES : 0;
    if (body.length <= FRAME_TPDU_BYTES + LENGTH_BYTES) {
        return false;
    }
    if (framing->has_tpdu && is_message(spec, body)) {
        snprintf(text, FRAME_HINT_SIZE,
                 "without a TPDU it can be read: the peer sends none (framing.tpdu: false)");
        return true;
    }
    if (!framing->has_tpdu && is_message(spec, behind(body, FRAME_TPDU_BYTES))) {
        snprintf(text, FRAME_HINT_SIZE,
                 "behind five bytes more it can be read: the peer sends a TPDU (framing.tpdu: "
                 "true)");
        return true;
    }
    if (framing->length_kind == FRAME_BINARY_2_INCLUSIVE && is_cut(spec, behind(body, tpdu))) {
        snprintf(text, FRAME_HINT_SIZE,
                 "its last two bytes are missing: the peer's length does not count itself "
                 "(framing.length)");
        return true;
    }
    struct byte_view shorter = {body.bytes + tpdu, body.length - tpdu - LENGTH_BYTES};
    if (is_message(spec, shorter)) {
        snprintf(text, FRAME_HINT_SIZE,
                 "without its last two bytes it can be read: does the peer's length count itself "
                 "(framing.length)?");
        return true;
    }
    return false;
}
