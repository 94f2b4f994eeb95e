/* See terminal_table.h.
 *
 * A terminal id is 8 characters, so it is its own 64-bit key: a slot holds key and row number, and
 * a find touches one slot (seldom two) before it knows the answer.
 */
#include "routing/terminal_table.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/name_hash.h"

#define ID_LENGTH 8
#define SLOT_FREE UINT32_MAX

struct terminal_slot {
    uint64_t key;
    uint32_t index; /* of the row; SLOT_FREE */
    uint32_t bound; /* what terminal_table_bind noted */
};

struct terminal_table {
    struct terminal_row *rows; /* owner */
    uint32_t row_count, row_count_max;
    bool is_frozen;
    struct terminal_slot *slots; /* owner */
    uint64_t slot_mask;
};

_Static_assert(sizeof(((struct terminal_row *)0)->terminal_id) == ID_LENGTH + 1, "and a final 0");

struct terminal_table *terminal_table_create(uint32_t row_count_max)
{
    REQUIRE(row_count_max > 0);
    REQUIRE(row_count_max < SLOT_FREE);
    struct terminal_table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return NULL;
    }
    table->row_count_max = row_count_max;
    table->rows = aligned_alloc(sizeof(table->rows[0]), row_count_max * sizeof(table->rows[0]));
    if (table->rows == NULL) {
        free(table);
        return NULL;
    }
    return table;
}

void terminal_table_destroy(struct terminal_table *table)
{
    if (table != NULL) {
        free(table->rows);
        free(table->slots);
        free(table);
    }
}

static bool id_is_valid(const char *id)
{
    for (unsigned i = 0; i < ID_LENGTH; i++) {
        if (id[i] < ' ' || id[i] > '~') {
            return false;
        }
    }
    return id[ID_LENGTH] == '\0';
}

enum status terminal_table_add(struct terminal_table *table, const struct terminal_row *row)
{
    REQUIRE(!table->is_frozen);
    if (!id_is_valid(row->terminal_id)) {
        return STATUS_BAD_VALUE;
    }
    if (table->row_count == table->row_count_max) {
        return STATUS_NO_ROOM;
    }
    struct terminal_row *to = &table->rows[table->row_count];
    *to = *row;
    to->index = table->row_count++;
    return STATUS_OK;
}

static uint64_t id_key(const char *id)
{
    uint64_t key;
    memcpy(&key, id, sizeof(key));
    return key;
}

/* The slot that holds `key`, or the free one where it would be put. */
static struct terminal_slot *slot_of(const struct terminal_table *table, uint64_t key)
{
    uint64_t at = name_hash_mix(key) & table->slot_mask;
    /* Half of the slots are free, so the walk ends. */
    while (table->slots[at].index != SLOT_FREE && table->slots[at].key != key) {
        at = (at + 1) & table->slot_mask;
    }
    return &table->slots[at];
}

enum status terminal_table_freeze(struct terminal_table *table, char duplicate[9])
{
    REQUIRE(!table->is_frozen);
    uint64_t slot_count = name_hash_slots(table->row_count);
    REQUIRE(slot_count >= 2 * (uint64_t)table->row_count);
    free(table->slots); /* of a freeze that failed */
    table->slots = malloc(slot_count * sizeof(table->slots[0]));
    if (table->slots == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (uint64_t i = 0; i < slot_count; i++) {
        table->slots[i] = (struct terminal_slot){.index = SLOT_FREE};
    }
    table->slot_mask = slot_count - 1;
    for (uint32_t i = 0; i < table->row_count; i++) {
        uint64_t key = id_key(table->rows[i].terminal_id);
        struct terminal_slot *slot = slot_of(table, key);
        if (slot->index != SLOT_FREE) {
            memcpy(duplicate, table->rows[i].terminal_id, ID_LENGTH + 1);
            return STATUS_DUPLICATE;
        }
        *slot = (struct terminal_slot){key, i, 0};
    }
    table->is_frozen = true;
    return STATUS_OK;
}

void terminal_table_bind(struct terminal_table *table, uint32_t index, uint32_t bound)
{
    REQUIRE(table->is_frozen);
    REQUIRE(index < table->row_count);
    struct terminal_slot *slot = slot_of(table, id_key(table->rows[index].terminal_id));
    REQUIRE(slot->index == index);
    slot->bound = bound;
}

const struct terminal_row *terminal_table_find(const struct terminal_table *table,
                                               const char *terminal_id)
{
    uint32_t bound;
    return terminal_table_find_bound(table, terminal_id, &bound);
}

const struct terminal_row *terminal_table_find_bound(const struct terminal_table *table,
                                                     const char *terminal_id, uint32_t *bound)
{
    REQUIRE(table->is_frozen);
    for (unsigned i = 0; i < ID_LENGTH; i++) {
        if (terminal_id[i] == '\0') {
            return NULL;
        }
    }
    if (terminal_id[ID_LENGTH] != '\0') {
        return NULL;
    }
    const struct terminal_slot *slot = slot_of(table, id_key(terminal_id));
    if (slot->index == SLOT_FREE) {
        return NULL;
    }
    *bound = slot->bound;
    return &table->rows[slot->index];
}

uint32_t terminal_table_count(const struct terminal_table *table)
{
    return table->row_count;
}

const struct terminal_row *terminal_table_at(const struct terminal_table *table, uint32_t index)
{
    REQUIRE(index < table->row_count);
    return &table->rows[index];
}
