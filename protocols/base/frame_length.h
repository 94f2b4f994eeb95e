/* The ways of writing a message's length in front of it, and which of them one port may take at
 * once: two are told apart by a message's first two bytes, or not at all.
 *
 * FRAME_STX is the link of serial and dial-up days carried on: STX (02), the length in two bytes of
 * BCD, the message, ETX (03), and a block check, which is the exclusive or of all that stands
 * behind STX up to and including ETX (ISO 1155). The older form without a length ends at the first
 * ETX and needs each control character of the message marked by a DLE (ISO 1745); a bitmap or a BCD
 * field has bytes of 03 wherever it likes, so here the length says where the message ends, no byte
 * is changed, and ETX and block check are looked for where the length puts them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* X(set, NAME, "word in a file") */
#define FRAME_LENGTH_MAP(X)                                                                        \
    X(FRAME, BINARY_2, "binary_2")                     /* big-endian, without itself */            \
    X(FRAME, BINARY_2_INCLUSIVE, "binary_2_inclusive") /* big-endian, with itself */               \
    X(FRAME, ASCII_4, "ascii_4")                       /* four digits, without itself */           \
    X(FRAME, BCD_2, "bcd_2")                           /* two bytes of BCD */                      \
    X(FRAME, BINARY_4, "binary_4")                     /* four bytes, big-endian */                \
    X(FRAME, STX, "stx")                               /* STX, two bytes of BCD; ETX and LRC */

enum frame_length_kind {
#define X(set, name, word) set##_##name,
    FRAME_LENGTH_MAP(X)
#undef X
};
#define FRAME_LENGTH_KIND_COUNT 6
#define FRAME_LENGTH_REASON_SIZE 256
#define FRAME_LENGTH_NONE UINT32_MAX
#define FRAME_PREFIX_BYTES_MAX 4
#define FRAME_SUFFIX_BYTES_MAX 2

const char *frame_length_name(enum frame_length_kind kind);
/* False: the word names none. */
bool frame_length_from_name(enum frame_length_kind *kind, const char *word);

/* Bytes before a message, and behind it. */
uint32_t frame_length_prefix_bytes(enum frame_length_kind kind);
uint32_t frame_length_suffix_bytes(enum frame_length_kind kind);

/* What the prefix says of the message alone; FRAME_LENGTH_NONE: it is no length. */
uint32_t frame_length_read(enum frame_length_kind kind, const uint8_t *prefix);
/* REQUIREs that the coding can say it. */
void frame_length_write(enum frame_length_kind kind, uint8_t *prefix, uint32_t length);

/* The exclusive or of so many bytes. */
uint8_t frame_length_lrc(const uint8_t *bytes, uint32_t count);

/* Whether a message of at most `length_max` bytes may begin with these two. */
bool frame_length_may_begin(enum frame_length_kind kind, uint32_t length_max,
                            const uint8_t first[2]);
/* Whether first bytes tell one from the other; false: `reason` says which bytes begin either. */
bool frame_lengths_are_told_apart(enum frame_length_kind one, enum frame_length_kind other,
                                  uint32_t length_max, char reason[FRAME_LENGTH_REASON_SIZE]);
