/* What wallets have in common: which there are, what they are asked, and what an answer comes to.
 *
 * An order is one payment of one customer at one wallet, known by its number (`out_trade_no`) for
 * ever. An ask is one HTTP request about it. A verdict is what an answer means for the order,
 * whatever wallet gave it (wallets 1): unknown is one of them, never a failure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* RRN 12, terminal 8, channel STAN 6: what the engine matches by. */
#define WALLET_ORDER_CHARACTERS 26
#define WALLET_ORDER_SIZE (WALLET_ORDER_CHARACTERS + 1)
#define WALLET_REFUND_SIZE (WALLET_ORDER_SIZE + 1) /* "V" may stand before it */

enum wallet_kind { WALLET_ALIPAY, WALLET_WECHAT_V3, WALLET_WECHAT_V2 };

/* X(name, sentence) */
#define WALLET_ASK_MAP(X)                                                                          \
    X(PAY, "payment by the customer's code")                                                       \
    X(QUERY, "what became of an order")                                                            \
    X(CANCEL, "cancel or reverse of an order whose fate is open")                                  \
    X(REFUND, "money back of a paid order")                                                        \
    X(REFUND_QUERY, "what became of a refund")                                                     \
    X(CERTIFICATES, "the wallet's own certificates")

enum wallet_ask {
#define X(name, text) WALLET_ASK_##name,
    WALLET_ASK_MAP(X)
#undef X
        WALLET_ASK_COUNT
};

/* X(name, sentence) */
#define WALLET_VERDICT_MAP(X)                                                                      \
    X(UNKNOWN, "nobody can say: silence, an error of the wallet, a signature that is none")        \
    X(WAITING, "the customer is being asked, or the wallet works on it")                           \
    X(PAID, "the order is paid")                                                                   \
    X(FAILED, "it failed for good, and nothing moved")                                             \
    X(UNDONE, "the order is closed: never paid, or paid back")                                     \
    X(ABSENT, "the wallet knows no such order or refund")                                          \
    X(AGAIN, "not undone yet: the same is to be asked again")                                      \
    X(REFUNDED, "the refund is done")

enum wallet_verdict {
#define X(name, text) WALLET_##name,
    WALLET_VERDICT_MAP(X)
#undef X
        WALLET_VERDICT_COUNT
};

const char *wallet_ask_name(enum wallet_ask ask); /* "pay": for logs */
const char *wallet_verdict_text(enum wallet_verdict verdict);
