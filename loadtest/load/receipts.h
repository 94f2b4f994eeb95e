/* The terminals' journal: one line of JSON a transaction, written once it is over, and one a
 * settlement.
 *
 * What a merchant would hold in hand: the key (terminal, merchant, batch, trace number), what was
 * asked, and how it ended. `approved` is a printed receipt; `declined` a no; `reversed` an attempt
 * without a valid answer whose reversal was acknowledged; `unknown` all else: told 98 (the switch
 * reverses), or still open when the run ended.
 *
 * Life:  receipts_open -> put ..., flush ... -> receipts_close
 */
#pragma once

#include <stdint.h>

#include "loadtest/pos_message.h"
#include "loadtest/settlement.h"
#include "protocols/base/status.h"

#define OUTCOME_MAP(X)                                                                             \
    X(APPROVED, "approved") X(DECLINED, "declined") X(REVERSED, "reversed") X(UNKNOWN, "unknown")
enum outcome {
#define X(name, text) OUTCOME_##name,
    OUTCOME_MAP(X)
#undef X
        OUTCOME_COUNT
};

struct receipt {
    const struct pos_identity *identity; /* whose batch is the payment's */
    const struct pos_request *request;
    enum outcome outcome;
    const char *response_code, *rrn, *auth_code; /* "" when absent */
    const char *reversal_reason, *reversal_code; /* "" when there was no reversal */
    int64_t started_us, ended_us;                /* wall clock */
    uint32_t reversal_attempts, repeat_count;
};

struct receipts;

/* Makes the file anew. NULL: it cannot be written. */
struct receipts *receipts_open(const char *path);
void receipts_put(struct receipts *receipts, const struct receipt *receipt);
/* What a settlement came to: own totals and ours, how they differ, what was uploaded. `is_ended`:
 * the batch is closed. */
void receipts_put_settlement(struct receipts *receipts, const struct pos_identity *identity,
                             const struct settlement *settlement, bool is_ended);
/* Hands all lines to the system. STATUS_BROKEN: some line could not be written, now or before. */
MUST_CHECK enum status receipts_flush(struct receipts *receipts);
MUST_CHECK enum status receipts_close(struct receipts *receipts);
