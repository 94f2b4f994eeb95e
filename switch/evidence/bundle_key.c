/* See bundle_key.h. */
#include "switch/evidence/bundle_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define HOW_TO_MAKE                                                                                \
    "make one with: openssl genpkey -algorithm ed25519 -out evidence.key && chmod 600 "            \
    "evidence.key; give out: openssl pkey -in evidence.key -pubout"

/* Takes over `made`. */
static enum status adopt(struct bundle_key *key, EVP_PKEY *made, bool is_private)
{
    uint8_t digest[BUNDLE_HASH_BYTES];
    unsigned char *der = NULL;
    size_t length = sizeof(key->public_bytes);
    *key = (struct bundle_key){.key = made, .is_private = is_private};
    bool is_good = made != NULL && EVP_PKEY_get_id(made) == EVP_PKEY_ED25519 &&
                   EVP_PKEY_get_raw_public_key(made, key->public_bytes, &length) == 1 &&
                   length == sizeof(key->public_bytes);
    int der_length = is_good ? i2d_PUBKEY(made, &der) : 0;
    is_good = der_length > 0 &&
              EVP_Digest(der, (size_t)der_length, digest, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    if (!is_good) {
        bundle_key_free(key);
        return STATUS_MALFORMED;
    }
    bundle_hex(key->fingerprint, digest, sizeof(digest));
    return STATUS_OK;
}

/* Without a way to ask anybody for a passphrase. */
static int no_passphrase(char *text, int size, int is_writing, void *argument)
{
    (void)text;
    (void)size;
    (void)is_writing;
    (void)argument;
    return -1;
}

static enum status load(struct bundle_key *key, const char *path, bool is_private, char *reason)
{
    struct stat information;
    *key = (struct bundle_key){0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        snprintf(reason, BUNDLE_KEY_REASON_SIZE, "%.400s: %s; " HOW_TO_MAKE, path, strerror(errno));
        return STATUS_NOT_FOUND;
    }
    if (is_private &&
        (fstat(fileno(file), &information) != 0 || (information.st_mode & 007) != 0)) {
        fclose(file);
        snprintf(reason, BUNDLE_KEY_REASON_SIZE,
                 "%.400s can be read by others; chmod 600 it, and make a new key if it lay open",
                 path);
        return STATUS_DENIED;
    }
    EVP_PKEY *made = is_private ? PEM_read_PrivateKey(file, NULL, no_passphrase, NULL)
                                : PEM_read_PUBKEY(file, NULL, no_passphrase, NULL);
    fclose(file);
    enum status status = adopt(key, made, is_private);
    if (status != STATUS_OK) {
        snprintf(reason, BUNDLE_KEY_REASON_SIZE,
                 "%.400s: expected the %s half of an Ed25519 key as PEM without a "
                 "passphrase; " HOW_TO_MAKE,
                 path, is_private ? "private" : "public");
    }
    return status;
}

enum status bundle_key_load_private(struct bundle_key *key, const char *path,
                                    char reason[BUNDLE_KEY_REASON_SIZE])
{
    return load(key, path, true, reason);
}

enum status bundle_key_load_public(struct bundle_key *key, const char *path,
                                   char reason[BUNDLE_KEY_REASON_SIZE])
{
    return load(key, path, false, reason);
}

enum status bundle_key_take_public(struct bundle_key *key, const uint8_t bytes[BUNDLE_KEY_BYTES])
{
    return adopt(key, EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, BUNDLE_KEY_BYTES),
                 false);
}

void bundle_key_free(struct bundle_key *key)
{
    EVP_PKEY_free(key->key);
    *key = (struct bundle_key){0};
}

enum status bundle_key_sign(const struct bundle_key *key, const void *bytes, size_t length,
                            uint8_t signature[BUNDLE_SIGNATURE_BYTES])
{
    size_t room = BUNDLE_SIGNATURE_BYTES;
    EVP_MD_CTX *signing = EVP_MD_CTX_new();
    bool is_signed = signing != NULL && key->is_private &&
                     EVP_DigestSignInit(signing, NULL, NULL, NULL, key->key) == 1 &&
                     EVP_DigestSign(signing, signature, &room, bytes, length) == 1 &&
                     room == BUNDLE_SIGNATURE_BYTES;
    EVP_MD_CTX_free(signing);
    return is_signed ? STATUS_OK : STATUS_BROKEN;
}

bool bundle_key_fits(const struct bundle_key *key, const void *bytes, size_t length,
                     const uint8_t signature[BUNDLE_SIGNATURE_BYTES])
{
    EVP_MD_CTX *checking = EVP_MD_CTX_new();
    bool is_good =
        checking != NULL && EVP_DigestVerifyInit(checking, NULL, NULL, NULL, key->key) == 1 &&
        EVP_DigestVerify(checking, signature, BUNDLE_SIGNATURE_BYTES, bytes, length) == 1;
    EVP_MD_CTX_free(checking);
    return is_good;
}
