/* CMAC over AES or TDES (NIST SP 800-38B), on a kept CBC chain: many times as fast as OpenSSL's own
 * when the key stays, because nothing is fetched, copied or begun anew. A chain that stands at some
 * block C goes on as if it stood at zero once C is added to its next input, which cancels it.
 *
 * Life:  cmac_begin, or cmac_keep once -> cmac_restart -> cmac_update ... -> cmac_final
 */
#pragma once

#include "hsm/block_cipher.h"

struct cmac {
    EVP_CIPHER_CTX *chain; /* borrowed */
    uint8_t subkeys[2][BLOCK_CIPHER_BLOCK_BYTES_MAX];
    uint8_t last[BLOCK_CIPHER_BLOCK_BYTES_MAX];    /* held back: the last block is treated apart */
    uint8_t carried[BLOCK_CIPHER_BLOCK_BYTES_MAX]; /* where the chain stands */
    uint8_t block_bytes, last_length;
    bool is_fresh; /* nothing of this message has gone in */
};

/* Begins under a key of one use. */
void cmac_begin(struct cmac *cmac, struct block_cipher *cipher, const struct clear_key *key);
/* Begins on a keyed chain that the caller keeps, and that nobody else uses. */
void cmac_keep(struct cmac *cmac, EVP_CIPHER_CTX *chain, uint32_t block_bytes);
void cmac_restart(struct cmac *cmac);
void cmac_update(struct cmac *cmac, const void *bytes, uint32_t length);
/* Writes one block. */
void cmac_final(struct cmac *cmac, uint8_t *mac);
void cmac_wipe(struct cmac *cmac);

/* All at once. */
void cmac_compute(struct block_cipher *cipher, const struct clear_key *key, struct byte_view bytes,
                  uint8_t *mac);
