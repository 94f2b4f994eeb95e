/* What a terminal tells of itself in private fields (unionpay-pos 10): serial number, software,
 * place, radio cell; and what else was noticed of it with the same message.
 *
 *   field 59  tags 13 software, 17 position "BD31.231000,121.473000", A1 position as 01 and 02,
 *             A2 terminal set (02 serial number, 03 random factor, 05 software); lengths of three
 *             digits, or of two
 *   field 46  "PI", three digits of length, then tags of two characters with lengths in hex: 05
 *             serial number, 06 random factor, 08 software
 *   field 62  tag FF02: radio cell "460|00|12345|123456789"
 *
 * None of it is believed, and none of it refuses anything: what is not understood is left out, and
 * the note says so. A position is kept to a thousandth of a degree, some 100 m; what it was to the
 * last digit is a hash, to tell one that never moves.
 *
 * The log keeps a note as one short text, words in this order, those that say nothing left out:
 *
 *   sn=00002102001570 v=H7062801 at=31.231,121.473 cell=9f3a01c2 z f x r m ahead=-312 n=17
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"

#define DEVICE_NOTE_SERIAL_SIZE 21
#define DEVICE_NOTE_FIRMWARE_SIZE 9
#define DEVICE_NOTE_RANDOM_SIZE 7
#define DEVICE_NOTE_TEXT_SIZE 112

/* X(name, letter in the text, sentence); position i is bit i + 1 of the flags. */
#define DEVICE_NOTE_FLAG_MAP(X)                                                                    \
    X(POSITION_ZERO, 'z', "the position is 0,0")                                                   \
    X(POSITION_FROZEN, 'f', "the position is to the last digit that of the time before")           \
    X(FALLBACK, 'x', "a chip card was read by its stripe")                                         \
    X(RANDOM_WRONG, 'r', "the random factor is not the card's last six digits")                    \
    X(MALFORMED, 'm', "a private field is not understood")

enum device_note_place {
    DEVICE_NOTE_PLACE_HAS_POSITION,
#define X(name, letter, text) DEVICE_NOTE_PLACE_##name,
    DEVICE_NOTE_FLAG_MAP(X)
#undef X
};
enum device_note_flag {
    DEVICE_NOTE_HAS_POSITION = 1u << DEVICE_NOTE_PLACE_HAS_POSITION,
#define X(name, letter, text) DEVICE_NOTE_##name = 1u << DEVICE_NOTE_PLACE_##name,
    DEVICE_NOTE_FLAG_MAP(X)
#undef X
};

struct device_note {
    bool is_told;                      /* false: all the rest is empty */
    uint8_t flags;                     /* enum device_note_flag */
    int32_t latitude_e3, longitude_e3; /* thousandths of a degree */
    uint32_t position_hash; /* of the position as it was told; 0: none. Not in the text */
    uint32_t cell;          /* hash of the radio cell; 0: not told */
    int32_t clock_ahead_s;  /* of ours, where its row is about that; else 0 */
    uint32_t count;         /* how many sightings its row stands for; else 0 */
    char serial[DEVICE_NOTE_SERIAL_SIZE], firmware[DEVICE_NOTE_FIRMWARE_SIZE];
    char random_factor[DEVICE_NOTE_RANDOM_SIZE]; /* as told; of the card, so not in the text */
};

/* Each adds what a field tells; what is known already stays as it is. */
void device_note_read_59(struct device_note *note, struct byte_view field);
void device_note_read_46(struct device_note *note, struct byte_view field);
void device_note_read_62(struct device_note *note, struct byte_view field);

/* Writes the text; answers its length. */
uint32_t device_note_write(char text[DEVICE_NOTE_TEXT_SIZE], const struct device_note *note);
/* False: no such text. What was read up to there then stands in the note. */
MUST_CHECK bool device_note_from_text(struct device_note *note, const char *text);
