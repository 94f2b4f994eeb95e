/* See wallet_crypto.h. */
#include "protocols/wallet/wallet_crypto.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"

#define RSA_BYTES_MAX 512
_Static_assert((RSA_BYTES_MAX + 2) / 3 * 4 < WALLET_SIGNATURE_SIZE, "the longest signature fits");

/* --- keys --------------------------------------------------------------------------------- */

static BIO *pem_reader(struct byte_view pem)
{
    BIO *bio = BIO_new_mem_buf(pem.bytes, (int)pem.length);
    REQUIRE(bio != NULL);
    return bio;
}

static enum status accept_key(EVP_PKEY **key, EVP_PKEY *read)
{
    ERR_clear_error();
    *key = NULL;
    if (read == NULL) {
        return STATUS_MALFORMED;
    }
    int bits = EVP_PKEY_get_bits(read);
    if (!EVP_PKEY_is_a(read, "RSA") || bits < WALLET_RSA_BITS_MIN || bits > RSA_BYTES_MAX * 8) {
        EVP_PKEY_free(read);
        return STATUS_UNSUPPORTED;
    }
    *key = read;
    return STATUS_OK;
}

/* No file asks anybody for a passphrase. */
static int no_passphrase(char *text, int size, int is_writing, void *argument)
{
    (void)text;
    (void)size;
    (void)is_writing;
    (void)argument;
    return -1;
}

enum status wallet_private_key_read(EVP_PKEY **key, struct byte_view pem)
{
    BIO *bio = pem_reader(pem);
    EVP_PKEY *read = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    return accept_key(key, read);
}

enum status wallet_public_key_read(EVP_PKEY **key, struct byte_view pem)
{
    BIO *bio = pem_reader(pem);
    EVP_PKEY *read = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    return accept_key(key, read);
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    int days = 0, seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    bool is_told = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    return is_told ? (int64_t)days * 86400 + seconds : 0;
}

enum status wallet_certificate_read(struct wallet_certificate *certificate, struct byte_view pem,
                                    uint32_t *consumed)
{
    memset(certificate, 0, sizeof(*certificate));
    BIO *bio = pem_reader(pem);
    X509 *read = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    *consumed = pem.length - (uint32_t)BIO_pending(bio);
    BIO_free(bio);
    if (read == NULL) {
        bool is_over = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        ERR_clear_error();
        return is_over ? STATUS_MISSING : STATUS_MALFORMED;
    }
    const ASN1_INTEGER *serial = X509_get0_serialNumber(read);
    enum status status = STATUS_MALFORMED;
    if (serial->length > 0 && 2 * serial->length < WALLET_SERIAL_SIZE) {
        bytes_to_hex(certificate->serial, serial->data, (uint32_t)serial->length);
        certificate->not_after_s = seconds_of(X509_get0_notAfter(read));
        status = accept_key(&certificate->key, X509_get_pubkey(read));
    }
    X509_free(read);
    return status;
}

/* --- signatures --------------------------------------------------------------------------- */

enum status wallet_rsa_sign(char signature[WALLET_SIGNATURE_SIZE], EVP_PKEY *key,
                            struct byte_view text)
{
    uint8_t bytes[RSA_BYTES_MAX];
    size_t length = sizeof(bytes);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool is_signed = digest != NULL &&
                     EVP_DigestSignInit(digest, NULL, EVP_sha256(), NULL, key) == 1 &&
                     EVP_DigestSign(digest, bytes, &length, text.bytes, text.length) == 1;
    EVP_MD_CTX_free(digest);
    if (!is_signed) {
        signature[0] = '\0';
        ERR_clear_error();
        return STATUS_BROKEN;
    }
    EVP_EncodeBlock((unsigned char *)signature, bytes, (int)length);
    return STATUS_OK;
}

