/* Single DES is written as triple DES with three equal parts: OpenSSL 3 keeps plain DES in its
 * legacy provider, which need not be loaded. */
#include "loadtest/tdes.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "protocols/base/require.h"

struct tdes {
    EVP_CIPHER *algorithm;
    EVP_CIPHER_CTX *encrypt, *decrypt;
};

struct tdes *tdes_create(void)
{
    struct tdes *tdes = calloc(1, sizeof *tdes);
    if (tdes == NULL) {
        return NULL;
    }
    tdes->algorithm = EVP_CIPHER_fetch(NULL, "DES-EDE3-ECB", NULL);
    tdes->encrypt = EVP_CIPHER_CTX_new();
    tdes->decrypt = EVP_CIPHER_CTX_new();
    if (tdes->algorithm == NULL || tdes->encrypt == NULL || tdes->decrypt == NULL) {
        tdes_destroy(tdes);
        return NULL;
    }
    return tdes;
}

void tdes_destroy(struct tdes *tdes)
{
    if (tdes == NULL) {
        return;
    }
    EVP_CIPHER_CTX_free(tdes->encrypt);
    EVP_CIPHER_CTX_free(tdes->decrypt);
    EVP_CIPHER_free(tdes->algorithm);
    free(tdes);
}

enum tdes_mac tdes_mac_from_name(const char *name)
{
    static const char *const names[] = {
#define X(id, text) text,
        TDES_MAC_MAP(X)
#undef X
    };
    for (unsigned i = 0; i < TDES_MAC_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            return (enum tdes_mac)i;
        }
    }
    return TDES_MAC_COUNT;
}

/* Sets the key in `in_use`: K1 K2 K1, or one part three times. */
static void key_set(struct tdes *tdes, EVP_CIPHER_CTX *in_use, const struct tdes_key *key,
                    int is_encrypt)
{
    REQUIRE(key->length == 8 || key->length == 16);
    uint8_t parts[24];
    memcpy(parts, key->bytes, 8);
    memcpy(parts + 8, key->length == 16 ? key->bytes + 8 : key->bytes, 8);
    memcpy(parts + 16, key->bytes, 8);
    int done = EVP_CipherInit_ex2(in_use, tdes->algorithm, parts, NULL, is_encrypt, NULL);
    OPENSSL_cleanse(parts, sizeof parts);
    REQUIRE(done == 1);
    EVP_CIPHER_CTX_set_padding(in_use, 0);
}

static void blocks_turn(EVP_CIPHER_CTX *in_use, struct byte_view in, uint8_t *out)
{
    int length = 0;
    REQUIRE(in.length % TDES_BLOCK_BYTES == 0);
    REQUIRE(EVP_CipherUpdate(in_use, out, &length, in.bytes, (int)in.length) == 1);
    REQUIRE((uint32_t)length == in.length);
}

void tdes_encrypt(struct tdes *tdes, const struct tdes_key *key, struct byte_view in, uint8_t *out)
{
    key_set(tdes, tdes->encrypt, key, 1);
    blocks_turn(tdes->encrypt, in, out);
}

void tdes_decrypt(struct tdes *tdes, const struct tdes_key *key, struct byte_view in, uint8_t *out)
{
    key_set(tdes, tdes->decrypt, key, 0);
    blocks_turn(tdes->decrypt, in, out);
}

void tdes_check_value(struct tdes *tdes, const struct tdes_key *key, uint8_t kcv[4])
{
    static const uint8_t zeros[TDES_BLOCK_BYTES];
    uint8_t block[TDES_BLOCK_BYTES];
    tdes_encrypt(tdes, key, (struct byte_view){zeros, sizeof zeros}, block);
    memcpy(kcv, block, 4);
}

static void block_xor(uint8_t block[TDES_BLOCK_BYTES], const uint8_t *with, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        block[i] ^= with[i];
    }
}

/* unionpay-pos section 14: exclusive or of all blocks, its hex enciphered in two halves. */
static void mac_unionpay(struct tdes *tdes, const struct tdes_key *key, struct byte_view bytes,
                         uint8_t mac[TDES_BLOCK_BYTES])
{
    uint8_t folded[TDES_BLOCK_BYTES] = {0}, block[TDES_BLOCK_BYTES];
    char hex[2 * TDES_BLOCK_BYTES + 1];
    for (uint32_t at = 0; at < bytes.length; at += TDES_BLOCK_BYTES) {
        uint32_t left = bytes.length - at;
        block_xor(folded, bytes.bytes + at, left < TDES_BLOCK_BYTES ? left : TDES_BLOCK_BYTES);
    }
    bytes_to_hex(hex, folded, sizeof folded);
    key_set(tdes, tdes->encrypt, key, 1);
    memcpy(block, hex, sizeof block);
    blocks_turn(tdes->encrypt, (struct byte_view){block, sizeof block}, block);
    block_xor(block, (const uint8_t *)hex + TDES_BLOCK_BYTES, TDES_BLOCK_BYTES);
    blocks_turn(tdes->encrypt, (struct byte_view){block, sizeof block}, block);
    bytes_to_hex(hex, block, sizeof block);
    memcpy(mac, hex, TDES_BLOCK_BYTES);
}

