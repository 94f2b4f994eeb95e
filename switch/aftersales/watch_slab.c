/* A dense array of items, and an open-addressing table of their places. See watch_slab.h. */
#include "switch/aftersales/watch_slab.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/name_hash.h"

/* Eight characters at a time. */
static uint64_t id_hash(const char *id, uint32_t length)
{
    uint64_t hash = length;
    for (uint32_t i = 0; i < length; i += (uint32_t)sizeof(uint64_t)) {
        uint64_t part = 0;
        uint32_t left = length - i;
        memcpy(&part, id + i, left < sizeof(part) ? left : sizeof(part));
        hash = name_hash_mix(hash ^ part);
    }
    return hash;
}

bool watch_slab_create(struct watch_slab *slab, const struct watch_slab *model)
{
    REQUIRE(model->id_size > 1 && model->id_size <= model->item_size);
    *slab = *model;
    slab->count = 0;
    slab->place_count = (uint32_t)name_hash_slots(model->count_max);
    slab->items = calloc(model->count_max == 0 ? 1 : model->count_max, model->item_size);
    slab->places = calloc(slab->place_count, sizeof(*slab->places));
    return slab->items != NULL && slab->places != NULL;
}

void watch_slab_destroy(struct watch_slab *slab)
{
    free(slab->items);
    free(slab->places);
    slab->items = NULL;
    slab->places = NULL;
}

void *watch_slab_item(const struct watch_slab *slab, uint32_t index)
{
    REQUIRE(index < slab->count);
    return slab->items + (size_t)index * slab->item_size;
}

/* The place of `id`, or the empty one where it belongs. */
static uint32_t *place_of(const struct watch_slab *slab, const char *id)
{
    uint32_t mask = slab->place_count - 1;
    uint32_t length = (uint32_t)strnlen(id, slab->id_size - 1);
    uint32_t at = (uint32_t)id_hash(id, length) & mask;
    while (slab->places[at] != 0) {
        const uint8_t *item = slab->items + (size_t)(slab->places[at] - 1) * slab->item_size;
        if (memcmp(item, id, length) == 0 && item[length] == 0) {
            break;
        }
        at = (at + 1) & mask;
    }
    return &slab->places[at];
}

uint32_t watch_slab_find(const struct watch_slab *slab, const char *id)
{
    uint32_t place = id[0] == 0 ? 0 : *place_of(slab, id);
    return place == 0 ? WATCH_SLAB_NONE : place - 1;
}

uint32_t watch_slab_add(struct watch_slab *slab, const char *id)
{
    if (id[0] == 0) {
        return WATCH_SLAB_NONE;
    }
    uint32_t *place = place_of(slab, id);
    if (*place != 0) {
        return *place - 1;
    }
    if (slab->count == slab->count_max) {
        return WATCH_SLAB_NONE;
    }
    uint32_t index = slab->count++;
    uint8_t *item = watch_slab_item(slab, index);
    memcpy(item, id, strnlen(id, slab->id_size - 1));
    *place = slab->count;
    return index;
}

bool watch_slab_take(struct watch_slab *slab, uint32_t count)
{
    memset(slab->places, 0, slab->place_count * sizeof(*slab->places));
    slab->count = 0;
    if (count > slab->count_max) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *id = (const char *)slab->items + (size_t)i * slab->item_size;
        uint32_t *place = id[0] == 0 || id[slab->id_size - 1] != 0 ? NULL : place_of(slab, id);
        if (place == NULL || *place != 0) {
            memset(slab->items, 0, (size_t)slab->count_max * slab->item_size);
            memset(slab->places, 0, slab->place_count * sizeof(*slab->places));
            slab->count = 0;
            return false;
        }
        *place = i + 1;
        slab->count++;
    }
    return true;
}
