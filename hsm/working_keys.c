/* See working_keys.h. */
#include "hsm/working_keys.h"

#include <string.h>

#include "hsm/kcv.h"
#include "protocols/base/require.h"

#define HALF 8

void working_keys_put(struct block_cipher *cipher, const struct clear_key *tmk,
                      const struct clear_key *key, bool is_padded, struct byte_writer *writer)
{
    uint8_t kcv[WORKING_KEY_KCV_BYTES];
    uint8_t enciphered[CLEAR_KEY_BYTES_MAX];
    REQUIRE(tmk->algorithm == KEY_TDES && key->algorithm == KEY_TDES);
    REQUIRE(key->length == HALF || (key->length == 2 * HALF && !is_padded));
    memcpy(enciphered, key->bytes, key->length);
    block_cipher_ecb(cipher, tmk, BLOCK_CIPHER_ENCRYPT, enciphered, key->length);
    kcv_compute(cipher, key, kcv, sizeof(kcv));
    byte_writer_put(writer, enciphered, key->length);
    byte_writer_fill(writer, 0, is_padded ? HALF : 0);
    byte_writer_put(writer, kcv, sizeof(kcv));
}

static bool is_zero_padded(struct byte_view enciphered)
{
    static const uint8_t zeros[HALF];
    return enciphered.length == 2 * HALF && memcmp(enciphered.bytes + HALF, zeros, HALF) == 0;
}

bool working_keys_take(struct block_cipher *cipher, const struct clear_key *master,
                       struct byte_view enciphered, bool may_be_padded, struct clear_key *key)
{
    REQUIRE(master->algorithm == KEY_TDES);
    if (may_be_padded && is_zero_padded(enciphered)) {
        enciphered.length = HALF;
    }
    if (!clear_key_may_have_length(KEY_TDES, enciphered.length)) {
        return false;
    }
    clear_key_set(key, KEY_TDES, enciphered);
    block_cipher_ecb(cipher, master, BLOCK_CIPHER_DECRYPT, key->bytes, key->length);
    return true;
}
