/* See agent_table.h. Found by name only when files are read: sorted rows, bisected. */
#include "routing/agent_table.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/fee_plan.h"

struct agent_table {
    struct agent_row *rows; /* owner */
    uint32_t row_count, row_count_max;
    bool is_frozen;
};

struct agent_table *agent_table_create(uint32_t row_count_max)
{
    REQUIRE(row_count_max > 0);
    struct agent_table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return NULL;
    }
    table->row_count_max = row_count_max < AGENT_COUNT_MAX ? row_count_max : AGENT_COUNT_MAX;
    table->rows = calloc(table->row_count_max, sizeof(table->rows[0]));
    if (table->rows == NULL) {
        free(table);
        return NULL;
    }
    return table;
}

void agent_table_destroy(struct agent_table *table)
{
    if (table != NULL) {
        free(table->rows);
        free(table);
    }
}

static bool id_is_good(const char id[AGENT_ID_SIZE])
{
    static const char ALLOWED[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
    return id[0] != '\0' && strnlen(id, AGENT_ID_SIZE) < AGENT_ID_SIZE &&
           strspn(id, ALLOWED) == strlen(id);
}

enum status agent_table_add(struct agent_table *table, const struct agent_row *row)
{
    REQUIRE(!table->is_frozen);
    if (!id_is_good(row->agent_id)) {
        return STATUS_BAD_VALUE;
    }
    if (table->row_count == table->row_count_max) {
        return STATUS_NO_ROOM;
    }
    table->rows[table->row_count++] = *row;
    return STATUS_OK;
}

static int row_compare(const void *left, const void *right)
{
    return strcmp(((const struct agent_row *)left)->agent_id,
                  ((const struct agent_row *)right)->agent_id);
}

static enum status bind_parent(struct agent_table *table, struct agent_row *row)
{
    if (row->parent_id[0] == '\0') {
        return STATUS_OK;
    }
    int32_t at = agent_table_find(table, row->parent_id);
    row->parent = at < 0 ? NULL : &table->rows[at];
    return at < 0 ? STATUS_MISSING : STATUS_OK;
}

static enum status check_levels(const struct agent_row *row)
{
    unsigned levels = 0;
    for (; row != NULL && levels <= AGENT_LEVEL_COUNT_MAX; row = row->parent) {
        levels++;
    }
    return levels <= AGENT_LEVEL_COUNT_MAX ? STATUS_OK : STATUS_BAD_VALUE;
}

static void write_terms(struct agent_row *row)
{
    char cap[24] = "-";
    if (row->cost_cap != FEE_NO_CAP) {
        snprintf(cap, sizeof(cap), "%" PRId64, row->cost_cap);
    }
    snprintf(row->terms, sizeof(row->terms), "%" PRId64 ":%s:%" PRId64, row->cost_rate_e8, cap,
             row->ratio_e8);
}

enum status agent_table_freeze(struct agent_table *table, const struct agent_row **fault)
{
    REQUIRE(!table->is_frozen);
    enum status status = STATUS_OK;
    uint32_t at = 0;
    table->is_frozen = true;
    qsort(table->rows, table->row_count, sizeof(table->rows[0]), row_compare);
    for (uint32_t i = 1; i < table->row_count && status == STATUS_OK; i++) {
        at = i;
        status = strcmp(table->rows[i - 1].agent_id, table->rows[i].agent_id) == 0
                     ? STATUS_DUPLICATE
                     : STATUS_OK;
    }
    for (uint32_t i = 0; i < table->row_count && status == STATUS_OK; i++) {
        at = i;
        write_terms(&table->rows[i]);
        status = bind_parent(table, &table->rows[i]);
    }
    for (uint32_t i = 0; i < table->row_count && status == STATUS_OK; i++) {
        at = i;
        status = check_levels(&table->rows[i]);
    }
    if (status != STATUS_OK) {
        *fault = &table->rows[at];
    }
    return status;
}

uint32_t agent_table_count(const struct agent_table *table)
{
    return table->row_count;
}

const struct agent_row *agent_table_at(const struct agent_table *table, uint32_t index)
{
    REQUIRE(index < table->row_count);
    return &table->rows[index];
}

int32_t agent_table_find(const struct agent_table *table, const char *agent_id)
{
    REQUIRE(table->is_frozen);
    uint32_t low = 0;
    uint32_t high = table->row_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(agent_id, table->rows[middle].agent_id);
        if (order == 0) {
            return (int32_t)middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return -1;
}
