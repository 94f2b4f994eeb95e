/* The text of one cell of a CSV file that people open with a spreadsheet.
 *
 * A spreadsheet takes a cell that begins with = + - @, a tab or a carriage return for a formula and
 * carries it out, whoever wrote it. Such a text goes out with an apostrophe before it, which
 * spreadsheets take for "this is text"; the reader takes it away again. A text that has the
 * apostrophe by itself before such a character gets one more, so that nothing is lost on the way.
 */
#pragma once

#include <stdbool.h>

/* Whether an apostrophe has to stand before the text. */
bool csv_cell_needs_mark(const char *text);
/* The text of a field that was read: behind the apostrophe where one was put before it. */
const char *csv_cell_text(const char *field);
