/* The cases that wait for something to be seen of their terminal, in memory, by terminal: so that
 * an observation of any other terminal costs one look and no SQL.
 *
 * Life:  wait_table_create -> wait_table_fill, wait_table_refresh -> wait_table_find ... ->
 *        wait_table_destroy
 */
#pragma once

#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/desk/case_book.h"

struct wait_table;

/* A case of the list of one terminal. */
struct wait_item {
    struct case_wait wait;
    struct wait_item *next; /* NULL: the last */
};

/* NULL: no memory. */
struct wait_table *wait_table_create(void);
/* NULL does nothing. */
void wait_table_destroy(struct wait_table *table);

/* Reads all of them anew. Not STATUS_OK: it holds some of them only; fill it again. */
MUST_CHECK enum status wait_table_fill(struct wait_table *table, struct desk *desk);
/* Those of one terminal. Not STATUS_OK: as above. */
MUST_CHECK enum status wait_table_refresh(struct wait_table *table, struct desk *desk,
                                          const char *terminal_id);
/* NULL: none waits. The list holds until the next fill or refresh. */
const struct wait_item *wait_table_find(const struct wait_table *table, const char *terminal_id);
/* Cases, not terminals. */
uint32_t wait_table_count(const struct wait_table *table);
