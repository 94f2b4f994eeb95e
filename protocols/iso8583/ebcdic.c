/* See ebcdic.h. */
#include "protocols/iso8583/ebcdic.h"

#include <string.h>

#include "protocols/base/require.h"
#include "protocols/iso8583/characters.h"

#define FIRST 0x40 /* no printable character stands before it */

/* clang-format off */
static const char PAGE_037[256 - FIRST] = {
    ' ', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '.', '<', '(', '+', '|',
    '&', 0, 0, 0, 0, 0, 0, 0, 0, 0, '!', '$', '*', ')', ';', 0,
    '-', '/', 0, 0, 0, 0, 0, 0, 0, 0, 0, ',', '%', '_', '>', '?',
    0, 0, 0, 0, 0, 0, 0, 0, 0, '`', ':', '#', '@', '\'', '=', '"',
    0, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 0, 0, 0, 0, 0, 0,
    0, 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 0, 0, 0, 0, 0, 0,
    0, '~', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 0, 0, 0, 0, 0, 0,
    '^', 0, 0, 0, 0, 0, 0, 0, 0, 0, '[', ']', 0, 0, 0, 0,
    '{', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 0, 0, 0, 0, 0, 0,
    '}', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 0, 0, 0, 0, 0, 0,
    '\\', 0, 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 0, 0, 0, 0, 0, 0,
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 0, 0, 0, 0, 0, 0,
};
/* clang-format on */

/* Where page 1047 has what page 037 has elsewhere. */
static const struct {
    uint8_t byte_037, byte_1047;
} MOVED[] = {{0xB0, 0x5F}, {0xBA, 0xAD}, {0xBB, 0xBD}};

#define MOVED_COUNT (sizeof(MOVED) / sizeof(MOVED[0]))

_Static_assert(sizeof(PAGE_037) == 256 - FIRST, "every byte from the first on");

char ebcdic_to_ascii(enum spec_coding coding, uint8_t byte)
{
    for (size_t i = 0; coding == SPEC_EBCDIC_1047 && i < MOVED_COUNT; i++) {
        if (byte == MOVED[i].byte_1047) {
            return PAGE_037[MOVED[i].byte_037 - FIRST];
        }
        if (byte == MOVED[i].byte_037) {
            return '\0';
        }
    }
    return byte < FIRST ? '\0' : PAGE_037[byte - FIRST];
}

uint8_t ebcdic_from_ascii(enum spec_coding coding, char character)
{
    const char *at =
        character < ' ' || character > '~' ? NULL : memchr(PAGE_037, character, sizeof(PAGE_037));
    if (at == NULL) {
        return 0;
    }
    const uint8_t byte = (uint8_t)(at - PAGE_037 + FIRST);
    for (size_t i = 0; coding == SPEC_EBCDIC_1047 && i < MOVED_COUNT; i++) {
        if (byte == MOVED[i].byte_037) {
            return MOVED[i].byte_1047;
        }
    }
    return byte;
}

void ebcdic_read(char *text, enum spec_coding coding, const uint8_t *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const char character = ebcdic_to_ascii(coding, from[i]);
        text[i] = (char)(character == '\0' ? '?' : character);
    }
}

void ebcdic_write(uint8_t *to, enum spec_coding coding, const char *text, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t byte = ebcdic_from_ascii(coding, text[i]);
        to[i] = byte == 0 ? ebcdic_from_ascii(coding, '?') : byte;
    }
}

uint32_t ebcdic_first_bad(const struct spec_row *row, const uint8_t *from, uint32_t count)
{
    const enum spec_row_kind inner = (enum spec_row_kind)row->inner;
    REQUIRE(inner != SPEC_ROW_EBCDIC && inner != SPEC_ROW_ABSENT);
    for (uint32_t at = 0; at < count; at++) {
        const char character = ebcdic_to_ascii((enum spec_coding)row->page, from[at]);
        const uint8_t pair[2] = {(uint8_t)character, '0'};
        const bool is_sign = inner == SPEC_ROW_SIGNED && at == 0;
        const bool is_behind_sign = inner == SPEC_ROW_SIGNED && at > 0;
        if (character == '\0' ||
            !characters_fit(is_behind_sign ? SPEC_ROW_DIGITS : inner, pair, is_sign ? 2 : 1)) {
            return at;
        }
    }
    return count;
}
