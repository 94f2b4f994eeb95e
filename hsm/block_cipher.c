/* See block_cipher.h. */
#include "hsm/block_cipher.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"

#define GCM_TAG_BYTES 16
#define EDE3_BYTES 24

/* X(name, what OpenSSL calls it) */
#define BLOCK_CIPHER_MAP(X)                                                                        \
    X(TDES2_ECB, "DES-EDE-ECB")                                                                    \
    X(TDES2_CBC, "DES-EDE-CBC")                                                                    \
    X(TDES3_ECB, "DES-EDE3-ECB")                                                                   \
    X(TDES3_CBC, "DES-EDE3-CBC")                                                                   \
    X(AES128_ECB, "AES-128-ECB")                                                                   \
    X(AES192_ECB, "AES-192-ECB")                                                                   \
    X(AES256_ECB, "AES-256-ECB")                                                                   \
    X(AES128_CBC, "AES-128-CBC")                                                                   \
    X(AES192_CBC, "AES-192-CBC")                                                                   \
    X(AES256_CBC, "AES-256-CBC")                                                                   \
    X(AES256_GCM, "AES-256-GCM")

enum cipher_name {
#define X(name, text) BLOCK_CIPHER_##name,
    BLOCK_CIPHER_MAP(X)
#undef X
        BLOCK_CIPHER_COUNT
};

static const char *const BLOCK_CIPHER_NAMES[] = {
#define X(name, text) text,
    BLOCK_CIPHER_MAP(X)
#undef X
};

struct block_cipher {
    EVP_CIPHER *algorithms[BLOCK_CIPHER_COUNT];      /* owner */
    EVP_CIPHER_CTX *contexts[2][BLOCK_CIPHER_COUNT]; /* owner; by direction */
    EVP_MAC *hmac_algorithm;                         /* owner */
    EVP_MAC_CTX *hmac;                               /* owner */
};

/* First initialisation names the cipher; after it a new key costs no look-up and no lock. Padding
 * holds back a last block only when deciphering, and forbidding it costs a call at every new key:
 * so it is forbidden there alone. */
static EVP_CIPHER_CTX *context_create(const EVP_CIPHER *algorithm,
                                      enum block_cipher_direction direction)
{
    static const uint8_t zeros[CLEAR_KEY_BYTES_MAX];
    EVP_CIPHER_CTX *context = algorithm == NULL ? NULL : EVP_CIPHER_CTX_new();
    if (context == NULL) {
        return NULL;
    }
    if (EVP_CipherInit_ex2(context, algorithm, zeros, zeros, direction, NULL) != 1 ||
        (direction == BLOCK_CIPHER_DECRYPT && EVP_CIPHER_CTX_set_padding(context, 0) != 1)) {
        EVP_CIPHER_CTX_free(context);
        return NULL;
    }
    return context;
}

static bool hmac_begin(struct block_cipher *cipher)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    cipher->hmac_algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    cipher->hmac = cipher->hmac_algorithm == NULL ? NULL : EVP_MAC_CTX_new(cipher->hmac_algorithm);
    return cipher->hmac != NULL && EVP_MAC_CTX_set_params(cipher->hmac, parameters) == 1;
}

struct block_cipher *block_cipher_create(void)
{
    struct block_cipher *cipher = calloc(1, sizeof(*cipher));
    if (cipher == NULL) {
        return NULL;
    }
    for (int i = 0; i < BLOCK_CIPHER_COUNT; i++) {
        cipher->algorithms[i] = EVP_CIPHER_fetch(NULL, BLOCK_CIPHER_NAMES[i], NULL);
        for (int direction = BLOCK_CIPHER_DECRYPT; direction <= BLOCK_CIPHER_ENCRYPT; direction++) {
            cipher->contexts[direction][i] =
                context_create(cipher->algorithms[i], (enum block_cipher_direction)direction);
        }
        if (cipher->contexts[0][i] == NULL || cipher->contexts[1][i] == NULL) {
            block_cipher_destroy(cipher);
            return NULL;
        }
    }
    if (!hmac_begin(cipher)) {
        block_cipher_destroy(cipher);
        return NULL;
    }
    return cipher;
}

void block_cipher_destroy(struct block_cipher *cipher)
{
    if (cipher == NULL) {
        return;
    }
    for (int i = 0; i < BLOCK_CIPHER_COUNT; i++) {
        EVP_CIPHER_CTX_free(cipher->contexts[BLOCK_CIPHER_DECRYPT][i]);
        EVP_CIPHER_CTX_free(cipher->contexts[BLOCK_CIPHER_ENCRYPT][i]);
        EVP_CIPHER_free(cipher->algorithms[i]);
    }
    EVP_MAC_CTX_free(cipher->hmac);
    EVP_MAC_free(cipher->hmac_algorithm);
    free(cipher);
}

uint32_t block_cipher_block_bytes(enum key_algorithm algorithm)
{
    REQUIRE(algorithm != KEY_HMAC);
    return algorithm == KEY_TDES ? 8 : 16;
}

