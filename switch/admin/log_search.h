/* The log, looked at: read-only, in short reads, each with a limit on rows and on time, so that it
 * never holds back the switch's checkpoint.
 *
 * Life:  log_search_open -> find, show -> log_search_close      (one a request)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "protocols/base/status.h"
#include "switch/admin/txn_query.h"

#define LOG_SEARCH_REASON_SIZE 256

struct log_search;

/* NULL: `reason` says why the log cannot be read now. */
struct log_search *log_search_open(const char *path, char reason[LOG_SEARCH_REASON_SIZE]);
void log_search_close(struct log_search *search);

/* {"items": [...], "cursor": "123" or null, "is_complete": …}: newest first. Where time was up
 * before the page was full, the cursor goes on from there. NULL: the log failed. */
json_t *log_search_find(struct log_search *search, const struct txn_query *query);
/* One transaction with its records, route and fee. NULL: none has this RRN, or the log failed,
 * which `is_failed` tells. */
json_t *log_search_show(struct log_search *search, const char *rrn, bool *is_failed);

/* What has become of a transaction, folded from its rows in order; pure. */
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
    TXN_OUTCOME_DONE
};
enum txn_outcome txn_outcome_after(enum txn_outcome before, const char *kind, const char *reason,
                                   const char *response_code);
const char *txn_outcome_word(enum txn_outcome outcome);
