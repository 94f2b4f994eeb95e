/* The log as a whole: all segments in order, one chain.
 *
 * Where a segment begins and how the one before it ended must agree; the first one that is left
 * continues what purged.csv says, or begins the log.
 */
#pragma once

#include <stdint.h>

#include "switch/store/log_segment.h"

/* Where the next segment goes on. */
struct log_end {
    uint32_t ordinal; /* of the segment that ends here; 0: the log begins */
    uint64_t position;
    struct log_hash hash;
};

/* The end of what was before segment `first`. */
MUST_CHECK enum status log_walk_begin(const struct log_place *place, uint32_t first,
                                      struct log_end *end, char *reason);
/* STATUS_MALFORMED: the opened segment does not go on at `end`. */
MUST_CHECK enum status log_walk_check_link(const struct log_segment *segment,
                                           const struct log_end *end, char *reason);

/* Reads and verifies everything, also while a switch writes it; `end` is what was good.
 * Fails as log_segment_read. STATUS_UNSUPPORTED: there is no log. */
MUST_CHECK enum status log_walk_all(const struct log_place *place, const struct log_reader *reader,
                                    struct log_end *end, char *reason);

/* Opens the last segment to write it, at its end; makes folder and first segment when absent.
 * Its rows are those a crash left: what was begun and holds no row yet is begun again. */
MUST_CHECK enum status log_walk_open_last(const struct log_place *place,
                                          struct log_segment *segment, char *reason);
