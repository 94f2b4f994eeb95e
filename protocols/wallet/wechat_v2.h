/* WeChat Pay v2, payment by code: flat XML signed with MD5 or HMAC-SHA256; reverse and refund over
 * a connection with our client certificate (wallets 3). Called through wallet_message.h.
 */
#pragma once

#include "protocols/wallet/wallet_message.h"
#include "protocols/wallet/wallet_text.h"

MUST_CHECK enum status wechat_v2_write(const struct wallet_party *party,
                                       const struct wallet_request *request,
                                       struct wallet_message *message);
void wechat_v2_read(const struct wallet_party *party, const struct wallet_request *request,
                    const struct wallet_reply *reply, struct wallet_answer *answer);

/* The signature of parameters, which it sorts. STATUS_NO_ROOM: more than may be signed. */
MUST_CHECK enum status wechat_v2_sign(const struct wallet_party *party,
                                      struct wallet_parameters *parameters,
                                      char sign[WALLET_DIGEST_SIZE]);
