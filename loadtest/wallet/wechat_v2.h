/* WeChat Pay v2 (wallets.md 3) as its side sees it: micropay, orderquery, reverse, refund,
 * refundquery, downloadbill; XML, signed with MD5 or HMAC-SHA256 as the request says. Reverse and
 * refund (/secapi/) want a client certificate. It owes no notify.
 */
#pragma once

#include "loadtest/wallet/gateway.h"

MUST_CHECK enum status wechat_v2_answer(struct gateway *gateway, const struct call *call,
                                        struct reply *reply);
bool wechat_v2_serves(const char *path);
