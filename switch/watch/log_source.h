/* A switch's own log as the past that is replayed, with the facts and rules that its configuration
 * names: the flags are those of the switch, as long as neither has changed since.
 *
 * Life:  log_source_open -> replay_run -> log_source_close
 */
#pragma once

#include "config/server_options.h"
#include "protocols/base/bytes.h"
#include "switch/aftersales/service_case.h"
#include "switch/aftersales/watcher.h"
#include "switch/followup/fact_book.h"

struct log_source_setup {
    const char *config;           /* tillway.yaml */
    const char *const *overrides; /* "store.folder=/x" */
    uint32_t override_count;
    const char *folder; /* of the log; NULL: store.folder */
    const char *rules;  /* anomalies.yaml; NULL: aftersales.rules */
};

struct log_source {
    struct server_options *options; /* owner, as the next */
    struct fact_book *book;
    uint32_t terminal_count, merchant_count;
    struct watch_limits limits;   /* those of the switch */
    struct watch_rules rules;     /* by which it is flagged, */
    struct case_rules case_rules; /* and by which cases live */
    const char *folder;           /* of the log */
};

/* The registry is read where there is one. False: each fault is a line of `faults`. Closed in any
 * case. */
MUST_CHECK bool log_source_open(struct log_source *source, const struct log_source_setup *setup,
                                struct byte_writer *faults);
void log_source_close(struct log_source *source);
