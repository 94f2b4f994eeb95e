/* The sheet of each sales agent: every movement of money that it has a share of, and the shares.
 *
 *   H,file id,day,agent,id,version
 *   C,names of the columns
 *   L,…                                    one movement
 *   T,currency,lines,amount,merchant_fee,share     signed sums
 *
 * An agent is told what its merchants took and paid, never what issuers and schemes got.
 */
#pragma once

#include "switch/settlement/settlement_log.h"
#include "switch/settlement/sheet.h"

/* X(column): of a line, behind its letter. */
#define AGENT_SHEET_COLUMN_MAP(X)                                                                  \
    X(rrn)                                                                                         \
    X(original_rrn)                                                                                \
    X(merchant)                                                                                    \
    X(terminal)                                                                                    \
    X(time)                                                                                        \
    X(kind)                                                                                        \
    X(currency)                                                                                    \
    X(amount)                                                                                      \
    X(merchant_fee)                                                                                \
    X(share)
enum agent_sheet_column {
    AGENT_SHEET_LETTER,
#define X(column) AGENT_SHEET_##column,
    AGENT_SHEET_COLUMN_MAP(X)
#undef X
        AGENT_SHEET_COLUMN_COUNT
};

/* X(sum): of a trailer, behind the currency. */
#define AGENT_SUM_MAP(X) X(lines) X(amount) X(merchant_fee) X(share)
struct agent_sums {
#define X(sum) int64_t sum;
    AGENT_SUM_MAP(X)
#undef X
};

/* Writes the sheets of all agents that the day's book names. */
MUST_CHECK enum status agent_sheets_write(struct settlement_log *log, struct sheet_set *set,
                                          uint32_t day);
