/* Making: RSA-2048 for whoever signs (the wallets ask for it), P-256 for TLS; certificates of one
 * year under one test CA, which stands for the world's and for the wallets' own. */
#include "loadtest/wallet/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "loadtest/wallet/seal.h"

#define RSA_BITS 2048
#define DAYS_VALID 365
#define SERIAL_BYTES 20
#define PATH_SIZE 4096

struct maker {
    const char *folder;
    FILE *faults;
    EVP_PKEY *ca_key;
    X509 *ca;
};

/* A new file that its owner alone reads. NULL: the line is out. */
static FILE *file_begin(const struct maker *maker, const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", maker->folder, name);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (file == NULL) {
        fprintf(maker->faults, "%s: %s; give a folder that can be written\n", path,
                strerror(errno));
        if (descriptor >= 0) {
            close(descriptor);
        }
    }
    return file;
}

static bool file_end(const struct maker *maker, FILE *file, bool is_written, const char *name)
{
    bool is_closed = fclose(file) == 0;
    if (!is_written || !is_closed) {
        fprintf(maker->faults, "%s/%s: could not be written whole\n", maker->folder, name);
    }
    return is_written && is_closed;
}

static bool private_write(const struct maker *maker, const char *name, EVP_PKEY *key)
{
    FILE *file = file_begin(maker, name);
    return file != NULL &&
           file_end(maker, file,
                    PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1, name);
}

static bool public_write(const struct maker *maker, const char *name, EVP_PKEY *key)
{
    FILE *file = file_begin(maker, name);
    return file != NULL && file_end(maker, file, PEM_write_PUBKEY(file, key) == 1, name);
}

static bool certificate_write(const struct maker *maker, const char *name, X509 *certificate)
{
    FILE *file = file_begin(maker, name);
    return file != NULL && file_end(maker, file, PEM_write_X509(file, certificate) == 1, name);
}

static bool secret_write(const struct maker *maker, const char *name)
{
    char secret[KEYRING_SECRET_SIZE];
    seal_nonce(secret, KEYRING_SECRET_SIZE - 1);
    FILE *file = file_begin(maker, name);
    return file != NULL && file_end(maker, file, fputs(secret, file) >= 0, name);
}

static bool extension_add(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool is_added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

static bool serial_set(X509 *certificate)
{
    uint8_t bytes[SERIAL_BYTES];
    BIGNUM *number = NULL;
    bool is_set = RAND_bytes(bytes, sizeof bytes) == 1;
    bytes[0] = (uint8_t)((bytes[0] & 0x3F) | 0x40); /* positive, and always of 40 hex digits */
    number = is_set ? BN_bin2bn(bytes, sizeof bytes, NULL) : NULL;
    is_set =
        number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return is_set;
}

/* Signed by the CA, or by itself while there is none. NULL: no memory. */
static X509 *certificate_make(const struct maker *maker, EVP_PKEY *key, const char *name,
                              const char *usage)
{
    X509 *certificate = X509_new();
    if (certificate == NULL) {
        return NULL;
    }
    X509 *issuer = maker->ca == NULL ? certificate : maker->ca;
    X509_NAME *subject = X509_get_subject_name(certificate);
    bool is_made = X509_set_version(certificate, 2) == 1 && serial_set(certificate) &&
                   X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL &&
                   X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * DAYS_VALID) != NULL &&
                   X509_set_pubkey(certificate, key) == 1 &&
                   X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name,
                                              -1, -1, 0) == 1 &&
                   X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
                   extension_add(certificate, issuer, NID_subject_key_identifier, "hash") &&
                   extension_add(certificate, issuer, NID_authority_key_identifier, "keyid:always");
    if (is_made && maker->ca == NULL) {
        is_made = extension_add(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE") &&
                  extension_add(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else if (is_made) {
        is_made =
            extension_add(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
            extension_add(certificate, issuer, NID_ext_key_usage, usage) &&
            extension_add(certificate, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    }
    EVP_PKEY *signer = maker->ca == NULL ? key : maker->ca_key;
    if (!is_made || X509_sign(certificate, signer, EVP_sha256()) == 0) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static EVP_PKEY *key_make(bool is_rsa)
{
    return is_rsa ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen("P-256");
}

/* NAME.key and NAME.pub, of who signs without a certificate. */
static bool pair_make(const struct maker *maker, const char *name)
{
    char key_name[64], public_name[64];
    snprintf(key_name, sizeof key_name, "%s.key", name);
    snprintf(public_name, sizeof public_name, "%s.pub", name);
    EVP_PKEY *key = key_make(true);
    bool is_made =
        key != NULL && private_write(maker, key_name, key) && public_write(maker, public_name, key);
    EVP_PKEY_free(key);
    return is_made;
}

/* NAME.key and NAME.crt. */
static bool holder_make(const struct maker *maker, const char *name, bool is_rsa, const char *usage)
{
    char key_name[64], certificate_name[64];
    snprintf(key_name, sizeof key_name, "%s.key", name);
    snprintf(certificate_name, sizeof certificate_name, "%s.crt", name);
    EVP_PKEY *key = key_make(is_rsa);
    X509 *certificate = key == NULL ? NULL : certificate_make(maker, key, name, usage);
    bool is_made = certificate != NULL && private_write(maker, key_name, key) &&
                   certificate_write(maker, certificate_name, certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return is_made;
}

static bool ca_make(struct maker *maker)
{
    EVP_PKEY *key = key_make(false);
    maker->ca = key == NULL ? NULL : certificate_make(maker, key, "Tillway test CA", NULL);
    maker->ca_key = key;
    return maker->ca != NULL && private_write(maker, "tls_ca.key", key) &&
           certificate_write(maker, "tls_ca.crt", maker->ca);
}

enum status keyring_make(const char *folder, FILE *faults)
{
    struct maker maker = {folder, faults, NULL, NULL};
    bool is_made = pair_make(&maker, "alipay_app") && pair_make(&maker, "alipay") &&
                   secret_write(&maker, "wechat_api_v3.key") &&
                   secret_write(&maker, "wechat_v2.key") && ca_make(&maker) &&
                   holder_make(&maker, "wechat_merchant", true, "clientAuth") &&
                   holder_make(&maker, "wechat_platform_1", true, "serverAuth") &&
                   holder_make(&maker, "wechat_platform_2", true, "serverAuth") &&
                   holder_make(&maker, "wechat_platform_3", true, "serverAuth") &&
                   holder_make(&maker, "tls_server", false, "serverAuth") &&
                   holder_make(&maker, "wechat_client", false, "clientAuth") &&
                   holder_make(&maker, "notify_server", false, "serverAuth");
    X509_free(maker.ca);
    EVP_PKEY_free(maker.ca_key);
    if (!is_made) {
        fprintf(faults, "%s: not all keys could be made\n", folder);
    }
    return is_made ? STATUS_OK : STATUS_BROKEN;
}
