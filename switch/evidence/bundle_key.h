/* The Ed25519 key that bundles are signed with (RFC 8032), and the public half that trusts it.
 *
 * Life:  bundle_key_load_private or _public -> sign, check ... -> bundle_key_free
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/evidence/bundle_form.h"

#define BUNDLE_KEY_REASON_SIZE 800
#define BUNDLE_KEY_BYTES 32 /* of the public half */

struct bundle_key {
    void *key; /* owner: OpenSSL's */
    bool is_private;
    uint8_t public_bytes[BUNDLE_KEY_BYTES];
    char
        fingerprint[BUNDLE_HEX_SIZE]; /* SHA-256 of the public key as DER, as openssl pkey has it */
};

/* A PEM file that nobody else may read. MALFORMED: not such a key; NOT_FOUND: no such file; DENIED:
 * others may read it. `reason` says what to do; nothing is kept then. */
MUST_CHECK enum status bundle_key_load_private(struct bundle_key *key, const char *path,
                                               char reason[BUNDLE_KEY_REASON_SIZE]);
MUST_CHECK enum status bundle_key_load_public(struct bundle_key *key, const char *path,
                                              char reason[BUNDLE_KEY_REASON_SIZE]);
/* Of the 32 bytes themselves. MALFORMED: no point of the curve. */
MUST_CHECK enum status bundle_key_take_public(struct bundle_key *key,
                                              const uint8_t bytes[BUNDLE_KEY_BYTES]);
/* One that was never loaded does nothing. */
void bundle_key_free(struct bundle_key *key);

MUST_CHECK enum status bundle_key_sign(const struct bundle_key *key, const void *bytes,
                                       size_t length, uint8_t signature[BUNDLE_SIGNATURE_BYTES]);
bool bundle_key_fits(const struct bundle_key *key, const void *bytes, size_t length,
                     const uint8_t signature[BUNDLE_SIGNATURE_BYTES]);
