/* The log's folder: which segments lie in it, what they are called, and what was purged.
 *
 * Segments are numbered from 1 without a gap; the highest is open, the lowest are the first to go.
 * The next one is made ready under a name of its own, `segment-next.db`, and becomes a segment by
 * being renamed: a crash leaves either the one or the other.
 */
#pragma once

#include <stdint.h>

#include "switch/store/log_disk.h"
#include "switch/store/log_schema.h"

#define LOG_ORDINAL_MAX 999999
#define LOG_PURGED_NAME "purged.csv"

struct log_place {
    const char *folder;
    const char *vfs; /* SQLite's file layer; NULL: the usual one */
};

void log_folder_path(char path[LOG_PATH_SIZE], const char *folder, const char *name);
void log_folder_segment_path(char path[LOG_PATH_SIZE], const char *folder, uint32_t ordinal);

/* The segments that lie there: from `first` to `last`; 0 and 0: none. */
struct log_span {
    uint32_t first, last;
};
/* STATUS_MALFORMED: an ordinal between them is missing. */
MUST_CHECK enum status log_folder_span(const char *folder, struct log_span *span, char *reason);

/* Where the chain of what is left begins: after the last row of a segment that was purged. */
struct log_anchor {
    uint32_t ordinal; /* 0: purged.csv does not name it */
    uint64_t first_position, last_position;
    struct log_hash last_hash;
};
/* Reads the line of `ordinal` in purged.csv. STATUS_MALFORMED: a line of it is none. */
MUST_CHECK enum status log_folder_find_anchor(const char *folder, uint32_t ordinal,
                                              struct log_anchor *anchor, char *reason);
/* Adds the line, durably, unless it is there. */
MUST_CHECK enum status log_folder_add_anchor(const char *folder, const struct log_anchor *anchor,
                                             char *reason);
