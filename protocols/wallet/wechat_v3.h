/* WeChat Pay APIv3: JSON, requests signed with our certificate's key, answers and notifies signed
 * with a platform certificate that the wallet changes now and then (wallets 4). Called through
 * wallet_message.h.
 */
#pragma once

#include "protocols/wallet/wallet_message.h"

MUST_CHECK enum status wechat_v3_write(const struct wallet_party *party,
                                       const struct wallet_request *request,
                                       struct wallet_message *message);
void wechat_v3_read(struct wallet_party *party, const struct wallet_request *request,
                    const struct wallet_reply *reply, struct wallet_answer *answer);
void wechat_v3_read_notify(const struct wallet_party *party, const struct wallet_reply *reply,
                           struct wallet_answer *answer);
