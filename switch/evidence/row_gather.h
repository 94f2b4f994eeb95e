/* The rows of the log that a case rests on, put into a bundle with what proves them: each row that
 * is named, and all rows of the transactions they belong to, wherever in the log. */
#pragma once

#include <stdint.h>

#include "switch/evidence/case_gather.h"

#define ROW_GATHER_TXN_COUNT_MAX 256
#define ROW_GATHER_ROW_COUNT_MAX 8192
/* The rows of a transaction lie in the segment of the row that was named, the one before it, or
 * these many behind it: reversals are tried for days. */
#define ROW_GATHER_SEGMENTS_BEHIND 31

struct gathered_rows {
    char rrns[ROW_GATHER_TXN_COUNT_MAX][13];      /* of the transactions, in the order of the log */
    uint64_t positions[ROW_GATHER_TXN_COUNT_MAX]; /* of a row of each that was named */
    uint32_t txn_count, row_count;
    uint32_t purged_count;   /* rows named that the log holds no more */
    uint32_t left_out_count; /* rows and transactions for which there was no room */
};

/* Adds segments.json, log.jsonl and decisions.json. MALFORMED: a row does not fit its hash; BROKEN:
 * the log cannot be read; NO_ROOM: more than a bundle takes. `reason` (LOG_REASON_SIZE). */
MUST_CHECK enum status row_gather(const char *log, const struct gathered_case *named,
                                  struct bundle_writer *writer, struct gathered_rows *gathered,
                                  char *reason);
