/* The settlement files: one sheet a merchant, one a channel, with every line of the day's book that
 * is theirs, between a header and a trailer for each currency.
 *
 *   H,file id,day,merchant|channel,id,version
 *   C,names of the columns
 *   L,…                                    one movement of money
 *   T,currency,lines,debits,debit sum,credits,credit sum,fees …,net
 *
 * Sums are minor units. `net` is the owner's: a merchant gets amount less merchant fee, a channel
 * owes us amount less issuer fee and scheme fee; the margin is what stays with the acquirer after
 * the shares of sales agents (agent_sheet.h).
 */
#pragma once

#include "switch/settlement/settlement_log.h"
#include "switch/settlement/sheet.h"

#define DAY_SHEET_VERSION 2

/* X(column): of a line, behind its letter. */
#define DAY_SHEET_COLUMN_MAP(X)                                                                    \
    X(rrn)                                                                                         \
    X(original_rrn)                                                                                \
    X(merchant)                                                                                    \
    X(channel)                                                                                     \
    X(terminal)                                                                                    \
    X(batch)                                                                                       \
    X(stan)                                                                                        \
    X(time)                                                                                        \
    X(kind)                                                                                        \
    X(card)                                                                                        \
    X(currency)                                                                                    \
    X(amount)                                                                                      \
    X(sign)                                                                                        \
    X(merchant_fee)                                                                                \
    X(issuer_fee)                                                                                  \
    X(scheme_fee)                                                                                  \
    X(agent_fee)                                                                                   \
    X(margin)                                                                                      \
    X(net)
enum day_sheet_column {
    DAY_SHEET_LETTER,
#define X(column) DAY_SHEET_##column,
    DAY_SHEET_COLUMN_MAP(X)
#undef X
        DAY_SHEET_COLUMN_COUNT
};

/* X(sum): of a trailer and of the summary, behind the currency. */
#define DAY_SUM_MAP(X)                                                                             \
    X(lines)                                                                                       \
    X(debit_count)                                                                                 \
    X(debit)                                                                                       \
    X(credit_count)                                                                                \
    X(credit)                                                                                      \
    X(merchant_fee)                                                                                \
    X(issuer_fee)                                                                                  \
    X(scheme_fee)                                                                                  \
    X(agent_fee)                                                                                   \
    X(margin)                                                                                      \
    X(net)
struct day_sums {
#define X(sum) int64_t sum;
    DAY_SUM_MAP(X)
#undef X
};

enum day_owner { DAY_OWNER_MERCHANT, DAY_OWNER_CHANNEL };
const char *day_owner_word(enum day_owner owner);

/* Adds one line: its signed amount and fees. */
void day_sums_add(struct day_sums *sums, enum day_owner owner, int64_t amount,
                  const struct fees *fees);
bool day_sums_are_equal(const struct day_sums *left, const struct day_sums *right);

/* Writes the sheets of all owners of that kind. */
MUST_CHECK enum status day_sheets_write(struct settlement_log *log, struct sheet_set *set,
                                        enum day_owner owner, uint32_t day);
