/* Which cases a queue shows, as the query of a URL says it. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/desk/case_book.h"

#define CASE_FILTER_LIMIT 50
#define CASE_FILTER_LIMIT_MAX 200
#define CASE_FILTER_REASON_SIZE 240
#define CASE_FILTER_CURSOR_SIZE 48

/* X(name, what is expected) */
#define CASE_FILTER_MAP(X)                                                                         \
    X(kind, "FAULT, TRANSACTION, RISK, SERVICE or FEE")                                            \
    X(severity, "the least severity, 1 to 4")                                                      \
    X(due_before, "a time such as 2026-09-21T14:13:20Z, or a date (UTC)")                          \
    X(terminal, "the 8 characters of a terminal id")                                               \
    X(merchant, "a merchant id, at most 15 characters")                                            \
    X(agent, "an agent's name, at most 11 characters")                                             \
    X(point, "a service point's name, at most 15 characters")                                      \
    X(state, "open, closed or all")                                                                \
    X(limit, "1 to 200")                                                                           \
    X(cursor, "the cursor of the page before")

struct case_filter {
    struct case_query query;
    uint32_t limit;
};

/* Open cases, 50 of them. */
void case_filter_init(struct case_filter *filter);
/* One parameter; `name` is one of the map's. False: `reason` names it and what was expected. */
bool case_filter_put(struct case_filter *filter, const char *name, const char *value,
                     char reason[CASE_FILTER_REASON_SIZE]);
/* What the next page is asked with. */
void case_filter_cursor(char text[CASE_FILTER_CURSOR_SIZE], const struct case_line *last);
/* The names of the map in its order; NULL behind the last. */
const char *case_filter_name(uint32_t index);