static enum cipher_name name_for(const struct clear_key *key, bool is_cbc)
{
    REQUIRE(key->algorithm != KEY_HMAC);
    REQUIRE(clear_key_may_have_length(key->algorithm, key->length));
    if (key->algorithm == KEY_TDES) {
        bool is_three = key->length == EDE3_BYTES;
        return is_cbc ? (is_three ? BLOCK_CIPHER_TDES3_CBC : BLOCK_CIPHER_TDES2_CBC)
                      : (is_three ? BLOCK_CIPHER_TDES3_ECB : BLOCK_CIPHER_TDES2_ECB);
    }
    enum cipher_name first = is_cbc ? BLOCK_CIPHER_AES128_CBC : BLOCK_CIPHER_AES128_ECB;
    return (enum cipher_name)((unsigned)first + (key->length - 16U) / 8);
}

static void context_rekey(EVP_CIPHER_CTX *context, const struct clear_key *key,
                          enum block_cipher_direction direction, const uint8_t *iv)
{
    if (key->length != 8) {
        REQUIRE(EVP_CipherInit_ex2(context, NULL, key->bytes, iv, direction, NULL) == 1);
        return;
    }
    uint8_t twice[16]; /* EDE2 under K, K is DES under K */
    memcpy(twice, key->bytes, 8);
    memcpy(twice + 8, key->bytes, 8);
    int done = EVP_CipherInit_ex2(context, NULL, twice, iv, direction, NULL);
    secret_wipe(twice, sizeof(twice));
    REQUIRE(done == 1);
}

void block_cipher_chain(EVP_CIPHER_CTX *chain, const uint8_t *in, uint8_t *out, uint32_t length)
{
    int written = 0;
    REQUIRE(EVP_CipherUpdate(chain, out, &written, in, (int)length) == 1);
    REQUIRE(written == (int)length);
}

void block_cipher_ecb(struct block_cipher *cipher, const struct clear_key *key,
                      enum block_cipher_direction direction, uint8_t *bytes, uint32_t length)
{
    REQUIRE(length % block_cipher_block_bytes(key->algorithm) == 0);
    EVP_CIPHER_CTX *context = cipher->contexts[direction][name_for(key, false)];
    context_rekey(context, key, direction, NULL);
    block_cipher_chain(context, bytes, bytes, length);
}

EVP_CIPHER_CTX *block_cipher_cbc(struct block_cipher *cipher, const struct clear_key *key,
                                 enum block_cipher_direction direction, const uint8_t *iv)
{
    EVP_CIPHER_CTX *context = cipher->contexts[direction][name_for(key, true)];
    context_rekey(context, key, direction, iv);
    return context;
}

void block_cipher_cbc_restart(EVP_CIPHER_CTX *chain, const uint8_t *iv)
{
    REQUIRE(EVP_CipherInit_ex2(chain, NULL, NULL, iv, -1, NULL) == 1);
}

EVP_CIPHER_CTX *block_cipher_kept_cbc(struct block_cipher *cipher, const struct clear_key *key)
{
    static const uint8_t zeros[BLOCK_CIPHER_BLOCK_BYTES_MAX];
    EVP_CIPHER_CTX *context =
        context_create(cipher->algorithms[name_for(key, true)], BLOCK_CIPHER_ENCRYPT);
    if (context != NULL) {
        context_rekey(context, key, BLOCK_CIPHER_ENCRYPT, zeros);
    }
    return context;
}

EVP_CIPHER_CTX *block_cipher_kept_ecb(struct block_cipher *cipher, const struct clear_key *key,
                                      enum block_cipher_direction direction)
{
    EVP_CIPHER_CTX *context = context_create(cipher->algorithms[name_for(key, false)], direction);
    if (context != NULL) {
        context_rekey(context, key, direction, NULL);
    }
    return context;
}

bool block_cipher_gcm(struct block_cipher *cipher, const struct block_cipher_gcm *gcm,
                      enum block_cipher_direction direction, uint8_t *bytes, uint32_t length)
{
    REQUIRE(gcm->key->algorithm == KEY_AES && gcm->key->length == 32);
    EVP_CIPHER_CTX *context = cipher->contexts[direction][BLOCK_CIPHER_AES256_GCM];
    int written = 0;
    REQUIRE(EVP_CipherInit_ex2(context, NULL, gcm->key->bytes, gcm->nonce, direction, NULL) == 1);
    REQUIRE(EVP_CipherUpdate(context, NULL, &written, gcm->associated.bytes,
                             (int)gcm->associated.length) == 1);
    REQUIRE(EVP_CipherUpdate(context, bytes, &written, bytes, (int)length) == 1);
    if (direction == BLOCK_CIPHER_DECRYPT) {
        REQUIRE(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_BYTES, gcm->tag) == 1);
        if (EVP_CipherFinal_ex(context, bytes, &written) != 1) {
            secret_wipe(bytes, length);
            return false;
        }
        return true;
    }
    REQUIRE(EVP_CipherFinal_ex(context, bytes, &written) == 1);
    REQUIRE(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_BYTES, gcm->tag) == 1);
    return true;
}

bool block_cipher_hmac(struct block_cipher *cipher, const struct clear_key *key,
                       struct byte_view bytes, uint8_t mac[32])
{
    size_t written = 0;
    REQUIRE(key->algorithm == KEY_HMAC);
    bool is_done = EVP_MAC_init(cipher->hmac, key->bytes, key->length, NULL) == 1 &&
                   EVP_MAC_update(cipher->hmac, bytes.bytes, bytes.length) == 1 &&
                   EVP_MAC_final(cipher->hmac, mac, &written, 32) == 1;
    REQUIRE(!is_done || written == 32);
    return is_done;
}
