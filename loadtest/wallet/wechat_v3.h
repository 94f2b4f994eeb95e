/* WeChat Pay APIv3 (wallets.md 4) as its side sees it: codepay, query, reverse, refund, refund
 * query, certificates, bill; for merchants and, under /partner/, for service providers.
 *
 * A request is verified over method, address, time, nonce and body: 401 SIGN_ERROR where that
 * fails, or its time is more than five minutes off. Answers and notifies are signed by the platform
 * certificate in use.
 */
#pragma once

#include "loadtest/wallet/gateway.h"

MUST_CHECK enum status wechat_v3_answer(struct gateway *gateway, const struct call *call,
                                        struct reply *reply);

/* A text that the platform signs: body, and the four Wechatpay headers in `reply`. STATUS_BROKEN:
 * no signature. */
MUST_CHECK enum status wechat_v3_sign(const struct gateway *gateway, int64_t now_us,
                                      struct reply *reply);

/* The notify of a paid order: its body, the caller's. NULL: no memory. */
char *wechat_v3_notify(const struct gateway *gateway, const struct order *order, int64_t now_us);

/* The platform certificate in use. */
const struct keyring_platform *wechat_v3_platform(const struct gateway *gateway);
