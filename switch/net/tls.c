/* See tls.h. */
#include "switch/net/tls.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "protocols/base/secret.h"

#define CIPHERS_TLS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"
#define CIPHERS_TLS_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
/* Small fragments keep the write buffer of a record small; our messages end below 2 KiB. */
#define FRAGMENT_BYTES_MAX 8192
#define RECORD_BUFFER_BYTES_MIN 16384
#define RECORD_BYTES_USUAL 4096 /* a frame of ours with its HTTP head ends below */
#define HEAP_TRIM_BYTES (32 << 20)
#define TICKET_LIFE_S 7200
#define HOUR_S 3600

struct explanation {
    const char *fragment, *words;
};

/* What OpenSSL's reason strings mean to an operator. */
static const struct explanation EXPLANATIONS[] = {
    {"unsupported protocol", "the peer offers no TLS version that we allow (1.2, 1.3)"},
    {"version too low", "the peer offers no TLS version that we allow (1.2, 1.3)"},
    {"no shared cipher",
     "the peer offers no cipher that we allow (ECDHE with AES-GCM or ChaCha20)"},
    {"wrong version number", "the bytes are no TLS record: is the peer speaking in clear?"},
    {"http request", "a plain HTTP request on a TLS port"},
    {"peer did not return a certificate", "the client sent no certificate, and one is required"},
    {"certificate verify failed", "the peer's certificate does not verify against our CA file"},
    {"unknown ca", "the peer does not know the CA of our certificate"},
    {"certificate unknown", "the peer refuses our certificate"},
    {"bad certificate", "the peer refuses our certificate"},
    {"certificate expired", "the peer says our certificate has expired: check both clocks"},
    {"decryption failed or bad record mac", "a record was changed on its way"},
    {"no suitable key share", "the peer offers no curve that we allow"},
    {"unexpected eof", "the peer closed in the middle of the handshake"},
};

void tls_error_text(char *text, uint32_t text_size)
{
    unsigned long code = ERR_get_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    ERR_clear_error();
    if (code != 0 && ERR_SYSTEM_ERROR(code)) {
        snprintf(text, text_size, "%s", strerror(ERR_GET_REASON(code)));
        return;
    }
    if (reason == NULL) {
        snprintf(text, text_size, "OpenSSL gives no reason (code %lx)", code);
        return;
    }
    for (size_t i = 0; i < sizeof(EXPLANATIONS) / sizeof(EXPLANATIONS[0]); i++) {
        if (strstr(reason, EXPLANATIONS[i].fragment) != NULL) {
            snprintf(text, text_size, "%s (%s)", EXPLANATIONS[i].words, reason);
            return;
        }
    }
    snprintf(text, text_size, "%s", reason);
}

static void fault(char reason[TLS_REASON_SIZE], const char *what, const char *file)
{
    char error[160];
    tls_error_text(error, sizeof(error));
    snprintf(reason, TLS_REASON_SIZE, "%s %s: %s", file, what, error);
}

bool tls_tickets_init(struct tls_tickets *tickets)
{
    memset(tickets, 0, sizeof(*tickets));
    tickets->hour = (int64_t)time(NULL) / HOUR_S;
    return RAND_priv_bytes(tickets->secret, sizeof(tickets->secret)) == 1 &&
           RAND_priv_bytes(tickets->previous, sizeof(tickets->previous)) == 1;
}

static void derive(uint8_t out[32], const uint8_t secret[32], const char *label)
{
    unsigned int length = 32;
    HMAC(EVP_sha256(), secret, 32, (const uint8_t *)label, strlen(label), out, &length);
}

/* After a long sleep of the machine more hours than a few have passed: the old tickets are of no
 * more use, so the chain may be cut short, but it must come out alike in all loops. */
static void tickets_turn(struct tls_tickets *tickets)
{
    int64_t hour = (int64_t)time(NULL) / HOUR_S;
    while (tickets->hour < hour) {
        uint8_t next[32];
        derive(next, tickets->secret, "next hour");
        memcpy(tickets->previous, tickets->secret, sizeof(next));
        memcpy(tickets->secret, next, sizeof(next));
        secret_wipe(next, sizeof(next));
        tickets->hour++;
    }
}

