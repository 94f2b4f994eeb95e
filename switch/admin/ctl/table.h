/* JSON as people read it: lists as tables with aligned columns, one thing as names and values. */
#pragma once

#include <stdio.h>

#include <jansson.h>

/* A column: its heading and where its value lies, parts joined by dots ("amount.text"). */
struct table_column {
    const char *heading, *path;
};

/* `columns` ends with a heading of NULL. */
void table_write(FILE *to, const json_t *items, const struct table_column *columns);
/* One line each: heading, value. */
void table_write_one(FILE *to, const json_t *item, const struct table_column *columns);
/* The texts of a list, a line each. */
void table_write_lines(FILE *to, const json_t *texts);
/* Comma separated, as RFC 4180 says it: headings, then a line for each item. */
void table_write_csv(FILE *to, const json_t *items, const struct table_column *columns);
