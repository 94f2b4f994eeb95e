/* A text file of rows, one a line, read line by line however long the file: CSV with a header and
 * without quotes, since no value of ours has a comma. Columns are found by name and stand in any
 * order; which ones there are, and where in a struct each lies, is a table.
 *
 * Life:  row_file_open -> row_file_next ... -> row_file_close
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "protocols/base/status.h"

#define ROW_COLUMN_COUNT_MAX 48
#define ROW_FAULT_SIZE 320

enum row_value {
    ROW_TEXT,     /* char[size], ends with 0 */
    ROW_UNSIGNED, /* of `size` bytes */
    ROW_SIGNED,   /* of `size` bytes */
    ROW_FLAG,     /* bool: 0 or 1 */
    ROW_BYTES,    /* uint8_t[size] as hex digits */
    ROW_WORD      /* an enum, by `from_word` */
};

struct row_column {
    const char *name;
    enum row_value value;
    size_t offset, size;
    /* ROW_WORD: the enumerator, -1: no such word */
    int (*from_word)(const char *word);
};

struct row_form {
    const struct row_column *columns;
    uint32_t count;
    size_t row_size;
};

struct row_file {
    FILE *file;                            /* owner */
    const char *path;                      /* borrowed */
    const struct row_form *form;           /* borrowed */
    uint32_t places[ROW_COLUMN_COUNT_MAX]; /* of the form's columns, in the file's order */
    uint32_t place_count;
    uint64_t line_number; /* from 1: the header */
    char *line;           /* owner, of getline */
    size_t line_size;
    char fault[ROW_FAULT_SIZE]; /* what was wrong, where, what was expected */
};

/* Opens the file and reads its header. Every column of the file must be one of the form's; a column
 * that the file leaves out is empty. Not STATUS_OK: `fault` says why, and nothing is open. */
MUST_CHECK enum status row_file_open(struct row_file *rows, const char *path,
                                     const struct row_form *form);
/* The next row into `row` (of form->row_size bytes), which is cleared first: an empty value stays
 * 0. STATUS_NOT_FOUND: the file has ended. Else not STATUS_OK: `fault` says why. */
MUST_CHECK enum status row_file_next(struct row_file *rows, void *row);
void row_file_close(struct row_file *rows);
