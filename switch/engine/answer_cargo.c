/* See answer_cargo.h. */
#include "switch/engine/answer_cargo.h"

#include <string.h>

#include "protocols/base/require.h"

#define VALUE_HEADER_BYTES 3
/* Field 63 of an answer: card scheme 3, texts of issuer, scheme and acquirer 20 each, then the one
 * for the terminal (unionpay-pos 2). */
#define WORDS_AT PAYMENT_WORDS_AT
#define WORDS_BYTES_MAX PAYMENT_WORDS_BYTES_MAX
#define VOUCHER 255 /* no kind of cargo: a text of its own in a payment */

/* Keys and uploads (48, 62) are not an answer's texts: sign-on and downloads are answered anew. */
static const enum payment_cargo kept[] = {
    PAYMENT_CARGO_ICC,        PAYMENT_CARGO_BALANCE,    PAYMENT_CARGO_INSTITUTIONS,
    PAYMENT_CARGO_PRIVATE_57, PAYMENT_CARGO_PRIVATE_58, PAYMENT_CARGO_PRIVATE_59,
    PAYMENT_CARGO_CUSTOM_63,
};
_Static_assert(PAYMENT_CARGO_COUNT <= VOUCHER, "a kind fits its byte, and is no voucher");
_Static_assert(RECORD_ANSWER_BYTES_MAX < PAYMENT_CARGO_BYTES_MAX, "what is kept fits a reply");

static void put(struct byte_writer *writer, uint8_t which, struct byte_view value)
{
    if (value.length == 0 || value.length + VALUE_HEADER_BYTES > byte_writer_room(writer)) {
        return;
    }
    byte_writer_u8(writer, which);
    byte_writer_u16(writer, (uint16_t)value.length);
    byte_writer_put(writer, value.bytes, value.length);
}

uint16_t answer_cargo_pack(uint8_t packed[RECORD_ANSWER_BYTES_MAX], const struct payment *response)
{
    struct byte_writer writer;
    if (response->cargo_length == 0 && response->voucher[0] == '\0') {
        return 0; /* as most answers */
    }
    byte_writer_init(&writer, packed, RECORD_ANSWER_BYTES_MAX);
    put(&writer, VOUCHER,
        (struct byte_view){(const uint8_t *)response->voucher,
                           (uint32_t)strlen(response->voucher)});
    for (uint32_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        put(&writer, (uint8_t)kept[i], payment_cargo(response, kept[i]));
    }
    REQUIRE(writer.status == STATUS_OK);
    return (uint16_t)writer.position;
}

/* Where field 63 stands in what is packed, and its value; `length` where it is not there. */
static uint32_t find_words(struct byte_view packed, struct byte_view *value)
{
    struct byte_reader reader;
    byte_reader_init(&reader, packed.bytes, packed.length);
    *value = (struct byte_view){NULL, 0};
    while (byte_reader_left(&reader) >= VALUE_HEADER_BYTES) {
        uint32_t at = reader.position;
        uint8_t which = byte_reader_u8(&reader);
        uint16_t length = byte_reader_u16(&reader);
        const uint8_t *bytes = byte_reader_take(&reader, length);
        if (bytes == NULL) { /* bytes that are no whole value end it */
            return packed.length;
        }
        if (which == PAYMENT_CARGO_CUSTOM_63) {
            *value = (struct byte_view){bytes, length};
            return at;
        }
    }
    return packed.length;
}

/* Whether the channel leaves the terminal's own part to us. */
static bool leaves_room(struct byte_view value)
{
    for (uint32_t i = WORDS_AT; i < value.length; i++) {
        if (value.bytes[i] != ' ') {
            return false;
        }
    }
    return true;
}

bool answer_cargo_put_words(uint8_t packed[RECORD_ANSWER_BYTES_MAX], uint16_t *length,
                            struct byte_view words)
{
    struct byte_view value;
    struct byte_writer writer;
    uint32_t at = find_words((struct byte_view){packed, *length}, &value);
    uint32_t front = value.length < WORDS_AT ? value.length : WORDS_AT;
    if (words.length == 0 || words.length > WORDS_BYTES_MAX || !leaves_room(value) ||
        at + VALUE_HEADER_BYTES + WORDS_AT + words.length > RECORD_ANSWER_BYTES_MAX) {
        return false;
    }
    /* It stands last (`kept`), and the channel's part of it stays where it is. */
    byte_writer_init(&writer, packed + at, RECORD_ANSWER_BYTES_MAX - at);
    byte_writer_u8(&writer, PAYMENT_CARGO_CUSTOM_63);
    byte_writer_u16(&writer, (uint16_t)(WORDS_AT + words.length));
    (void)byte_writer_take(&writer, front);
    byte_writer_fill(&writer, ' ', WORDS_AT - front);
    byte_writer_put(&writer, words.bytes, words.length);
    REQUIRE(writer.status == STATUS_OK);
    *length = (uint16_t)(at + writer.position);
    return true;
}

struct byte_view answer_cargo_words(struct byte_view packed)
{
    struct byte_view value;
    (void)find_words(packed, &value);
    if (value.length <= WORDS_AT || value.length > WORDS_AT + WORDS_BYTES_MAX) {
        return (struct byte_view){NULL, 0};
    }
    return (struct byte_view){value.bytes + WORDS_AT, value.length - WORDS_AT};
}

void answer_cargo_unpack(struct payment *reply, struct byte_view packed)
{
    struct byte_reader reader;
    byte_reader_init(&reader, packed.bytes, packed.length);
    while (byte_reader_left(&reader) >= VALUE_HEADER_BYTES) {
        uint8_t which = byte_reader_u8(&reader);
        uint16_t length = byte_reader_u16(&reader);
        const uint8_t *bytes = byte_reader_take(&reader, length);
        if (bytes != NULL && which == VOUCHER && length < sizeof(reply->voucher)) {
            memcpy(reply->voucher, bytes, length);
            reply->voucher[length] = '\0';
            continue;
        }
        if (bytes == NULL || which >= PAYMENT_CARGO_COUNT) {
            return;
        }
        enum status status =
            payment_set_cargo(reply, (enum payment_cargo)which, (struct byte_view){bytes, length});
        REQUIRE(status == STATUS_OK || status == STATUS_DUPLICATE);
    }
}
