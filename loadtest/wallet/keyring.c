/* Loading: each file whole into memory, 64 KiB at most, then OpenSSL reads it there. */
#include "loadtest/wallet/keyring.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "protocols/base/secret.h"

#define FILE_BYTES_MAX 65536U
#define PATH_SIZE 4096

struct shelf {
    const char *folder;
    char *reason;
    enum status status;
};

static void shelf_fault(struct shelf *shelf, enum status status, const char *name, const char *what)
{
    if (shelf->status == STATUS_OK) {
        shelf->status = status;
        snprintf(shelf->reason, KEYRING_REASON_SIZE,
                 "%s/%s: %s; tillway-wallet keys --out FOLDER makes it", shelf->folder, name, what);
    }
}

/* The whole file, ended with a 0; NULL: the shelf says why. */
static char *file_read(struct shelf *shelf, const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", shelf->folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        shelf_fault(shelf, STATUS_MISSING, name, "cannot be opened");
        return NULL;
    }
    char *text = malloc(FILE_BYTES_MAX);
    if (text == NULL) {
        shelf_fault(shelf, STATUS_NO_MEMORY, name, "no memory");
    } else {
        size_t length = fread(text, 1, FILE_BYTES_MAX - 1, file);
        text[length] = '\0';
    }
    fclose(file);
    return text;
}

/* A private key, or a public one, out of a PEM file. */
static EVP_PKEY *key_read(struct shelf *shelf, const char *name, bool is_private)
{
    char *text = file_read(shelf, name);
    if (text == NULL) {
        return NULL;
    }
    BIO *bio = BIO_new_mem_buf(text, -1);
    EVP_PKEY *key = bio == NULL  ? NULL
                    : is_private ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL)
                                 : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    secret_wipe(text, (uint32_t)strlen(text));
    free(text);
    if (key == NULL) {
        shelf_fault(shelf, STATUS_MALFORMED, name, "a key in PEM is expected");
    }
    return key;
}

static void serial_write(X509 *certificate, char serial[KEYRING_SERIAL_SIZE])
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *hex = number == NULL ? NULL : BN_bn2hex(number);
    snprintf(serial, KEYRING_SERIAL_SIZE, "%s", hex == NULL ? "" : hex);
    OPENSSL_free(hex);
    BN_free(number);
}

static void time_write(const ASN1_TIME *time, char text[26])
{
    struct tm date = {0};
    text[0] = '\0';
    if (ASN1_TIME_to_tm(time, &date) == 1) {
        strftime(text, 26, "%Y-%m-%dT%H:%M:%S+00:00", &date);
    }
}

/* The caller's; NULL: the shelf says why. `text` is the PEM. */
static X509 *certificate_parse(struct shelf *shelf, const char *name, const char *text)
{
    BIO *bio = text == NULL ? NULL : BIO_new_mem_buf(text, -1);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (certificate == NULL && text != NULL) {
        shelf_fault(shelf, STATUS_MALFORMED, name, "a certificate in PEM is expected");
    }
    return certificate;
}

static void merchant_load(struct shelf *shelf, struct keyring *keyring)
{
    const char *name = "wechat_merchant.crt";
    char *text = file_read(shelf, name);
    X509 *certificate = certificate_parse(shelf, name, text);
    if (certificate != NULL) {
        keyring->merchant = X509_get_pubkey(certificate);
        serial_write(certificate, keyring->merchant_serial);
    }
    X509_free(certificate);
    free(text);
}

static bool file_is_there(const char *folder, const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file != NULL) {
        fclose(file);
    }
    return file != NULL;
}

static void platform_load(struct shelf *shelf, struct keyring *keyring, unsigned number)
{
    struct keyring_platform *platform = &keyring->platforms[keyring->platform_count++];
    char key_name[32], name[32];
    snprintf(key_name, sizeof key_name, "wechat_platform_%u.key", number);
    snprintf(name, sizeof name, "wechat_platform_%u.crt", number);
    platform->key = key_read(shelf, key_name, true);
    platform->certificate = file_read(shelf, name);
    X509 *certificate = certificate_parse(shelf, name, platform->certificate);
    if (certificate != NULL) {
        serial_write(certificate, platform->serial);
        time_write(X509_get0_notBefore(certificate), platform->not_before);
        time_write(X509_get0_notAfter(certificate), platform->not_after);
    }
    X509_free(certificate);
}

static void secret_load(struct shelf *shelf, const char *name, char secret[KEYRING_SECRET_SIZE])
{
    char *text = file_read(shelf, name);
    if (text == NULL) {
        return;
    }
    size_t length = strcspn(text, "\r\n");
    if (length != KEYRING_SECRET_SIZE - 1) {
        shelf_fault(shelf, STATUS_MALFORMED, name, "32 characters are expected");
    } else {
        memcpy(secret, text, length);
        secret[length] = '\0';
    }
    secret_wipe(text, (uint32_t)strlen(text));
    free(text);
}

enum status keyring_load(struct keyring *keyring, const char *folder,
                         char reason[KEYRING_REASON_SIZE])
{
    *keyring = (struct keyring){0};
    struct shelf shelf = {folder, reason, STATUS_OK};
    keyring->alipay_app = key_read(&shelf, "alipay_app.pub", false);
    keyring->alipay = key_read(&shelf, "alipay.key", true);
    merchant_load(&shelf, keyring);
    platform_load(&shelf, keyring, 1);
    for (unsigned number = 2; number <= KEYRING_PLATFORM_COUNT_MAX; number++) {
        char name[32];
        snprintf(name, sizeof name, "wechat_platform_%u.crt", number);
        if (!file_is_there(folder, name)) {
            break;
        }
        platform_load(&shelf, keyring, number);
    }
    secret_load(&shelf, "wechat_api_v3.key", keyring->api_v3);
    secret_load(&shelf, "wechat_v2.key", keyring->v2);
    keyring->tls_ca = file_read(&shelf, "tls_ca.crt");
    keyring->tls_certificate = file_read(&shelf, "tls_server.crt");
    keyring->tls_key = file_read(&shelf, "tls_server.key");
    return shelf.status;
}

void keyring_free(struct keyring *keyring)
{
    EVP_PKEY_free(keyring->alipay_app);
    EVP_PKEY_free(keyring->alipay);
    EVP_PKEY_free(keyring->merchant);
    for (uint32_t i = 0; i < keyring->platform_count; i++) {
        EVP_PKEY_free(keyring->platforms[i].key);
        free(keyring->platforms[i].certificate);
    }
    secret_wipe(keyring->api_v3, sizeof keyring->api_v3);
    secret_wipe(keyring->v2, sizeof keyring->v2);
    if (keyring->tls_key != NULL) {
        secret_wipe(keyring->tls_key, (uint32_t)strlen(keyring->tls_key));
    }
    free(keyring->tls_ca);
    free(keyring->tls_certificate);
    free(keyring->tls_key);
    *keyring = (struct keyring){0};
}
