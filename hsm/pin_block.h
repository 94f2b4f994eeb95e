/* PIN blocks of ISO 9564-1: formats 0, 1, 3 (8 bytes) and 4 (16 bytes, AES).
 *
 * A clear PIN lives in a struct clear_pin for the length of one translation. Format 2 is never
 * accepted from a network, and UnionPay's "format 1" (format 0 with an all-zero PAN part) is not
 * format 1: both are refused by who asks for a format.
 */
#pragma once

#include "hsm/block_cipher.h"
#include "hsm/hsm.h"

#define PIN_DIGITS_MIN 4
#define PIN_DIGITS_MAX 12
#define PIN_BLOCK_RANDOM_BYTES 8

struct clear_pin {
    uint8_t digits[PIN_DIGITS_MAX]; /* 0 to 9 each */
    uint8_t digit_count;
};

/* 8, or 16 for format 4. REQUIREs a format of the enum. */
uint32_t pin_block_bytes(enum pin_block_format format);

/* Table 3-3 of PCI PIN as domain rules hold it: 0, 3, 4 among themselves; 1 to all; nothing else.
 * Numbers outside the enum are never allowed. */
bool pin_block_may_translate(unsigned from, unsigned to);

/* Clear blocks of formats 0, 1 and 3. Format 1 and 3 fill from `random`. */
void pin_block_encode(enum pin_block_format format, const struct clear_pin *pin,
                      const struct pan *pan, const uint8_t random[PIN_BLOCK_RANDOM_BYTES],
                      uint8_t block[8]);
/* False: it is no block of this format; `pin` is then empty. */
MUST_CHECK bool pin_block_decode(enum pin_block_format format, const uint8_t block[8],
                                 const struct pan *pan, struct clear_pin *pin);

/* The two fields of format 4, and the block made of them under an AES key. */
void pin_block_4_pan_field(const struct pan *pan, uint8_t field[16]);
void pin_block_4_pin_field(const struct clear_pin *pin,
                           const uint8_t random[PIN_BLOCK_RANDOM_BYTES], uint8_t field[16]);
void pin_block_4_encipher(struct block_cipher *cipher, const struct clear_key *key,
                          const struct pan *pan, uint8_t field[16]);
/* Deciphers in place to the PIN field, and reads it. False: no block of format 4. */
MUST_CHECK bool pin_block_4_decipher(struct block_cipher *cipher, const struct clear_key *key,
                                     const struct pan *pan, uint8_t block[16],
                                     struct clear_pin *pin);
