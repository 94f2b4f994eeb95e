/* See log_replay.h. */
#include "switch/store/log_replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "switch/store/log_blocks.h"
#include "switch/store/log_usage.h"

/* Read-only files are sealed; the others may be, too: a crash, or a back-up that was copied. */
static enum status is_sealed(const struct log_place *place, uint32_t ordinal, bool *sealed,
                             char *reason)
{
    char path[LOG_PATH_SIZE];
    struct log_segment segment;
    log_folder_segment_path(path, place->folder, ordinal);
    *sealed = log_disk_is_readonly(path);
    if (*sealed) {
        return STATUS_OK;
    }
    enum status status = log_segment_open(&segment, place, ordinal, SEGMENT_READ, reason);
    if (status == STATUS_OK) {
        *sealed = segment.row.sealed_us != 0;
        log_segment_close(&segment);
    }
    return status;
}

enum status log_replay_sealed_last(const struct log_place *place, const struct log_span *span,
                                   uint32_t *sealed_last, char *reason)
{
    bool sealed = true;
    enum status status = STATUS_OK;
    *sealed_last = 0;
    for (uint32_t ordinal = span->first;
         status == STATUS_OK && sealed && ordinal > 0 && ordinal < span->last; ordinal++) {
        status = is_sealed(place, ordinal, &sealed, reason);
        *sealed_last = status == STATUS_OK && sealed ? ordinal : *sealed_last;
    }
    return status;
}

/* --- carried ------------------------------------------------------------------------------ */

struct carried_reading {
    struct log_segment *segment;
    const struct log_replay_reader *reader;
    uint64_t position;
    struct log_hash chain;
    char *reason;
};

static enum status take_carried(struct carried_reading *reading, sqlite3_stmt *row)
{
    struct record record;
    struct log_hash stored;
    const char *column = "";
    if (log_read(row, &record, &stored, &column) != STATUS_OK) {
        snprintf(reading->reason, LOG_REASON_SIZE,
                 "log %s: carried position %" PRIu64 ": column %s holds what no record holds",
                 reading->segment->path, record.position, column);
        return STATUS_MALFORMED;
    }
    bool follows = record.position == reading->position + 1;
    if (follows &&
        (log_hash_record(&reading->segment->hasher, &reading->chain, &record) != STATUS_OK ||
         memcmp(&reading->chain, &stored, sizeof(stored)) != 0)) {
        snprintf(reading->reason, LOG_REASON_SIZE,
                 "log %s: carried position %" PRIu64 ": its hash does not fit: this row or the one "
                 "before was changed; restore the file from a copy whose chain holds",
                 reading->segment->path, record.position);
        return STATUS_MALFORMED;
    }
    reading->position = record.position;
    reading->chain = stored;
    reading->reader->on_record(reading->reader->argument, &record);
    return STATUS_OK;
}

static enum status read_carried(struct log_segment *segment, const struct log_replay_reader *reader,
                                char *reason)
{
    char sql[LOG_SELECT_SIZE];
    sqlite3_stmt *rows = NULL;
    int step = SQLITE_ERROR;
    enum status status = STATUS_OK;
    struct carried_reading reading = {.segment = segment, .reader = reader, .reason = reason};
    snprintf(sql, sizeof(sql), "%scarried ORDER BY position", log_select_sql());
    if (sqlite3_prepare_v2(segment->database, sql, -1, &rows, NULL) == SQLITE_OK) {
        while (status == STATUS_OK && (step = sqlite3_step(rows)) == SQLITE_ROW) {
            status = take_carried(&reading, rows);
        }
    }
    if (status == STATUS_OK && step != SQLITE_DONE) {
        snprintf(reason, LOG_REASON_SIZE, "log %s: %s", segment->path, log_segment_fault(segment));
        status = STATUS_BROKEN;
    }
    sqlite3_finalize(rows);
    return status;
}

/* --- all of it ---------------------------------------------------------------------------- */

/* The newest sealed segment, opened; ordinal 0: none, and the log is read from its beginning. */
static enum status open_newest_sealed(const struct log_place *place, const struct log_span *span,
                                      struct log_segment *segment, char *reason)
{
    for (uint32_t ordinal = span->last; ordinal >= span->first && ordinal > 0; ordinal--) {
        enum status status = log_segment_open(segment, place, ordinal, SEGMENT_READ, reason);
        if (status != STATUS_OK || segment->row.sealed_us != 0) {
            return status;
        }
        log_segment_close(segment);
    }
    return STATUS_OK;
}

static enum status begin(const struct log_place *place, const struct log_span *span,
                         const struct log_replay_reader *reader, struct log_end *end, char *reason)
{
    struct log_segment sealed = {0};
    enum status status = open_newest_sealed(place, span, &sealed, reason);
    if (status != STATUS_OK) {
        return status;
    }
    if (sealed.database == NULL) {
        return log_walk_begin(place, span->first, end, reason);
    }
    status = read_carried(&sealed, reader, reason);
    if (status == STATUS_OK && reader->on_usage != NULL) {
        status = log_usage_read(place, &sealed, span->first, reader, reason);
    }
    *end = (struct log_end){sealed.row.ordinal, sealed.row.last_position, sealed.row.last_hash};
    log_segment_close(&sealed);
    return status;
}

static enum status replay_segment(const struct log_place *place, uint32_t ordinal,
                                  const struct log_replay_reader *reader, struct log_end *end,
                                  char *reason)
{
    struct log_segment segment;
    struct log_reader rows = {reader->on_record, reader->argument};
    enum status status = log_segment_open(&segment, place, ordinal, SEGMENT_READ, reason);
    if (status != STATUS_OK) {
        return status;
    }
    status = log_walk_check_link(&segment, end, reason);
    if (status == STATUS_OK) {
        reader->on_segment(reader->argument, ordinal, segment.row.first_position);
        *end = (struct log_end){ordinal, segment.position, segment.chain};
        status = log_blocks_read(place, &segment, &rows, end, reason);
    }
    log_segment_close(&segment);
    return status;
}

enum status log_replay(const struct log_place *place, const struct log_replay_reader *reader,
                       struct log_end *end, char *reason)
{
    struct log_span span;
    *end = (struct log_end){0};
    enum status status = log_folder_span(place->folder, &span, reason);
    if (status == STATUS_OK) {
        status = begin(place, &span, reader, end, reason);
    }
    uint32_t first = end->ordinal == 0 ? span.first : end->ordinal + 1;
    for (uint32_t ordinal = first; status == STATUS_OK && ordinal <= span.last; ordinal++) {
        status = replay_segment(place, ordinal, reader, end, reason);
    }
    return status;
}
