/* See cmac.h. */
#include "hsm/cmac.h"

#include <string.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"

#define RUN_BYTES 256 /* what one call to the chain takes; a multiple of both block sizes */

static const uint8_t ZEROS[BLOCK_CIPHER_BLOCK_BYTES_MAX];
_Static_assert(RUN_BYTES % BLOCK_CIPHER_BLOCK_BYTES_MAX == 0, "runs end on a block");

/* Multiplies by x in GF(2^64) or GF(2^128): SP 800-38B 6.1. */
static void subkey_shift(uint8_t *to, const uint8_t *from, uint32_t block_bytes)
{
    unsigned carry = from[0] >> 7;
    for (uint32_t i = 0; i + 1 < block_bytes; i++) {
        to[i] = (uint8_t)((unsigned)from[i] << 1 | from[i + 1] >> 7);
    }
    unsigned polynomial = block_bytes == 16 ? 0x87 : 0x1B;
    to[block_bytes - 1] = (uint8_t)((unsigned)from[block_bytes - 1] << 1 ^ carry * polynomial);
}

void cmac_keep(struct cmac *cmac, EVP_CIPHER_CTX *chain, uint32_t block_bytes)
{
    REQUIRE(block_bytes == 8 || block_bytes == 16);
    *cmac = (struct cmac){.chain = chain, .block_bytes = (uint8_t)block_bytes};
    uint8_t zero_block[BLOCK_CIPHER_BLOCK_BYTES_MAX];
    block_cipher_cbc_restart(chain, ZEROS);
    block_cipher_chain(chain, ZEROS, zero_block, block_bytes);
    memcpy(cmac->carried, zero_block, block_bytes);
    subkey_shift(cmac->subkeys[0], zero_block, block_bytes);
    subkey_shift(cmac->subkeys[1], cmac->subkeys[0], block_bytes);
    secret_wipe(zero_block, sizeof(zero_block));
    cmac_restart(cmac);
}

void cmac_begin(struct cmac *cmac, struct block_cipher *cipher, const struct clear_key *key)
{
    EVP_CIPHER_CTX *chain = block_cipher_cbc(cipher, key, BLOCK_CIPHER_ENCRYPT, ZEROS);
    cmac_keep(cmac, chain, block_cipher_block_bytes(key->algorithm));
}

void cmac_restart(struct cmac *cmac)
{
    cmac->is_fresh = true;
    cmac->last_length = 0;
}

/* Whole blocks into the chain; cmac->carried is then the last one that came out. */
static void cmac_run(struct cmac *cmac, const uint8_t *bytes, uint32_t length)
{
    uint8_t blocks[RUN_BYTES];
    while (length > 0) {
        uint32_t part = length < RUN_BYTES ? length : RUN_BYTES;
        memcpy(blocks, bytes, part);
        for (uint32_t i = 0; cmac->is_fresh && i < cmac->block_bytes; i++) {
            blocks[i] ^= cmac->carried[i];
        }
        cmac->is_fresh = false;
        block_cipher_chain(cmac->chain, blocks, blocks, part);
        memcpy(cmac->carried, blocks + part - cmac->block_bytes, cmac->block_bytes);
        bytes += part;
        length -= part;
    }
    secret_wipe(blocks, sizeof(blocks));
}

void cmac_update(struct cmac *cmac, const void *bytes, uint32_t length)
{
    const uint8_t *from = bytes;
    REQUIRE(cmac->block_bytes == 8 || cmac->block_bytes == 16);
    while (length > 0) {
        if (cmac->last_length == cmac->block_bytes) {
            cmac_run(cmac, cmac->last, cmac->block_bytes);
            cmac->last_length = 0;
        }
        if (cmac->last_length == 0 && length > cmac->block_bytes) {
            uint32_t whole = (length - 1) / cmac->block_bytes * cmac->block_bytes;
            cmac_run(cmac, from, whole);
            from += whole;
            length -= whole;
        }
        uint32_t room = (uint32_t)cmac->block_bytes - cmac->last_length;
        uint32_t part = length < room ? length : room;
        memcpy(cmac->last + cmac->last_length, from, part);
        cmac->last_length = (uint8_t)(cmac->last_length + part);
        from += part;
        length -= part;
    }
}

void cmac_final(struct cmac *cmac, uint8_t *mac)
{
    bool is_whole = cmac->last_length == cmac->block_bytes;
    if (!is_whole) {
        cmac->last[cmac->last_length] = 0x80;
        memset(cmac->last + cmac->last_length + 1, 0,
               (size_t)cmac->block_bytes - cmac->last_length - 1);
    }
    const uint8_t *subkey = cmac->subkeys[is_whole ? 0 : 1];
    for (uint32_t i = 0; i < cmac->block_bytes; i++) {
        cmac->last[i] ^= subkey[i];
    }
    cmac_run(cmac, cmac->last, cmac->block_bytes);
    memcpy(mac, cmac->carried, cmac->block_bytes);
    cmac_restart(cmac);
}

void cmac_wipe(struct cmac *cmac)
{
    secret_wipe(cmac, sizeof(*cmac));
}

void cmac_compute(struct block_cipher *cipher, const struct clear_key *key, struct byte_view bytes,
                  uint8_t *mac)
{
    struct cmac cmac;
    cmac_begin(&cmac, cipher, key);
    cmac_update(&cmac, bytes.bytes, bytes.length);
    cmac_final(&cmac, mac);
    cmac_wipe(&cmac);
}
