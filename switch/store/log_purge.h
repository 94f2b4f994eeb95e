/* Removing the oldest segments. What goes stands in purged.csv first, so that the chain of what is
 * left begins somewhere that can be checked. */
#pragma once

#include "switch/store/log_segment.h"

/* Whether the segment is sealed and its last row older than `days`, by the wall clock. */
MUST_CHECK enum status log_purge_is_due(const struct log_place *place, uint32_t ordinal,
                                        uint32_t days, bool *is_due, char *reason);
/* Writes the line, then removes the file. A crash between the two leaves a file that is removed the
 * next time, and a log that verifies. */
MUST_CHECK enum status log_purge_remove(const struct log_place *place, uint32_t ordinal,
                                        char *reason);
