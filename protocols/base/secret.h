/* Data that must not outlive its use: tracks, PIN blocks, sealed card numbers.
 *
 * Each has a type of its own, no function prints one, and secret_wipe() clears what held it. Clear
 * PINs and clear keys have no type outside hsm/, because they never exist there (I34).
 */
#pragma once

#include <stdint.h>

#include "protocols/base/status.h"

#define TRACK2_CHARACTERS_MAX 37  /* ISO/IEC 7813; the separator is kept as '=' */
#define TRACK3_CHARACTERS_MAX 104 /* ISO/IEC 4909 */
#define PIN_BLOCK_BYTES_MAX 16
#define PAN_HASH_BYTES 16
#define PAN_SEALED_BYTES_MAX 48 /* nonce 12, digits at most 19, tag 16 */

struct track2 {
    char characters[TRACK2_CHARACTERS_MAX + 2];
    uint8_t count; /* 0: no track here */
};

struct track3 {
    char characters[TRACK3_CHARACTERS_MAX + 2];
    uint8_t count;
};

/* A PIN block, enciphered under the terminal's or the channel's PIN key. */
struct pin_block {
    uint8_t bytes[PIN_BLOCK_BYTES_MAX];
    uint8_t length; /* 0: no PIN; 8, or 16 for format 4 and SM4 */
    uint8_t format; /* enum pin_block_format of hsm/ */
};

/* A card number enciphered under our own data key: all that may lie on disk for a reversal. */
struct pan_sealed {
    uint8_t bytes[PAN_SEALED_BYTES_MAX];
    uint8_t length;
};

/* A keyed hash (HMAC-SHA-256, cut) of a card number: equal for equal cards, tells nothing else. */
struct pan_hash {
    uint8_t bytes[PAN_HASH_BYTES];
};

/* Clears memory in a way that the compiler may not leave out. */
void secret_wipe(void *bytes, uint32_t length);

/* 0 when both runs are equal, in time that depends on the length alone. */
int secret_compare(const void *left, const void *right, uint32_t length);
