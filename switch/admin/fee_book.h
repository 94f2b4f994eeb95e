/* Priced transactions of a stretch of the log with the price that was charged and one that is
 * tried, until it is known which of them stand: approved, and neither reversed nor voided nor
 * replaced by an adjustment. Pure but for the memory it takes, which has a limit.
 *
 * Life:  fee_book_create -> enter, event ... -> each -> fee_book_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "protocols/payment.h"
#include "switch/engine/record.h"

#define FEE_BOOK_COUNT_MAX 2000000 /* 112 bytes each */

struct fee_price {
    int64_t merchant_fee, issuer_fee, scheme_fee, agent_fee;
};
int64_t fee_price_margin(const struct fee_price *price); /* what is left to the acquirer */

struct fee_entry {
    struct txn_reference txn, original; /* `original` of a void or an adjustment; else zeros */
    enum payment_kind kind;
    uint32_t merchant, plan; /* numbers that the caller gave out */
    int64_t amount;
    struct fee_price charged, tried;
    bool is_priced; /* false: a void, which is here for its original's sake */
    bool is_approved, is_reversed;
    bool is_replaced; /* voided, or adjusted since; fee_book_close tells */
};

struct fee_book;

/* NULL: no memory. */
struct fee_book *fee_book_create(void);
void fee_book_destroy(struct fee_book *book);
/* Takes an entry that begins; a second one of the same transaction is left out.
 * STATUS_NO_ROOM: FEE_BOOK_COUNT_MAX are there. STATUS_NO_MEMORY. */
MUST_CHECK enum status fee_book_enter(struct fee_book *book, const struct fee_entry *entry);
/* NULL: it was never entered. The book's, until the next fee_book_enter. */
struct fee_entry *fee_book_find(struct fee_book *book, struct txn_reference txn);
/* Whether such a transaction, approved, ends the one that it follows: a void, an adjustment. */
bool fee_kind_ends_original(enum payment_kind kind);
/* Lets voids and adjustments that stand replace what they follow; once, at the end. */
void fee_book_close(struct fee_book *book);
uint32_t fee_book_count(const struct fee_book *book);
/* In the order in which they were entered. */
const struct fee_entry *fee_book_at(const struct fee_book *book, uint32_t index);
/* Whether its fees were taken, and stay taken; after fee_book_close. */
bool fee_entry_stands(const struct fee_entry *entry);
