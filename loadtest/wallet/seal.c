/* Every call of OpenSSL may fail for want of memory alone; each failure has one way out. */
#include "loadtest/wallet/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"

#define GCM_NONCE_BYTES 12
#define GCM_TAG_BYTES 16
#define SIGNATURE_BYTES_MAX 512

enum status seal_sign(EVP_PKEY *key, struct byte_view text, char signature[SEAL_SIGNATURE_SIZE])
{
    uint8_t raw[SIGNATURE_BYTES_MAX];
    size_t length = sizeof raw;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool is_done = hash != NULL && EVP_PKEY_get_size(key) <= SIGNATURE_BYTES_MAX &&
                   EVP_DigestSignInit(hash, NULL, EVP_sha256(), NULL, key) == 1 &&
                   EVP_DigestSign(hash, raw, &length, text.bytes, text.length) == 1;
    EVP_MD_CTX_free(hash);
    signature[0] = '\0';
    if (!is_done) {
        return STATUS_BROKEN;
    }
    EVP_EncodeBlock((uint8_t *)signature, raw, (int)length);
    return STATUS_OK;
}

/* Bytes of a base64 text, into `bytes` of 3/4 its length; -1: it is none. */
static int base64_decode(const char *text, uint8_t *bytes)
{
    size_t length = strlen(text);
    int decoded = length == 0 || length % 4 != 0
                      ? -1
                      : EVP_DecodeBlock(bytes, (const uint8_t *)text, (int)length);
    if (decoded >= 3 && text[length - 1] == '=') {
        decoded -= text[length - 2] == '=' ? 2 : 1;
    }
    return decoded;
}

bool seal_verifies(EVP_PKEY *key, struct byte_view text, const char *signature)
{
    uint8_t raw[SEAL_SIGNATURE_SIZE];
    int length = strlen(signature) >= SEAL_SIGNATURE_SIZE ? -1 : base64_decode(signature, raw);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool is_right = hash != NULL && length > 0 &&
                    EVP_DigestVerifyInit(hash, NULL, EVP_sha256(), NULL, key) == 1 &&
                    EVP_DigestVerify(hash, raw, (size_t)length, text.bytes, text.length) == 1;
    EVP_MD_CTX_free(hash);
    return is_right;
}

static void hex_write(const uint8_t *bytes, unsigned length, const char *digits, char *hex)
{
    for (unsigned i = 0; i < length; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * (size_t)length] = '\0';
}

enum status seal_digest(enum seal_digest kind, const char *text, const char *key,
                        char digest[SEAL_DIGEST_SIZE])
{
    uint8_t raw[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    size_t room = strlen(text) + strlen(key) + sizeof "&key=";
    char *all = malloc(room);
    if (all == NULL) {
        return STATUS_NO_MEMORY;
    }
    snprintf(all, room, "%s&key=%s", text, key);
    bool is_done = kind == SEAL_MD5 ? EVP_Digest(all, room - 1, raw, &length, EVP_md5(), NULL) == 1
                                    : HMAC(EVP_sha256(), key, (int)strlen(key),
                                           (const uint8_t *)all, room - 1, raw, &length) != NULL;
    secret_wipe(all, (uint32_t)room);
    free(all);
    if (is_done) {
        hex_write(raw, length, "0123456789ABCDEF", digest);
    }
    return is_done ? STATUS_OK : STATUS_BROKEN;
}

static bool gcm_seal(EVP_CIPHER_CTX *cipher, const char *key, const struct seal_box *box,
                     struct byte_view text, uint8_t *out)
{
    int length = 0;
    const uint8_t *data = (const uint8_t *)box->associated_data;
    return EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, (const uint8_t *)key,
                              (const uint8_t *)box->nonce) == 1 &&
           EVP_EncryptUpdate(cipher, NULL, &length, data, (int)strlen(box->associated_data)) == 1 &&
           EVP_EncryptUpdate(cipher, out, &length, text.bytes, (int)text.length) == 1 &&
           EVP_EncryptFinal_ex(cipher, out + text.length, &length) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, GCM_TAG_BYTES, out + text.length) == 1;
}

static bool box_is_right(const char *key, const struct seal_box *box)
{
    return strlen(key) == SEAL_GCM_KEY_BYTES && strlen(box->nonce) == GCM_NONCE_BYTES;
}

char *seal_wrap(const char key[SEAL_GCM_KEY_BYTES + 1], const struct seal_box *box,
                struct byte_view text)
{
    if (!box_is_right(key, box)) {
        return NULL;
    }
    size_t sealed_length = (size_t)text.length + GCM_TAG_BYTES;
    uint8_t *sealed = malloc(sealed_length);
    char *wrapped = malloc((sealed_length + 2) / 3 * 4 + 1);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (sealed == NULL || wrapped == NULL || cipher == NULL ||
        !gcm_seal(cipher, key, box, text, sealed)) {
        free(wrapped);
        wrapped = NULL;
    } else {
        EVP_EncodeBlock((uint8_t *)wrapped, sealed, (int)sealed_length);
    }
    EVP_CIPHER_CTX_free(cipher);
    free(sealed);
    return wrapped;
}

static bool gcm_open(EVP_CIPHER_CTX *cipher, const char *key, const struct seal_box *box,
                     uint8_t *bytes, int length, char *text)
{
    int written = 0;
    uint8_t *out = (uint8_t *)text;
    const uint8_t *data = (const uint8_t *)box->associated_data;
    return EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, (const uint8_t *)key,
                              (const uint8_t *)box->nonce) == 1 &&
           EVP_DecryptUpdate(cipher, NULL, &written, data, (int)strlen(box->associated_data)) ==
               1 &&
           EVP_DecryptUpdate(cipher, out, &written, bytes, length) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, GCM_TAG_BYTES, bytes + length) == 1 &&
           EVP_DecryptFinal_ex(cipher, out + length, &written) == 1;
}

char *seal_unwrap(const char key[SEAL_GCM_KEY_BYTES + 1], const struct seal_box *box,
                  const char *wrapped)
{
    if (!box_is_right(key, box)) {
        return NULL;
    }
    uint8_t *sealed = malloc(strlen(wrapped) + 4);
    char *text = malloc(strlen(wrapped) + 4);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int length = sealed == NULL ? -1 : base64_decode(wrapped, sealed) - GCM_TAG_BYTES;
    if (text == NULL || cipher == NULL || length < 0 ||
        !gcm_open(cipher, key, box, sealed, length, text)) {
        free(text);
        text = NULL;
    } else {
        text[length] = '\0';
    }
    EVP_CIPHER_CTX_free(cipher);
    free(sealed);
    return text;
}

static void hash_hex(const EVP_MD *kind, struct byte_view text, char *hex)
{
    uint8_t raw[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    REQUIRE(EVP_Digest(text.bytes, text.length, raw, &length, kind, NULL) == 1);
    hex_write(raw, length, "0123456789abcdef", hex);
}

void seal_sha256(struct byte_view text, char hex[65])
{
    hash_hex(EVP_sha256(), text, hex);
}

void seal_sha1(struct byte_view text, char hex[41])
{
    hash_hex(EVP_sha1(), text, hex);
}

void seal_nonce(char *nonce, unsigned count)
{
    static const char characters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* 32: each equally likely */
    uint8_t bytes[SEAL_NONCE_SIZE];
    REQUIRE(count < SEAL_NONCE_SIZE);
    REQUIRE(RAND_bytes(bytes, (int)count) == 1);
    for (unsigned i = 0; i < count; i++) {
        nonce[i] = characters[bytes[i] % 32];
    }
    nonce[count] = '\0';
}
