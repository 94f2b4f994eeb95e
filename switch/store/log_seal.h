/* A segment that takes no more rows becomes a file for ever: indexes, the table `carried`, the WAL
 * folded in, read-only.
 *
 * Every step may be cut off by a crash and is done again from the beginning: the indexes are made
 * where they are missing, `carried` and the row of `segment` come in one transaction, and what
 * follows changes the file's form alone.
 */
#pragma once

#include "switch/store/log_gather.h"

struct seal_setup {
    struct log_place place;
    int64_t carry_window_us; /* how long tombstones matter */
    uint64_t spare_bytes;    /* of the disk, that sealing may not use */
    /* Asked between steps and now and then inside them: whether to give up. */
    bool (*must_stop)(void *argument);
    void *argument;
};

/* Indexes and `carried`; the segments before it must be sealed. `earlier`: where the originals of
 * what is carried are looked for. STATUS_NO_ROOM: the disk is too full for it. STATUS_CLOSED:
 * must_stop said so. */
MUST_CHECK enum status log_seal_fill(const struct seal_setup *setup, uint32_t ordinal,
                                     const struct log_scope *earlier, char *reason);
/* Folds the WAL and makes the file read-only. STATUS_NOT_READY: somebody reads it; try later. */
MUST_CHECK enum status log_seal_close(const struct seal_setup *setup, uint32_t ordinal,
                                      char *reason);
