/* The cards that are remembered: a table of fixed size in sets of eight, in which the one that was
 * not used for the longest gives way to a new one. Work is the same for each, and so is what is
 * forgotten, whoever replays the rows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/secret.h"
#include "switch/aftersales/card_watch.h"

#define CARD_SET_COUNT 8

struct card_slot {
    struct pan_hash hash;
    uint32_t used_s; /* event time, since 1970; 0: empty */
    uint32_t unused;
    struct card_state state;
};

struct card_table {
    struct card_slot *slots; /* owner; may be copied and kept as bytes */
    uint32_t slot_count;     /* a multiple of CARD_SET_COUNT */
};

/* Room for `card_count_max` cards at least. False: no memory. */
bool card_table_create(struct card_table *table, uint32_t card_count_max);
void card_table_destroy(struct card_table *table);

/* What is remembered of this card, all zeros when it is new; NULL: no card, its hash is all zeros.
 * The table's, until the next call. */
struct card_state *card_table_use(struct card_table *table, const struct pan_hash *hash,
                                  int64_t wall_us);
