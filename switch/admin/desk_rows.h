/* Registered rows of a kind in memory, all or those that fit, for a judge that looks at many
 * (switch/aftersales). */
#pragma once

#include <stdint.h>

#include "switch/desk/registry.h"
#include "switch/desk/registry_page.h"

#define DESK_ROWS_COUNT_MAX 100000

struct desk_rows {
    void *rows; /* owner; structs of the kind, one behind the other. NULL: none */
    uint32_t count, room;
};

/* NO_MEMORY; NO_ROOM: more than DESK_ROWS_COUNT_MAX. Freed by the caller in any case. */
MUST_CHECK enum status desk_rows_take(struct desk *desk, enum registry_kind kind,
                                      struct desk_rows *rows);
/* Those that fit the query, page by page, which moves it on; else as desk_rows_take. */
MUST_CHECK enum status desk_rows_find(struct desk *desk, struct registry_query *query,
                                      struct desk_rows *rows);
void desk_rows_free(struct desk_rows *rows);
