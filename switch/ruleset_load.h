/* Builds the rules in force from the files that the options name: channels, BIN ranges, merchants,
 * terminals, route rules, fee plans. Used at start, at reload and by --check-config.
 *
 * Here config/ is introduced to routing/. All faults of all files are gathered before anything is
 * given up; a faulty set is never given out.
 */
#pragma once

#include <stdint.h>

#include "config/server_options.h"
#include "protocols/base/bytes.h"
#include "routing/ruleset.h"

#define RULESET_LOAD_FAULT_COUNT_MAX 40 /* told of one file; the rest is counted */
#define RULESET_LOAD_TABLE_BYTES_MAX (256u * 1024 * 1024)

/* A frozen ruleset, which the caller destroys. NULL: faulty, and each fault is a line of `faults`:
 * "file:line: what, what was expected, what stood there". What does not fit is left out. */
struct ruleset *ruleset_load(const struct server_options *options, uint32_t version,
                             struct byte_writer *faults);
/* A routes file that is tried: its text takes the place of the file that the options name, and its
 * faults are told under `name`. */
struct ruleset_trial {
    const char *name, *text; /* borrowed */
    uint32_t length;
};
struct ruleset *ruleset_load_trial(const struct server_options *options,
                                   const struct ruleset_trial *routes, struct byte_writer *faults);
/* The same beside rules in force: their channels (borrowed for the call) keep their indexes, and
 * those that the options no longer have are retired. */
struct ruleset *ruleset_load_after(const struct channel_table *before,
                                   const struct server_options *options, uint32_t version,
                                   struct byte_writer *faults);
