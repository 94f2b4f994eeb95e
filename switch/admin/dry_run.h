/* A rule file of an operator held against what the log has: where past payments would have gone by
 * it, or what they would have cost. Nothing of it comes into force, and nothing is written.
 *
 * The file comes as text; the tables beside it (merchants, terminals, BINs) are those of the
 * configuration as it is now on this machine, rule files those of the version in force if there is
 * one.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <jansson.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"
#include "switch/admin/options_file.h"

#define DRY_RUN_BYTES_MAX 1048576 /* of a rule file; the largest of ours is below 100 KB */
#define DRY_RUN_NAME_SIZE 96
#define DRY_RUN_EXAMPLE_COUNT 5          /* of each line of a result: RRNs */
#define DRY_RUN_MERCHANT_COUNT_MAX 1000  /* that a result tells one by one; the rest in one sum */
#define DRY_RUN_MERCHANT_SUMS_MAX 100000 /* held while it runs: half a kilobyte each */
#define DRY_RUN_FAULTS_SIZE 16384

struct dry_run {
    char name[DRY_RUN_NAME_SIZE]; /* of the file, for its faults */
    const char *text;             /* borrowed, as all below */
    uint32_t length;
    int64_t from_us, to_us; /* from included, to excluded */
    const char *log;        /* folder */
    const struct options_source *options;
    atomic_ullong *rows; /* passed so far */
};

/* What each gives, on STATUS_OK: an object with sums, sums by merchant, and "lines" in words.
 * STATUS_BAD_VALUE: the file, or the configuration beside it, is faulty: `faults` says where, a
 * line each. STATUS_BROKEN, STATUS_NO_MEMORY, STATUS_NO_ROOM: `faults` says what failed. */
MUST_CHECK enum status route_dry_run(const struct dry_run *run, json_t **result,
                                     struct byte_writer *faults);
MUST_CHECK enum status fee_dry_run(const struct dry_run *run, json_t **result,
                                   struct byte_writer *faults);
