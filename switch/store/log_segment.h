/* One segment of the log, an SQLite file: made ready, opened, read from any row on, extended by
 * groups. One thread at a time; store.c says which.
 *
 * Life:  log_segment_make -> log_segment_open -> read, append groups, checkpoint ... ->
 * log_segment_close
 */
#pragma once

#include <stdint.h>

#include "switch/store/log_folder.h"
#include "switch/store/log_schema.h"

/* The one row of the table `segment`. */
struct segment_row {
    uint32_t ordinal;
    uint64_t first_position;
    struct log_hash previous_hash; /* of the row before the first */
    uint32_t settlement_day;       /* YYYYMMDD when it was opened; 0: none was known */
    int64_t opened_us, sealed_us;  /* wall clock; sealed_us 0: not sealed, nor are the rest known */
    uint64_t last_position;
    struct log_hash last_hash;
    uint64_t row_count;
};

struct log_segment {
    sqlite3 *database; /* the four statements are the segment's own */
    sqlite3_stmt *begin, *insert, *commit, *select;
    struct log_hasher hasher;
    struct segment_row row;
    bool has_row;          /* the file has it; if not, the next group brings it */
    struct log_hash chain; /* of the last row */
    uint64_t position;     /* of the last row; first_position - 1: empty */
    uint32_t wal_pages;    /* written since the WAL last began anew */
    uint32_t wal_pages_due;
    uint64_t sync_ns; /* of the last group: its COMMIT alone */
    char path[LOG_PATH_SIZE];
};

/* Makes `segment-next.db` anew: an empty segment, folded and synced. */
MUST_CHECK enum status log_segment_make(const struct log_place *place, char *reason);
/* Gives the one made ready its ordinal; durable when the call returns. */
MUST_CHECK enum status log_segment_adopt(const struct log_place *place, uint32_t ordinal,
                                         char *reason);

enum segment_use {
    SEGMENT_WRITE,
    SEGMENT_READ /* also while another process writes it */
};
/* Opens an existing segment and checks its header and row; looks at no rows of the log. On failure
 * nothing stays open and `reason` says what to do.
 * STATUS_BROKEN: the system or SQLite refused. STATUS_UNSUPPORTED: no segment, or of another
 * version. */
MUST_CHECK enum status log_segment_open(struct log_segment *segment, const struct log_place *place,
                                        uint32_t ordinal, enum segment_use use, char *reason);
/* The same for a file of any name, to read it. */
MUST_CHECK enum status log_segment_open_path(struct log_segment *segment, const char *path,
                                             const char *vfs, char *reason);
void log_segment_close(struct log_segment *segment);

/* Where the rows of a segment that has none yet begin. */
void log_segment_begin(struct log_segment *segment, const struct segment_row *row);
/* Writes the row of a segment that has none yet, by itself. */
MUST_CHECK enum status log_segment_write_row(struct log_segment *segment);
/* Goes to the end: sets `position` and `chain`, and checks the last rows. */
MUST_CHECK enum status log_segment_find_end(struct log_segment *segment, char *reason);

struct log_reader {
    void (*on_record)(void *argument, const struct record *record); /* NULL: only verify */
    void *argument;
};

/* Reads and verifies all rows from `first` on; sets `position` and `chain` to the last one.
 * STATUS_MALFORMED: a gap, a bad value or a hash that does not fit; `reason` names the position. */
MUST_CHECK enum status log_segment_read(struct log_segment *segment, uint64_t first,
                                        const struct log_reader *reader, char *reason);

/* Reads and verifies exactly the `count` rows from `first` on into `records`, as log_segment_read.
 */
MUST_CHECK enum status log_segment_read_block(struct log_segment *segment, uint64_t first,
                                              struct record *records, uint32_t count, char *reason);
/* The position of the last row; first_position - 1: there is none. */
MUST_CHECK enum status log_segment_last(struct log_segment *segment, uint64_t *position,
                                        char *reason);

/* Adds `count` records as one transaction and syncs. STATUS_BROKEN: it is not known what reached
 * the disk; the caller must stop. */
MUST_CHECK enum status log_segment_append(struct log_segment *segment, const struct record *records,
                                          uint32_t count);
/* Moves the WAL into the file when enough has gathered there; readers may hold that up. */
MUST_CHECK enum status log_segment_checkpoint(struct log_segment *segment);
/* Counts the pages of the WAL from here on; again after the struct has moved. */
void log_segment_watch(struct log_segment *segment);
/* What SQLite said last. */
const char *log_segment_fault(const struct log_segment *segment);
