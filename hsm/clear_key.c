/* See clear_key.h. */
#include "hsm/clear_key.h"

#include <string.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"

#define DES_PART_BYTES 8u

/* The weak and semi-weak keys of DES, with odd parity. */
static const uint8_t WEAK_PARTS[][DES_PART_BYTES] = {
    {0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01},
    {0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE},
    {0xE0, 0xE0, 0xE0, 0xE0, 0xF1, 0xF1, 0xF1, 0xF1},
    {0x1F, 0x1F, 0x1F, 0x1F, 0x0E, 0x0E, 0x0E, 0x0E},
    {0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE},
    {0xFE, 0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE, 0x01},
    {0x1F, 0xE0, 0x1F, 0xE0, 0x0E, 0xF1, 0x0E, 0xF1},
    {0xE0, 0x1F, 0xE0, 0x1F, 0xF1, 0x0E, 0xF1, 0x0E},
    {0x01, 0xE0, 0x01, 0xE0, 0x01, 0xF1, 0x01, 0xF1},
    {0xE0, 0x01, 0xE0, 0x01, 0xF1, 0x01, 0xF1, 0x01},
    {0x1F, 0xFE, 0x1F, 0xFE, 0x0E, 0xFE, 0x0E, 0xFE},
    {0xFE, 0x1F, 0xFE, 0x1F, 0xFE, 0x0E, 0xFE, 0x0E},
    {0x01, 0x1F, 0x01, 0x1F, 0x01, 0x0E, 0x01, 0x0E},
    {0x1F, 0x01, 0x1F, 0x01, 0x0E, 0x01, 0x0E, 0x01},
    {0xE0, 0xFE, 0xE0, 0xFE, 0xF1, 0xFE, 0xF1, 0xFE},
    {0xFE, 0xE0, 0xFE, 0xE0, 0xFE, 0xF1, 0xFE, 0xF1},
};
_Static_assert(sizeof(WEAK_PARTS) / sizeof(WEAK_PARTS[0]) == 16, "four weak keys, six pairs");

bool clear_key_may_have_length(enum key_algorithm algorithm, uint32_t length)
{
    switch (algorithm) {
    case KEY_TDES:
        return length == 8 || length == 16 || length == 24;
    case KEY_AES:
        return length == 16 || length == 24 || length == 32;
    case KEY_HMAC:
        return length >= 16 && length <= CLEAR_KEY_BYTES_MAX;
    }
    return false;
}

void clear_key_set(struct clear_key *key, enum key_algorithm algorithm, struct byte_view bytes)
{
    REQUIRE(clear_key_may_have_length(algorithm, bytes.length));
    *key = (struct clear_key){.algorithm = algorithm, .length = (uint8_t)bytes.length};
    memcpy(key->bytes, bytes.bytes, bytes.length);
}

void clear_key_wipe(struct clear_key *key)
{
    secret_wipe(key, sizeof(*key));
}

static bool part_is_weak(const uint8_t *part)
{
    bool is_weak = false;
    for (uint32_t i = 0; i < sizeof(WEAK_PARTS) / DES_PART_BYTES; i++) {
        is_weak |= secret_compare(part, WEAK_PARTS[i], DES_PART_BYTES) == 0;
    }
    return is_weak;
}

bool clear_key_is_sound(const struct clear_key *key)
{
    REQUIRE(clear_key_may_have_length(key->algorithm, key->length));
    if (key->algorithm != KEY_TDES) {
        return true;
    }
    bool is_sound = true;
    for (uint32_t i = 0; i < key->length; i++) {
        is_sound &= __builtin_parity(key->bytes[i]) == 1;
    }
    for (uint32_t at = 0; at < key->length; at += DES_PART_BYTES) {
        is_sound &= !part_is_weak(key->bytes + at);
    }
    for (uint32_t at = DES_PART_BYTES; at < key->length; at += DES_PART_BYTES) {
        const uint8_t *part = key->bytes + at;
        is_sound &= secret_compare(part, part - DES_PART_BYTES, DES_PART_BYTES) != 0;
    }
    return is_sound;
}

void clear_key_set_parity(struct clear_key *key)
{
    REQUIRE(key->algorithm == KEY_TDES);
    for (uint32_t i = 0; i < key->length; i++) {
        unsigned value = key->bytes[i] & 0xFEU;
        key->bytes[i] = (uint8_t)(value | (unsigned)(__builtin_parity(value) == 0));
    }
}
