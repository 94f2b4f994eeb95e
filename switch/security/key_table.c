/* See key_table.h. */
#include "switch/security/key_table.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"

struct key_table {
    uint32_t terminal_count, terminal_count_max, index_mask;
    _Atomic uint32_t *index;         /* owner; 0: free, else place in `terminals` plus 1 */
    struct terminal_keys *terminals; /* owner */
    _Atomic uint32_t channel_count;
    struct channel_keys channels[KEY_TABLE_CHANNEL_COUNT_MAX];
    struct key_cell own[OWN_KEY_COUNT];
};

struct key_table *key_table_create(uint32_t terminal_count_max)
{
    REQUIRE(terminal_count_max > 0 && terminal_count_max <= UINT32_MAX / 4);
    uint32_t index_count = 8;
    while (index_count < terminal_count_max * 2) {
        index_count *= 2;
    }
    struct key_table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return NULL;
    }
    table->terminal_count_max = terminal_count_max;
    table->index_mask = index_count - 1;
    table->index = calloc(index_count, sizeof(*table->index));
    table->terminals = calloc(terminal_count_max, sizeof(*table->terminals));
    if (table->index == NULL || table->terminals == NULL) {
        key_table_destroy(table);
        return NULL;
    }
    return table;
}

void key_table_destroy(struct key_table *table)
{
    if (table == NULL) {
        return;
    }
    free((void *)table->index);
    free(table->terminals);
    free(table);
}

static uint64_t id_word(const char *terminal_id)
{
    uint64_t word = 0;
    memcpy(&word, terminal_id, strnlen(terminal_id, KEY_TABLE_ID_BYTES));
    return word;
}

static uint32_t id_place(const struct key_table *table, uint64_t word)
{
    uint64_t mixed = word * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 32) & table->index_mask;
}

struct terminal_keys *key_table_terminal(const struct key_table *table, const char *terminal_id)
{
    uint64_t word = id_word(terminal_id);
    for (uint32_t place = id_place(table, word);; place = (place + 1) & table->index_mask) {
        uint32_t entry = atomic_load_explicit(&table->index[place], memory_order_acquire);
        if (entry == 0) {
            return NULL;
        }
        struct terminal_keys *terminal = &table->terminals[entry - 1];
        if (memcmp(terminal->id, &word, sizeof(word)) == 0) {
            return terminal;
        }
    }
}

struct terminal_keys *key_table_enroll_terminal(struct key_table *table, const char *terminal_id)
{
    struct terminal_keys *terminal = key_table_terminal(table, terminal_id);
    uint64_t word = id_word(terminal_id);
    REQUIRE(word != 0);
    if (terminal != NULL) {
        return terminal;
    }
    if (table->terminal_count == table->terminal_count_max) {
        return NULL;
    }
    terminal = &table->terminals[table->terminal_count++];
    memcpy(terminal->id, &word, sizeof(word));
    uint32_t place = id_place(table, word);
    while (atomic_load_explicit(&table->index[place], memory_order_relaxed) != 0) {
        place = (place + 1) & table->index_mask;
    }
    /* The identity stands before anybody can find the entry. */
    atomic_store_explicit(&table->index[place], table->terminal_count, memory_order_release);
    return terminal;
}

uint32_t key_table_terminal_room(const struct key_table *table)
{
    return table->terminal_count_max - table->terminal_count;
}

uint32_t key_table_channel_room(const struct key_table *table)
{
    return KEY_TABLE_CHANNEL_COUNT_MAX -
           atomic_load_explicit(&table->channel_count, memory_order_acquire);
}

int key_table_channel(const struct key_table *table, const char *name)
{
    uint32_t count = atomic_load_explicit(&table->channel_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(table->channels[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int key_table_enroll_channel(struct key_table *table, const char *name)
{
    int found = key_table_channel(table, name);
    uint32_t count = atomic_load_explicit(&table->channel_count, memory_order_relaxed);
    size_t length = strlen(name);
    REQUIRE(length > 0 && length < KEY_TABLE_CHANNEL_NAME_SIZE);
    if (found >= 0 || count == KEY_TABLE_CHANNEL_COUNT_MAX) {
        return found;
    }
    memcpy(table->channels[count].name, name, length + 1);
    atomic_store_explicit(&table->channel_count, count + 1, memory_order_release);
    return (int)count;
}

struct channel_keys *key_table_channel_at(struct key_table *table, uint16_t index)
{
    REQUIRE(index < atomic_load_explicit(&table->channel_count, memory_order_acquire));
    return &table->channels[index];
}

struct key_cell *key_table_own(struct key_table *table, enum own_key which)
{
    REQUIRE((unsigned)which < OWN_KEY_COUNT);
    return &table->own[which];
}
