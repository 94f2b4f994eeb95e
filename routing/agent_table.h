/* Sales agents: who brought a merchant, and what they get of the merchant's fee.
 *
 * An agent may stand below a parent, which stands below its own, AGENT_LEVEL_COUNT_MAX levels in
 * all. What each gets is worked out in fee_share.h.
 *
 * Life:  create -> add ... -> freeze -> find, at ... -> destroy
 */
#pragma once

#include <stdint.h>

#include "protocols/base/status.h"

#define AGENT_ID_SIZE 12
#define AGENT_LEVEL_COUNT_MAX 4
#define AGENT_COUNT_MAX 65534
#define AGENT_TERMS_SIZE 48 /* rates and ratios of 9 digits, a cap of 12 */

struct agent_row {
    char agent_id[AGENT_ID_SIZE];  /* letters, digits, - and _: it becomes the name of a file */
    char parent_id[AGENT_ID_SIZE]; /* empty: none above */
    int64_t cost_rate_e8; /* the agent's own price; what the merchant pays above is shared */
    int64_t cost_cap;     /* minor units; INT64_MAX: none */
    int64_t ratio_e8;     /* of that, what the agent and those below get together */
    uint32_t line;        /* of its file, for faults */
    /* filled by freeze */
    const struct agent_row *parent; /* the table's; NULL: none */
    char terms[AGENT_TERMS_SIZE];   /* "520000:-:70000000": cost rate, cap, ratio, for the log */
};

struct agent_table;

struct agent_table *agent_table_create(uint32_t row_count_max);
void agent_table_destroy(struct agent_table *table);
/* STATUS_BAD_VALUE: an id that is not 1 to 11 of these characters. STATUS_NO_ROOM. */
MUST_CHECK enum status agent_table_add(struct agent_table *table, const struct agent_row *row);
/* Binds parents. STATUS_DUPLICATE: one id twice. STATUS_MISSING: no such parent.
 * STATUS_BAD_VALUE: more levels than there may be, or a ring. `fault` is the agent, the
 * table's. */
MUST_CHECK enum status agent_table_freeze(struct agent_table *table,
                                          const struct agent_row **fault);
uint32_t agent_table_count(const struct agent_table *table);
/* The row `index` < count; sorted by id, the table's. */
const struct agent_row *agent_table_at(const struct agent_table *table, uint32_t index);
/* The index, or -1. */
int32_t agent_table_find(const struct agent_table *table, const char *agent_id);
