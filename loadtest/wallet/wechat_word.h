/* Words that both versions of WeChat Pay say of an order. */
#pragma once

#include "loadtest/wallet/book.h"

/* SUCCESS, REFUND, USERPAYING, PAYERROR, CLOSED, REVOKED. */
const char *wechat_trade_state(const struct order *order);
/* v3's spelling of why a payment was refused, and its HTTP status. */
const char *wechat_v3_code(enum refusal refusal, unsigned *http_status);
