/* See log_follow.h. */
#include "switch/followup/log_follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/pause.h"
#include "protocols/base/require.h"
#include "switch/store/log_segment.h"
#include "switch/store/observe.h"

#define BLOCK_ROWS 128u   /* of one read transaction */
#define STRETCH_BLOCKS 32 /* of one call */

struct log_follow {
    char folder[LOG_PATH_SIZE];
    struct log_place place;
    uint32_t ordinal; /* where the last row was found; 0: not known */
    struct record records[BLOCK_ROWS];
};

struct log_follow *log_follow_create(const char *folder)
{
    struct log_follow *follow = calloc(1, sizeof(*follow));
    /* room for the longest name of a file in it */
    if (follow == NULL || strlen(folder) + sizeof("/segment-000000.db-journal") > LOG_PATH_SIZE) {
        free(follow);
        return NULL;
    }
    memcpy(follow->folder, folder, strlen(folder) + 1);
    follow->place.folder = follow->folder;
    return follow;
}

void log_follow_destroy(struct log_follow *follow)
{
    free(follow);
}

static bool is_there(const struct log_follow *follow, uint32_t ordinal)
{
    char path[LOG_PATH_SIZE];
    log_folder_segment_path(path, follow->folder, ordinal);
    return log_disk_is_there(path);
}

/* --- which segment ------------------------------------------------------------------------- */

struct segment_look {
    bool has_row; /* false: begun this moment, after all that is sought */
    struct segment_row row;
};

static enum status look_at(const struct log_follow *follow, uint32_t ordinal,
                           struct segment_look *look, char *reason)
{
    struct log_segment segment;
    enum status status = log_segment_open(&segment, &follow->place, ordinal, SEGMENT_READ, reason);
    if (status == STATUS_OK) {
        *look = (struct segment_look){segment.has_row, segment.row};
        log_segment_close(&segment);
    }
    return status;
}

static bool begins_by_position(const struct segment_look *look, int64_t position)
{
    return look->has_row && (int64_t)look->row.first_position <= position;
}

static bool begins_by_time(const struct segment_look *look, int64_t wall_us)
{
    return look->has_row && look->row.opened_us <= wall_us;
}

/* The last segment that begins so; the first of all where none does. Segments may be purged
 * meanwhile: what is gone lies before what is sought. */
static enum status search(const struct log_follow *follow,
                          bool (*begins)(const struct segment_look *look, int64_t key), int64_t key,
                          uint32_t *ordinal, char *reason)
{
    struct log_span span;
    struct segment_look look = {.has_row = false};
    enum status status = log_folder_span(follow->folder, &span, reason);
    if (status == STATUS_OK && span.last == 0) {
        snprintf(reason, LOG_REASON_SIZE, "log %s: there is no segment in this folder",
                 follow->folder);
        return STATUS_UNSUPPORTED;
    }
    uint32_t low = span.first, high = span.last;
    while (status == STATUS_OK && low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        status = look_at(follow, middle, &look, reason);
        if (status != STATUS_OK && !is_there(follow, middle)) {
            status = STATUS_OK;
            low = middle;
        } else if (begins(&look, key)) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    *ordinal = low;
    return status;
}

enum status log_follow_since(struct log_follow *follow, int64_t wall_us, uint64_t *after,
                             char *reason)
{
    uint32_t ordinal;
    struct segment_look look = {.has_row = false};
    *after = 0;
    enum status status = search(follow, begins_by_time, wall_us, &ordinal, reason);
    if (status == STATUS_OK) {
        status = look_at(follow, ordinal, &look, reason);
    }
    if (status == STATUS_OK && look.has_row) {
        *after = look.row.first_position - 1;
        follow->ordinal = ordinal;
    }
    return status;
}

/* --- rows ---------------------------------------------------------------------------------- */

/* False: no further one is wanted. */
static bool block_tell(struct log_follow *follow, struct follow_reading *reading, uint32_t count)
{
    struct observation seen;
    for (uint32_t i = 0; i < count; i++) {
        const struct record *record = &follow->records[i];
        pause_point();
        reading->reached = record->position;
        reading->row_count++;
        if (observation_of_record(record, &seen) &&
            !reading->on_observation(reading->argument, &seen)) {
            return false;
        }
    }
    return true;
}

/* Rows after `reached` in the opened segment. */
static enum status segment_read(struct log_follow *follow, struct log_segment *segment,
                                struct follow_reading *reading, bool *goes_on, char *reason)
{
    uint64_t last = 0;
    enum status status = log_segment_last(segment, &last, reason);
    last = last < reading->until ? last : reading->until;
    for (uint32_t i = 0; status == STATUS_OK && *goes_on && i < STRETCH_BLOCKS; i++) {
        if (reading->reached >= last) {
            return STATUS_OK;
        }
        uint64_t left = last - reading->reached;
        uint32_t count = left < BLOCK_ROWS ? (uint32_t)left : BLOCK_ROWS;
        status =
            log_segment_read_block(segment, reading->reached + 1, follow->records, count, reason);
        if (status == STATUS_OK) {
            *goes_on = block_tell(follow, reading, count);
        }
    }
    *goes_on = *goes_on && reading->reached >= last;
    return status;
}

/* One segment, from where `reached` is. It is asked whether the next one should be tried. */
static enum status one_segment(struct log_follow *follow, struct follow_reading *reading,
                               bool *goes_on, char *reason)
{
    struct log_segment segment;
    enum status status =
        log_segment_open(&segment, &follow->place, follow->ordinal, SEGMENT_READ, reason);
    if (status != STATUS_OK) {
        return status;
    }
    *goes_on = segment.has_row;
    if (segment.has_row) {
        uint64_t before = segment.row.first_position - 1;
        if (reading->reached < before) {
            reading->is_purged = true;
            reading->reached = before < reading->until ? before : reading->until;
        }
        status = segment_read(follow, &segment, reading, goes_on, reason);
    }
    log_segment_close(&segment);
    return status;
}

/* The segment that has the row after `after`, unless it is known. */
static enum status place_find(struct log_follow *follow, const struct follow_reading *reading,
                              char *reason)
{
    struct segment_look look;
    bool is_known = follow->ordinal != 0 && is_there(follow, follow->ordinal);
    if (is_known) {
        enum status status = look_at(follow, follow->ordinal, &look, reason);
        if (status == STATUS_OK && begins_by_position(&look, (int64_t)reading->after + 1)) {
            return STATUS_OK;
        }
    }
    return search(follow, begins_by_position, (int64_t)reading->after + 1, &follow->ordinal,
                  reason);
}

enum status log_follow_read(struct log_follow *follow, struct follow_reading *reading, char *reason)
{
    REQUIRE(reading->until >= reading->after);
    REQUIRE(reading->after < INT64_MAX);
    reading->reached = reading->after;
    reading->row_count = 0;
    reading->is_purged = false;
    enum status status = place_find(follow, reading, reason);
    bool goes_on = true;
    while (status == STATUS_OK) {
        status = one_segment(follow, reading, &goes_on, reason);
        if (status != STATUS_OK && !is_there(follow, follow->ordinal)) {
            /* it was purged between two calls: the next one begins where the log does */
            follow->ordinal = 0;
            return reading->reached > reading->after ? STATUS_OK : status;
        }
        bool is_enough = !goes_on || reading->reached >= reading->until ||
                         reading->row_count >= BLOCK_ROWS * STRETCH_BLOCKS;
        if (status != STATUS_OK || is_enough || !is_there(follow, follow->ordinal + 1)) {
            return status;
        }
        follow->ordinal++;
    }
    return status;
}