/* Sets cipher and MAC of a ticket from one hour's secret. */
static bool ticket_keys(const uint8_t secret[32], EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                        uint8_t *iv, int is_new)
{
    uint8_t cipher_key[32], mac_key[32];
    derive(cipher_key, secret, "ticket cipher");
    derive(mac_key, secret, "ticket mac");
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key, sizeof(mac_key)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    bool is_set = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, cipher_key, iv, is_new) == 1 &&
                  EVP_MAC_CTX_set_params(mac, parameters) == 1;
    secret_wipe(cipher_key, sizeof(cipher_key));
    secret_wipe(mac_key, sizeof(mac_key));
    return is_set;
}

/* OpenSSL's ticket call: 0 no ticket (a full handshake follows), 1 done, 2 done and renew it. */
static int on_ticket(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int is_new)
{
    struct tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    uint8_t label[2][32];
    tickets_turn(tickets);
    derive(label[0], tickets->secret, "ticket name");
    derive(label[1], tickets->previous, "ticket name");
    if (is_new) {
        memcpy(name, label[0], 16);
        return RAND_bytes(iv, EVP_MAX_IV_LENGTH) == 1 &&
                       ticket_keys(tickets->secret, cipher, mac, iv, 1)
                   ? 1
                   : -1;
    }
    if (memcmp(name, label[0], 16) == 0) {
        return ticket_keys(tickets->secret, cipher, mac, iv, 0) ? 1 : -1;
    }
    if (memcmp(name, label[1], 16) == 0) {
        return ticket_keys(tickets->previous, cipher, mac, iv, 0) ? 2 : -1;
    }
    return 0;
}

/* What to do with a ticket that on_ticket has opened: a client's certificate is looked at when it
 * is shown, so what rests on it must not outlive it (RFC 8446 4.6.1). */
static SSL_TICKET_RETURN on_resumption(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                       size_t name_length, SSL_TICKET_STATUS status, void *argument)
{
    (void)ssl;
    (void)name;
    (void)name_length;
    (void)argument;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) {
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    const X509 *client = SSL_SESSION_get0_peer(session);
    if (client != NULL && X509_cmp_current_time(X509_get0_notAfter(client)) <= 0) {
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

/* What holds for both sides. NULL: OpenSSL refuses, which only a broken installation makes it do.
 */
static SSL_CTX *context_create(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL) {
        return NULL;
    }
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_send_fragment(context, FRAGMENT_BYTES_MAX);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, CIPHERS_TLS_1_2) != 1 ||
        SSL_CTX_set_ciphersuites(context, CIPHERS_TLS_1_3) != 1 ||
        SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

static void *memory_take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(size);
}

static void *memory_resize(void *bytes, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return realloc(bytes, size);
}

static void memory_give(void *bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    if (bytes != NULL && malloc_usable_size(bytes) >= RECORD_BUFFER_BYTES_MIN) {
        secret_wipe(bytes, RECORD_BYTES_USUAL);
    }
    free(bytes);
}

bool tls_memory_install(void)
{
    /* A record buffer comes and goes with each message: the heap keeps its end instead of giving
     * it back to the system and taking it again. */
    mallopt(M_TRIM_THRESHOLD, HEAP_TRIM_BYTES);
    mallopt(M_MMAP_THRESHOLD, HEAP_TRIM_BYTES);
    return CRYPTO_set_mem_functions(memory_take, memory_resize, memory_give) == 1;
}

static bool is_given(const char *file)
{
    return file != NULL && file[0] != 0;
}

static bool identity_load(SSL_CTX *context, const char *certificate_file, const char *key_file,
                          char reason[TLS_REASON_SIZE])
{
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file) != 1) {
        fault(reason, "is no readable PEM certificate chain", certificate_file);
        return false;
    }
    if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1) {
        fault(reason, "is no readable PEM private key, or not the certificate's", key_file);
        return false;
    }
    if (SSL_CTX_check_private_key(context) != 1) {
        fault(reason, "does not belong to the certificate", key_file);
        return false;
    }
    return true;
}

