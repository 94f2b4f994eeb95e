/* See kcv.h. */
#include "hsm/kcv.h"

#include <string.h>

#include "hsm/cmac.h"
#include "protocols/base/require.h"

void kcv_compute(struct block_cipher *cipher, const struct clear_key *key, uint8_t *kcv,
                 uint32_t length)
{
    static const uint8_t zeros[BLOCK_CIPHER_BLOCK_BYTES_MAX];
    uint8_t block[BLOCK_CIPHER_BLOCK_BYTES_MAX] = {0};
    REQUIRE(length > 0 && length <= KCV_BYTES_MAX);
    if (key->algorithm == KEY_AES) {
        cmac_compute(cipher, key, (struct byte_view){zeros, sizeof(zeros)}, block);
    } else {
        block_cipher_ecb(cipher, key, BLOCK_CIPHER_ENCRYPT, block, 8);
    }
    memcpy(kcv, block, length);
}
