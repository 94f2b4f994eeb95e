/* See key_cell.h. */
#include "switch/security/key_cell.h"

#include <string.h>

void key_cell_put(struct key_cell *cell, const struct hsm_key_sealed *sealed)
{
    uint64_t words[KEY_CELL_WORDS] = {0};
    memcpy(words, sealed, sizeof(*sealed));
    uint32_t sequence = atomic_load_explicit(&cell->sequence, memory_order_relaxed);
    atomic_store_explicit(&cell->sequence, sequence + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (uint32_t i = 0; i < KEY_CELL_WORDS; i++) {
        atomic_store_explicit(&cell->words[i], words[i], memory_order_relaxed);
    }
    atomic_store_explicit(&cell->sequence, sequence + 2, memory_order_release);
}

bool key_cell_get(const struct key_cell *cell, struct hsm_key_sealed *sealed)
{
    uint64_t words[KEY_CELL_WORDS];
    uint32_t before;
    uint32_t after;
    do {
        before = atomic_load_explicit(&cell->sequence, memory_order_acquire);
        for (uint32_t i = 0; i < KEY_CELL_WORDS; i++) {
            words[i] = atomic_load_explicit(&cell->words[i], memory_order_relaxed);
        }
        atomic_thread_fence(memory_order_acquire);
        after = atomic_load_explicit(&cell->sequence, memory_order_relaxed);
    } while (before != after || before % 2 != 0);
    memcpy(sealed, words, sizeof(*sealed));
    return sealed->algorithm != 0;
}
