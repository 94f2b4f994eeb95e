/* Alipay's gateway, pay by code: forms signed with RSA2, JSON answers signed over their raw text
 * (wallets 2). Called through wallet_message.h.
 */
#pragma once

#include "protocols/wallet/wallet_message.h"

MUST_CHECK enum status alipay_write(const struct wallet_party *party,
                                    const struct wallet_request *request,
                                    struct wallet_message *message);
void alipay_read(const struct wallet_party *party, const struct wallet_request *request,
                 const struct wallet_reply *reply, struct wallet_answer *answer);
void alipay_read_notify(const struct wallet_party *party, const struct wallet_reply *reply,
                        struct wallet_answer *answer);
