/* See slot_index.h. A drop moves later entries of the run back, so that no gap ends a probe early
 * and no tombstones pile up. */
#include "switch/engine/slot_index.h"

#include "protocols/base/require.h"

uint32_t slot_index_capacity(uint32_t count_max)
{
    REQUIRE(count_max <= UINT32_MAX / 4);
    uint32_t capacity = 16;
    while (capacity < count_max * 2) {
        capacity *= 2;
    }
    return capacity;
}

void slot_index_init(struct slot_index *index, struct slot_index_entry *entries, uint32_t capacity)
{
    REQUIRE(capacity > 0 && (capacity & (capacity - 1)) == 0);
    *index = (struct slot_index){.entries = entries, .mask = capacity - 1};
}

void slot_index_put(struct slot_index *index, uint32_t hash, uint32_t slot)
{
    REQUIRE(slot != 0);
    REQUIRE(index->count < index->mask);
    uint32_t place = hash & index->mask;
    while (index->entries[place].slot != 0) {
        place = (place + 1) & index->mask;
    }
    index->entries[place] = (struct slot_index_entry){hash, slot};
    index->count++;
}

/* Whether the entry at `place` may fill the gap: its home is not behind the gap. */
static int entry_may_move(const struct slot_index *index, uint32_t gap, uint32_t place)
{
    uint32_t home = index->entries[place].hash & index->mask;
    return ((place - home) & index->mask) >= ((place - gap) & index->mask);
}

void slot_index_drop(struct slot_index *index, uint32_t hash, uint32_t slot)
{
    uint32_t gap = hash & index->mask;
    while (index->entries[gap].slot != slot || index->entries[gap].hash != hash) {
        REQUIRE(index->entries[gap].slot != 0);
        gap = (gap + 1) & index->mask;
    }
    uint32_t place = (gap + 1) & index->mask;
    while (index->entries[place].slot != 0) {
        if (entry_may_move(index, gap, place)) {
            index->entries[gap] = index->entries[place];
            gap = place;
        }
        place = (place + 1) & index->mask;
    }
    index->entries[gap] = (struct slot_index_entry){0, 0};
    index->count--;
}

struct slot_probe slot_index_begin(const struct slot_index *index, uint32_t hash)
{
    return (struct slot_probe){hash & index->mask, hash};
}

uint32_t slot_index_next(const struct slot_index *index, struct slot_probe *probe)
{
    while (index->entries[probe->place].slot != 0) {
        const struct slot_index_entry *entry = &index->entries[probe->place];
        probe->place = (probe->place + 1) & index->mask;
        if (entry->hash == probe->hash) {
            return entry->slot;
        }
    }
    return 0;
}
