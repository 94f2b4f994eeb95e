/* The daily retention of the after-sales database, in a thread of its own: what is kept no longer
 * goes (switch/desk/retire.h), with an audit line before and one after.
 *
 * It runs ten minutes after the start and then once a day. The admin port does it, not the switch:
 * it holds the audit file, deleting reads much and writes many small transactions, which the thread
 * that follows the log should not wait for, and a switch that stands still for a day owes no less.
 *
 * Life:  retire_job_create -> wake, json ... -> retire_job_destroy
 */
#pragma once

#include <jansson.h>

#include "switch/admin/audit.h"
#include "switch/admin/desk_share.h"

#define RETIRE_JOB_FIRST_S 600
#define RETIRE_JOB_EVERY_S 86400

struct retire_job;

/* Both are borrowed; without an audit file nothing is deleted, without a folder there is nothing.
 * NULL: no memory or no thread. */
struct retire_job *retire_job_create(const struct desk_share *share, struct audit *audit);
/* Ends between two deletions. NULL does nothing. */
void retire_job_destroy(struct retire_job *job);
/* Begins at once. DUPLICATE: it is under way. */
MUST_CHECK enum status retire_job_wake(struct retire_job *job);
/* {"state": "idle" "running" "done" "failed", "ended", "counts", "text"}: of the last one. */
json_t *retire_job_json(struct retire_job *job);
