/* Who did what: one line before each effect and for each denied attempt, synced before anything
 * happens, each with the hash of the line before it.
 *
 * A line is a JSON object whose last two members are `prev` and `hash`; `hash` is SHA-256 (hex)
 * over the bytes of the line up to and without `,"hash":…`. A file that does not end in a whole
 * line with its right hash is not extended.
 *
 * Life:  audit_open -> audit_write ... -> audit_close
 */
#pragma once

#include "protocols/base/status.h"

#define AUDIT_REASON_SIZE 600

struct audit;

struct audit_entry {
    const char *actor;   /* name of the token; "" when there is none */
    const char *role;    /* its role */
    const char *action;  /* "POST /api/v1/reload" */
    const char *outcome; /* "begun", "done", "failed", "unknown", "denied" */
    const char *address; /* of the caller */
    const char *text;    /* why; may be NULL */
};

/* NULL: `reason` says what is wrong with the file. */
struct audit *audit_open(const char *path, char reason[AUDIT_REASON_SIZE]);
void audit_close(struct audit *audit);
/* Any thread. STATUS_BROKEN: not written or not synced; the effect must not happen. */
MUST_CHECK enum status audit_write(struct audit *audit, const struct audit_entry *entry);
