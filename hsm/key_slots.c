/* See key_slots.h.
 *
 * A chained hash table over arrays: a slot's chain goes by index, so removing is unlinking and
 * nothing moves while a handle names it.
 */
#include "hsm/key_slots.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

#define NOWHERE UINT32_MAX

struct key_slots {
    uint32_t count_max, bucket_count, visit_next;
    uint32_t free_first;               /* through next_in_chain */
    uint32_t *buckets, *next_in_chain; /* owner */
    struct key_slot *slots;            /* owner; count_max, then the visitors' */
};

static bool allocate(struct key_slots *slots)
{
    slots->buckets = calloc(slots->bucket_count, sizeof(*slots->buckets));
    slots->next_in_chain = calloc(slots->count_max, sizeof(*slots->next_in_chain));
    slots->slots = calloc((size_t)slots->count_max + HSM_VISIT_COUNT, sizeof(*slots->slots));
    return slots->buckets != NULL && slots->next_in_chain != NULL && slots->slots != NULL;
}

struct key_slots *key_slots_create(uint32_t key_count_max)
{
    REQUIRE(key_count_max > 0 && key_count_max < NOWHERE - HSM_VISIT_COUNT);
    struct key_slots *slots = calloc(1, sizeof(*slots));
    if (slots == NULL) {
        return NULL;
    }
    slots->count_max = key_count_max;
    slots->bucket_count = key_count_max;
    if (!allocate(slots)) {
        key_slots_destroy(slots);
        return NULL;
    }
    for (uint32_t i = 0; i < key_count_max; i++) {
        slots->buckets[i] = NOWHERE;
        slots->next_in_chain[i] = i + 1 < key_count_max ? i + 1 : NOWHERE;
    }
    return slots;
}

void key_slots_destroy(struct key_slots *slots)
{
    if (slots == NULL) {
        return;
    }
    if (slots->slots != NULL) {
        memset(slots->slots, 0,
               ((size_t)slots->count_max + HSM_VISIT_COUNT) * sizeof(*slots->slots));
    }
    free(slots->buckets);
    free(slots->next_in_chain);
    free(slots->slots);
    free(slots);
}

/* FNV-1a. */
static uint32_t *bucket_of(const struct key_slots *slots, const char *name)
{
    uint32_t hash = 2166136261U;
    for (const char *at = name; *at != '\0'; at++) {
        hash = (hash ^ (uint8_t)*at) * 16777619U;
    }
    return &slots->buckets[hash % slots->bucket_count];
}

static uint32_t find_name(const struct key_slots *slots, const char *name)
{
    uint32_t at = *bucket_of(slots, name);
    while (at != NOWHERE && strcmp(slots->slots[at].name, name) != 0) {
        at = slots->next_in_chain[at];
    }
    return at;
}

/* A slot never seen has generation 0: a handle of all zeros never fits. */
static struct hsm_key_handle fill(struct key_slots *slots, uint32_t at, const char *name,
                                  const struct hsm_key_sealed *sealed)
{
    struct key_slot *slot = &slots->slots[at];
    uint32_t length = (uint32_t)strlen(name);
    REQUIRE(length > 0 && length < sizeof(slot->name));
    memcpy(slot->name, name, (size_t)length + 1);
    slot->sealed = *sealed;
    slot->generation += slot->generation % 2 == 0 ? 1 : 2;
    return (struct hsm_key_handle){at, slot->generation};
}

bool key_slots_put(struct key_slots *slots, const char *name, const struct hsm_key_sealed *sealed,
                   struct hsm_key_handle *handle)
{
    uint32_t at = find_name(slots, name);
    if (at == NOWHERE) {
        at = slots->free_first;
        if (at == NOWHERE) {
            return false;
        }
        uint32_t *bucket = bucket_of(slots, name);
        slots->free_first = slots->next_in_chain[at];
        slots->next_in_chain[at] = *bucket;
        *bucket = at;
    }
    *handle = fill(slots, at, name, sealed);
    return true;
}

struct hsm_key_handle key_slots_visit(struct key_slots *slots, const char *name,
                                      const struct hsm_key_sealed *sealed)
{
    uint32_t at = slots->count_max + slots->visit_next;
    slots->visit_next = (slots->visit_next + 1) % HSM_VISIT_COUNT;
    return fill(slots, at, name, sealed);
}

const struct key_slot *key_slots_find(const struct key_slots *slots, struct hsm_key_handle handle)
{
    if (handle.slot >= slots->count_max + HSM_VISIT_COUNT || handle.generation % 2 == 0) {
        return NULL;
    }
    const struct key_slot *slot = &slots->slots[handle.slot];
    return slot->generation == handle.generation ? slot : NULL;
}

void key_slots_remove(struct key_slots *slots, struct hsm_key_handle handle)
{
    if (handle.slot >= slots->count_max || key_slots_find(slots, handle) == NULL) {
        return;
    }
    struct key_slot *slot = &slots->slots[handle.slot];
    uint32_t *link = bucket_of(slots, slot->name);
    while (*link != handle.slot) {
        REQUIRE(*link != NOWHERE);
        link = &slots->next_in_chain[*link];
    }
    *link = slots->next_in_chain[handle.slot];
    slots->next_in_chain[handle.slot] = slots->free_first;
    slots->free_first = handle.slot;
    slot->generation++;
    memset(&slot->sealed, 0, sizeof(slot->sealed));
    slot->name[0] = '\0';
}
