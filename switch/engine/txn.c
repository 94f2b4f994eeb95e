/* See txn.h. */
#include "switch/engine/txn.h"

#include <string.h>

#include "protocols/base/require.h"

uint32_t txn_slab_take(struct txn_slab *slab)
{
    uint32_t slot = slab->first_free;
    if (slot != 0) {
        slab->first_free = slab->txns[slot].links[TXN_LINK_QUEUE].next;
    } else if (slab->fresh <= slab->count_max) {
        slot = slab->fresh++;
    } else {
        return 0;
    }
    uint32_t generation = slab->txns[slot].generation;
    REQUIRE(slab->txns[slot].state == TXN_FREE);
    memset(&slab->txns[slot], 0, sizeof(slab->txns[slot]));
    memset(&slab->details[slot], 0, offsetof(struct txn_detail, answer));
    slab->txns[slot].generation = generation;
    slab->used_count++;
    return slot;
}

void txn_slab_give(struct txn_slab *slab, uint32_t slot)
{
    struct txn *txn = &slab->txns[slot];
    REQUIRE(txn->state == TXN_FREE);
    REQUIRE(txn->flight == 0 && !txn->is_listed);
    REQUIRE(!txn->is_key_indexed && !txn->is_stan_indexed && !txn->is_reversal_indexed);
    txn->generation++;
    txn->links[TXN_LINK_QUEUE].next = slab->first_free;
    slab->first_free = slot;
    slab->used_count--;
}

struct payment *txn_slab_take_flight(struct txn_slab *slab, uint32_t slot)
{
    REQUIRE(slab->txns[slot].flight == 0);
    uint32_t flight = 0;
    if (slab->free_flight_count > 0) {
        flight = slab->free_flights[--slab->free_flight_count];
    } else {
        REQUIRE(slab->flight_fresh <= slab->count_max);
        flight = slab->flight_fresh++;
    }
    slab->txns[slot].flight = flight;
    return &slab->flights[flight];
}

void txn_slab_give_flight(struct txn_slab *slab, uint32_t slot)
{
    struct txn *txn = &slab->txns[slot];
    if (txn->flight == 0) {
        return;
    }
    payment_wipe(&slab->flights[txn->flight]);
    slab->free_flights[slab->free_flight_count++] = txn->flight;
    txn->flight = 0;
}

struct txn *txn_slab_find(const struct txn_slab *slab, struct txn_handle handle)
{
    if (handle.slot == 0 || handle.slot >= slab->fresh) {
        return NULL;
    }
    struct txn *txn = &slab->txns[handle.slot];
    return txn->generation == handle.generation && txn->state != TXN_FREE ? txn : NULL;
}

void txn_list_append(struct txn_slab *slab, struct txn_list *list, uint32_t slot,
                     enum txn_link link)
{
    struct txn *txn = &slab->txns[slot];
    REQUIRE(slot != 0);
    txn->links[link].next = 0;
    txn->links[link].previous = list->last;
    if (list->last != 0) {
        slab->txns[list->last].links[link].next = slot;
    } else {
        list->first = slot;
    }
    list->last = slot;
    list->count++;
}

void txn_list_remove(struct txn_slab *slab, struct txn_list *list, uint32_t slot,
                     enum txn_link link)
{
    struct txn *txn = &slab->txns[slot];
    uint32_t next = txn->links[link].next, previous = txn->links[link].previous;
    REQUIRE(list->count > 0);
    REQUIRE(previous != 0 || list->first == slot);
    if (previous != 0) {
        slab->txns[previous].links[link].next = next;
    } else {
        list->first = next;
    }
    if (next != 0) {
        slab->txns[next].links[link].previous = previous;
    } else {
        list->last = previous;
    }
    txn->links[link].next = txn->links[link].previous = 0;
    list->count--;
}
