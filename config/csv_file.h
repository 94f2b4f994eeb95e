/* The text of a CSV file (RFC 4180) as calls, one a row, without an allocation.
 *
 * The first row names the columns, in any order; the reader is told which ones it may meet. Fields
 * are cut out of the text in place (so the text is changed), and end with 0. A faulty row is
 * reported with its line and left out; reading goes on behind it.
 *
 * Life:  csv_file_read, once; rows and faults come in the order of the file
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"

#define CSV_COLUMN_COUNT_MAX 32
#define CSV_FAULT_SIZE 240

struct csv_column {
    const char *name;
    bool is_required; /* absent ones come as empty texts */
};

struct csv_row {
    uint32_t line;             /* where it begins, from 1 */
    const char *const *fields; /* in the order of the columns asked for; good for the call */
};

struct csv_sink {
    void (*on_row)(void *argument, const struct csv_row *row);
    /* The sentence says what, what was expected, what stood there; the caller adds the file. */
    void (*on_fault)(void *argument, uint32_t line, const char *sentence);
    void *argument;
};

/* Reads `length` bytes of text, behind which one more byte may be written. `columns` ends with a
 * NULL name, CSV_COLUMN_COUNT_MAX at most.
 * STATUS_MALFORMED: the first row does not name the columns; no row was read. */
MUST_CHECK enum status csv_file_read(char *text, uint32_t length, const struct csv_column *columns,
                                     const struct csv_sink *sink);
