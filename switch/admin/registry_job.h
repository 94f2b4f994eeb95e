/* A CSV file on its way into the registry, in a thread of its own: one at a time. Whoever began it
 * may wait for its end, or ask later.
 *
 * Life:  registry_job_create -> begin, wait, json ... -> registry_job_destroy
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "switch/admin/desk_share.h"
#include "switch/desk/registry.h"

#define REGISTRY_JOB_BYTES_MAX (32u * 1024 * 1024) /* some 150,000 terminals */
#define REGISTRY_JOB_FAULT_COUNT_MAX 1000          /* told; more are counted */
#define REGISTRY_JOB_FILE_SIZE 96

struct registry_job;

struct registry_job_order {
    enum registry_kind kind;
    const char *file; /* name for the sentences; copied, as the text */
    const char *text;
    size_t length;
    bool is_check;
    struct desk_actor by;
};

/* What came of it. */
struct registry_job_end {
    bool is_running;
    enum status status; /* OK; MALFORMED: the file is faulty; EXPIRED, BROKEN ...: the database */
};

/* `share` is borrowed. NULL: no memory. */
struct registry_job *registry_job_create(struct desk_share *share);
/* Waits for what is under way. NULL does nothing. */
void registry_job_destroy(struct registry_job *job);
/* `*number` names it for the wait. DUPLICATE: one is under way. NO_MEMORY; BROKEN: no thread. */
MUST_CHECK enum status registry_job_begin(struct registry_job *job,
                                          const struct registry_job_order *order, uint64_t *number);
/* Until that one has ended, so long at most; then what came of it. One that was followed by another
 * meanwhile counts as running: it is not known any more. */
void registry_job_wait(struct registry_job *job, uint64_t number, uint32_t timeout_ms,
                       struct registry_job_end *end);
/* {"state": "idle" "running" "done" "failed", "kind", "file", "actor", "is_check", "rows",
 * "changed", "bad", "text", "seconds", "faults"}: of the last one. */
json_t *registry_job_json(struct registry_job *job);
