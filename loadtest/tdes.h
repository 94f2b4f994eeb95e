/* The simulators' own cryptography, straight over OpenSSL: it judges hsm/, so it shares nothing
 * with it.
 *
 * Keys are clear here: they are the terminals' and the bank's, made for tests from a seed. Every
 * call sets the key anew in one shared tdes, which keeps a terminal down to its key bytes.
 *
 * Life:  tdes_create -> call ... -> tdes_destroy     (one a thread)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"

#define TDES_BLOCK_BYTES 8
#define TDES_PIN_DIGITS_MAX 12

/* A TDES key of one (8 bytes) or two (16 bytes) parts. */
struct tdes_key {
    uint8_t bytes[16];
    uint8_t length; /* 8 or 16 */
};

#define TDES_MAC_MAP(X)                                                                            \
    X(UNIONPAY_ECB, "unionpay_ecb") X(X9_9, "x9_9") X(X9_19, "x9_19") X(NONE, "none")
enum tdes_mac {
#define X(name, text) TDES_MAC_##name,
    TDES_MAC_MAP(X)
#undef X
        TDES_MAC_COUNT
};
/* TDES_MAC_COUNT: no such algorithm. */
enum tdes_mac tdes_mac_from_name(const char *name);

struct tdes;

struct tdes *tdes_create(void); /* NULL: no memory, or OpenSSL lacks triple DES */
void tdes_destroy(struct tdes *tdes);

/* ECB over whole blocks, in place allowed. A key of 8 bytes means single DES. REQUIREs that
 * OpenSSL does it: there is nothing outside to blame. */
void tdes_encrypt(struct tdes *tdes, const struct tdes_key *key, struct byte_view in, uint8_t *out);
void tdes_decrypt(struct tdes *tdes, const struct tdes_key *key, struct byte_view in, uint8_t *out);

/* First 4 bytes of eight zero bytes under the key (unionpay-pos: key check value). */
void tdes_check_value(struct tdes *tdes, const struct tdes_key *key, uint8_t kcv[4]);

/* The 8 bytes of a MAC field over `bytes`, last block padded with zeros. UNIONPAY_ECB gives 8
 * characters of hex, the others 8 raw bytes. */
void tdes_mac(struct tdes *tdes, enum tdes_mac algorithm, const struct tdes_key *key,
              struct byte_view bytes, uint8_t mac[TDES_BLOCK_BYTES]);

/* ISO 9564 format 0 under `key`: PIN of 4 to 12 digits, PAN of 13 digits and more. */
void tdes_pin_seal(struct tdes *tdes, const struct tdes_key *key, const char *pin, const char *pan,
                   uint8_t block[TDES_BLOCK_BYTES]);
/* The PIN inside. STATUS_MALFORMED: what comes out is no format 0 block for this PAN. */
MUST_CHECK enum status tdes_pin_open(struct tdes *tdes, const struct tdes_key *key,
                                     const uint8_t block[TDES_BLOCK_BYTES], const char *pan,
                                     char pin[TDES_PIN_DIGITS_MAX + 1]);
