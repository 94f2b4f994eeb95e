/* See wait_table.h. */
#include "switch/followup/wait_table.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct wait_terminal {
    char terminal_id[9];
    struct wait_item *first; /* owner */
    UT_hash_handle hh;
};

struct wait_table {
    struct wait_terminal *terminals; /* owner: a hash by terminal */
    uint32_t count;
};

struct wait_table *wait_table_create(void)
{
    return calloc(1, sizeof(struct wait_table));
}

static void terminal_forget(struct wait_table *table, struct wait_terminal *terminal)
{
    HASH_DELETE(hh, table->terminals, terminal);
    while (terminal->first != NULL) {
        struct wait_item *item = terminal->first;
        terminal->first = item->next;
        free(item);
        table->count--;
    }
    free(terminal);
}

static void table_clear(struct wait_table *table)
{
    struct wait_terminal *terminal = NULL;
    struct wait_terminal *next = NULL;
    HASH_ITER(hh, table->terminals, terminal, next)
    {
        terminal_forget(table, terminal);
    }
}

void wait_table_destroy(struct wait_table *table)
{
    if (table != NULL) {
        table_clear(table);
        free(table);
    }
}

static struct wait_terminal *terminal_find(const struct wait_table *table, const char *terminal_id)
{
    struct wait_terminal *terminal = NULL;
    HASH_FIND_STR(table->terminals, terminal_id, terminal);
    return terminal;
}

/* NULL: no memory. */
static struct wait_terminal *terminal_make(struct wait_table *table, const char *terminal_id)
{
    struct wait_terminal *terminal = calloc(1, sizeof(*terminal));
    if (terminal == NULL) {
        return NULL;
    }
    memcpy(terminal->terminal_id, terminal_id, strnlen(terminal_id, sizeof(terminal->terminal_id)));
    HASH_ADD_STR(table->terminals, terminal_id, terminal);
    if (terminal->hh.tbl == NULL) { /* the hash found no memory */
        free(terminal);
        return NULL;
    }
    return terminal;
}

static bool take_wait(void *argument, const struct case_wait *wait)
{
    struct wait_table *table = argument;
    struct wait_terminal *terminal = terminal_find(table, wait->terminal_id);
    terminal = terminal != NULL ? terminal : terminal_make(table, wait->terminal_id);
    struct wait_item *item = terminal == NULL ? NULL : calloc(1, sizeof(*item));
    if (item == NULL) {
        return false;
    }
    item->wait = *wait;
    item->next = terminal->first;
    terminal->first = item;
    table->count++;
    return true;
}

enum status wait_table_fill(struct wait_table *table, struct desk *desk)
{
    const struct case_wait_sink sink = {take_wait, table};
    table_clear(table);
    return case_book_waits(desk, NULL, &sink);
}

enum status wait_table_refresh(struct wait_table *table, struct desk *desk, const char *terminal_id)
{
    const struct case_wait_sink sink = {take_wait, table};
    struct wait_terminal *terminal = terminal_find(table, terminal_id);
    if (terminal != NULL) {
        terminal_forget(table, terminal);
    }
    return case_book_waits(desk, terminal_id, &sink);
}

const struct wait_item *wait_table_find(const struct wait_table *table, const char *terminal_id)
{
    const struct wait_terminal *terminal = terminal_find(table, terminal_id);
    return terminal == NULL ? NULL : terminal->first;
}

uint32_t wait_table_count(const struct wait_table *table)
{
    return table->count;
}
