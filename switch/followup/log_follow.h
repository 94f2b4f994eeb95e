/* The log as observations, after any position: for a start, where the ring had no room, and for a
 * replay. Read-only, beside the switch that writes it, a stretch at a time; no segment stays open
 * between two calls, since that would keep it from being sealed.
 *
 * Every row's hash is verified on the way. Rows that were purged are passed over.
 *
 * Life:  log_follow_create -> (log_follow_since) -> log_follow_read ... -> log_follow_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/aftersales/observation.h"
#include "switch/store/log_folder.h"

struct log_follow;

/* `folder` is copied. NULL: no memory, or a longer path than LOG_PATH_SIZE allows. */
struct log_follow *log_follow_create(const char *folder);
void log_follow_destroy(struct log_follow *follow);

/* The position after which to read so that all rows from `wall_us` on are read: the end of the
 * segment before the one that was open then. 0: from the oldest row on. Fails as log_follow_read.
 */
MUST_CHECK enum status log_follow_since(struct log_follow *follow, int64_t wall_us, uint64_t *after,
                                        char *reason);

struct follow_reading {
    uint64_t after; /* the last row that is known */
    uint64_t until; /* the last one that is wanted; UINT64_MAX: as far as the log goes */
    /* In the log's order. False: this one is taken, and no further one is wanted now. */
    bool (*on_observation)(void *argument, const struct observation *seen);
    void *argument;
    /* what came of it */
    uint64_t reached;   /* the last row that was looked at; `after`: there is no further one */
    uint64_t row_count; /* looked at */
    bool is_purged;     /* rows between were removed with their segments */
};
/* Reads on from `after`, some thousand rows at most; again, until `reached` says that there are no
 * more. Not STATUS_OK: `reason` (LOG_REASON_SIZE) says which file and why; `reached` is good. */
MUST_CHECK enum status log_follow_read(struct log_follow *follow, struct follow_reading *reading,
                                       char *reason);
