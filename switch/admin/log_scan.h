/* All rows of the log from a moment on, in its order, for a job that reads for long: in stretches
 * so short that no read holds back the switch's checkpoint. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/admin/log_view.h"

struct log_scan {
    const char *folder;
    /* ?1 and ?2 are the first and the last position of a stretch; it orders by position. */
    const char *sql;
    int64_t from_us; /* segments that end a day and more before are left out: the clock may have
                        stepped back within the log */
    bool (*on_row)(void *argument, sqlite3_stmt *row); /* false: stop, which is no fault */
    void *argument;
    atomic_ullong *rows; /* how many positions were passed, for who waits */
};

/* STATUS_BROKEN: `reason` says which segment cannot be read. */
MUST_CHECK enum status log_scan(const struct log_scan *scan, char reason[LOG_VIEW_REASON_SIZE]);