/* A session is taken up again only where the same is asked of the client: a ticket carries the
 * identity that was verified when it was given out, so one of a port with other authorities, or of
 * the time before a reload took one out, must not be good here (I38). */
static bool session_scope_set(SSL_CTX *context, bool is_required)
{
    uint8_t scope[SSL_MAX_SID_CTX_LENGTH], digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    const STACK_OF(X509_OBJECT) *authorities =
        X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    EVP_MD_CTX *hashing = EVP_MD_CTX_new();
    bool is_good = hashing != NULL && EVP_DigestInit_ex(hashing, EVP_sha256(), NULL) == 1 &&
                   EVP_DigestUpdate(hashing, is_required ? "R" : "-", 1) == 1;
    for (int i = 0; is_good && i < sk_X509_OBJECT_num(authorities); i++) {
        const X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(authorities, i));
        is_good =
            authority == NULL || (X509_digest(authority, EVP_sha256(), digest, &length) == 1 &&
                                  EVP_DigestUpdate(hashing, digest, length) == 1);
    }
    is_good = is_good && EVP_DigestFinal_ex(hashing, digest, &length) == 1;
    EVP_MD_CTX_free(hashing);
    memcpy(scope, digest, sizeof(scope));
    return is_good && SSL_CTX_set_session_id_context(context, scope, sizeof(scope)) == 1;
}

SSL_CTX *tls_server_create(const struct tls_server_setup *setup, char reason[TLS_REASON_SIZE])
{
    ERR_clear_error();
    SSL_CTX *context = context_create(TLS_server_method());
    if (context == NULL) {
        fault(reason, "cannot be set up", "TLS");
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, setup->only_tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_app_data(context, setup->tickets);
    if (setup->tickets != NULL) {
        SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
        SSL_CTX_set_session_ticket_cb(context, NULL, on_resumption, NULL);
        SSL_CTX_set_timeout(context, TICKET_LIFE_S);
        SSL_CTX_set_num_tickets(context, 1);
    } else {
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(context, 0);
    }
    if (!identity_load(context, setup->certificate_file, setup->key_file, reason)) {
        goto error;
    }
    if (is_given(setup->client_ca_file)) {
        int mode = SSL_VERIFY_PEER;
        if (SSL_CTX_load_verify_locations(context, setup->client_ca_file, NULL) != 1) {
            fault(reason, "is no readable PEM file of CA certificates", setup->client_ca_file);
            goto error;
        }
        SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(setup->client_ca_file));
        mode |= setup->client_is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
        SSL_CTX_set_verify(context, mode, NULL);
    }
    if (!session_scope_set(context, setup->client_is_required)) {
        fault(reason, "cannot be hashed", "the list of authorities");
        goto error;
    }
    return context;
error:
    SSL_CTX_free(context);
    return NULL;
}

SSL_CTX *tls_client_create(const struct tls_client_setup *setup, char reason[TLS_REASON_SIZE])
{
    ERR_clear_error();
    SSL_CTX *context = context_create(TLS_client_method());
    if (context == NULL) {
        fault(reason, "cannot be set up", "TLS");
        return NULL;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_locations(context, setup->ca_file, NULL) != 1) {
        fault(reason, "is no readable PEM file of CA certificates", setup->ca_file);
        goto error;
    }
    if (is_given(setup->certificate_file) &&
        !identity_load(context, setup->certificate_file, setup->key_file, reason)) {
        goto error;
    }
    return context;
error:
    SSL_CTX_free(context);
    return NULL;
}

bool tls_asks_client(const SSL_CTX *context)
{
    return (SSL_CTX_get_verify_mode(context) & SSL_VERIFY_PEER) != 0;
}

void tls_release(SSL_CTX *context)
{
    SSL_CTX_free(context);
}

int64_t tls_certificate_not_after(const SSL_CTX *context)
{
    return tls_certificate_end(SSL_CTX_get0_certificate(context));
}

int64_t tls_certificate_end(const X509 *certificate)
{
    struct tm when;
    if (certificate == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &when) != 1) {
        return 0;
    }
    int days = 0, seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    if (epoch != NULL) {
        ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(certificate));
    }
    ASN1_TIME_free(epoch);
    return (int64_t)days * 86400 + seconds;
}
