/* What a restart reads: the rows that the newest sealed segment carries, the usage that sealed
 * segments keep (log_usage.h), then all rows after them. What carried rows changed is among those
 * sums.
 *
 * Carried rows have gaps between them; where two follow one another, the hash of the second is
 * verified. From the first row after them on, every hash is.
 */
#pragma once

#include "switch/engine/usage.h"
#include "switch/store/log_walk.h"

struct log_replay_reader {
    /* Rows of a segment that is not sealed come next. */
    void (*on_segment)(void *argument, uint32_t ordinal, uint64_t first_position);
    void (*on_record)(void *argument, const struct record *record);
    /* NULL as the sum, once: what rows have told of usage up to here does not count, sums come in
     * its place. No callback: nobody wants them. */
    void (*on_usage)(void *argument, const struct usage_sum *sum);
    void *argument;
};

/* The last segment of those sealed one after the other from the first on; 0: none is. */
MUST_CHECK enum status log_replay_sealed_last(const struct log_place *place,
                                              const struct log_span *span, uint32_t *sealed_last,
                                              char *reason);
/* Fails as log_segment_read. */
MUST_CHECK enum status log_replay(const struct log_place *place,
                                  const struct log_replay_reader *reader, struct log_end *end,
                                  char *reason);
