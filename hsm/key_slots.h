/* Where loaded keys lie: sealed, by slot and generation, found by name. Allocated once.
 *
 * The last HSM_VISIT_COUNT slots belong to visitors, which come and go in a ring.
 *
 * Life:  key_slots_create -> put, find, visit, take out ... -> key_slots_destroy
 */
#pragma once

#include "hsm/hsm.h"

struct key_slot {
    struct hsm_key_sealed sealed;
    char name[HSM_KEY_NAME_SIZE];
    uint32_t generation; /* odd while the slot is in use */
};

struct key_slots;

struct key_slots *key_slots_create(uint32_t key_count_max); /* NULL: no memory */
void key_slots_destroy(struct key_slots *slots);

/* Puts a key under its name: a new slot, or the name's own with a new generation.
 * False: no slot is free. */
MUST_CHECK bool key_slots_put(struct key_slots *slots, const char *name,
                              const struct hsm_key_sealed *sealed, struct hsm_key_handle *handle);
struct hsm_key_handle key_slots_visit(struct key_slots *slots, const char *name,
                                      const struct hsm_key_sealed *sealed);
/* NULL: no such slot, or an old generation. */
const struct key_slot *key_slots_find(const struct key_slots *slots, struct hsm_key_handle handle);
void key_slots_remove(struct key_slots *slots, struct hsm_key_handle handle);
