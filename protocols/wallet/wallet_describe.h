/* What passes between us and a wallet, as lines for people: for traces and support.
 *
 *   POST /v3/pay/transactions/codepay
 *   out_trade_no                     10001000000110000001000005
 *   payer.auth_code                  (18 characters)
 *
 * Only values whose names are listed (wallet_describe.def) are shown; of all others, and so of what
 * a wallet invents tomorrow, only how long they are. A customer's payment code, signatures, tokens
 * and whatever names a person are none of the list.
 *
 * A text is cut at its size and always ends with 0.
 */
#pragma once

#include "protocols/wallet/wallet_message.h"

/* A request as it leaves. Its payment code is taken out before anybody reads it. */
void wallet_describe_request(const struct wallet_message *message,
                             const struct wallet_request *request, char *text, uint32_t text_size);
/* An answer; or, with http_status 0, a notify. */
void wallet_describe_reply(const struct wallet_reply *reply, char *text, uint32_t text_size);
