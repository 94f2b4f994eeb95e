/* See log_walk.h. */
#include "switch/store/log_walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "protocols/base/require.h"

enum status log_walk_begin(const struct log_place *place, uint32_t first, struct log_end *end,
                           char *reason)
{
    *end = (struct log_end){0};
    if (first <= 1) {
        return STATUS_OK;
    }
    struct log_anchor anchor;
    enum status status = log_folder_find_anchor(place->folder, first - 1, &anchor, reason);
    if (status != STATUS_OK) {
        return status;
    }
    if (anchor.ordinal == 0) {
        snprintf(reason, LOG_REASON_SIZE,
                 "log %s: segment %" PRIu32 " is missing and purged.csv does not name it; bring it "
                 "back from a back-up",
                 place->folder, first - 1);
        return STATUS_MALFORMED;
    }
    *end = (struct log_end){anchor.ordinal, anchor.last_position, anchor.last_hash};
    return STATUS_OK;
}

enum status log_walk_check_link(const struct log_segment *segment, const struct log_end *end,
                                char *reason)
{
    const struct segment_row *row = &segment->row;
    bool goes_on = row->ordinal == end->ordinal + 1 && row->first_position == end->position + 1 &&
                   memcmp(&row->previous_hash, &end->hash, sizeof(end->hash)) == 0;
    if (goes_on) {
        return STATUS_OK;
    }
    snprintf(reason, LOG_REASON_SIZE,
             "log %s: position %" PRIu64 ": this segment does not go on where segment %" PRIu32
             " ended, at position %" PRIu64 "; bring both back from one back-up",
             segment->path, row->first_position, end->ordinal, end->position);
    return STATUS_MALFORMED;
}

static enum status walk_segment(const struct log_place *place, uint32_t ordinal,
                                const struct log_reader *reader, struct log_end *end, char *reason)
{
    struct log_segment segment;
    enum status status = log_segment_open(&segment, place, ordinal, SEGMENT_READ, reason);
    if (status != STATUS_OK) {
        return status;
    }
    if (segment.has_row) { /* else it was begun this moment */
        status = log_walk_check_link(&segment, end, reason);
        if (status == STATUS_OK) {
            status = log_segment_read(&segment, segment.row.first_position, reader, reason);
            *end = (struct log_end){ordinal, segment.position, segment.chain};
        }
        const struct segment_row *row = &segment.row;
        if (status == STATUS_OK && row->sealed_us != 0 &&
            (row->last_position != end->position ||
             memcmp(&row->last_hash, &end->hash, sizeof(end->hash)) != 0)) {
            snprintf(reason, LOG_REASON_SIZE,
                     "log %s: position %" PRIu64 ": the segment was sealed with another end, at "
                     "position %" PRIu64 "; bring it back from a back-up",
                     segment.path, end->position, row->last_position);
            status = STATUS_MALFORMED;
        }
    }
    log_segment_close(&segment);
    return status;
}

enum status log_walk_all(const struct log_place *place, const struct log_reader *reader,
                         struct log_end *end, char *reason)
{
    struct log_span span;
    *end = (struct log_end){0};
    enum status status = log_folder_span(place->folder, &span, reason);
    if (status == STATUS_OK && span.last == 0) {
        snprintf(reason, LOG_REASON_SIZE,
                 "log %s: expected segment-000001.db or a later one in this folder", place->folder);
        return STATUS_UNSUPPORTED;
    }
    if (status == STATUS_OK) {
        status = log_walk_begin(place, span.first, end, reason);
    }
    for (uint32_t ordinal = span.first; status == STATUS_OK && ordinal <= span.last; ordinal++) {
        status = walk_segment(place, ordinal, reader, end, reason);
    }
    return status;
}

/* How the segment before `ordinal` ended. */
static enum status find_end_before(const struct log_place *place, uint32_t ordinal, bool is_first,
                                   struct log_end *end, char *reason)
{
    if (is_first) {
        return log_walk_begin(place, ordinal, end, reason);
    }
    struct log_segment before;
    enum status status = log_segment_open(&before, place, ordinal - 1, SEGMENT_READ, reason);
    if (status != STATUS_OK) {
        return status;
    }
    status = log_segment_find_end(&before, reason);
    *end = (struct log_end){ordinal - 1, before.position, before.chain};
    log_segment_close(&before);
    return status;
}

/* Checks that the last segment goes on where the one before ended; one that had no row yet gets
 * it. */
static enum status link_last(const struct log_place *place, struct log_segment *segment,
                             const struct log_span *span, char *reason)
{
    struct log_end end;
    struct timespec now;
    enum status status =
        find_end_before(place, span->last, span->first == span->last, &end, reason);
    if (status != STATUS_OK) {
        return status;
    }
    if (segment->has_row) {
        return log_walk_check_link(segment, &end, reason);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    struct segment_row row = {.ordinal = span->last,
                              .first_position = end.position + 1,
                              .previous_hash = end.hash,
                              .opened_us =
                                  (int64_t)now.tv_sec * 1000000 + (int64_t)now.tv_nsec / 1000};
    log_segment_begin(segment, &row);
    if (log_segment_write_row(segment) != STATUS_OK) {
        snprintf(reason, LOG_REASON_SIZE, "log %s: %s", segment->path, log_segment_fault(segment));
        return STATUS_BROKEN;
    }
    return STATUS_OK;
}

static enum status make_first(const struct log_place *place, struct log_span *span, char *reason)
{
    enum status status = log_segment_make(place, reason);
    if (status == STATUS_OK) {
        status = log_segment_adopt(place, 1, reason);
    }
    *span = (struct log_span){1, 1};
    return status;
}

enum status log_walk_open_last(const struct log_place *place, struct log_segment *segment,
                               char *reason)
{
    struct log_span span;
    enum status status = log_folder_span(place->folder, &span, reason);
    if (status == STATUS_OK && span.last == 0) {
        status = make_first(place, &span, reason);
    }
    if (status == STATUS_OK) {
        status = log_segment_open(segment, place, span.last, SEGMENT_WRITE, reason);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = link_last(place, segment, &span, reason);
    if (status == STATUS_OK) {
        status = log_segment_find_end(segment, reason);
    }
    if (status != STATUS_OK) {
        log_segment_close(segment);
    }
    return status;
}
