/* See log_scan.h. */
#include "switch/admin/log_scan.h"

#include <stdio.h>

#define STRETCH_ROWS 4000 /* of one statement, and of its time */
#define CLOCK_SLACK_US INT64_C(86400000000)

enum scan_step { SCAN_GOES_ON, SCAN_STOPPED, SCAN_FAILED };

/* Whether the segment's last row is so old that none of it counts. */
static bool is_before(struct log_view *view, struct log_view_segment *segment, int64_t from_us)
{
    bool is_old = false;
    sqlite3_stmt *row =
        log_view_prepare(view, segment, "SELECT wall_us FROM log WHERE position = ?1");
    if (row != NULL) {
        sqlite3_bind_int64(row, 1, segment->last);
        is_old = sqlite3_step(row) == SQLITE_ROW &&
                 sqlite3_column_int64(row, 0) < from_us - CLOCK_SLACK_US;
    }
    sqlite3_finalize(row);
    return is_old;
}

static enum scan_step scan_stretch(const struct log_scan *scan, struct log_view *view,
                                   struct log_view_segment *segment, int64_t first)
{
    sqlite3_stmt *rows = log_view_prepare(view, segment, scan->sql);
    if (rows == NULL) {
        return SCAN_FAILED;
    }
    int64_t last = segment->last - first >= STRETCH_ROWS ? first + STRETCH_ROWS - 1 : segment->last;
    bool goes_on = true;
    int step = SQLITE_DONE;
    sqlite3_bind_int64(rows, 1, first);
    sqlite3_bind_int64(rows, 2, last);
    while (goes_on && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        goes_on = scan->on_row(scan->argument, rows);
    }
    if (goes_on && step != SQLITE_DONE) {
        log_view_note(view, segment);
    }
    sqlite3_finalize(rows);
    atomic_fetch_add_explicit(scan->rows, (unsigned long long)(last - first + 1),
                              memory_order_relaxed);
    return !goes_on ? SCAN_STOPPED : step == SQLITE_DONE ? SCAN_GOES_ON : SCAN_FAILED;
}

static enum scan_step scan_segment(const struct log_scan *scan, struct log_view *view,
                                   uint32_t ordinal)
{
    struct log_view_segment *segment = log_view_segment(view, ordinal);
    enum scan_step step = segment == NULL ? SCAN_FAILED : SCAN_GOES_ON;
    if (step != SCAN_GOES_ON || segment->last < segment->first) {
        return step; /* it cannot be read; or it has no row, or a purge took it */
    }
    int64_t first = segment->first;
    if (is_before(view, segment, scan->from_us)) {
        atomic_fetch_add(scan->rows, (unsigned long long)(segment->last - first + 1));
        return SCAN_GOES_ON;
    }
    for (; first <= segment->last && step == SCAN_GOES_ON; first += STRETCH_ROWS) {
        step = scan_stretch(scan, view, segment, first);
    }
    return step;
}

enum status log_scan(const struct log_scan *scan, char reason[LOG_VIEW_REASON_SIZE])
{
    struct log_view view;
    enum scan_step step = SCAN_FAILED;
    if (log_view_open(&view, scan->folder)) {
        step = SCAN_GOES_ON;
        for (uint32_t at = view.span.first; at <= view.span.last && step == SCAN_GOES_ON; at++) {
            step = scan_segment(scan, &view, at);
        }
    }
    snprintf(reason, LOG_VIEW_REASON_SIZE, "%s", step == SCAN_FAILED ? view.fault : "");
    log_view_close(&view);
    return step == SCAN_FAILED ? STATUS_BROKEN : STATUS_OK;
}
