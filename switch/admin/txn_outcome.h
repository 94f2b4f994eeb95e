/* What has become of a transaction, folded from its rows in order. Pure. */
#pragma once

enum txn_outcome {
    TXN_OUTCOME_NONE,
    TXN_OUTCOME_PENDING,
    TXN_OUTCOME_APPROVED,
    TXN_OUTCOME_DECLINED,
    TXN_OUTCOME_FAILED,
    TXN_OUTCOME_REFUSED,
    TXN_OUTCOME_REVERSING,
    TXN_OUTCOME_REVERSED,
    TXN_OUTCOME_CASE,
    TXN_OUTCOME_DONE,
    TXN_OUTCOME_COUNT
};
enum txn_outcome txn_outcome_after(enum txn_outcome before, const char *kind, const char *reason,
                                   const char *response_code);
const char *txn_outcome_word(enum txn_outcome outcome);
