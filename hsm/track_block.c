/* See track_block.h. */
#include "hsm/track_block.h"

#include <string.h>

#include "protocols/base/require.h"

#define BLOCK 8
#define PACKED_MAX ((TRACK2_CHARACTERS_MAX + 1) / 2 + 1)

static int nibble_of(char character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character == '=') {
        return 13;
    }
    return character >= 'A' && character <= 'F' ? character - 'A' + 10 : -1;
}

static bool pack(const struct track2 *track, uint8_t *packed)
{
    for (uint32_t i = 0; i < track->count; i++) {
        int nibble = nibble_of(track->characters[i]);
        if (nibble < 0) {
            return false;
        }
        unsigned value = (unsigned)nibble;
        packed[i / 2] = (uint8_t)(i % 2 == 0 ? value << 4 : packed[i / 2] | value);
    }
    return true;
}

static void unpack(const uint8_t *packed, struct track2 *track)
{
    static const char CHARACTERS[] = "0123456789ABC=EF";
    for (uint32_t i = 0; i < track->count; i++) {
        track->characters[i] = CHARACTERS[i % 2 == 0 ? packed[i / 2] >> 4 : packed[i / 2] & 15];
    }
}

static bool run(struct block_cipher *cipher, const struct clear_key *key,
                enum block_cipher_direction direction, struct track2 *track)
{
    uint8_t packed[PACKED_MAX] = {0};
    uint32_t length = ((uint32_t)track->count + 1) / 2;
    REQUIRE(track->count < sizeof(track->characters));
    if (length < BLOCK + 1 || length > PACKED_MAX || !pack(track, packed)) {
        return false;
    }
    block_cipher_ecb(cipher, key, direction, packed + length - 1 - BLOCK, BLOCK);
    unpack(packed, track);
    secret_wipe(packed, sizeof(packed));
    return true;
}

bool track_block_encipher(struct block_cipher *cipher, const struct clear_key *key,
                          struct track2 *track)
{
    return run(cipher, key, BLOCK_CIPHER_ENCRYPT, track);
}

bool track_block_decipher(struct block_cipher *cipher, const struct clear_key *key,
                          struct track2 *track)
{
    if (!run(cipher, key, BLOCK_CIPHER_DECRYPT, track)) {
        return false;
    }
    for (uint32_t i = 0; i < track->count; i++) {
        if (track->characters[i] >= 'A') {
            return false;
        }
    }
    return true;
}
