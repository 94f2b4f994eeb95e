/* The keys by which a wallet's answers are verified: several at once, since the wallet changes them
 * while answers under the old one are still on their way (WeChat Pay v3: Wechatpay-Serial).
 *
 * Life:  zeros -> wallet_keys_put -> find ... -> wallet_keys_clear
 */
#pragma once

#include "protocols/wallet/wallet_crypto.h"

#define WALLET_KEY_COUNT_MAX 8

struct wallet_keys {
    struct wallet_certificate certificates[WALLET_KEY_COUNT_MAX]; /* owner of the keys */
    uint32_t count;
};

/* NULL: no key goes by that name. An empty serial is a name like any (Alipay has one key). */
EVP_PKEY *wallet_keys_find(const struct wallet_keys *keys, const char *serial);
/* Takes the key over. One of the same serial is replaced; where there is no room the one that ends
 * first goes. True: it was not there before. */
bool wallet_keys_put(struct wallet_keys *keys, const struct wallet_certificate *certificate);
/* All certificates of a PEM file; answers how many. Fails as wallet_certificate_read; those before
 * the fault are taken. */
MUST_CHECK enum status wallet_keys_read(struct wallet_keys *keys, struct byte_view pem,
                                        uint32_t *count);
void wallet_keys_clear(struct wallet_keys *keys);
