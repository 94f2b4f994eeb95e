/* See store_tools.h. */
#include "switch/store/store_tools.h"

#include <stdio.h>
#include <string.h>

#include "switch/store/log_purge.h"
#include "switch/store/log_walk.h"

_Static_assert(STORE_REASON_SIZE >= LOG_REASON_SIZE, "a fault of a file fits into our reason");

static void on_record(void *argument, const struct record *record)
{
    struct store_verified *verified = argument;
    verified->rows++;
    verified->position = record->position;
}

enum status store_verify(const char *folder, struct store_verified *verified,
                         char reason[STORE_REASON_SIZE])
{
    const struct log_place place = {folder, NULL};
    struct log_reader reader = {on_record, verified};
    struct log_span span;
    struct log_end end;
    *verified = (struct store_verified){0};
    enum status status = log_folder_span(folder, &span, reason);
    if (status == STATUS_OK) {
        verified->segment_first = span.first;
        verified->segment_last = span.last;
        status = log_walk_all(&place, &reader, &end, reason);
    }
    return status == STATUS_OK || status == STATUS_UNSUPPORTED ? status : STATUS_BROKEN;
}

/* --- back-up ------------------------------------------------------------------------------ */

static void on_name(void *argument, const char *name)
{
    bool *is_empty = argument;
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
        *is_empty = false;
    }
}

static enum status make_target(const char *to, char *reason)
{
    bool is_empty = true;
    enum status status = log_disk_make_folder(to, reason);
    if (status == STATUS_OK) {
        status = log_disk_list(to, on_name, &is_empty, reason);
    }
    if (status == STATUS_OK && !is_empty) {
        snprintf(reason, STORE_REASON_SIZE,
                 "log %s: expected an empty folder for the copy, or none; give another one", to);
        return STATUS_DENIED;
    }
    return status;
}

/* One reading transaction: what is committed while it goes on is not in the copy. */
static enum status copy_open(const struct log_segment *segment, const char *to, char *reason)
{
    char *sql = sqlite3_mprintf("VACUUM INTO %Q", to);
    enum status status = log_disk_make_file(to, reason);
    if (status == STATUS_OK &&
        (sql == NULL || sqlite3_exec(segment->database, sql, NULL, NULL, NULL) != SQLITE_OK)) {
        snprintf(reason, STORE_REASON_SIZE, "log %s: %s", to, log_segment_fault(segment));
        status = STATUS_BROKEN;
    }
    sqlite3_free(sql);
    return status == STATUS_OK ? log_disk_sync_file(to, reason) : status;
}

static enum status copy_segment(const struct log_place *place, const char *to, uint32_t ordinal,
                                char *reason)
{
    char source[LOG_PATH_SIZE];
    char target[LOG_PATH_SIZE];
    struct log_segment segment;
    log_folder_segment_path(source, place->folder, ordinal);
    log_folder_segment_path(target, to, ordinal);
    if (log_disk_is_readonly(source)) {
        enum status status = log_disk_copy(source, target, reason);
        return status == STATUS_OK ? log_disk_make_readonly(target, reason) : status;
    }
    enum status status = log_segment_open(&segment, place, ordinal, SEGMENT_READ, reason);
    if (status == STATUS_OK) {
        status = copy_open(&segment, target, reason);
        log_segment_close(&segment);
    }
    return status;
}

static enum status copy_purged(const char *folder, const char *to, char *reason)
{
    char source[LOG_PATH_SIZE];
    char target[LOG_PATH_SIZE];
    log_folder_path(source, folder, LOG_PURGED_NAME);
    log_folder_path(target, to, LOG_PURGED_NAME);
    return log_disk_is_there(source) ? log_disk_copy(source, target, reason) : STATUS_OK;
}

enum status store_backup(const char *folder, const char *to, char reason[STORE_REASON_SIZE])
{
    const struct log_place place = {folder, NULL};
    struct log_span span = {0, 0};
    enum status status = make_target(to, reason);
    /* Segments removed after this are missed by the copy of purged.csv, but then they are copied,
     * or the copy fails for want of them. */
    if (status == STATUS_OK) {
        status = log_folder_span(folder, &span, reason);
    }
    if (status == STATUS_OK && span.last == 0) {
        snprintf(reason, STORE_REASON_SIZE,
                 "log %s: expected segment-000001.db or a later one in this folder", folder);
        return STATUS_UNSUPPORTED;
    }
    if (status == STATUS_OK) {
        status = copy_purged(folder, to, reason);
    }
    for (uint32_t ordinal = span.first; status == STATUS_OK && ordinal <= span.last; ordinal++) {
        status = copy_segment(&place, to, ordinal, reason);
    }
    return status == STATUS_OK ? log_disk_sync_folder(to, reason) : status;
}

/* --- purge -------------------------------------------------------------------------------- */

enum status store_purge(const char *folder, uint32_t days, uint32_t *segments,
                        char reason[STORE_REASON_SIZE])
{
    const struct log_place place = {folder, NULL};
    struct log_span span;
    bool is_due = days > 0;
    *segments = 0;
    enum status status = log_folder_span(folder, &span, reason);
    /* The newest sealed segment carries what a restart needs, and the one after it may be the open
     * one: a segment goes only when the one after it is sealed. */
    for (uint32_t ordinal = span.first; status == STATUS_OK && is_due && ordinal < span.last;
         ordinal++) {
        char path[LOG_PATH_SIZE];
        log_folder_segment_path(path, folder, ordinal + 1);
        if (!log_disk_is_readonly(path)) {
            break;
        }
        status = log_purge_is_due(&place, ordinal, days, &is_due, reason);
        if (status == STATUS_OK && is_due) {
            status = log_purge_remove(&place, ordinal, reason);
            *segments += status == STATUS_OK;
        }
    }
    return status;
}
