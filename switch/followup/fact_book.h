/* What is registered of terminals and merchants, gathered for the watcher: those of the
 * configuration's tables, with what the registry knows beside (serial number, place, least
 * software, hours). A terminal that only the registry has cannot connect, and is left out.
 *
 * Life:  fact_book_create -> (fact_book_copy -> fact_book_register) -> learn, find ... -> destroy
 */
#pragma once

#include "protocols/base/status.h"
#include "routing/ruleset.h"
#include "switch/aftersales/watcher.h"
#include "switch/desk/desk.h"

struct fact_book;

/* Of the tables alone; copied. NULL: no memory. */
struct fact_book *fact_book_create(const struct ruleset *ruleset);
/* NULL: no memory. */
struct fact_book *fact_book_copy(const struct fact_book *book);
void fact_book_destroy(struct fact_book *book);

/* Adds what the registry knows. Not STATUS_OK: desk_reason() says why, and the book may hold a
 * part. */
MUST_CHECK enum status fact_book_register(struct fact_book *book, struct desk *desk);

/* Tells the watcher what is not in `before`, which it was told last (NULL: nothing), or is other
 * there: a reload of large tables changes few. Terminals that are no longer there are told to be
 * inactive. Answers for how many of those told now the watcher has no room. */
uint32_t fact_book_learn(const struct fact_book *book, const struct fact_book *before,
                         struct watcher *watcher);

/* NULL: not there. The book's. */
const struct terminal_facts *fact_book_terminal(const struct fact_book *book,
                                                const char *terminal_id);
const struct merchant_facts *fact_book_merchant(const struct fact_book *book,
                                                const char *merchant_id);

/* Room for these and more, since a reload may bring some; rounded up to a power of two, so that a
 * few more or less at the next start leave what the watcher remembers readable. */
struct watch_limits fact_book_limits(const struct ruleset *ruleset, uint32_t card_count_max);
