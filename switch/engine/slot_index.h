/* Finds slots by hash: open addressing with linear probing, 8 bytes an entry.
 *
 * It knows hashes and slot numbers only; the caller compares the keys of what it is given. Nothing
 * ever walks it whole, so no order depends on hashes. Slot 0 means none.
 *
 * Life:  (create_memory) -> init -> put, begin, next, drop ...
 */
#pragma once

#include <stdint.h>

struct slot_index_entry {
    uint32_t hash, slot;
};

struct slot_index {
    struct slot_index_entry *entries; /* owner: the engine */
    uint32_t mask;
    uint32_t count;
};

struct slot_probe {
    uint32_t place, hash;
};

/* Entries wanted for `count_max` slots: a power of two that leaves half of them free. */
uint32_t slot_index_capacity(uint32_t count_max);
/* `entries` are `capacity` zeroed entries. */
void slot_index_init(struct slot_index *index, struct slot_index_entry *entries, uint32_t capacity);
/* REQUIREs room. One slot may stand under several hashes. */
void slot_index_put(struct slot_index *index, uint32_t hash, uint32_t slot);
/* REQUIREs that it is there. */
void slot_index_drop(struct slot_index *index, uint32_t hash, uint32_t slot);
struct slot_probe slot_index_begin(const struct slot_index *index, uint32_t hash);
/* The next slot put under the hash; 0: no more. */
uint32_t slot_index_next(const struct slot_index *index, struct slot_probe *probe);

/* Spreads 64 bits over 64 (the finaliser of splitmix64). */
static inline uint64_t hash_mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ value >> 27) * UINT64_C(0x94D049BB133111EB);
    return value ^ value >> 31;
}
