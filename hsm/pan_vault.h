/* Card numbers for our own disk: sealed with AES-256-GCM, or hashed with HMAC-SHA-256 (PCI
 * DSS 3.5). A sealed number is nonce, digits enciphered, tag. */
#pragma once

#include "hsm/block_cipher.h"
#include "protocols/base/pan.h"
#include "protocols/base/secret.h"

#define PAN_VAULT_NONCE_BYTES 12

void pan_vault_seal(struct block_cipher *cipher, const struct clear_key *key, const struct pan *pan,
                    const uint8_t nonce[PAN_VAULT_NONCE_BYTES], struct pan_sealed *sealed);
/* False: not sealed under this key, or changed since; `pan` is left alone. */
MUST_CHECK bool pan_vault_open(struct block_cipher *cipher, const struct clear_key *key,
                               const struct pan_sealed *sealed, struct pan *pan);
/* False: no memory; the hash is then zeros. */
MUST_CHECK bool pan_vault_hash(struct block_cipher *cipher, const struct clear_key *key,
                               const struct pan *pan, struct pan_hash *hash);
