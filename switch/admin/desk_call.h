/* What calls of the after-sales database have in common: a connection of one's own, failures as
 * answers of HTTP, days as people write them, bodies of cells. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/admin/call.h"
#include "switch/desk/registry_edit.h"

#define DESK_CALL_BODY_BYTES_MAX 65536 /* of a row; the longest has 8 KB */

/* NULL: a problem was put into `answer`. Ended by desk_close(). */
struct desk *desk_call_open(const struct call *call, struct answer *answer);
/* Who asks, now. */
void desk_call_actor(const struct call *call, struct desk_actor *actor);
/* What the desk says of a status that is not OK. Memory and room for rows are ours, not the file's:
 * of these the desk still says what failed before. */
const char *desk_call_reason(const struct desk *desk, enum status status);
/* What a status that is not OK comes to: 404 not there, 409 in the way of what is stored, 422
 * wrong, 503 the database. */
void desk_call_failed(const struct desk *desk, enum status status, struct answer *answer);
/* The same with a list of sentences beside it. Takes over `faults`. */
void desk_call_faults(unsigned code, const char *detail, json_t *faults, struct answer *answer);

/* Today in China, days since 1970. */
int32_t desk_call_today(void);
/* A parameter such as 2026-01-31; absent: as it was. False: a problem was put into `answer`. */
bool desk_call_day(const struct call *call, const char *name, int32_t *day, struct answer *answer);
/* A number of `range`; absent: as it was. */
struct desk_call_range {
    uint32_t min, max;
};
bool desk_call_number(const struct call *call, const char *name, struct desk_call_range range,
                      uint32_t *number, struct answer *answer);
#define DESK_CALL_DAY_SIZE 16
/* "2026-01-31"; empty for day 0. */
void desk_call_day_text(int32_t day, char text[DESK_CALL_DAY_SIZE]);

/* The body as an object whose `cells` are texts, numbers, yes or no; NULL: a problem was put into
 * `answer`. Freed by json_decref(). */
json_t *desk_call_body(const struct call *call, struct answer *answer);
/* The text of a cell: its own, or a number's or truth's in `text` (CELL_TEXT_SIZE). NULL: it is
 * none of these. */
const char *desk_call_cell(const json_t *value, char *text);