/* ISO 9797-1 algorithm 1 (X9.9) with the first part; algorithm 3 (X9.19) then turns the last block
 * back with the second part and forth with the first. */
static void mac_chained(struct tdes *tdes, bool is_retail, const struct tdes_key *key,
                        struct byte_view bytes, uint8_t mac[TDES_BLOCK_BYTES])
{
    struct tdes_key first = {.length = 8};
    struct tdes_key second = {.length = 8};
    memcpy(first.bytes, key->bytes, 8);
    memcpy(second.bytes, key->length == 16 ? key->bytes + 8 : key->bytes, 8);
    struct byte_view block = {mac, TDES_BLOCK_BYTES};
    memset(mac, 0, TDES_BLOCK_BYTES);
    key_set(tdes, tdes->encrypt, &first, 1);
    for (uint32_t at = 0; at < bytes.length; at += TDES_BLOCK_BYTES) {
        uint32_t left = bytes.length - at;
        block_xor(mac, bytes.bytes + at, left < TDES_BLOCK_BYTES ? left : TDES_BLOCK_BYTES);
        blocks_turn(tdes->encrypt, block, mac);
    }
    if (is_retail) {
        tdes_decrypt(tdes, &second, block, mac);
        blocks_turn(tdes->encrypt, block, mac);
    }
}

void tdes_mac(struct tdes *tdes, enum tdes_mac algorithm, const struct tdes_key *key,
              struct byte_view bytes, uint8_t mac[TDES_BLOCK_BYTES])
{
    REQUIRE(algorithm < TDES_MAC_NONE);
    if (algorithm == TDES_MAC_UNIONPAY_ECB) {
        mac_unionpay(tdes, key, bytes, mac);
        return;
    }
    mac_chained(tdes, algorithm == TDES_MAC_X9_19, key, bytes, mac);
}

/* 0000 and the twelve rightmost digits without the check digit, packed. */
static void pan_part(const char *pan, uint8_t part[TDES_BLOCK_BYTES])
{
    size_t digits = strlen(pan);
    REQUIRE(digits >= 13);
    const char *right = pan + digits - 13;
    part[0] = 0;
    part[1] = 0;
    for (unsigned i = 0; i < 6; i++) {
        part[2 + i] =
            (uint8_t)((right[(size_t)2 * i] - '0') << 4 | (right[(size_t)2 * i + 1] - '0'));
    }
}

static unsigned nibble_at(const uint8_t *block, unsigned place)
{
    return place % 2 == 0 ? block[place / 2] >> 4 : block[place / 2] & 15U;
}

void tdes_pin_seal(struct tdes *tdes, const struct tdes_key *key, const char *pin, const char *pan,
                   uint8_t block[TDES_BLOCK_BYTES])
{
    size_t digits = strlen(pin);
    REQUIRE(digits >= 4 && digits <= TDES_PIN_DIGITS_MAX);
    uint8_t part[TDES_BLOCK_BYTES];
    pan_part(pan, part);
    memset(block, 0xFF, TDES_BLOCK_BYTES);
    block[0] = (uint8_t)digits;
    for (unsigned i = 0; i < digits; i++) {
        unsigned digit = (unsigned)(pin[i] - '0');
        uint8_t *byte = &block[1 + i / 2];
        unsigned high = i % 2 == 0 ? digit : *byte >> 4;
        unsigned low = i % 2 == 0 ? *byte & 15U : digit;
        *byte = (uint8_t)(high << 4 | low);
    }
    block_xor(block, part, TDES_BLOCK_BYTES);
    tdes_encrypt(tdes, key, (struct byte_view){block, TDES_BLOCK_BYTES}, block);
}

enum status tdes_pin_open(struct tdes *tdes, const struct tdes_key *key,
                          const uint8_t block[TDES_BLOCK_BYTES], const char *pan,
                          char pin[TDES_PIN_DIGITS_MAX + 1])
{
    uint8_t clear[TDES_BLOCK_BYTES], part[TDES_BLOCK_BYTES];
    pan_part(pan, part);
    tdes_decrypt(tdes, key, (struct byte_view){block, TDES_BLOCK_BYTES}, clear);
    block_xor(clear, part, TDES_BLOCK_BYTES);
    unsigned digits = clear[0];
    if (digits < 4 || digits > TDES_PIN_DIGITS_MAX) {
        return STATUS_MALFORMED;
    }
    for (unsigned place = 0; place < 14; place++) {
        unsigned nibble = nibble_at(clear, 2 + place);
        if (place < digits ? nibble > 9 : nibble != 15) {
            return STATUS_MALFORMED;
        }
        if (place < digits) {
            pin[place] = (char)('0' + nibble);
        }
    }
    pin[digits] = '\0';
    return STATUS_OK;
}
