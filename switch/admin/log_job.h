/* What takes longer than a call may: walking the log's hash chain, and copying it. One at a time,
 * in a thread of its own, read-only; calls begin it and ask how far it is.
 *
 * Life:  log_job_create -> begin, json ... -> log_job_destroy
 */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "protocols/base/status.h"

struct log_job;

enum log_job_kind { LOG_JOB_VERIFY, LOG_JOB_BACKUP };

/* `log` and `backup_folder` are borrowed; an empty folder: no copies are made. NULL: no memory. */
struct log_job *log_job_create(const char *log, const char *backup_folder);
/* Waits for what is under way. */
void log_job_destroy(struct log_job *job);

/* Whether a copy may be called so: letters, digits, - and _, at most 60. */
bool log_job_is_name(const char *name);
/* `name`: of the copy. STATUS_DUPLICATE: one is under way. STATUS_UNSUPPORTED: there is no folder
 * for copies. STATUS_BROKEN: no thread. */
MUST_CHECK enum status log_job_begin(struct log_job *job, enum log_job_kind kind, const char *name);
/* {"kind", "state": "idle" "running" "done" "failed", "rows", "rows_total", "position", "text",
 * "seconds"}: of the last one. */
json_t *log_job_json(struct log_job *job);
