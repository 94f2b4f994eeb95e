/* The block ciphers of OpenSSL's default provider, fetched once and re-keyed for each use.
 *
 * Single DES is EDE under one key throughout, bit for bit (EDE2 under K, K, which spares the third
 * key schedule): nothing here needs the legacy provider. One context an algorithm, mode and
 * direction; the calls are chained by the module that owns the set, so one
 * thread at a time may use it. An OpenSSL call that fails on a context of known cipher and key
 * length means this program is wrong: REQUIRE, not a status that somebody could overlook.
 *
 * Life:  block_cipher_create -> ecb, cbc ... -> block_cipher_destroy
 */
#pragma once

#include <stdint.h>

#include <openssl/evp.h>

#include "hsm/clear_key.h"
#include "protocols/base/bytes.h"

#define BLOCK_CIPHER_BLOCK_BYTES_MAX 16

enum block_cipher_direction { BLOCK_CIPHER_DECRYPT = 0, BLOCK_CIPHER_ENCRYPT = 1 };

struct block_cipher;

/* NULL: no memory, or OpenSSL lacks an algorithm. */
struct block_cipher *block_cipher_create(void);
void block_cipher_destroy(struct block_cipher *cipher); /* wipes the key schedules */

/* 8 for TDES, 16 for AES. */
uint32_t block_cipher_block_bytes(enum key_algorithm algorithm);

/* Enciphers or deciphers whole blocks in place. */
void block_cipher_ecb(struct block_cipher *cipher, const struct clear_key *key,
                      enum block_cipher_direction direction, uint8_t *bytes, uint32_t length);

/* A CBC chain under `key` from `iv` on; good until the next call with this algorithm and length. */
EVP_CIPHER_CTX *block_cipher_cbc(struct block_cipher *cipher, const struct clear_key *key,
                                 enum block_cipher_direction direction, const uint8_t *iv);
/* Takes a chain with its key back to `iv`. */
void block_cipher_cbc_restart(EVP_CIPHER_CTX *chain, const uint8_t *iv);
/* Runs whole blocks through a chain; `out` may be `in`. */
void block_cipher_chain(EVP_CIPHER_CTX *chain, const uint8_t *in, uint8_t *out, uint32_t length);

/* Contexts of the caller's own that stay keyed (AES); he frees them with EVP_CIPHER_CTX_free.
 * NULL: no memory. The chain enciphers, from zero on. */
EVP_CIPHER_CTX *block_cipher_kept_cbc(struct block_cipher *cipher, const struct clear_key *key);
EVP_CIPHER_CTX *block_cipher_kept_ecb(struct block_cipher *cipher, const struct clear_key *key,
                                      enum block_cipher_direction direction);

/* Authenticated encryption, AES-256-GCM, whole messages. */
struct block_cipher_gcm {
    const struct clear_key *key; /* 32 bytes */
    const uint8_t *nonce;        /* 12 bytes */
    struct byte_view associated;
    uint8_t *tag; /* 16 bytes; out when enciphering, in when deciphering */
};
/* False: deciphering, and the tag does not fit; `bytes` are then wiped. */
MUST_CHECK bool block_cipher_gcm(struct block_cipher *cipher, const struct block_cipher_gcm *gcm,
                                 enum block_cipher_direction direction, uint8_t *bytes,
                                 uint32_t length);

/* HMAC-SHA-256 (RFC 2104). False: no memory, which OpenSSL asks for here at every new key. */
MUST_CHECK bool block_cipher_hmac(struct block_cipher *cipher, const struct clear_key *key,
                                  struct byte_view bytes, uint8_t mac[32]);
