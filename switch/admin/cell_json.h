/* Rows of the desk as JSON, a member a column, and members of a body as cells: made from the same
 * description as SQL and CSV (switch/desk/cell_table.h), so that all agree.
 *
 * Numbers are numbers, "yes" and "no" are true and false, lists are arrays; all else is the text
 * form of the cell. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "switch/desk/cell_table.h"

/* NULL: no memory. */
json_t *cell_json_row(const struct cell_table *table, const void *row);
/* Whether a column of that name is a hash of a person, an account or a card: who follows up does
 * not need it, and whoever can guess what it is of can tell. */
bool cell_json_is_hash(const char *name);
/* Takes the hashes out of a row. */
void cell_json_hide_hashes(json_t *row);
/* The column of that name; NULL: none. */
const struct cell_column *cell_json_column(const struct cell_table *table, const char *name);
/* Puts a member of a body into the row. False: `fault` names the member, what was expected and what
 * stood there; the row is as before. */
bool cell_json_take(const struct cell_column *column, const json_t *value, void *row,
                    char fault[CELL_FAULT_SIZE]);
