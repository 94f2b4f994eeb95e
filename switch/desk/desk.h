/* The database of after-sales: one SQLite file that the after-sales thread of tillwayd and
 * tillway-admin hold open at once.
 *
 * Each call is one short transaction, or part of the caller's (begin ... end): all of it is written
 * or nothing. Who writes takes the lock at once and waits up to DESK_BUSY_MS for another writer.
 * Nothing here may be called from the engine's loop: every call waits for the disk.
 *
 * Life:  desk_open -> registry_..., flag_book_..., case_book_..., effect_book_...,
 * inspection_book_..., update_book_...
 *        -> desk_close
 */
#pragma once

#include <stdint.h>

#include "protocols/base/status.h"

#define DESK_APPLICATION_ID 0x54494C41 /* "TILA", in the file's header */
#define DESK_SCHEMA_VERSION 5
#define DESK_REASON_SIZE 480
#define DESK_BUSY_MS 5000

struct desk;

/* Who does it, and when; `actor` is never empty. */
struct desk_actor {
    char actor[32];
    int64_t wall_us;
};

/* Opens the file, made with its tables when it is not there; one of an older version is brought up
 * to date in one transaction, after which older programs refuse it; card numbers in its free texts
 * are masked with that (desk_mask.h). One connection: one thread at a time. STATUS_MALFORMED:
 * another program's file, or of a later version; STATUS_BROKEN: SQLite or the disk; `reason`
 * (DESK_REASON_SIZE) says which file and why. The caller owns *desk. */
MUST_CHECK enum status desk_open(struct desk **desk, const char *path, char *reason);
/* NULL does nothing. What was begun and not ended is undone. */
void desk_close(struct desk *desk);
/* Each statement that is still at work so long from now on ends with EXPIRED: for who is not waited
 * for any longer. */
void desk_limit(struct desk *desk, uint32_t seconds);
/* Why the last call did not answer STATUS_OK. */
const char *desk_reason(const struct desk *desk);

/* Several calls as one: begin -> calls -> end with what they answered; begins may be nested, and
 * the outermost end decides. One failure inside undoes all, whatever is told to an end behind it.
 * EXPIRED: another writer held the file for DESK_BUSY_MS. */
MUST_CHECK enum status desk_begin(struct desk *desk);
MUST_CHECK enum status desk_end(struct desk *desk, enum status status);

/* The rules by which cases live where people step them through this connection; those that Tillway
 * comes with until others are set, which are copied. */
struct case_rules;
void desk_set_case_rules(struct desk *desk, const struct case_rules *rules);
const struct case_rules *desk_case_rules(const struct desk *desk);

/* Another number than the last time: another connection has written since. */
MUST_CHECK enum status desk_version(struct desk *desk, int64_t *version);
