/* A disputed fee in the merchant's words, Chinese and English: the plan and rule that applied, what
 * the merchant had signed, what another plan would have charged. The figures are worked out again
 * by the fees file of the transaction's version (fee_answer.h) and judged by
 * switch/aftersales/fee_dispute.h.
 */
#pragma once

#include <jansson.h>

#include "switch/admin/fee_answer.h"
#include "switch/admin/fee_signed.h"

struct fee_case {
    const struct fee_files *files;  /* borrowed, as all */
    const struct fee_signed *terms; /* of the case's merchant */
    const char *other_plan;         /* what the merchant thought of; NULL: not asked */
    bool hides_shares;              /* no "explanation": what agents get and what is left is ours */
};

/* The transaction that has a row at that position, in JSON: "explanation" as GET fees/RRN gives
 * it (null where shares are hidden); "verdict_zh", "verdict_en", "charged_minor", "due_minor",
 * "difference_minor", "plan", "signed_plan", "other" (null, or {plan, fee_minor}), "lines_zh",
 * "lines_en", or a "note" of why these cannot be told. JSON null: the row is about no payment.
 * NULL: the log failed, see view->fault. */
json_t *fee_case_explain(struct log_view *view, const struct fee_case *about, uint64_t position);

/* What the log says of a payment by its RRN, for the one who opens a case. */
struct fee_case_txn {
    uint64_t position; /* of its first row; 0: the log holds none */
    char terminal_id[9], merchant_id[16];
};
/* False: the log failed. */
bool fee_case_find(struct log_view *view, const char *rrn, struct fee_case_txn *txn);
