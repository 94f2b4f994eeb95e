/* The tables of what wallets say: error codes and states of orders become verdicts (wallets 2 to
 * 4).
 */
#pragma once

#include "protocols/wallet/wallet.h"

/* What an answer comes to. */
struct wallet_result {
    enum wallet_verdict verdict;
    char response_code[3]; /* of FAILED: what the terminal hears */
    bool is_alert; /* an operator must look: configuration, permission, a code nobody knows */
};

/* Alipay's `code` and `sub_code` (empty: none) of an answer that is not 10000. */
struct wallet_result wallet_result_alipay(enum wallet_ask ask, const char *code,
                                          const char *sub_code);
/* WeChat Pay's err_code (v2) or code (v3). */
struct wallet_result wallet_result_wechat(enum wallet_ask ask, const char *code);

/* `trade_status` of Alipay, `trade_state` of WeChat Pay; of an order. */
struct wallet_result wallet_result_state(const char *state);
/* `refund_status` (Alipay REFUND_SUCCESS), `status` (WeChat Pay). */
struct wallet_result wallet_result_refund(const char *status);

/* For tests: every row of the table. */
struct wallet_result_row {
    bool is_alipay;
    uint32_t asks; /* bits by enum wallet_ask */
    const char *code;
    struct wallet_result result;
};
uint32_t wallet_result_count(void);
const struct wallet_result_row *wallet_result_at(uint32_t index);
