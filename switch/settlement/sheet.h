/* CSV files (RFC 4180) on their way to disk: written under a temporary name and synced, and renamed
 * into place only when all of them are there and found good.
 *
 * Life:  sheet_set_open -> sheet_begin -> put, end of line ... -> sheet_end -> ... ->
 *        sheet_set_commit or sheet_set_abandon
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "protocols/base/status.h"

#define SHEET_PATH_SIZE 1024
#define SHEET_NAME_SIZE 128
#define SHEET_REASON_SIZE 1400

struct sheet_set {
    char folder[SHEET_PATH_SIZE];
    char (*names)[SHEET_NAME_SIZE]; /* owner */
    uint32_t count, room;
    char *reason; /* borrowed: SHEET_REASON_SIZE */
};

struct sheet {
    struct sheet_set *set; /* borrowed */
    FILE *to;
    char path[SHEET_PATH_SIZE + SHEET_NAME_SIZE + 8]; /* the temporary one */
    bool is_begun;                                    /* the line has a field */
};

/* Makes `parent`/`name`, a folder, when it is absent; `parent` must be there. */
MUST_CHECK enum status sheet_set_open(struct sheet_set *set, const char *parent, const char *name,
                                      char *reason);
/* Renames all of them, `last` at the end, and removes those of an earlier run that there are no
 * more. While `last` is missing, the others are not complete. */
MUST_CHECK enum status sheet_set_commit(struct sheet_set *set, const char *last);
/* Removes what was written. */
void sheet_set_abandon(struct sheet_set *set);

/* Begins `name`.csv, made of `kind` and, where there is one, `id` with all but letters and digits
 * written as %XX. */
MUST_CHECK enum status sheet_begin(struct sheet_set *set, struct sheet *sheet, const char *kind,
                                   const char *id);
void sheet_put_text(struct sheet *sheet, const char *text);
void sheet_put_number(struct sheet *sheet, int64_t number);
void sheet_end_line(struct sheet *sheet);
/* Syncs and closes. STATUS_BROKEN: not all of it reached the disk. */
MUST_CHECK enum status sheet_end(struct sheet *sheet);
