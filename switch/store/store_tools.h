/* What is done to a log by others than its writer, all of it also while a switch writes it: verify
 * the whole, make a copy, remove what is old.
 */
#pragma once

#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/store/store.h"

/* Reads the whole of a log and verifies that no position is missing, that each hash fits and that
 * each segment goes on where the one before ended. `rows` is how many did, `position` the last.
 * STATUS_BROKEN: `reason` names segment, position and fault. STATUS_UNSUPPORTED: no log. */
struct store_verified {
    uint64_t rows, position;
    uint32_t segment_first, segment_last;
};
MUST_CHECK enum status store_verify(const char *folder, struct store_verified *verified,
                                    char reason[STORE_REASON_SIZE]);

/* Copies the log into the folder `to`, which must be absent or empty. The copy verifies, and holds
 * all that was durable when the call began. STATUS_BROKEN: nothing of use is in `to`. */
MUST_CHECK enum status store_backup(const char *folder, const char *to,
                                    char reason[STORE_REASON_SIZE]);

/* Removes sealed segments whose last row is older than `days`, oldest first, and never one that a
 * restart needs; each stands in purged.csv before it goes. `segments`: how many went. */
MUST_CHECK enum status store_purge(const char *folder, uint32_t days, uint32_t *segments,
                                   char reason[STORE_REASON_SIZE]);
