/* The SQLite file behind the wallets' ledger: its schema, its statements, reading it back. Only
 * book.c uses it.
 *
 * Writes gather in one transaction until book_file_commit. STATUS_BROKEN: the file could not be
 * written. Life:  book_file_open (which tells the reader all there is) -> add, change, commit ...
 * -> book_file_close
 */
#pragma once

#include "loadtest/wallet/book.h"

#define BOOK_HASH_SIZE 33

struct book_file;

/* Called with what the file has, orders first, then refunds, then notifies still owed. */
struct book_reader {
    enum status (*on_order)(void *argument, const struct order *order, const char *hash);
    enum status (*on_refund)(void *argument, enum wallet wallet, const char *number,
                             const struct refund *refund);
    enum status (*on_notice)(void *argument, const struct notice *notice, int64_t due_us);
    void *argument;
};

/* NULL: `reason` says why. */
struct book_file *book_file_open(const struct book_setup *setup, const struct book_reader *reader,
                                 char reason[BOOK_REASON_SIZE]);
void book_file_close(struct book_file *file); /* NULL is nothing */

int64_t book_file_order_number(struct book_file *file); /* of the next order; each once */
MUST_CHECK enum status book_file_order_add(struct book_file *file, const struct order *order,
                                           const char *hash);
MUST_CHECK enum status book_file_order_change(struct book_file *file, const struct order *order);
MUST_CHECK enum status book_file_refund_add(struct book_file *file, const struct order *order,
                                            const struct refund *refund);
MUST_CHECK enum status book_file_notice_add(struct book_file *file, const struct notice *notice,
                                            int64_t due_us, int64_t *id);
MUST_CHECK enum status book_file_notice_change(struct book_file *file, const struct notice *notice,
                                               int64_t due_us, int64_t delivered_us);
MUST_CHECK enum status book_file_journal(struct book_file *file, const struct book_entry *entry,
                                         int64_t at_us);
MUST_CHECK enum status book_file_commit(struct book_file *file);
