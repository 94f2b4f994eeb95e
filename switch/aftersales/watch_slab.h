/* Plain values of one size, each with an id at its beginning, in a slab made once: found by a hash
 * of the id, walked in the order in which they came, never removed. Ids come from the registry or
 * are bounded by the slab's size.
 *
 * Life:  create -> find, add, item ... -> destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WATCH_SLAB_NONE UINT32_MAX

struct watch_slab {
    uint8_t *items;   /* owner; `count` of them are taken */
    uint32_t *places; /* owner; by hash: index of the item, plus 1 */
    uint32_t count, count_max, place_count;
    uint32_t item_size, id_size; /* bytes; the id is text and ends with a zero */
};

/* `model`: item_size, id_size and count_max are read. False: no memory. */
bool watch_slab_create(struct watch_slab *slab, const struct watch_slab *model);
void watch_slab_destroy(struct watch_slab *slab);

/* WATCH_SLAB_NONE: no such id; of add: no room, or an empty id. A new item is all zeros but its id.
 */
uint32_t watch_slab_find(const struct watch_slab *slab, const char *id);
uint32_t watch_slab_add(struct watch_slab *slab, const char *id);
/* The item of `index` < count; the slab's. */
void *watch_slab_item(const struct watch_slab *slab, uint32_t index);

/* After items were copied in from an image: takes `count` of them and finds their ids again. False:
 * more than fit, or an id that is empty, without end, or there twice; then the slab is empty. */
bool watch_slab_take(struct watch_slab *slab, uint32_t count);
