/* Sets of eight by the hash, the longest unused gives way. See card_table.h. */
#include "switch/aftersales/card_table.h"

#include <stdlib.h>
#include <string.h>

#define US_PER_S 1000000

bool card_table_create(struct card_table *table, uint32_t card_count_max)
{
    uint32_t set_count = card_count_max / CARD_SET_COUNT + 1;
    table->slot_count = set_count * CARD_SET_COUNT;
    table->slots = calloc(table->slot_count, sizeof(*table->slots));
    return table->slots != NULL;
}

void card_table_destroy(struct card_table *table)
{
    free(table->slots);
    table->slots = NULL;
}

struct card_state *card_table_use(struct card_table *table, const struct pan_hash *hash,
                                  int64_t wall_us)
{
    static const struct pan_hash NONE;
    if (memcmp(hash, &NONE, sizeof(NONE)) == 0) {
        return NULL;
    }
    uint64_t bits;
    _Static_assert(sizeof(*hash) >= sizeof(bits), "the hash is keyed: its first bytes will do");
    memcpy(&bits, hash, sizeof(bits));
    struct card_slot *set =
        &table->slots[bits % (table->slot_count / CARD_SET_COUNT) * CARD_SET_COUNT];
    struct card_slot *oldest = &set[0];
    for (struct card_slot *slot = set; slot < set + CARD_SET_COUNT; slot++) {
        if (slot->used_s != 0 && memcmp(&slot->hash, hash, sizeof(*hash)) == 0) {
            slot->used_s = (uint32_t)(wall_us / US_PER_S);
            return &slot->state;
        }
        oldest = slot->used_s < oldest->used_s ? slot : oldest;
    }
    memset(oldest, 0, sizeof(*oldest));
    oldest->hash = *hash;
    oldest->used_s = (uint32_t)(wall_us / US_PER_S);
    return &oldest->state;
}
