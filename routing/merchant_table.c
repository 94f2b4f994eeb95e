/* See merchant_table.h.
 *
 * A slot holds a row number and 32 bits of the hash, so that a find looks at a row only when it is
 * (all but surely) the right one.
 */
#include "routing/merchant_table.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/name_hash.h"

#define ID_SIZE 16
#define SLOT_FREE UINT32_MAX
#define LINE_BYTES 64

struct merchant_slot {
    uint32_t tag;
    uint32_t index; /* of the row; SLOT_FREE */
};

/* An id as two words, zeros behind it. */
struct merchant_key {
    uint64_t words[2];
};

/* A row padded to whole cache lines, so that what a payment needs of it is in one. */
union merchant_cell {
    struct merchant_row row;
    char lines[2 * LINE_BYTES];
};
_Static_assert(sizeof(struct merchant_row) <= 2 * LINE_BYTES, "a cell holds a row");

struct merchant_table {
    union merchant_cell *cells; /* owner */
    uint32_t row_count, row_count_max;
    bool is_frozen;
    struct merchant_slot *slots; /* owner */
    uint64_t slot_mask;
};

_Static_assert(sizeof(((struct merchant_row *)0)->merchant_id) == ID_SIZE, "two words a key");
_Static_assert(sizeof(struct merchant_key) == ID_SIZE, "two words a key");

struct merchant_table *merchant_table_create(uint32_t row_count_max)
{
    REQUIRE(row_count_max > 0);
    REQUIRE(row_count_max < SLOT_FREE);
    struct merchant_table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return NULL;
    }
    table->row_count_max = row_count_max;
    table->cells = aligned_alloc(LINE_BYTES, row_count_max * sizeof(table->cells[0]));
    if (table->cells == NULL) {
        free(table);
        return NULL;
    }
    return table;
}

void merchant_table_destroy(struct merchant_table *table)
{
    if (table != NULL) {
        free(table->cells);
        free(table->slots);
        free(table);
    }
}

/* False: empty, or longer than 15 characters. */
static bool id_to_key(struct merchant_key *key, const char *id)
{
    char bytes[ID_SIZE] = {0};
    size_t length = strnlen(id, ID_SIZE);
    if (length == 0 || length == ID_SIZE) {
        return false;
    }
    memcpy(bytes, id, length);
    memcpy(key->words, bytes, sizeof(bytes));
    return true;
}

static bool id_is_printable(const char *id)
{
    for (; *id != '\0'; id++) {
        if (*id < ' ' || *id > '~') {
            return false;
        }
    }
    return true;
}

enum status merchant_table_add(struct merchant_table *table, const struct merchant_row *row)
{
    REQUIRE(!table->is_frozen);
    struct merchant_key key;
    if (!id_to_key(&key, row->merchant_id) || !id_is_printable(row->merchant_id)) {
        return STATUS_BAD_VALUE;
    }
    if (table->row_count == table->row_count_max) {
        return STATUS_NO_ROOM;
    }
    struct merchant_row *to = &table->cells[table->row_count++].row;
    *to = *row;
    memcpy(to->merchant_id, key.words, ID_SIZE);
    return STATUS_OK;
}

static struct merchant_slot *slot_of(const struct merchant_table *table,
                                     const struct merchant_key *key, uint32_t *tag)
{
    uint64_t hash = name_hash_mix(key->words[0] ^ name_hash_mix(key->words[1]));
    uint64_t at = hash & table->slot_mask;
    *tag = (uint32_t)(hash >> 32);
    /* Half of the slots are free, so the walk ends. */
    for (;; at = (at + 1) & table->slot_mask) {
        struct merchant_slot *slot = &table->slots[at];
        if (slot->index == SLOT_FREE ||
            (slot->tag == *tag &&
             memcmp(table->cells[slot->index].row.merchant_id, key->words, ID_SIZE) == 0)) {
            return slot;
        }
    }
}

enum status merchant_table_freeze(struct merchant_table *table, char duplicate[16])
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
        table->slots[i] = (struct merchant_slot){.index = SLOT_FREE};
    }
    table->slot_mask = slot_count - 1;
    for (uint32_t i = 0; i < table->row_count; i++) {
        struct merchant_key key;
        uint32_t tag;
        memcpy(key.words, table->cells[i].row.merchant_id, ID_SIZE);
        struct merchant_slot *slot = slot_of(table, &key, &tag);
        if (slot->index != SLOT_FREE) {
            memcpy(duplicate, table->cells[i].row.merchant_id, ID_SIZE);
            return STATUS_DUPLICATE;
        }
        *slot = (struct merchant_slot){tag, i};
    }
    table->is_frozen = true;
    return STATUS_OK;
}

const struct merchant_row *merchant_table_find(const struct merchant_table *table,
                                               const char *merchant_id)
{
    REQUIRE(table->is_frozen);
    struct merchant_key key;
    uint32_t tag;
    if (!id_to_key(&key, merchant_id)) {
        return NULL;
    }
    const struct merchant_slot *slot = slot_of(table, &key, &tag);
    return slot->index == SLOT_FREE ? NULL : &table->cells[slot->index].row;
}

uint32_t merchant_table_count(const struct merchant_table *table)
{
    return table->row_count;
}

const struct merchant_row *merchant_table_at(const struct merchant_table *table, uint32_t index)
{
    REQUIRE(index < table->row_count);
    return &table->cells[index].row;
}

void merchant_table_fetch(const struct merchant_table *table, uint32_t index)
{
    REQUIRE(index < table->row_count);
    __builtin_prefetch(&table->cells[index]);
}

uint32_t merchant_table_index(const struct merchant_table *table, const struct merchant_row *row)
{
    /* The row is the cell's first member. */
    const union merchant_cell *cell = (const union merchant_cell *)(const void *)row;
    REQUIRE(cell >= table->cells);
    REQUIRE(cell < table->cells + table->row_count);
    return (uint32_t)(cell - table->cells);
}
