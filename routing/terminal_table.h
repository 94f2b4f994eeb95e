/* Terminals that may connect: which merchant each belongs to, and whether it may work.
 *
 * Found by the 8 characters of field 41 through an open-addressing hash table.
 *
 * Life:  create -> add ... -> freeze -> find ... -> destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"

struct terminal_row {
    char terminal_id[9];
    char merchant_id[16];
    bool is_active;
    char brand[16], model[16]; /* for route rules and, later, after-sales */
    uint32_t index;            /* place in the table, 0 .. count - 1; given by add */
};
_Static_assert(sizeof(struct terminal_row) == 64, "one cache line a row");

struct terminal_table;

struct terminal_table *terminal_table_create(uint32_t row_count_max);
void terminal_table_destroy(struct terminal_table *table);
/* STATUS_BAD_VALUE: an id that is not 8 printable characters. STATUS_NO_ROOM. */
MUST_CHECK enum status terminal_table_add(struct terminal_table *table,
                                          const struct terminal_row *row);
/* STATUS_DUPLICATE: one id twice; `duplicate` names it. */
MUST_CHECK enum status terminal_table_freeze(struct terminal_table *table, char duplicate[9]);
/* NULL: not registered. The row stays the table's. */
const struct terminal_row *terminal_table_find(const struct terminal_table *table,
                                               const char *terminal_id);
/* Notes a number beside the row `index` of a frozen table, before it is shared: its merchant's row.
 * terminal_table_find_bound gives both for the price of the find. */
void terminal_table_bind(struct terminal_table *table, uint32_t index, uint32_t bound);
const struct terminal_row *terminal_table_find_bound(const struct terminal_table *table,
                                                     const char *terminal_id, uint32_t *bound);
uint32_t terminal_table_count(const struct terminal_table *table);
const struct terminal_row *terminal_table_at(const struct terminal_table *table, uint32_t index);
