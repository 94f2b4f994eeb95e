/* See value.h. */
#include "protocols/iso8583/value.h"

#include <string.h>

#include "protocols/base/require.h"
#include "protocols/iso8583/characters.h"
#include "protocols/iso8583/ebcdic.h"

#define DIGIT_0_EBCDIC 0xF0U

/* A byte of the length as a number below `base`; UINT32_MAX: none. */
static uint32_t place_value(enum spec_coding coding, uint8_t byte)
{
    uint32_t digit = byte;
    switch (coding) {
    case SPEC_BINARY:
        return digit;
    case SPEC_BCD:
        return byte >> 4 > 9 || (byte & 15) > 9 ? UINT32_MAX : (byte >> 4) * 10U + (byte & 15U);
    case SPEC_HEX_ASCII:
        return characters_fit(SPEC_ROW_HEX, &byte, 1) ? characters_nibble(byte) : UINT32_MAX;
    case SPEC_EBCDIC_037:
    case SPEC_EBCDIC_1047:
    case SPEC_HEX_EBCDIC:
        digit -= DIGIT_0_EBCDIC;
        break;
    case SPEC_ASCII:
        digit -= '0';
        break;
    }
    return digit > 9 ? UINT32_MAX : digit;
}

static uint32_t base_of(enum spec_coding coding)
{
    return coding == SPEC_BINARY      ? 256
           : coding == SPEC_BCD       ? 100
           : coding == SPEC_HEX_ASCII ? 16
                                      : 10;
}

uint32_t value_prefix_read(const struct spec_field *field, const uint8_t *prefix,
                           uint32_t prefix_bytes)
{
    uint32_t value = 0;
    REQUIRE(prefix_bytes <= 6);
    for (uint32_t i = 0; i < prefix_bytes; i++) {
        const uint32_t place = place_value(field->length_coding, prefix[i]);
        if (place == UINT32_MAX || value > UINT16_MAX) {
            return UINT32_MAX;
        }
        value = value * base_of(field->length_coding) + place;
    }
    if (field->length_is_inclusive) {
        if (value < prefix_bytes) {
            return UINT32_MAX;
        }
        value -= prefix_bytes;
    }
    if (field->length_counts_bytes && spec_field_is_hex(field)) {
        return value % 2 != 0 ? UINT32_MAX : value / 2;
    }
    return value;
}

void value_prefix_write(uint8_t *prefix, const struct spec_field *field, uint32_t prefix_bytes,
                        uint32_t count)
{
    const uint32_t base = base_of(field->length_coding);
    if (field->length_counts_bytes && spec_field_is_hex(field)) {
        count *= 2;
    }
    count += field->length_is_inclusive ? prefix_bytes : 0;
    for (uint32_t i = prefix_bytes; i > 0; i--, count /= base) {
        const uint32_t place = count % base;
        switch (field->length_coding) {
        case SPEC_BINARY:
            prefix[i - 1] = (uint8_t)place;
            break;
        case SPEC_BCD:
            prefix[i - 1] = (uint8_t)(place + place / 10 * 6); /* 37 -> 0x37 */
            break;
        case SPEC_HEX_ASCII:
            prefix[i - 1] = (uint8_t) "0123456789ABCDEF"[place];
            break;
        case SPEC_EBCDIC_037:
        case SPEC_EBCDIC_1047:
        case SPEC_HEX_EBCDIC:
            prefix[i - 1] = (uint8_t)(DIGIT_0_EBCDIC + place);
            break;
        case SPEC_ASCII:
            prefix[i - 1] = (uint8_t)('0' + place);
            break;
        }
    }
}

static uint32_t first_bad_bcd(const struct spec_row *row, struct byte_view value, uint32_t count)
{
    /* Of an odd count one byte holds the pad nibble, which may be anything. */
    for (uint32_t at = 0; at < value.length; at++) {
        const bool has_pad = count % 2 != 0 && at == (row->is_right ? 0 : value.length - 1);
        const uint8_t high = has_pad && row->is_right ? 0 : value.bytes[at] >> 4;
        const uint8_t low = has_pad && !row->is_right ? 0 : value.bytes[at] & 15;
        if (high > 9 || low > 9) {
            return at;
        }
    }
    return value.length;
}

uint32_t value_first_bad(const struct spec_row *row, struct byte_view value, uint32_t count)
{
    const enum spec_row_kind kind = (enum spec_row_kind)row->kind;
    if (kind == SPEC_ROW_EBCDIC) {
        return ebcdic_first_bad(row, value.bytes, value.length);
    }
    if (kind == SPEC_ROW_BCD) {
        return first_bad_bcd(row, value, count);
    }
    if (kind == SPEC_ROW_SIGNED_BCD) {
        const bool has_sign = value.length > 0 && characters_is_sign(value.bytes[0]);
        return has_sign ? 1 + characters_first_bad(SPEC_ROW_BCD, value.bytes + 1, value.length - 1)
                        : 0;
    }
    return characters_first_bad(kind, value.bytes, value.length);
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

/* Pairs of hex characters as bytes. */
static void read_hex(char *text, const struct spec_row *row, struct byte_view value, uint32_t count)
{
    REQUIRE(value.length == 2 * count);
    for (uint32_t i = 0; i < count; i++) {
        char pair[2];
        if (row->kind == SPEC_ROW_HEX) {
            memcpy(pair, value.bytes + (size_t)2 * i, 2);
        } else {
            ebcdic_read(pair, (enum spec_coding)row->page, value.bytes + (size_t)2 * i, 2);
        }
        text[i] =
            (char)(characters_nibble((uint8_t)pair[0]) << 4 | characters_nibble((uint8_t)pair[1]));
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

void value_read(char *text, const struct spec_row *row, struct byte_view value, uint32_t count)
{
    static const struct spec_row DIGITS = {.kind = SPEC_ROW_BCD};
    if (count == 0) {
        return;
    }
    if (row->kind == SPEC_ROW_SIGNED_BCD) {
        text[0] = (char)value.bytes[0];
        unpack(text + 1, &DIGITS, (struct byte_view){value.bytes + 1, value.length - 1}, count - 1);
    } else if (row->halve != 0) {
        unpack(text, row, value, count);
    } else if (row->grow != 0) {
        read_hex(text, row, value, count);
    } else if (row->kind == SPEC_ROW_EBCDIC) {
        ebcdic_read(text, (enum spec_coding)row->page, value.bytes, count);
    } else {
        characters_copy((uint8_t *)text, value.bytes, count);
    }
    if (row->kind == SPEC_ROW_TRACK ||
        (row->kind == SPEC_ROW_EBCDIC && row->inner == SPEC_ROW_TRACK)) {
        name_separator(text, count);
    }
}
