/* What lies in the log's folder beside the segments, and a restored switch needs: the versions of
 * the rules that rows name, and the working keys that banks have sent, which are key blocks sealed
 * under the master key.
 */
#pragma once

#include "protocols/base/status.h"
#include "switch/store/log_disk.h"

/* Copies it from the folder of a log into that of its copy, which holds none of it yet, durably;
 * also while a switch makes and removes versions. STATUS_BROKEN, STATUS_MALFORMED: `reason` says
 * what could not be copied. */
MUST_CHECK enum status log_beside_copy(const char *from, const char *to,
                                       char reason[LOG_REASON_SIZE]);
