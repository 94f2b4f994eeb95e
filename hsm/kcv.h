/* Key check values: what two sides compare to know that they hold one key. */
#pragma once

#include "hsm/block_cipher.h"

#define KCV_BYTES_MAX 5

/* TDES: first bytes of E(K, 8 zero bytes), for one, two and three parts; AES: first bytes of
 * CMAC(K, 16 zero bytes) (X9.24-1 annex A). REQUIREs length 1 to 5 and no HMAC key. */
void kcv_compute(struct block_cipher *cipher, const struct clear_key *key, uint8_t *kcv,
                 uint32_t length);
