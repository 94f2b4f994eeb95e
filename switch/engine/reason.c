/* The names of reasons and of records: see engine.h and record.h. */
#include "protocols/base/require.h"
#include "switch/engine/engine.h"
#include "switch/engine/txn_state.h"

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
    [TXN_REASON_FOLLOWED_UNKNOWN] = "followed_unknown",
    [TXN_REASON_FOLLOWED_STATE] = "followed_state",
    [TXN_REASON_FOLLOWED_AMOUNT] = "followed_amount",
    [TXN_REASON_EARLIER_DAY] = "earlier_day",
    [TXN_REASON_LOG_UNREAD] = "log_unread",
    [TXN_REASON_ADVICE_TAKEN] = "advice_taken",
    [TXN_REASON_ADVICE_DECLINED] = "advice_declined",
    [TXN_REASON_ADVICE_OUTLIVED] = "advice_outlived",
    [TXN_REASON_FIELD_MALFORMED] = "field_malformed",
    [TXN_REASON_BATCH_STATE] = "batch_state",
    [TXN_REASON_TOTALS_DIFFER] = "totals_differ",
    [TXN_REASON_DETAILS_MISSING] = "details_missing",
    [TXN_REASON_SIGNON_TOO_SOON] = "signon_too_soon",
    [TXN_REASON_PIN_FAULTS] = "pin_faults",
    [TXN_REASON_DEVICE_FAULTY] = "device_faulty",
    [TXN_REASON_FEES_UNBALANCED] = "fees_unbalanced",
    [TXN_REASON_AGENTS_CAPPED] = "agents_capped",
    [TXN_REASON_CODE_UNKNOWN] = "code_unknown",
    [TXN_REASON_CHANNEL_TRIPPED] = "channel_tripped",
    [TXN_REASON_BREAKER_OPENED] = "breaker_opened",
    [TXN_REASON_BREAKER_CLOSED] = "breaker_closed",
    [TXN_REASON_LIMIT_AMOUNT_LOW] = "limit_amount_low",
    [TXN_REASON_LIMIT_DAY_AMOUNT] = "limit_day_amount",
    [TXN_REASON_LIMIT_DAY_COUNT] = "limit_day_count",
    [TXN_REASON_LIMIT_MONTH_AMOUNT] = "limit_month_amount",
    [TXN_REASON_CARD_LISTED] = "card_listed",
    [TXN_REASON_MERCHANT_LISTED] = "merchant_listed",
    [TXN_REASON_TERMINAL_LISTED] = "terminal_listed",
    [TXN_REASON_CODE_LISTED] = "code_listed",
    [TXN_REASON_USAGE_FULL] = "usage_full",
    [TXN_REASON_CLOCK_OFF] = "clock_off",
    [TXN_REASON_OTHER_BATCH] = "other_batch",
    [TXN_REASON_CHANNEL_FULL] = "channel_full",
    [TXN_REASON_MAC_FAILED] = "mac_failed",
    [TXN_REASON_KEYS_MISSING] = "keys_missing",
    [TXN_REASON_MALFORMED] = "malformed",
    [TXN_REASON_TLS_FAILED] = "tls_failed",
    [TXN_REASON_STRANGER] = "stranger",
    [TXN_REASON_IDENTITY_DIFFERS] = "identity_differs",
    [TXN_REASON_ANSWER_MAC] = "answer_mac",
    [TXN_REASON_ORDER_ASK_SIGNON] = "order_ask_signon",
    [TXN_REASON_ORDER_ASK_DOWNLOAD] = "order_ask_download",
    [TXN_REASON_ORDER_ASK_STATUS] = "order_ask_status",
    [TXN_REASON_ORDER_ASK_UPDATE] = "order_ask_update",
    [TXN_REASON_ORDER_TELL] = "order_tell",
    [TXN_REASON_ORDER_LIMIT] = "order_limit",
    [TXN_REASON_ORDER_HOLD] = "order_hold",
    [TXN_REASON_ORDER_STOP] = "order_stop",
    [TXN_REASON_ORDER_RELEASE] = "order_release",
    [TXN_REASON_ORDER_RESUME] = "order_resume",
    [TXN_REASON_ORDER_WITHDRAW] = "order_withdraw",
    [TXN_REASON_FOLLOWED_OTHER_CARD] = "followed_other_card",
    [TXN_REASON_CERTIFICATE_30] = "certificate_30",
    [TXN_REASON_CERTIFICATE_14] = "certificate_14",
    [TXN_REASON_CERTIFICATE_7] = "certificate_7",
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
    [RECORD_ADVICE] = "advice",
    [RECORD_ADVICE_DONE] = "advice_done",
    [RECORD_ADVICE_CASE] = "advice_case",
    [RECORD_SETTLEMENT] = "settlement",
    [RECORD_BATCH_DETAIL] = "batch_detail",
    [RECORD_BATCH_END] = "batch_end",
    [RECORD_STATUS] = "status",
    [RECORD_SIGNATURE] = "signature",
    [RECORD_CUT_OVER] = "cut_over",
    [RECORD_ORDER] = "order",
    [RECORD_ORDER_DONE] = "order_done",
    [RECORD_ORDER_OVER] = "order_over",
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

bool record_kind_begins(enum record_kind kind, enum payment_kind payment_kind, uint16_t attempt)
{
    return (kind == RECORD_INTENT && attempt <= 1) ||
           (kind == RECORD_ADVICE && payment_kind != PAYMENT_REFUND &&
            payment_kind != PAYMENT_VOID);
}

bool record_is_blind_refusal(const struct record *record)
{
    return record->kind == RECORD_REFUSED && record->state == TXN_DECLINED &&
           (record->reason == TXN_REASON_LOG_UNREAD || record->reason == TXN_REASON_NO_ROOM);
}
