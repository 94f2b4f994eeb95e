/* The few primitives that wallets sign, verify and encipher with, over OpenSSL's EVP.
 *
 * RSA is SHA256withRSA, PKCS#1 v1.5, at least 2048 bits (Alipay RSA2, WeChat Pay v3). Keys are made
 * from PEM text at start and on rotation; they may be used by several threads at once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"

#define WALLET_RSA_BITS_MIN 2048
#define WALLET_SIGNATURE_SIZE 700 /* base64 of RSA-4096, with its final 0 */
#define WALLET_SERIAL_SIZE 65     /* hex, upper case */
#define WALLET_DIGEST_SIZE 65     /* hex of SHA-256, with its final 0 */
#define WALLET_SECRET_CHARACTERS 32
#define WALLET_GCM_NONCE_BYTES 12
#define WALLET_GCM_TAG_BYTES 16

/* STATUS_MALFORMED: no PEM of that kind. STATUS_UNSUPPORTED: no RSA key of at least 2048 bits. The
 * caller owns the key: EVP_PKEY_free. */
MUST_CHECK enum status wallet_private_key_read(EVP_PKEY **key, struct byte_view pem);
MUST_CHECK enum status wallet_public_key_read(EVP_PKEY **key, struct byte_view pem);

/* A certificate's key, and what it is known by: the serial number in hex. `consumed` gets the bytes
 * up to its end, so that a file of several is read one by one. Fails as above; STATUS_MISSING: none
 * is left. */
struct wallet_certificate {
    EVP_PKEY *key; /* the caller's */
    char serial[WALLET_SERIAL_SIZE];
    int64_t not_after_s; /* since 1970 */
};
MUST_CHECK enum status wallet_certificate_read(struct wallet_certificate *certificate,
                                               struct byte_view pem, uint32_t *consumed);

/* Base64 of the signature. STATUS_BROKEN: OpenSSL would not. */
MUST_CHECK enum status wallet_rsa_sign(char signature[WALLET_SIGNATURE_SIZE], EVP_PKEY *key,
                                       struct byte_view text);
/* Whether the base64 text is a signature of `text` under the key. */
bool wallet_rsa_verify(EVP_PKEY *key, struct byte_view text, struct byte_view signature);

/* Upper-case hex. */
void wallet_md5(char hex[WALLET_DIGEST_SIZE], struct byte_view text);
void wallet_hmac_sha256(char hex[WALLET_DIGEST_SIZE], const char key[WALLET_SECRET_CHARACTERS + 1],
                        struct byte_view text);

/* AEAD_AES_256_GCM: `sealed` is ciphertext and tag. STATUS_DENIED: the tag does not fit, and what
 * was written is wiped. STATUS_NO_ROOM. */
struct wallet_sealed {
    struct byte_view nonce, associated, sealed;
};
MUST_CHECK enum status wallet_gcm_open(struct byte_writer *plain,
                                       const char key[WALLET_SECRET_CHARACTERS + 1],
                                       const struct wallet_sealed *sealed);

/* Strict base64 with its padding. STATUS_MALFORMED, STATUS_NO_ROOM. */
MUST_CHECK enum status wallet_base64_read(struct byte_writer *writer, struct byte_view text);
