/* See txn_state.h. */
#include "switch/engine/txn_state.h"

#include "protocols/base/require.h"

#define TO(name) (1u << TXN_##name)

_Static_assert(TXN_STATE_COUNT <= 32, "followers fit one word");

static const struct {
    const char *text;
    enum txn_class txn_class;
    uint32_t followers;
} ROWS[TXN_STATE_COUNT] = {
#define X(name, class, followers, text) {text, TXN_CLASS_##class, followers},
#include "switch/engine/txn_state.def"
#undef X
};

static const char *const NAMES[TXN_STATE_COUNT] = {
    "free",           "keys_waited",   "forwarded",
    "approved",       "declined",      "reversal_queued",
    "reversal_ready", "reversal_sent", "reversal_paused",
    "reversed",       "service_case",  "blocked",
    "lookup_waited",  "advice_queued", "advice_ready",
    "advice_sent",    "advice_paused",
};

const char *txn_state_name(enum txn_state state)
{
    REQUIRE((unsigned)state < TXN_STATE_COUNT);
    return NAMES[state];
}

const char *txn_state_text(enum txn_state state)
{
    REQUIRE((unsigned)state < TXN_STATE_COUNT);
    return ROWS[state].text;
}

enum txn_class txn_state_class(enum txn_state state)
{
    REQUIRE((unsigned)state < TXN_STATE_COUNT);
    return ROWS[state].txn_class;
}

bool txn_state_may_follow(enum txn_state from, enum txn_state to)
{
    REQUIRE((unsigned)from < TXN_STATE_COUNT && (unsigned)to < TXN_STATE_COUNT);
    return (ROWS[from].followers >> to & 1u) != 0;
}

bool txn_state_is_reversing(enum txn_state state)
{
    return state >= TXN_REVERSAL_QUEUED && state <= TXN_REVERSAL_PAUSED;
}

bool txn_state_is_delivering(enum txn_state state)
{
    return state >= TXN_ADVICE_QUEUED && state <= TXN_ADVICE_PAUSED;
}
