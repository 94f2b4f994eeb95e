/* See retry_heap.h. */
#include "switch/engine/retry_heap.h"

#include "protocols/base/require.h"

/* A tie is decided by slot, so that the order is the same in each run. */
static bool is_before(const struct txn_slab *slab, uint32_t left, uint32_t right)
{
    uint64_t a = slab->txns[left].deadline_ns, b = slab->txns[right].deadline_ns;
    return a < b || (a == b && left < right);
}

static void place_at(struct retry_heap *heap, struct txn_slab *slab, uint32_t place, uint32_t slot)
{
    heap->slots[place] = slot;
    slab->txns[slot].heap_place = place;
}

static void sift_up(struct retry_heap *heap, struct txn_slab *slab, uint32_t place)
{
    uint32_t slot = heap->slots[place];
    while (place > 1 && is_before(slab, slot, heap->slots[place / 2])) {
        place_at(heap, slab, place, heap->slots[place / 2]);
        place /= 2;
    }
    place_at(heap, slab, place, slot);
}

static void sift_down(struct retry_heap *heap, struct txn_slab *slab, uint32_t place)
{
    uint32_t slot = heap->slots[place];
    while (place * 2 <= heap->count) {
        uint32_t child = place * 2;
        if (child < heap->count && is_before(slab, heap->slots[child + 1], heap->slots[child])) {
            child++;
        }
        if (!is_before(slab, heap->slots[child], slot)) {
            break;
        }
        place_at(heap, slab, place, heap->slots[child]);
        place = child;
    }
    place_at(heap, slab, place, slot);
}

void retry_heap_put(struct retry_heap *heap, struct txn_slab *slab, uint32_t slot)
{
    REQUIRE(slab->txns[slot].heap_place == 0);
    REQUIRE(heap->count < slab->count_max);
    heap->count++;
    place_at(heap, slab, heap->count, slot);
    sift_up(heap, slab, heap->count);
}

void retry_heap_drop(struct retry_heap *heap, struct txn_slab *slab, uint32_t slot)
{
    uint32_t place = slab->txns[slot].heap_place;
    REQUIRE(place > 0 && place <= heap->count && heap->slots[place] == slot);
    slab->txns[slot].heap_place = 0;
    uint32_t last = heap->slots[heap->count--];
    if (last == slot) {
        return;
    }
    place_at(heap, slab, place, last);
    sift_up(heap, slab, place);
    sift_down(heap, slab, slab->txns[last].heap_place);
}

uint32_t retry_heap_first(const struct retry_heap *heap)
{
    return heap->count == 0 ? 0 : heap->slots[1];
}
