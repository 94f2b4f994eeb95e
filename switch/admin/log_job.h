/* What takes longer than a call may: walking the log's hash chain, copying it, holding rule files
 * against it. One at a time, in a thread of its own, read-only; calls begin it and ask how far it
 * is.
 *
 * Life:  log_job_create -> begin, json ... -> log_job_destroy
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "protocols/base/status.h"

struct log_job;

/* X(NAME, "word"): what is told as "kind". */
#define LOG_JOB_MAP(X)                                                                             \
    X(VERIFY, "verify")                                                                            \
    X(BACKUP, "backup") X(ROUTE_DRY_RUN, "route_dry_run") X(FEE_DRY_RUN, "fee_dry_run")
enum log_job_kind {
#define X(name, word) LOG_JOB_##name,
    LOG_JOB_MAP(X)
#undef X
};

/* What a dry run is asked: a rule file as text, and a stretch of time. */
struct log_job_order {
    const char *name; /* of the file, for its faults */
    const char *text; /* copied, as the name */
    size_t length;
    int64_t from_us, to_us;
};

struct options_source;
/* All is borrowed; an empty folder: no copies are made. `options` (NULL: no dry runs): where they
 * find the tables. NULL: no memory. */
struct log_job *log_job_create(const char *log, const char *backup_folder,
                               const struct options_source *options);
/* Waits for what is under way. */
void log_job_destroy(struct log_job *job);

/* Whether a copy may be called so: letters, digits, - and _, at most 60. */
bool log_job_is_name(const char *name);
/* `name`: of the copy. STATUS_DUPLICATE: one is under way. STATUS_UNSUPPORTED: there is no folder
 * for copies. STATUS_BROKEN: no thread. */
MUST_CHECK enum status log_job_begin(struct log_job *job, enum log_job_kind kind, const char *name);
/* The same of a dry run. STATUS_UNSUPPORTED: no options were given. STATUS_NO_MEMORY. */
MUST_CHECK enum status log_job_begin_dry_run(struct log_job *job, enum log_job_kind kind,
                                             const struct log_job_order *order);
/* {"kind", "state": "idle" "running" "done" "failed", "rows", "rows_total", "position", "text",
 * "seconds"}: of the last one; of a dry run "result", and where its file is faulty "faults": lines
 * as --check-config tells them. */
json_t *log_job_json(struct log_job *job);
