/* See message.h; parsing is in parse.c, building in build.c, describing in describe.c. */
#include "protocols/iso8583/message.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/iso8583/characters.h"

#define NUMBER_DIGITS_MAX 19

struct byte_view message_raw(const struct message *message, unsigned field)
{
    if (field < 2 || field > SPEC_FIELD_MAX || !message_has(message, field)) {
        return (struct byte_view){message->bytes.bytes, 0};
    }
    const struct message_field *at = &message->fields[field];
    return (struct byte_view){message->bytes.bytes + at->offset, at->length};
}

struct byte_view message_header(const struct message *message)
{
    const uint32_t length = message->spec->header_bytes;
    return (struct byte_view){message->bytes.bytes, length <= message->bytes.length ? length : 0};
}

/* Digits and tracks out of their nibbles. */
static void unpack(char *text, const struct spec_row *row, struct byte_view raw, uint32_t count)
{
    static const char NIBBLES[] = "0123456789ABC=EF";
    uint32_t nibble = row->is_right ? count % 2 : 0;
    uint32_t at = 0;
    if (nibble == 0 && row->kind == SPEC_ROW_BCD) {
        for (; at + 8 <= count; at += 8) {
            const uint64_t digits =
                characters_unpack8(characters_load4(raw.bytes + at / 2)) | CHARACTERS_EACH('0');
            memcpy(text + at, &digits, sizeof(digits));
        }
        nibble = at;
    }
    for (; at < count; at++, nibble++) {
        const unsigned pair = raw.bytes[nibble / 2];
        text[at] = NIBBLES[nibble % 2 == 0 ? pair >> 4 : pair & 15];
    }
}

/* A track in characters may use D for its separator; what lies behind one may be a ciphertext. */
static void name_separator(char *text, uint32_t count)
{
    char *separator = memchr(text, 'D', count);
    if (separator != NULL && memchr(text, '=', count) == NULL) {
        *separator = '=';
    }
}

uint32_t message_text(const struct message *message, unsigned field, char *text, uint32_t text_size)
{
    const struct byte_view raw = message_raw(message, field);
    const uint32_t count = raw.length == 0 ? 0 : message->fields[field].count;
    REQUIRE(text_size > count);
    const struct spec_row *row = &message->spec->rows[field];
    if (count > 0 && row->halve != 0) {
        unpack(text, row, raw, count);
    } else if (count > 0 && row->kind == SPEC_ROW_HEX) {
        for (uint32_t i = 0; i < count; i++) {
            text[i] = (char)(characters_nibble(raw.bytes[2 * i]) << 4 |
                             characters_nibble(raw.bytes[2 * i + 1]));
        }
    } else {
        characters_copy((uint8_t *)text, raw.bytes, count);
        if (row->kind == SPEC_ROW_TRACK) {
            name_separator(text, count);
        }
    }
    text[count] = '\0';
    return count;
}

enum status message_number(const struct message *message, unsigned field, uint64_t *number)
{
    char digits[NUMBER_DIGITS_MAX + 1];
    if (field < 2 || field > SPEC_FIELD_MAX || !message_has(message, field)) {
        return STATUS_MISSING;
    }
    const uint32_t count = message->fields[field].count;
    if (count > NUMBER_DIGITS_MAX) {
        return STATUS_MALFORMED;
    }
    return digits_parse(number, digits, message_text(message, field, digits, sizeof(digits)),
                        (struct number_range){0, UINT64_MAX});
}

struct byte_view message_mac_scope(const struct message *message)
{
    const unsigned field = message_mac_field(message);
    const uint32_t header = message->spec->header_bytes;
    const struct byte_view mac =
        field != 0 ? message_raw(message, field) : (struct byte_view){message->bytes.bytes, 0};
    if (mac.length == 0) {
        return mac;
    }
    return (struct byte_view){message->bytes.bytes + header,
                              message->fields[field].offset - header};
}
