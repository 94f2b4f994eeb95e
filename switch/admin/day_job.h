/* The daily work on the after-sales database, in a thread of its own: what is kept no longer goes
 * (switch/desk/retire.h), and inspections that are due become cases (inspection_case.h), each with
 * an audit line before and one after.
 *
 * It runs ten minutes after the start and then once a day. The admin port does it, not the switch:
 * it holds the audit file, deleting reads much and writes many small transactions, which the thread
 * that follows the log should not wait for, and a switch that stands still for a day owes no less.
 *
 * Life:  day_job_create -> wake, json ... -> day_job_destroy
 */
#pragma once

#include <jansson.h>

#include "switch/admin/audit.h"
#include "switch/admin/desk_share.h"

#define DAY_JOB_FIRST_S 600
#define DAY_JOB_EVERY_S 86400
#define DAY_JOB_VISIT_COUNT_MAX 200 /* cases a day: what people can do, not what is due at once */

struct day_job;

/* Both are borrowed; without an audit file nothing is done, without a folder there is nothing.
 * NULL: no memory or no thread. */
struct day_job *day_job_create(struct desk_share *share, struct audit *audit);
/* Ends between two deletions. NULL does nothing. */
void day_job_destroy(struct day_job *job);
/* Begins at once. DUPLICATE: it is under way. */
MUST_CHECK enum status day_job_wake(struct day_job *job);
/* {"state": "idle" "running" "done" "failed", "ended", "counts", "visits", "text"}: of the last
 * one; `visits`: cases that were opened. */
json_t *day_job_json(struct day_job *job);
