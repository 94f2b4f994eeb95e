/* Runs of characters judged, copied and packed eight at a time.
 *
 * The walk over a message spends its time here, so these are inline and free of branches on the
 * content: a 64-bit word holds eight characters, and one bit of each answers. Rule zero: this file
 * reads words through plain pointers where protocols/ else goes through a reader; every run it is
 * given has been measured against the message before, and no byte outside the run is touched.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "protocols/iso8583/spec.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first character is the lowest byte");

#define CHARACTERS_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define CHARACTERS_TOP CHARACTERS_EACH(0x80)

static inline uint64_t characters_load8(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof(word));
    return word;
}

static inline uint32_t characters_load4(const uint8_t *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof(word));
    return word;
}

/* 1 to 7 bytes as a word, some of them twice so that it is full. */
static inline uint64_t characters_load_few(const uint8_t *from, uint32_t count)
{
    if (count >= 4) {
        return characters_load4(from) | (uint64_t)characters_load4(from + count - 4) << 32;
    }
    return CHARACTERS_EACH((uint64_t)from[0]) ^ (uint64_t)(from[0] ^ from[count / 2]) << 8 ^
           (uint64_t)(from[0] ^ from[count - 1]) << 16;
}

/* Each answers 0 when all eight characters are of the kind. The sums cannot carry from one
 * character into the next: the top bits are taken out first and judged apart. */

static inline uint64_t characters_in_range(uint64_t low7, uint64_t first, uint64_t last)
{
    return (low7 + CHARACTERS_EACH(0x80 - first)) & ~(low7 + CHARACTERS_EACH(0x7F - last));
}

static inline uint64_t characters_not_digits(uint64_t word)
{
    /* Here a carry does no harm: the lowest wrong character is judged before any. */
    return ((word + CHARACTERS_EACH(0x46)) | (word - CHARACTERS_EACH(0x30))) & CHARACTERS_TOP;
}

static inline uint64_t characters_not_alnum(uint64_t word)
{
    const uint64_t low7 = word & ~CHARACTERS_TOP;
    const uint64_t good = characters_in_range(low7, '0', '9') |
                          characters_in_range(low7 | CHARACTERS_EACH(0x20), 'a', 'z') |
                          characters_in_range(low7, ' ', ' ');
    return (word | ~good) & CHARACTERS_TOP;
}

static inline uint64_t characters_not_alpha(uint64_t word)
{
    const uint64_t low7 = word & ~CHARACTERS_TOP;
    const uint64_t good = characters_in_range(low7 | CHARACTERS_EACH(0x20), 'a', 'z') |
                          characters_in_range(low7, ' ', ' ');
    return (word | ~good) & CHARACTERS_TOP;
}

static inline uint64_t characters_not_print(uint64_t word)
{
    const uint64_t low7 = word & ~CHARACTERS_TOP;
    return (word | ~characters_in_range(low7, ' ', '~')) & CHARACTERS_TOP;
}

/* No control character; the upper half is GBK's. */
static inline uint64_t characters_not_local(uint64_t word)
{
    const uint64_t low7 = word & ~CHARACTERS_TOP;
    return ~word & ~characters_in_range(low7, ' ', '~') & CHARACTERS_TOP;
}

/* ISO 4909 and 7813: 0 to ?, and D for the separator; A to F because the middle may be a
 * ciphertext (unionpay). */
static inline uint64_t characters_not_track(uint64_t word)
{
    const uint64_t low7 = word & ~CHARACTERS_TOP;
    const uint64_t good = characters_in_range(low7, '0', '?') | characters_in_range(low7, 'A', 'F');
    return (word | ~good) & CHARACTERS_TOP;
}

static inline uint64_t characters_not_hex(uint64_t word)
{
    const uint64_t low7 = word & ~CHARACTERS_TOP;
    const uint64_t good = characters_in_range(low7, '0', '9') |
                          characters_in_range(low7 | CHARACTERS_EACH(0x20), 'a', 'f');
    return (word | ~good) & CHARACTERS_TOP;
}

/* Bytes of two BCD digits each: a nibble is above 9 when bit 3 stands with bit 2 or bit 1. */
static inline uint64_t characters_not_bcd(uint64_t word)
{
    return word & (word << 1 | word << 2) & CHARACTERS_EACH(0x88);
}

/* Whether every byte of a run passes. */
__attribute__((always_inline)) static inline bool
characters_pass(const uint8_t *from, uint32_t count, uint64_t (*judge)(uint64_t))
{
    if (count < 8) {
        return count == 0 || judge(characters_load_few(from, count)) == 0;
    }
    uint64_t bad = judge(characters_load8(from + count - 8));
    for (uint32_t at = 0; at + 8 < count; at += 8) {
        bad |= judge(characters_load8(from + at));
    }
    return bad == 0;
}

/* Copies a value: the short ones, which most are, without a call. */
static inline void characters_copy(uint8_t *to, const uint8_t *from, uint32_t count)
{
    if (count > 32) {
        memcpy(to, from, count);
    } else if (count >= 8) {
        const uint64_t last = characters_load8(from + count - 8);
        for (uint32_t at = 0; at + 8 < count; at += 8) {
            const uint64_t word = characters_load8(from + at);
            memcpy(to + at, &word, sizeof(word));
        }
        memcpy(to + count - 8, &last, sizeof(last));
    } else if (count >= 4) {
        const uint32_t first = characters_load4(from);
        const uint32_t last = characters_load4(from + count - 4);
        memcpy(to, &first, sizeof(first));
        memcpy(to + count - 4, &last, sizeof(last));
    } else if (count > 0) {
        to[0] = from[0];
        to[count / 2] = from[count / 2];
        to[count - 1] = from[count - 1];
    }
}

