/* The keys of both wallets and of those who call them: made anew into a folder, and loaded from it.
 *
 * Files, PEM but for the two of 32 characters; "ours" is the switch's, "theirs" the wallets':
 *   alipay_app.key .pub              ours: signs requests to Alipay
 *   alipay.key .pub                  theirs: signs Alipay's answers and notifies
 *   wechat_merchant.key .crt         ours: signs v3 requests; its serial number names it
 *   wechat_platform_1.key .crt, _2 … theirs: sign v3 answers and notifies, in turn
 *   wechat_api_v3.key                32 characters: wraps certificates and notifies
 *   wechat_v2.key                    32 characters: goes into v2 digests
 *   tls_ca.crt .key, tls_server.crt .key   of the wallets' HTTPS port
 *   wechat_client.crt .key           ours: client certificate for v2 reverse and refund
 *   notify_server.crt .key           of the switch's notify port
 *
 * Life:  keyring_make once a folder;  keyring_load -> ... -> keyring_free
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include <openssl/evp.h>

#include "protocols/base/status.h"

#define KEYRING_PLATFORM_COUNT_MAX 4
#define KEYRING_SERIAL_SIZE 41
#define KEYRING_SECRET_SIZE 33
#define KEYRING_REASON_SIZE 320

struct keyring_platform {
    EVP_PKEY *key;     /* owner */
    char *certificate; /* owner; PEM */
    char serial[KEYRING_SERIAL_SIZE];
    char not_before[26], not_after[26]; /* RFC 3339 */
};

struct keyring {
    EVP_PKEY *alipay_app; /* owner; public */
    EVP_PKEY *alipay;     /* owner */
    EVP_PKEY *merchant;   /* owner; public, out of its certificate */
    char merchant_serial[KEYRING_SERIAL_SIZE];
    struct keyring_platform platforms[KEYRING_PLATFORM_COUNT_MAX];
    uint32_t platform_count;
    char api_v3[KEYRING_SECRET_SIZE], v2[KEYRING_SECRET_SIZE];
    char *tls_ca, *tls_certificate, *tls_key; /* owner; PEM */
};

/* Writes every file of the list into `folder`, which must be there; keys are readable by their
 * owner alone. STATUS_BROKEN: one line on `faults` says which file and why. */
MUST_CHECK enum status keyring_make(const char *folder, FILE *faults);

/* STATUS_MISSING, STATUS_MALFORMED, STATUS_NO_MEMORY: `reason` names the file. Free it all the
 * same. */
MUST_CHECK enum status keyring_load(struct keyring *keyring, const char *folder,
                                    char reason[KEYRING_REASON_SIZE]);
void keyring_free(struct keyring *keyring);
