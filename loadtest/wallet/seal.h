/* The wallets' cryptography, from OpenSSL's primitives: RSA signatures (SHA256withRSA, PKCS#1 v1.5:
 * Alipay's RSA2 and WeChat Pay's v3), the v2 digests over a text with a key behind it, and
 * AEAD_AES_256_GCM for what v3 wraps.
 *
 * Signatures and wrapped texts are base64. Keys are OpenSSL's, borrowed. Thread safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"

#define SEAL_SIGNATURE_SIZE 700 /* base64 of 512 bytes, and 0 */
#define SEAL_DIGEST_SIZE 65     /* upper-case hex of 32 bytes, and 0 */
#define SEAL_GCM_KEY_BYTES 32
#define SEAL_NONCE_SIZE 33 /* at most 32 characters, and 0 */

/* STATUS_BROKEN: the key cannot sign. */
MUST_CHECK enum status seal_sign(EVP_PKEY *key, struct byte_view text,
                                 char signature[SEAL_SIGNATURE_SIZE]);
bool seal_verifies(EVP_PKEY *key, struct byte_view text, const char *signature);

enum seal_digest { SEAL_MD5, SEAL_HMAC_SHA256 };
/* Over `text`, then "&key=" and the key; upper-case hex (WeChat Pay v2). */
MUST_CHECK enum status seal_digest(enum seal_digest kind, const char *text, const char *key,
                                   char digest[SEAL_DIGEST_SIZE]);

struct seal_box {
    const char *nonce;           /* 12 characters */
    const char *associated_data; /* may be empty */
};
/* base64 of ciphertext and tag, the caller's; NULL: no memory or no such key. */
char *seal_wrap(const char key[SEAL_GCM_KEY_BYTES + 1], const struct seal_box *box,
                struct byte_view text);
/* The text again, ended with a 0, the caller's; NULL: it was not wrapped so. */
char *seal_unwrap(const char key[SEAL_GCM_KEY_BYTES + 1], const struct seal_box *box,
                  const char *wrapped);

/* Lower-case SHA-256 and SHA-1 in hex. */
void seal_sha256(struct byte_view text, char hex[65]);
void seal_sha1(struct byte_view text, char hex[41]);
/* `count` random letters and digits (at most 32), and a 0. */
void seal_nonce(char *nonce, unsigned count);
