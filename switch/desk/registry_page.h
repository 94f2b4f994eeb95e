/* The registry a page at a time, for those who look at some of it.
 *
 * Filters must all fit: a column is what was given, or begins with it where the value ends in a
 * star; of columns with several words, one of them is what was given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/desk/cell_table.h"
#include "switch/desk/registry.h"

#define REGISTRY_FILTER_COUNT_MAX 8
#define REGISTRY_PAGE_ROWS_MAX 1000

struct registry_filter {
    const struct cell_column *column;
    char value[CELL_TEXT_SIZE];
    bool is_beginning; /* of what stands there */
};

/* Whose rows: of merchants of this agent and of those below it, of this merchant; of both both must
 * fit. It bounds merchants, their bindings, terminals that are bound to them, and agents; of the
 * last a merchant's scope leaves none. Rows of other kinds are nobody's. */
struct registry_scope {
    char agent_id[12], merchant_id[16]; /* empty: any */
};

struct registry_query {
    struct registry_scope scope;
    enum registry_kind kind;
    uint32_t filter_count;
    struct registry_filter filters[REGISTRY_FILTER_COUNT_MAX];
    bool has_behind;
    union registry_row behind; /* its key ended the page before */
    uint32_t limit;            /* 1 to REGISTRY_PAGE_ROWS_MAX */
};

/* The first page of a kind, all of whose rows fit. */
void registry_query_init(struct registry_query *query, enum registry_kind kind);
/* UNKNOWN: no such column; BAD_VALUE: one too long; NO_ROOM: one filter too many. */
MUST_CHECK enum status registry_query_filter(struct registry_query *query, const char *name,
                                             const char *value);
/* Just the row of that key, whatever signs stand in it. */
void registry_query_key(struct registry_query *query, const void *row);
/* The cursor behind a row: its key, with a tab between; REQUIREs that it fits CELL_KEY_SIZE. */
void registry_query_cursor(enum registry_kind kind, const void *row, char *cursor);
/* Goes on behind it. BAD_VALUE: no cursor of this kind. */
MUST_CHECK enum status registry_query_go_on(struct registry_query *query, const char *cursor);

/* Rows in the order of their keys; `*has_more`: there is one behind the last. */
MUST_CHECK enum status registry_page(struct desk *desk, const struct registry_query *query,
                                     const struct registry_sink *sink, bool *has_more);
