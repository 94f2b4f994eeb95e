/* See log_purge.h. */
#include "switch/store/log_purge.h"

#include <stdio.h>
#include <time.h>

#define DAY_US INT64_C(86400000000)

static enum status last_wall(struct log_segment *segment, int64_t *wall_us, char *reason)
{
    sqlite3_stmt *select = NULL;
    int step = SQLITE_ERROR;
    if (sqlite3_prepare_v2(segment->database, "SELECT wall_us FROM log WHERE position = ?1", -1,
                           &select, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(select, 1, (int64_t)segment->row.last_position);
        step = sqlite3_step(select);
        *wall_us = sqlite3_column_int64(select, 0);
    }
    if (step != SQLITE_ROW) {
        snprintf(reason, LOG_REASON_SIZE, "log %s: its last row cannot be read: %s", segment->path,
                 log_segment_fault(segment));
    }
    sqlite3_finalize(select);
    return step == SQLITE_ROW ? STATUS_OK : STATUS_BROKEN;
}

enum status log_purge_is_due(const struct log_place *place, uint32_t ordinal, uint32_t days,
                             bool *is_due, char *reason)
{
    struct log_segment segment;
    struct timespec now;
    int64_t wall_us = 0;
    *is_due = false;
    enum status status = log_segment_open(&segment, place, ordinal, SEGMENT_READ, reason);
    if (status != STATUS_OK) {
        return status;
    }
    if (segment.row.sealed_us != 0) {
        clock_gettime(CLOCK_REALTIME, &now);
        status = last_wall(&segment, &wall_us, reason);
        *is_due =
            status == STATUS_OK && (int64_t)now.tv_sec * 1000000 - wall_us > (int64_t)days * DAY_US;
    }
    log_segment_close(&segment);
    return status;
}

enum status log_purge_remove(const struct log_place *place, uint32_t ordinal, char *reason)
{
    struct log_segment segment;
    char path[LOG_PATH_SIZE];
    enum status status = log_segment_open(&segment, place, ordinal, SEGMENT_READ, reason);
    if (status != STATUS_OK) {
        return status;
    }
    struct log_anchor anchor = {.ordinal = ordinal,
                                .first_position = segment.row.first_position,
                                .last_position = segment.row.last_position,
                                .last_hash = segment.row.last_hash};
    log_segment_close(&segment);
    status = log_folder_add_anchor(place->folder, &anchor, reason);
    if (status == STATUS_OK) {
        log_folder_segment_path(path, place->folder, ordinal);
        status = log_disk_remove(path, reason);
    }
    return status == STATUS_OK ? log_disk_sync_folder(place->folder, reason) : status;
}
