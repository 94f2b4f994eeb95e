/* See told_table.h. */
#include "switch/followup/told_table.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct told {
    uint64_t number;
    uint64_t told_ns;
    UT_hash_handle hh;
};

struct told_table {
    struct told *items; /* owner: a hash by number */
};

struct told_table *told_table_create(void)
{
    return calloc(1, sizeof(struct told_table));
}

void told_table_destroy(struct told_table *table)
{
    if (table == NULL) {
        return;
    }
    struct told *told = table->items;
    HASH_CLEAR(hh, table->items);
    while (told != NULL) {
        struct told *next = told->hh.next;
        free(told);
        told = next;
    }
    free(table);
}

static struct told *find(const struct told_table *table, uint64_t number)
{
    struct told *told = NULL;
    HASH_FIND(hh, table->items, &number, sizeof(number), told);
    return told;
}

uint64_t told_table_last(const struct told_table *table, uint64_t number)
{
    const struct told *told = find(table, number);
    return told == NULL ? TOLD_NEVER : told->told_ns;
}

bool told_table_is_full(const struct told_table *table)
{
    return HASH_COUNT(table->items) >= TOLD_COUNT_MAX;
}

bool told_table_note(struct told_table *table, uint64_t number, uint64_t told_ns)
{
    struct told *told = find(table, number);
    if (told == NULL) {
        told = calloc(1, sizeof(*told));
        if (told == NULL) {
            return false;
        }
        told->number = number;
        HASH_ADD(hh, table->items, number, sizeof(told->number), told);
        if (told->hh.tbl == NULL) { /* the hash found no memory */
            free(told);
            return false;
        }
    }
    told->told_ns = told_ns;
    return true;
}

void told_table_forget(struct told_table *table, uint64_t number)
{
    struct told *told = find(table, number);
    if (told != NULL) {
        HASH_DELETE(hh, table->items, told);
        free(told);
    }
}

uint32_t told_table_count(const struct told_table *table)
{
    return HASH_COUNT(table->items);
}
