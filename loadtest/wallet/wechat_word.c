/* The two versions spell alike but for underlines. */
#include "loadtest/wallet/wechat_word.h"

const char *wechat_trade_state(const struct order *order)
{
    switch (order->state) {
    case ORDER_WAITING:
        return "USERPAYING";
    case ORDER_PAID:
        return order->refunded > 0 ? "REFUND" : "SUCCESS";
    case ORDER_FAILED:
        return "PAYERROR";
    case ORDER_CLOSED:
        /* Who would have paid, and did not, was undone by the merchant. */
        return order->due_state == ORDER_CLOSED ? "CLOSED" : "REVOKED";
    case ORDER_REVERSED:
    case ORDER_STATE_COUNT:
        break;
    }
    return "REVOKED";
}

const char *wechat_v3_code(enum refusal refusal, unsigned *http_status)
{
    *http_status = 403;
    switch (refusal) {
    case REFUSAL_BALANCE:
        return "NOT_ENOUGH";
    case REFUSAL_CODE:
    case REFUSAL_EXPIRED:
        *http_status = 400;
        return refusal_code(refusal, WALLET_WECHAT);
    case REFUSAL_LIMIT:
        return "RULE_LIMIT";
    case REFUSAL_BLOCKED:
        return "NO_AUTH";
    case REFUSAL_RISK:
    case REFUSAL_BUYER:
    case REFUSAL_NONE:
    case REFUSAL_COUNT:
        break;
    }
    return "TRADE_ERROR";
}
