/* What to search for in the log, as the query of a URL says it. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"

#define TXN_QUERY_LIMIT_MAX 200
#define TXN_QUERY_LIMIT 50
#define TXN_QUERY_REASON_SIZE 160

struct txn_query {
    char terminal_id[9]; /* empty: any, as below */
    char rrn[13];
    int64_t stan;             /* -1: any */
    int64_t from_us, to_us;   /* wall clock, from included, to excluded; 0 and INT64_MAX: any */
    uint64_t before_position; /* the cursor: only rows before it */
    uint32_t limit;
};

void txn_query_init(struct txn_query *query);
/* One parameter. STATUS_UNKNOWN: no such name. STATUS_BAD_VALUE: `reason` says what was expected.
 * Times are RFC 3339 (2026-09-21T14:13:20Z, with fraction or offset) or a date. */
MUST_CHECK enum status txn_query_put(struct txn_query *query, const char *name, const char *value,
                                     char reason[TXN_QUERY_REASON_SIZE]);

/* Whether `text` is an RRN: 12 characters a-z, A-Z, 0-9. */
bool txn_query_is_rrn(const char *text);
/* Microseconds since 1970 UTC. STATUS_MALFORMED, STATUS_BAD_VALUE. */
MUST_CHECK enum status txn_query_time(const char *text, int64_t *wall_us);
