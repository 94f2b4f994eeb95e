/* Certificates for tests, made in the process and written to files that the test removes. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

struct tls_fixture {
    char folder[64], certificate[96], key[96];
};

/* A self-signed P-256 certificate whose common name is `name`, and which expires in `life_s`. */
static inline void tls_fixture_make_for(struct tls_fixture *fixture, const char *name, long life_s)
{
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/tillway-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->certificate, sizeof(fixture->certificate), "%s/cert.pem", fixture->folder);
    snprintf(fixture->key, sizeof(fixture->key), "%s/key.pem", fixture->folder);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_non_null(key);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_set_version(certificate, 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), life_s);
    X509_set_pubkey(certificate, key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    FILE *file = fopen(fixture->certificate, "w");
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
    file = fopen(fixture->key, "w");
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static inline void tls_fixture_make(struct tls_fixture *fixture, const char *name)
{
    tls_fixture_make_for(fixture, name, 86400);
}

static inline void tls_fixture_remove(const struct tls_fixture *fixture)
{
    unlink(fixture->certificate);
    unlink(fixture->key);
    rmdir(fixture->folder);
}
