/* See ebcdic.h. The pages are written down once; the tables of both directions, a byte for each of
 * 256, are made of them, so that a run is translated in one pass. */
#include "protocols/iso8583/ebcdic.h"

#include <string.h>

#include "protocols/base/require.h"
#include "protocols/iso8583/characters.h"

#define RUN_MAX 64 /* characters judged at a time */

/* X(byte, character): what both pages have in one place, and what each has in its own. */
/* clang-format off */
#define EBCDIC_COMMON_MAP(X)                                                                      \
    X(0x40, ' ') X(0x4B, '.') X(0x4C, '<') X(0x4D, '(') X(0x4E, '+') X(0x4F, '|') X(0x50, '&')    \
    X(0x5A, '!') X(0x5B, '$') X(0x5C, '*') X(0x5D, ')') X(0x5E, ';') X(0x60, '-') X(0x61, '/')    \
    X(0x6B, ',') X(0x6C, '%') X(0x6D, '_') X(0x6E, '>') X(0x6F, '?') X(0x79, '`') X(0x7A, ':')    \
    X(0x7B, '#') X(0x7C, '@') X(0x7D, '\'') X(0x7E, '=') X(0x7F, '"') X(0x81, 'a') X(0x82, 'b')   \
    X(0x83, 'c') X(0x84, 'd') X(0x85, 'e') X(0x86, 'f') X(0x87, 'g') X(0x88, 'h') X(0x89, 'i')    \
    X(0x91, 'j') X(0x92, 'k') X(0x93, 'l') X(0x94, 'm') X(0x95, 'n') X(0x96, 'o') X(0x97, 'p')    \
    X(0x98, 'q') X(0x99, 'r') X(0xA1, '~') X(0xA2, 's') X(0xA3, 't') X(0xA4, 'u') X(0xA5, 'v')    \
    X(0xA6, 'w') X(0xA7, 'x') X(0xA8, 'y') X(0xA9, 'z') X(0xC0, '{') X(0xC1, 'A') X(0xC2, 'B')    \
    X(0xC3, 'C') X(0xC4, 'D') X(0xC5, 'E') X(0xC6, 'F') X(0xC7, 'G') X(0xC8, 'H') X(0xC9, 'I')    \
    X(0xD0, '}') X(0xD1, 'J') X(0xD2, 'K') X(0xD3, 'L') X(0xD4, 'M') X(0xD5, 'N') X(0xD6, 'O')    \
    X(0xD7, 'P') X(0xD8, 'Q') X(0xD9, 'R') X(0xE0, '\\') X(0xE2, 'S') X(0xE3, 'T') X(0xE4, 'U')   \
    X(0xE5, 'V') X(0xE6, 'W') X(0xE7, 'X') X(0xE8, 'Y') X(0xE9, 'Z') X(0xF0, '0') X(0xF1, '1')    \
    X(0xF2, '2') X(0xF3, '3') X(0xF4, '4') X(0xF5, '5') X(0xF6, '6') X(0xF7, '7') X(0xF8, '8')    \
    X(0xF9, '9')
#define EBCDIC_037_MAP(X) X(0xB0, '^') X(0xBA, '[') X(0xBB, ']')
#define EBCDIC_1047_MAP(X) X(0x5F, '^') X(0xAD, '[') X(0xBD, ']')
/* clang-format on */

enum page { PAGE_037, PAGE_1047, PAGE_COUNT };

#define TO_ASCII(byte, character) [byte] = (character),
#define FROM_ASCII(byte, character) [(uint8_t)(character)] = (byte),
static const char CHARACTERS[PAGE_COUNT][256] = {
    [PAGE_037] = {EBCDIC_COMMON_MAP(TO_ASCII) EBCDIC_037_MAP(TO_ASCII)},
    [PAGE_1047] = {EBCDIC_COMMON_MAP(TO_ASCII) EBCDIC_1047_MAP(TO_ASCII)}};
