/* The log's segments, opened one by one as they are needed, to be looked at: read-only, with a
 * limit on the time of each statement, so that nobody here holds back the switch's checkpoint.
 *
 * Life:  log_view_open -> segment, bounds, statements ... -> log_view_close      (one a request)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "switch/store/log_folder.h"

#define LOG_VIEW_REASON_SIZE 1200
#define LOG_VIEW_STRETCH_ROWS 20000 /* of one statement on a segment that is being written */

struct log_view_segment {
    sqlite3 *database;   /* owner; NULL: not opened yet */
    bool is_sealed;      /* has indexes, and nobody waits for a reader */
    int64_t first, last; /* positions, when it was opened; last < first: no row */
};

struct log_view {
    char folder[LOG_PATH_SIZE];
    struct log_span span;
    struct log_view_segment *segments; /* of the span */
    uint64_t deadline_ns;              /* of the statement that runs */
    char fault[LOG_VIEW_REASON_SIZE];  /* what failed last */
};

/* False: `view->fault` says why the log cannot be read now. */
bool log_view_open(struct log_view *view, const char *folder);
void log_view_close(struct log_view *view);

/* NULL: it cannot be read. A segment that a purge took since is one without rows. */
struct log_view_segment *log_view_segment(struct log_view *view, uint32_t ordinal);
/* NULL: SQLite refused. The statement is the caller's to finalize; its time is counted from here.
 */
sqlite3_stmt *log_view_prepare(struct log_view *view, struct log_view_segment *segment,
                               const char *sql);
/* Notes why a step failed. */
void log_view_note(struct log_view *view, struct log_view_segment *segment);
uint64_t log_view_clock_ns(void);
