/* The names of reasons and of records: see engine.h and record.h. */
#include "protocols/base/require.h"
#include "switch/engine/engine.h"

/* Names as logs and counters show them; a test holds them against the enumerators. */
static const char *const REASON_NAMES[TXN_REASON_COUNT] = {
    [TXN_REASON_NONE] = "none",
    [TXN_REASON_CHANNEL_ANSWERED] = "channel_answered",
    [TXN_REASON_NO_ANSWER] = "no_answer",
    [TXN_REASON_CHANNEL_DOWN] = "channel_down",
    [TXN_REASON_UNSENT] = "unsent",
    [TXN_REASON_PIN_REFUSED] = "pin_refused",
    [TXN_REASON_OTHER_CONTENT] = "other_content",
    [TXN_REASON_ORIGINAL_UNKNOWN] = "original_unknown",
    [TXN_REASON_ORIGINAL_BLOCKED] = "original_blocked",
    [TXN_REASON_ORIGINAL_STATE] = "original_state",
    [TXN_REASON_TERMINAL_REVERSED] = "terminal_reversed",
    [TXN_REASON_MISMATCH] = "mismatch",
    [TXN_REASON_LATE_APPROVAL] = "late_approval",
    [TXN_REASON_LATE_RESPONSE] = "late_response",
    [TXN_REASON_UNMATCHED] = "unmatched",
    [TXN_REASON_RESTART] = "restart",
    [TXN_REASON_NO_ROOM] = "no_room",
    [TXN_REASON_LOG_SHORT] = "log_short",
    [TXN_REASON_IN_PROGRESS] = "in_progress",
    [TXN_REASON_NOT_SIGNED_ON] = "not_signed_on",
    [TXN_REASON_NOT_SERVED] = "not_served",
    [TXN_REASON_KEYS_FAILED] = "keys_failed",
    [TXN_REASON_REVERSAL_OUTLIVED] = "reversal_outlived",
    [TXN_REASON_ROUTING] = "routing",
    [TXN_REASON_TERMINAL_UNKNOWN] = "terminal_unknown",
    [TXN_REASON_TERMINAL_STOPPED] = "terminal_stopped",
    [TXN_REASON_MERCHANT_UNKNOWN] = "merchant_unknown",
    [TXN_REASON_MERCHANT_STOPPED] = "merchant_stopped",
    [TXN_REASON_MERCHANT_MISMATCH] = "merchant_mismatch",
    [TXN_REASON_AMOUNT_INVALID] = "amount_invalid",
    [TXN_REASON_CARD_INVALID] = "card_invalid",
    [TXN_REASON_NO_ISSUER] = "no_issuer",
    [TXN_REASON_NO_ROUTE] = "no_route",
    [TXN_REASON_NOT_SUPPORTED] = "not_supported",
    [TXN_REASON_NO_FEE] = "no_fee",
    [TXN_REASON_LIMIT_AMOUNT] = "limit_amount",
};

static const char *const RECORD_NAMES[RECORD_KIND_COUNT] = {
    [RECORD_EPOCH] = "epoch",
    [RECORD_SIGNON] = "signon",
    [RECORD_INTENT] = "intent",
    [RECORD_RESULT] = "result",
    [RECORD_REFUSED] = "refused",
    [RECORD_REVERSAL] = "reversal",
    [RECORD_REVERSAL_SENT] = "reversal_sent",
    [RECORD_REVERSAL_DONE] = "reversal_done",
    [RECORD_REVERSAL_CASE] = "reversal_case",
    [RECORD_TOMBSTONE] = "tombstone",
    [RECORD_ANOMALY] = "anomaly",
    [RECORD_SIGNOFF] = "signoff",
};

static const struct {
    const char *code, *text;
} REASONS[TXN_REASON_COUNT] = {
#define X(name, code, text) {code, text},
    TXN_REASON_MAP(X)
#undef X
};

const char *txn_reason_name(enum txn_reason reason)
{
    REQUIRE((unsigned)reason < TXN_REASON_COUNT);
    return REASON_NAMES[reason];
}

const char *txn_reason_text(enum txn_reason reason)
{
    REQUIRE((unsigned)reason < TXN_REASON_COUNT);
    return REASONS[reason].text;
}

const char *txn_reason_code(enum txn_reason reason)
{
    REQUIRE((unsigned)reason < TXN_REASON_COUNT);
    return REASONS[reason].code;
}

const char *record_kind_name(enum record_kind kind)
{
    REQUIRE((unsigned)kind < RECORD_KIND_COUNT);
    return RECORD_NAMES[kind];
}
