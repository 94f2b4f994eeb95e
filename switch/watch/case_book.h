/* The cases that a replay's flags open: a flag joins one, is linked to one, or opens one, as
 * case_merge says, and each case lives by service_case. Nobody answers them, so they stay open.
 *
 * Life:  case_book_create -> case_book_take ... -> case_book_write -> case_book_destroy
 */
#pragma once

#include <stdio.h>

#include "protocols/base/status.h"
#include "switch/aftersales/case_merge.h"
#include "switch/aftersales/facts.h"
#include "switch/aftersales/flag.h"

struct case_book;

/* `rules`, by which cases live, are copied. NULL: no memory. */
struct case_book *case_book_create(const struct case_rules *rules);
void case_book_destroy(struct case_book *book);

/* What became of a flag. */
struct case_taken {
    enum merge_verdict verdict;
    uint64_t case_id; /* 0: none */
};
/* `facts`: of the flag's terminal; NULL: a merchant's or a cohort's flag. STATUS_NO_MEMORY, or
 * STATUS_BROKEN: a case refused what case_merge had decided, and `reason` says why. */
MUST_CHECK enum status case_book_take(struct case_book *book, const struct flag *flag,
                                      const struct terminal_facts *facts, struct case_taken *taken);
const char *case_book_reason(const struct case_book *book);
uint32_t case_book_count(const struct case_book *book);
/* One line a case, after a header. */
void case_book_write(const struct case_book *book, FILE *file);
