/* A file of observations, or a log, through the watcher, as the switch would have had it: TIME
 * stands between the rows, flags go to a file and open cases.
 *
 * Life:  replay_run, once
 */
#pragma once

#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/aftersales/service_case.h"
#include "switch/aftersales/watch_rules.h"

#define REPLAY_REASON_SIZE 384

struct log_source;

struct replay_options {
    const char *observations, *facts; /* paths; or */
    const struct log_source *log;     /* NULL: the two files above */
    int64_t until_us; /* TIME is told up to here behind the last row; 0: the last row is the end */
    const char *flags, *cases;           /* to be written; NULL: not */
    const struct watch_rules *rules;     /* by which it is flagged, */
    const struct case_rules *case_rules; /* and by which cases live */
    /* After so many observations the watcher's memory is written out and another watcher, which
     * reads it, goes on: the flags must be the same. 0: never */
    uint64_t restart_at;
};

struct replay_result {
    uint64_t observations, flags;
    uint32_t terminals, merchants, cases;
    uint64_t state_hash; /* of the watcher at the end */
    char reason[REPLAY_REASON_SIZE];
};

/* Not STATUS_OK: `reason` says what was wrong, where, and what was expected. */
MUST_CHECK enum status replay_run(const struct replay_options *options,
                                  struct replay_result *result);
