/* Rows and segments of a bundle held against a log on disk, of which the rows are read anew with
 * their secret columns.
 *
 * Life:  bundle_log_open -> segment, row ... -> bundle_log_close
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/evidence/bundle_form.h"
#include "switch/evidence/bundle_line.h"
#include "switch/store/log_segment.h"

/* A segment as a bundle tells it, and as it is looked for in a log. */
struct bundle_segment {
    uint32_t ordinal;
    uint64_t first_position;
    struct log_hash previous_hash;
    bool is_sealed; /* else the last two are not known */
    uint64_t last_position;
    struct log_hash last_hash;
};

struct bundle_log {
    char folder[LOG_PATH_SIZE];
    struct log_span span;
    bool is_open;
    uint32_t ordinal; /* of the open segment */
    struct log_segment segment;
};

enum bundle_log_answer {
    BUNDLE_LOG_SAME,
    BUNDLE_LOG_OTHER,  /* the log says something else: `reason` tells both */
    BUNDLE_LOG_PURGED, /* it holds these rows no more */
    BUNDLE_LOG_BROKEN  /* it cannot be read: `reason` says why */
};

/* False: `reason` (LOG_REASON_SIZE) says why the folder is no log that can be read. */
bool bundle_log_open(struct bundle_log *log, const char *folder, char *reason);
void bundle_log_close(struct bundle_log *log);
/* A segment that was purged is held against the line that the purge left of it. */
MUST_CHECK enum bundle_log_answer bundle_log_check_segment(struct bundle_log *log,
                                                           const struct bundle_segment *segment,
                                                           char *reason);
MUST_CHECK enum bundle_log_answer bundle_log_check_row(struct bundle_log *log, uint32_t ordinal,
                                                       uint64_t position,
                                                       const struct bundle_row *row, char *reason);