static const uint8_t BYTES[PAGE_COUNT][256] = {
    [PAGE_037] = {EBCDIC_COMMON_MAP(FROM_ASCII) EBCDIC_037_MAP(FROM_ASCII)},
    [PAGE_1047] = {EBCDIC_COMMON_MAP(FROM_ASCII) EBCDIC_1047_MAP(FROM_ASCII)}};

#define ONE(byte, character) PLACE_OF_##byte,
enum { EBCDIC_COMMON_MAP(ONE) EBCDIC_037_MAP(ONE) PLACE_COUNT };
_Static_assert(PLACE_COUNT == '~' - ' ' + 1, "every character that ASCII can print has a place");

static enum page page_of(enum spec_coding coding)
{
    return coding == SPEC_EBCDIC_1047 ? PAGE_1047 : PAGE_037;
}

char ebcdic_to_ascii(enum spec_coding coding, uint8_t byte)
{
    return CHARACTERS[page_of(coding)][byte];
}

uint8_t ebcdic_from_ascii(enum spec_coding coding, char character)
{
    return BYTES[page_of(coding)][(uint8_t)character];
}

void ebcdic_read(char *text, enum spec_coding coding, const uint8_t *from, uint32_t count)
{
    const char *characters = CHARACTERS[page_of(coding)];
    for (uint32_t i = 0; i < count; i++) {
        const char character = characters[from[i]];
        text[i] = (char)(character == '\0' ? '?' : character);
    }
}

void ebcdic_write(uint8_t *to, enum spec_coding coding, const char *text, uint32_t count)
{
    const uint8_t *bytes = BYTES[page_of(coding)];
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t byte = bytes[(uint8_t)text[i]];
        to[i] = byte == 0 ? bytes['?'] : byte;
    }
}

/* Whether all of a run has characters, and they are of the kind. */
static bool run_fits(enum spec_row_kind kind, const char *characters, const uint8_t *from,
                     uint32_t count)
{
    uint8_t run[RUN_MAX];
    bool is_whole = true;
    REQUIRE(count <= RUN_MAX);
    for (uint32_t i = 0; i < count; i++) {
        run[i] = (uint8_t)characters[from[i]];
        is_whole &= run[i] != 0;
    }
    return is_whole && characters_fit(kind, run, count);
}

/* One by one, for who has to name the place. */
static uint32_t first_bad(enum spec_row_kind inner, const char *characters, const uint8_t *from,
                          uint32_t count)
{
    for (uint32_t at = 0; at < count; at++) {
        const uint8_t pair[2] = {(uint8_t)characters[from[at]], '0'};
        const bool is_sign = inner == SPEC_ROW_SIGNED && at == 0;
        const bool is_behind_sign = inner == SPEC_ROW_SIGNED && at > 0;
        if (pair[0] == 0 ||
            !characters_fit(is_behind_sign ? SPEC_ROW_DIGITS : inner, pair, is_sign ? 2 : 1)) {
            return at;
        }
    }
    return count;
}

uint32_t ebcdic_first_bad(const struct spec_row *row, const uint8_t *from, uint32_t count)
{
    const enum spec_row_kind inner = (enum spec_row_kind)row->inner;
    const char *characters = CHARACTERS[page_of((enum spec_coding)row->page)];
    REQUIRE(inner != SPEC_ROW_EBCDIC && inner != SPEC_ROW_ABSENT);
    uint32_t at = 0;
    while (at < count) {
        uint32_t length = count - at < RUN_MAX ? count - at : RUN_MAX;
        bool is_behind_sign = inner == SPEC_ROW_SIGNED && at > 0;
        if (!run_fits(is_behind_sign ? SPEC_ROW_DIGITS : inner, characters, from + at, length)) {
            break;
        }
        at += length;
    }
    return at == count ? count : first_bad(inner, characters, from, count);
}
