/* See pin_block.h. */
#include "hsm/pin_block.h"

#include <string.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"

#define NIBBLES 16
#define PAN_PART_DIGITS 12

_Static_assert(2 + PIN_DIGITS_MAX <= NIBBLES, "control, length and PIN fit the block");

uint32_t pin_block_bytes(enum pin_block_format format)
{
    REQUIRE(format == PIN_FORMAT_0 || format == PIN_FORMAT_1 || format == PIN_FORMAT_3 ||
            format == PIN_FORMAT_4);
    return format == PIN_FORMAT_4 ? 16 : 8;
}

bool pin_block_may_translate(unsigned from, unsigned to)
{
    bool is_bound_from = from == PIN_FORMAT_0 || from == PIN_FORMAT_3 || from == PIN_FORMAT_4;
    bool is_bound_to = to == PIN_FORMAT_0 || to == PIN_FORMAT_3 || to == PIN_FORMAT_4;
    if (from == PIN_FORMAT_1) {
        return is_bound_to || to == PIN_FORMAT_1;
    }
    return is_bound_from && is_bound_to;
}

static uint8_t nibble_at(const uint8_t *bytes, uint32_t index)
{
    return index % 2 == 0 ? (uint8_t)(bytes[index / 2] >> 4) : (uint8_t)(bytes[index / 2] & 15);
}

static void set_nibble(uint8_t *bytes, uint32_t index, unsigned value)
{
    uint8_t *byte = &bytes[index / 2];
    *byte =
        index % 2 == 0 ? (uint8_t)((*byte & 0x0F) | value << 4) : (uint8_t)((*byte & 0xF0) | value);
}

/* 0000 and the 12 digits left of the check digit, zeros on the left if there are fewer. */
static void xor_pan_part(const struct pan *pan, uint8_t block[8])
{
    uint32_t usable = pan->digit_count > 0 ? (uint32_t)pan->digit_count - 1 : 0;
    uint32_t count = usable < PAN_PART_DIGITS ? usable : PAN_PART_DIGITS;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = NIBBLES - count + i;
        unsigned digit = (unsigned)(pan->digits[usable - count + i] - '0');
        set_nibble(block, at, nibble_at(block, at) ^ digit);
    }
}

static void put_pin(unsigned control, const struct clear_pin *pin, uint8_t *block)
{
    REQUIRE(pin->digit_count >= PIN_DIGITS_MIN && pin->digit_count <= PIN_DIGITS_MAX);
    set_nibble(block, 0, control);
    set_nibble(block, 1, pin->digit_count);
    for (uint32_t i = 0; i < pin->digit_count; i++) {
        set_nibble(block, 2 + i, pin->digits[i]);
    }
}

void pin_block_encode(enum pin_block_format format, const struct clear_pin *pin,
                      const struct pan *pan, const uint8_t random[PIN_BLOCK_RANDOM_BYTES],
                      uint8_t block[8])
{
    REQUIRE(format != PIN_FORMAT_4);
    memset(block, 0xFF, 8);
    put_pin(format, pin, block);
    for (uint32_t at = 2 + (uint32_t)pin->digit_count; at < NIBBLES; at++) {
        unsigned chance = nibble_at(random, at);
        if (format == PIN_FORMAT_1) {
            set_nibble(block, at, chance);
        } else if (format == PIN_FORMAT_3) {
            set_nibble(block, at, 10 + chance % 6);
        }
    }
    if (format != PIN_FORMAT_1) {
        xor_pan_part(pan, block);
    }
}

/* What may stand behind the PIN, by format. */
static bool filler_fits(enum pin_block_format format, unsigned nibble)
{
    switch (format) {
    case PIN_FORMAT_0:
        return nibble == 15;
    case PIN_FORMAT_1:
        return true;
    case PIN_FORMAT_3:
        return nibble >= 10;
    case PIN_FORMAT_4:
        return nibble == 10;
    }
    return false;
}

/* Reads control, length, digits and filler. All nibbles are looked at whatever the first ones say:
 * a wrong block takes as long as a right one (I35). */
static bool read_pin(enum pin_block_format format, const uint8_t *block, struct clear_pin *pin)
{
    uint32_t count = nibble_at(block, 1);
    bool is_block = nibble_at(block, 0) == (unsigned)format;
    is_block &= count >= PIN_DIGITS_MIN && count <= PIN_DIGITS_MAX;
    for (uint32_t i = 0; i < NIBBLES - 2; i++) {
        unsigned nibble = nibble_at(block, 2 + i);
        if (i < count) {
            is_block &= nibble <= 9;
        } else {
            is_block &= filler_fits(format, nibble);
        }
        if (i < PIN_DIGITS_MAX) {
            pin->digits[i] = (uint8_t)nibble;
        }
    }
    pin->digit_count = (uint8_t)count;
    if (!is_block) {
        secret_wipe(pin, sizeof(*pin));
    }
    return is_block;
}

bool pin_block_decode(enum pin_block_format format, const uint8_t block[8], const struct pan *pan,
                      struct clear_pin *pin)
{
    uint8_t bare[8];
    REQUIRE(format != PIN_FORMAT_4);
    memcpy(bare, block, sizeof(bare));
    if (format != PIN_FORMAT_1) {
        xor_pan_part(pan, bare);
    }
    bool is_block = read_pin(format, bare, pin);
    secret_wipe(bare, sizeof(bare));
    return is_block;
}

void pin_block_4_pan_field(const struct pan *pan, uint8_t field[16])
{
    uint32_t count = pan->digit_count;
    uint32_t padded = count < PAN_PART_DIGITS ? PAN_PART_DIGITS : count;
    memset(field, 0, 16);
    set_nibble(field, 0, padded - PAN_PART_DIGITS);
    for (uint32_t i = 0; i < count; i++) {
        set_nibble(field, 1 + padded - count + i, (unsigned)(pan->digits[i] - '0'));
    }
}

void pin_block_4_pin_field(const struct clear_pin *pin,
                           const uint8_t random[PIN_BLOCK_RANDOM_BYTES], uint8_t field[16])
{
    memset(field, 0xAA, 8);
    put_pin(PIN_FORMAT_4, pin, field);
    memcpy(field + 8, random, PIN_BLOCK_RANDOM_BYTES);
}

static void xor_pan_field(const struct pan *pan, uint8_t block[16])
{
    uint8_t field[16];
    pin_block_4_pan_field(pan, field);
    for (uint32_t i = 0; i < sizeof(field); i++) {
        block[i] ^= field[i];
    }
}

void pin_block_4_encipher(struct block_cipher *cipher, const struct clear_key *key,
                          const struct pan *pan, uint8_t field[16])
{
    REQUIRE(key->algorithm == KEY_AES);
    block_cipher_ecb(cipher, key, BLOCK_CIPHER_ENCRYPT, field, 16);
    xor_pan_field(pan, field);
    block_cipher_ecb(cipher, key, BLOCK_CIPHER_ENCRYPT, field, 16);
}

bool pin_block_4_decipher(struct block_cipher *cipher, const struct clear_key *key,
                          const struct pan *pan, uint8_t block[16], struct clear_pin *pin)
{
    REQUIRE(key->algorithm == KEY_AES);
    block_cipher_ecb(cipher, key, BLOCK_CIPHER_DECRYPT, block, 16);
    xor_pan_field(pan, block);
    block_cipher_ecb(cipher, key, BLOCK_CIPHER_DECRYPT, block, 16);
    return read_pin(PIN_FORMAT_4, block, pin);
}
