/* Inside of the desk, for the files of this folder only. */
#pragma once

#include <stdbool.h>

#include <sqlite3.h>

#include "switch/aftersales/service_case.h"
#include "switch/desk/cell_table.h"
#include "switch/desk/desk.h"

/* Statements that are kept prepared: some four a row kind. */
#define DESK_STATEMENT_COUNT_MAX 64

struct desk {
    sqlite3 *database; /* owner */
    char path[256], reason[DESK_REASON_SIZE];
    struct case_rules case_rules;
    uint32_t depth;   /* of desk_begin() */
    int64_t until_ns; /* of desk_limit(), by the clock that only rises; 0: none */
    bool is_failed;   /* something inside did not succeed: the outermost end undoes */
    uint32_t statement_count;
    sqlite3_stmt *statements[DESK_STATEMENT_COUNT_MAX]; /* owner */
};

/* Writes why, with the file's name before it; answers `status`. */
enum status desk_fault(struct desk *desk, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* SQLite refused: BROKEN, or EXPIRED when another writer was in the way. */
enum status desk_broken(struct desk *desk, const char *doing);
/* NULL: SQLite refused it; then desk_broken() says why. Given back by desk_release(). */
sqlite3_stmt *desk_prepare(struct desk *desk, const char *sql);
/* NULL does nothing. */
void desk_release(struct desk *desk, sqlite3_stmt *statement);
/* The next row: OK; none: NOT_FOUND, without a word in the reason. */
MUST_CHECK enum status desk_step(struct desk *desk, sqlite3_stmt *statement);
/* Runs a statement that gives no rows, with the parameters that were bound, and gives it back;
 * `bound` false: binding failed. */
MUST_CHECK enum status desk_run(struct desk *desk, sqlite3_stmt *statement, bool bound);

/* A parameter of a short statement. */
struct desk_value {
    bool is_text;
    const char *text;
    int64_t number;
};
#define DESK_TEXT(value) ((struct desk_value){true, (value), 0})
#define DESK_NUMBER(value) ((struct desk_value){false, NULL, (int64_t)(value)})
/* Binds the values from parameter 1; ends with the count. */
bool desk_bind(sqlite3_stmt *statement, const struct desk_value *values, uint32_t count);
/* Prepares, binds, runs. */
MUST_CHECK enum status desk_write(struct desk *desk, const char *sql,
                                  const struct desk_value *values, uint32_t count);
/* One number of one row: NOT_FOUND when there is none. */
MUST_CHECK enum status desk_number(struct desk *desk, const char *sql,
                                   const struct desk_value *values, uint32_t count,
                                   int64_t *number);
struct event_line;
/* An event of the row at hand: number, wall_us, kind, case_kind, subject, payload; the pointers
 * live until the next step. MALFORMED: it is of another version. */
MUST_CHECK enum status event_out_line(struct desk *desk, sqlite3_stmt *statement,
                                      struct event_line *line);
#define DESK_COUNT_OF(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))
