/* What to search for in the log, as the query of a URL says it. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"

#define TXN_QUERY_LIMIT_MAX 200
#define TXN_QUERY_LIMIT 50
#define TXN_QUERY_REASON_SIZE 240

/* X(name, what is expected): the parameters of a search. */
#define TXN_QUERY_MAP(X)                                                                           \
    X(terminal, "the 8 characters of a terminal id")                                               \
    X(merchant, "a merchant id, at most 15 characters")                                            \
    X(stan, "a trace number, 0 to 999999")                                                         \
    X(rrn, "the 12 characters of a retrieval reference number")                                    \
    X(kind,                                                                                        \
      "a kind of payment as the log spells it: purchase, void, other_sale, offline_advice ...")    \
    X(amount, "an amount in minor units (fen), at most 12 digits")                                 \
    X(card, "the first 6 digits of a card, its last 4, or both as 10 digits")                      \
    X(outcome, "pending, approved, declined, failed, refused, reversing, reversed, case or done")  \
    X(code, "a response code of 2 characters")                                                     \
    X(day, "a settlement day, YYYYMMDD")                                                           \
    X(from, "a time such as 2026-09-21T14:13:20Z, or a date (UTC)")                                \
    X(to, "a time such as 2026-09-21T14:13:20Z, or a date (UTC)")                                  \
    X(limit, "1 to 200")                                                                           \
    X(cursor, "the cursor of the page before")

struct txn_query {
    char terminal_id[9]; /* empty: any, as all texts below */
    char merchant_id[16], rrn[13];
    char payment_kind[24], outcome[12], response_code[3];
    char card_first[7], card_last[5];
    uint32_t settlement_day;  /* YYYYMMDD; 0: any */
    int64_t amount_minor;     /* -1: any */
    int64_t stan;             /* -1: any */
    int64_t from_us, to_us;   /* wall clock, from included, to excluded; 0 and INT64_MAX: any */
    uint64_t before_position; /* the cursor: only rows before it */
    uint32_t limit;
    bool
        has_unproven; /* by no parameter: messages with a wrong MAC, which became no request, too */
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
