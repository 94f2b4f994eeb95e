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
/* Columns that are not everybody's, as bits. Hashes of a person, an account or a card: who follows
 * up does not need them, and whoever can guess what they are of can tell. And what risk thinks of a
 * merchant. */
#define CELL_JSON_HASHES 1u
#define CELL_JSON_RISK 2u
/* Whether the column of that name is one of those. */
bool cell_json_is_hidden(const char *name, unsigned hidden);
/* Takes them out of a row. */
void cell_json_hide(json_t *row, unsigned hidden);
/* The column of that name; NULL: none. */
const struct cell_column *cell_json_column(const struct cell_table *table, const char *name);
/* Puts a member of a body into the row. False: `fault` names the member, what was expected and what
 * stood there; the row is as before. */
bool cell_json_take(const struct cell_column *column, const json_t *value, void *row,
                    char fault[CELL_FAULT_SIZE]);
