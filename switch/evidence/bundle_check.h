/* Verifies a bundle: reads it once from its first byte to its last, in bounded memory, and says
 * where the first thing stands that is not as it was exported. Asks no switch and no database; with
 * a folder of the log it also holds every row against that log.
 *
 * Nothing is unpacked and no name of the archive is ever used: members must be those of
 * bundle_form.h, in that order, and every byte between them is built anew and compared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "switch/evidence/bundle_form.h"
#include "switch/evidence/bundle_key.h"

#define BUNDLE_REASON_SIZE 1024

struct bundle_finding {
    bool is_good;
    const char *member;              /* where the first fault is; "" behind the last member */
    uint64_t offset;                 /* of the fault in the archive; of a line: its first byte */
    char reason[BUNDLE_REASON_SIZE]; /* member, offset, what was expected and found; or why the log
                                        could not be compared */
    /* of a good one, and of a bad one as far as it was read */
    uint64_t case_id;
    uint32_t event_count, row_count;
    uint32_t compared_count, purged_count; /* rows held against the log; those it holds no more */
    char exported_by[64];
    int64_t exported_us;
    bool is_origin_checked;            /* against a key that the caller trusts */
    char fingerprint[BUNDLE_HEX_SIZE]; /* of the key that signed */
};

/* `trusted`: the key that must have signed; NULL: only the bundle's own is there, so that anybody
 * may have made it. `log`: a folder of the log; NULL: none. */
void bundle_check(FILE *from, const struct bundle_key *trusted, const char *log,
                  struct bundle_finding *finding);
