/* TLS as Tillway allows it: 1.2 and 1.3, ECDHE with AEAD ciphers only, no renegotiation, no early
 * data, no compression; tickets under keys that change each hour.
 *
 * One context a listener and loop; certificates are changed by putting another context in its
 * place: connections keep the one they began with.
 *
 * Life:  tls_server_create / tls_client_create -> (streams hold it) -> tls_release
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "protocols/base/status.h"

#define TLS_REASON_SIZE 320

/* Ticket keys come from a secret that is turned forward each hour and then forgotten, so all loops
 * (which start from one secret) agree without a lock, and an old ticket key cannot be computed. */
struct tls_tickets {
    uint8_t secret[32]; /* of `hour` */
    uint8_t previous[32];
    int64_t hour; /* since 1970 */
};
/* Fills the first secret from random bytes; copies of it go to each loop. False: no random bytes.
 */
bool tls_tickets_init(struct tls_tickets *tickets);

/* Gives OpenSSL an allocator that wipes record buffers as they are freed: their plaintext is card
 * data. SSL_OP_CLEANSE_PLAINTEXT does so too, but wipes all 16 KiB of a buffer of which a message
 * used 500 bytes. To be called before anything else of OpenSSL; false: too late. */
bool tls_memory_install(void);

struct tls_server_setup {
    const char *certificate_file; /* PEM: our certificate, then the chain */
    const char *key_file;         /* PEM */
    const char *client_ca_file;   /* PEM; NULL or empty: clients are not asked for certificates */
    bool client_is_required;      /* a client without a valid certificate is refused */
    bool only_tls_1_3;            /* else 1.2 too */
    struct tls_tickets *tickets;  /* of the loop; borrowed as long as the context lives. NULL: each
                                     connection verifies its peer anew */
};

/* NULL: `reason` names the file, what is wrong with it, and what to do. */
SSL_CTX *tls_server_create(const struct tls_server_setup *setup, char reason[TLS_REASON_SIZE]);

/* Whether clients are asked for certificates. */
bool tls_asks_client(const SSL_CTX *context);

struct tls_client_setup {
    const char *ca_file;          /* PEM: whom we believe */
    const char *certificate_file; /* NULL or empty: none */
    const char *key_file;
};
SSL_CTX *tls_client_create(const struct tls_client_setup *setup, char reason[TLS_REASON_SIZE]);

void tls_release(SSL_CTX *context);

/* When the certificate ends, seconds since 1970; 0: unknown. For the metric. */
int64_t tls_certificate_not_after(const SSL_CTX *context);
/* The same of any certificate; NULL: 0. */
int64_t tls_certificate_end(const X509 *certificate);

/* The first error OpenSSL noted in this thread, in words: what failed, and what it usually means.
 * Empties the error queue. */
void tls_error_text(char *text, uint32_t text_size);