/* The value of a hex digit, of `=` (13) and of a decimal digit. */
static inline uint8_t characters_nibble(uint8_t character)
{
    return (uint8_t)((character & 15) + 9 * (character >> 6));
}

/* Eight such characters as four bytes, the first in the lowest. */
static inline uint32_t characters_pack8(uint64_t word)
{
    uint64_t nibbles = (word & CHARACTERS_EACH(15)) + 9 * (word >> 6 & CHARACTERS_EACH(1));
    nibbles = (nibbles << 4 | nibbles >> 8) & UINT64_C(0x00FF00FF00FF00FF);
    nibbles = (nibbles | nibbles >> 8) & UINT64_C(0x0000FFFF0000FFFF);
    return (uint32_t)(nibbles | nibbles >> 16);
}

/* The eight nibbles of four bytes, a byte each, the first in the lowest. */
static inline uint64_t characters_unpack8(uint32_t packed)
{
    uint64_t word = packed;
    word = (word | word << 16) & UINT64_C(0x0000FFFF0000FFFF);
    word = (word | word << 8) & UINT64_C(0x00FF00FF00FF00FF);
    return (word >> 4 | word << 8) & CHARACTERS_EACH(15);
}

/* Eight nibbles, a byte each, as upper-case hex characters. */
static inline uint64_t characters_hex8(uint64_t nibbles)
{
    const uint64_t above_9 = (nibbles + CHARACTERS_EACH(6)) >> 4 & CHARACTERS_EACH(1);
    return nibbles + CHARACTERS_EACH('0') + above_9 * ('A' - '9' - 1);
}

/* Judges and copies in one go; `to` holds nothing of use when the judge says no. */
__attribute__((always_inline)) static inline bool
characters_move(uint8_t *to, const uint8_t *from, uint32_t count, uint64_t (*judge)(uint64_t))
{
    if (count >= 8 && count <= 16) {
        const uint64_t first = characters_load8(from);
        const uint64_t last = characters_load8(from + count - 8);
        memcpy(to, &first, sizeof(first));
        memcpy(to + count - 8, &last, sizeof(last));
        return (judge(first) | judge(last)) == 0;
    }
    if (count >= 4 && count < 8) {
        const uint32_t first = characters_load4(from);
        const uint32_t last = characters_load4(from + count - 4);
        memcpy(to, &first, sizeof(first));
        memcpy(to + count - 4, &last, sizeof(last));
        return judge(first | (uint64_t)last << 32) == 0;
    }
    characters_copy(to, from, count);
    return characters_pass(from, count, judge);
}

/* Judges and packs an even `count` of characters, two a byte. */
__attribute__((always_inline)) static inline bool
characters_pack(uint8_t *to, const uint8_t *from, uint32_t count, uint64_t (*judge)(uint64_t))
{
    uint64_t bad = 0;
    uint32_t at = 0;
    for (; at + 8 <= count; at += 8) {
        const uint64_t word = characters_load8(from + at);
        const uint32_t packed = characters_pack8(word);
        memcpy(to + at / 2, &packed, sizeof(packed));
        bad |= judge(word);
    }
    if ((count & 4) != 0) {
        const uint64_t word = characters_load_few(from + at, 4);
        const uint16_t packed = (uint16_t)characters_pack8(word);
        memcpy(to + at / 2, &packed, sizeof(packed));
        bad |= judge(word);
        at += 4;
    }
    if ((count & 2) != 0) {
        to[at / 2] = (uint8_t)(characters_nibble(from[at]) << 4 | characters_nibble(from[at + 1]));
        bad |= judge(characters_load_few(from + at, 2));
    }
    return bad == 0;
}

/* C or D of an amount with a sign; some hosts put a digit there. */
static inline bool characters_is_sign(uint8_t character)
{
    return character == 'C' || character == 'D' || (uint8_t)(character - '0') <= 9;
}

/* Whether every character of a run may stand in a field of this kind. A BCD run is its whole bytes
 * (the one with the pad nibble is the caller's). */
static inline bool characters_fit(enum spec_row_kind kind, const uint8_t *from, uint32_t count)
{
    switch (kind) {
    case SPEC_ROW_DIGITS:
        return characters_pass(from, count, characters_not_digits);
    case SPEC_ROW_BCD:
        return characters_pass(from, count, characters_not_bcd);
    case SPEC_ROW_SIGNED:
        return count > 1 && characters_is_sign(from[0]) &&
               characters_pass(from + 1, count - 1, characters_not_digits);
    case SPEC_ROW_TRACK:
        return characters_pass(from, count, characters_not_track);
    case SPEC_ROW_ALPHA:
        return characters_pass(from, count, characters_not_alpha);
    case SPEC_ROW_ALNUM:
        return characters_pass(from, count, characters_not_alnum);
    case SPEC_ROW_PRINT:
        return characters_pass(from, count, characters_not_print);
    case SPEC_ROW_LOCAL:
        return characters_pass(from, count, characters_not_local);
    case SPEC_ROW_HEX:
        return characters_pass(from, count, characters_not_hex);
    case SPEC_ROW_TRACK_BCD:
    case SPEC_ROW_BYTES:
        return true;
    case SPEC_ROW_ABSENT:
    case SPEC_ROW_SIGNED_BCD: /* judged with its place, by who knows it */
    case SPEC_ROW_EBCDIC:
        break;
    }
    return false;
}

/* What a character that does not fit is called: "a character that is no digit". */
const char *characters_fault(enum spec_row_kind kind);

/* The place of the first byte of a run that does not fit; `count` when each fits by itself. */
uint32_t characters_first_bad(enum spec_row_kind kind, const uint8_t *from, uint32_t count);
