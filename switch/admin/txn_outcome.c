/* See txn_outcome.h. */
#include "switch/admin/txn_outcome.h"

#include <string.h>

#include "protocols/payment.h"

enum txn_outcome txn_outcome_after(enum txn_outcome before, const char *kind, const char *reason,
                                   const char *response_code)
{
    static const struct {
        const char *kind;
        enum txn_outcome outcome;
    } plain[] = {
        {"intent", TXN_OUTCOME_PENDING},         {"refused", TXN_OUTCOME_REFUSED},
        {"tombstone", TXN_OUTCOME_REFUSED},      {"signon", TXN_OUTCOME_DONE},
        {"signoff", TXN_OUTCOME_DONE},           {"reversal", TXN_OUTCOME_REVERSING},
        {"reversal_done", TXN_OUTCOME_REVERSED}, {"reversal_case", TXN_OUTCOME_CASE},
        {"advice", TXN_OUTCOME_PENDING},         {"advice_done", TXN_OUTCOME_APPROVED},
        {"advice_case", TXN_OUTCOME_CASE},       {"settlement", TXN_OUTCOME_DONE},
        {"batch_end", TXN_OUTCOME_DONE},         {"status", TXN_OUTCOME_DONE},
    };
    for (uint32_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (strcmp(kind, plain[i].kind) == 0) {
            return plain[i].outcome;
        }
    }
    if (strcmp(kind, "result") != 0 || before == TXN_OUTCOME_REVERSING ||
        before == TXN_OUTCOME_REVERSED || before == TXN_OUTCOME_CASE) {
        return before;
    }
    if (strcmp(reason, "channel_answered") != 0) {
        return TXN_OUTCOME_FAILED;
    }
    return payment_is_approval(response_code) ? TXN_OUTCOME_APPROVED : TXN_OUTCOME_DECLINED;
}

const char *txn_outcome_word(enum txn_outcome outcome)
{
    static const char *const words[] = {
        [TXN_OUTCOME_NONE] = "none",
        [TXN_OUTCOME_PENDING] = "pending",
        [TXN_OUTCOME_APPROVED] = "approved",
        [TXN_OUTCOME_DECLINED] = "declined",
        [TXN_OUTCOME_FAILED] = "failed",
        [TXN_OUTCOME_REFUSED] = "refused",
        [TXN_OUTCOME_REVERSING] = "reversing",
        [TXN_OUTCOME_REVERSED] = "reversed",
        [TXN_OUTCOME_CASE] = "case",
        [TXN_OUTCOME_DONE] = "done",
        [TXN_OUTCOME_COUNT] = "",
    };
    return words[outcome];
}
