/* One sealed key that one thread writes and all read: a sequence lock, no reader ever waits long.
 *
 * The words are atomic, each by itself; the sequence, odd while a write goes on, tells a reader
 * that they belong together.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hsm/hsm.h"

#define KEY_CELL_WORDS 9u
_Static_assert(KEY_CELL_WORDS * sizeof(uint64_t) >= sizeof(struct hsm_key_sealed),
               "a sealed key fits its cell");

struct key_cell {
    _Atomic uint32_t sequence;
    _Atomic uint64_t words[KEY_CELL_WORDS];
};

/* The one writer. An all-zero key empties the cell. */
void key_cell_put(struct key_cell *cell, const struct hsm_key_sealed *sealed);
/* False: there is no key. */
MUST_CHECK bool key_cell_get(const struct key_cell *cell, struct hsm_key_sealed *sealed);
