/* Up to which number versions were given, so that none comes again even where the folder of
 * versions was lost, or is younger than the log.
 *
 *   <store.folder>/versions.floor    the highest number that was given, in digits
 *
 * It lies beside the log and not among the versions, and is written before a number is used. Where
 * it is missing, the log's own rows name what was given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/versions/rule_version.h"

#define VERSION_FLOOR_NAME "versions.floor"

struct version_floor {
    uint32_t number; /* 0: none was given */
    bool is_noted;   /* it is what the file says */
};

/* Without the file the rows of the log are asked, those of a segment that cannot be read left out,
 * since whoever opens the log tells of it: all rows where no version is kept, which takes a second
 * for some million rows, else the last ones. STATUS_MALFORMED: `reason` says what is wrong with the
 * file. */
MUST_CHECK enum status version_floor(struct version_floor *floor, const char *store_folder,
                                     bool are_versions_kept, char reason[RULE_VERSION_REASON_SIZE]);
/* Writes the number down, durably. 0, or an errno. */
int version_floor_note(const char *store_folder, uint32_t number);
