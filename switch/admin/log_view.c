/* See log_view.h. */
#include "switch/admin/log_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STATEMENT_NS 2000000000U /* of one statement, whatever it does */
#define STEPS_A_CHECK 10000
#define BUSY_MS 500

uint64_t log_view_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static int on_progress(void *argument)
{
    const struct log_view *view = argument;
    return log_view_clock_ns() > view->deadline_ns;
}

bool log_view_open(struct log_view *view, const char *folder)
{
    char reason[LOG_REASON_SIZE] = "";
    *view = (struct log_view){.folder = ""};
    if (strlen(folder) >= sizeof(view->folder) - 32) {
        snprintf(view->fault, sizeof(view->fault), "store.folder is too long a path");
        return false;
    }
    memcpy(view->folder, folder, strlen(folder) + 1);
    if (log_folder_span(folder, &view->span, reason) != STATUS_OK || view->span.last == 0) {
        snprintf(view->fault, sizeof(view->fault), "the log cannot be read: %s",
                 reason[0] != '\0' ? reason : "its folder holds no segment yet");
        return false;
    }
    view->segments = calloc(view->span.last - view->span.first + 1, sizeof(*view->segments));
    if (view->segments == NULL) {
        snprintf(view->fault, sizeof(view->fault), "no memory");
    }
    return view->segments != NULL;
}

void log_view_close(struct log_view *view)
{
    for (uint32_t i = 0; view->segments != NULL && i <= view->span.last - view->span.first; i++) {
        sqlite3_close(view->segments[i].database);
    }
    free(view->segments);
    view->segments = NULL;
}

void log_view_note(struct log_view *view, struct log_view_segment *segment)
{
    snprintf(view->fault, sizeof(view->fault), "segment %u of the log cannot be read: %s",
             (unsigned)(view->span.first + (uint32_t)(segment - view->segments)),
             sqlite3_errmsg(segment->database));
}

sqlite3_stmt *log_view_prepare(struct log_view *view, struct log_view_segment *segment,
                               const char *sql)
{
    sqlite3_stmt *made = NULL;
    view->deadline_ns = log_view_clock_ns() + STATEMENT_NS;
    if (sqlite3_prepare_v2(segment->database, sql, -1, &made, NULL) != SQLITE_OK) {
        log_view_note(view, segment);
        return NULL;
    }
    return made;
}

static int64_t column_of(struct log_view *view, struct log_view_segment *segment, const char *sql,
                         bool *is_good)
{
    int64_t value = 0;
    sqlite3_stmt *made = log_view_prepare(view, segment, sql);
    int step = made == NULL ? SQLITE_ERROR : sqlite3_step(made);
    if (step == SQLITE_ROW) {
        value = sqlite3_column_int64(made, 0);
    } else if (step != SQLITE_DONE) {
        log_view_note(view, segment);
        *is_good = false;
    }
    sqlite3_finalize(made);
    return value;
}

/* `first` to `last` are asked of the rows: the header of a segment that is written knows no end. */
static bool look_at(struct log_view *view, struct log_view_segment *segment)
{
    bool is_good = true;
    segment->is_sealed =
        column_of(view, segment, "SELECT sealed_us <> 0 FROM segment", &is_good) != 0;
    segment->first = column_of(view, segment, "SELECT min(position) FROM log", &is_good);
    segment->last = column_of(view, segment, "SELECT max(position) FROM log", &is_good);
    if (segment->first == 0) {
        segment->last = -1;
    }
    return is_good;
}

struct log_view_segment *log_view_segment(struct log_view *view, uint32_t ordinal)
{
    struct log_view_segment *segment = &view->segments[ordinal - view->span.first];
    char path[LOG_PATH_SIZE];
    if (segment->database != NULL || segment->last < segment->first) {
        return segment;
    }
    log_folder_segment_path(path, view->folder, ordinal);
    if (!log_disk_is_there(path)) {
        segment->last = -1;
        return segment;
    }
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &segment->database, flags, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(segment->database, BUSY_MS);
        sqlite3_progress_handler(segment->database, STEPS_A_CHECK, on_progress, view);
        if (look_at(view, segment)) {
            return segment;
        }
    } else {
        log_view_note(view, segment);
    }
    sqlite3_close(segment->database);
    segment->database = NULL;
    return NULL;
}