bool wallet_rsa_verify(EVP_PKEY *key, struct byte_view text, struct byte_view signature)
{
    uint8_t bytes[RSA_BYTES_MAX];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    if (wallet_base64_read(&writer, signature) != STATUS_OK) {
        return false;
    }
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool is_right = digest != NULL &&
                    EVP_DigestVerifyInit(digest, NULL, EVP_sha256(), NULL, key) == 1 &&
                    EVP_DigestVerify(digest, bytes, writer.position, text.bytes, text.length) == 1;
    EVP_MD_CTX_free(digest);
    ERR_clear_error();
    return is_right;
}

void wallet_md5(char hex[WALLET_DIGEST_SIZE], struct byte_view text)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    int is_done = EVP_Digest(text.bytes, text.length, digest, &length, EVP_md5(), NULL);
    REQUIRE(is_done == 1);
    bytes_to_hex(hex, digest, length);
}

void wallet_hmac_sha256(char hex[WALLET_DIGEST_SIZE], const char key[WALLET_SECRET_CHARACTERS + 1],
                        struct byte_view text)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    const uint8_t *done =
        HMAC(EVP_sha256(), key, WALLET_SECRET_CHARACTERS, text.bytes, text.length, digest, &length);
    REQUIRE(done != NULL);
    bytes_to_hex(hex, digest, length);
}

/* --- what is enciphered ------------------------------------------------------------------- */

enum status wallet_gcm_open(struct byte_writer *plain, const char key[WALLET_SECRET_CHARACTERS + 1],
                            const struct wallet_sealed *sealed)
{
    if (sealed->nonce.length != WALLET_GCM_NONCE_BYTES ||
        sealed->sealed.length < WALLET_GCM_TAG_BYTES) {
        return STATUS_MALFORMED;
    }
    uint32_t length = sealed->sealed.length - WALLET_GCM_TAG_BYTES;
    uint8_t tag[WALLET_GCM_TAG_BYTES];
    memcpy(tag, sealed->sealed.bytes + length, sizeof(tag));
    uint8_t *out = byte_writer_take(plain, length);
    if (out == NULL) {
        return STATUS_NO_ROOM;
    }
    int written = 0, ignored = 0;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    bool is_open =
        cipher != NULL &&
        EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, (const uint8_t *)key,
                           sealed->nonce.bytes) == 1 &&
        EVP_DecryptUpdate(cipher, NULL, &ignored, sealed->associated.bytes,
                          (int)sealed->associated.length) == 1 &&
        EVP_DecryptUpdate(cipher, out, &written, sealed->sealed.bytes, (int)length) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, (int)sizeof(tag), tag) == 1 &&
        EVP_DecryptFinal_ex(cipher, out + written, &ignored) == 1;
    EVP_CIPHER_CTX_free(cipher);
    ERR_clear_error();
    if (!is_open) {
        secret_wipe(out, length);
        plain->position -= length;
        return STATUS_DENIED;
    }
    return STATUS_OK;
}

static int value_of(uint8_t character)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = character == '\0' ? NULL : strchr(letters, character);
    return at == NULL ? -1 : (int)(at - letters);
}

enum status wallet_base64_read(struct byte_writer *writer, struct byte_view text)
{
    uint32_t padding = 0;
    while (padding < 2 && padding < text.length && text.bytes[text.length - 1 - padding] == '=') {
        padding++;
    }
    if (text.length == 0 || text.length % 4 != 0) {
        return STATUS_MALFORMED;
    }
    for (uint32_t at = 0; at < text.length; at += 4) {
        bool is_last = at + 4 == text.length;
        uint32_t character_count = is_last ? 4 - padding : 4;
        uint32_t bits = 0;
        for (uint32_t i = 0; i < 4; i++) {
            int value = i < character_count ? value_of(text.bytes[at + i]) : 0;
            if (value < 0) {
                return STATUS_MALFORMED;
            }
            bits = bits << 6 | (uint32_t)value;
        }
        const uint8_t bytes[3] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
        byte_writer_put(writer, bytes, character_count - 1);
    }
    return writer->status;
}
