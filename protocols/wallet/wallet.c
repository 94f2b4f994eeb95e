/* See wallet.h. */
#include "protocols/wallet/wallet.h"

#include "protocols/base/require.h"

const char *wallet_ask_name(enum wallet_ask ask)
{
    static const char *const names[WALLET_ASK_COUNT] = {"pay",    "query",        "cancel",
                                                        "refund", "refund_query", "certificates"};
    REQUIRE(ask < WALLET_ASK_COUNT);
    return names[ask];
}

const char *wallet_verdict_text(enum wallet_verdict verdict)
{
    static const char *const texts[WALLET_VERDICT_COUNT] = {
#define X(name, text) text,
        WALLET_VERDICT_MAP(X)
#undef X
    };
    REQUIRE(verdict < WALLET_VERDICT_COUNT);
    return texts[verdict];
}
