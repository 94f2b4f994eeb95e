/* See wallet_desk.h. */
#include "switch/channel/wallet_desk.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"

#define BUCKET_COUNT 4096U  /* a power of two */
#define MEMORY_COUNT 32768U /* a power of two: ten minutes at 50 orders a second */
_Static_assert((BUCKET_COUNT & (BUCKET_COUNT - 1)) == 0, "a mask finds the bucket");
_Static_assert((MEMORY_COUNT & (MEMORY_COUNT - 1)) == 0, "a mask finds the place");

struct memory {
    char key[WALLET_ORDER_SIZE];
    uint8_t what; /* enum wallet_memory */
};

struct wallet_desk {
    struct wallet_slot *slots; /* owner; place 0 is none */
    uint32_t slot_count, used_count, first_free;
    uint32_t buckets[BUCKET_COUNT];
    struct memory memories[MEMORY_COUNT];
};

/* FNV-1a. */
static uint32_t hash_of(const char *key)
{
    uint32_t hash = 2166136261U;
    for (; *key != '\0'; key++) {
        hash = (hash ^ (uint8_t)*key) * 16777619U;
    }
    return hash ^ hash >> 15;
}

static void on_nothing(struct deadline *deadline)
{
    (void)deadline;
}

struct wallet_desk *wallet_desk_create(uint32_t slot_count)
{
    REQUIRE(slot_count > 0 && slot_count < UINT32_MAX);
    struct wallet_desk *desk = calloc(1, sizeof(*desk));
    if (desk == NULL) {
        return NULL;
    }
    desk->slots = calloc((size_t)slot_count + 1, sizeof(*desk->slots));
    if (desk->slots == NULL) {
        free(desk);
        return NULL;
    }
    desk->slot_count = slot_count;
    for (uint32_t i = slot_count; i > 0; i--) {
        deadline_init(&desk->slots[i].deadline, on_nothing);
        desk->slots[i].next = desk->first_free;
        desk->first_free = i;
    }
    return desk;
}

void wallet_desk_destroy(struct wallet_desk *desk)
{
    if (desk == NULL) {
        return;
    }
    for (uint32_t i = 1; i <= desk->slot_count; i++) {
        deadline_cancel(&desk->slots[i].deadline);
        secret_wipe(desk->slots[i].pay_code, sizeof(desk->slots[i].pay_code));
    }
    free(desk->slots);
    free(desk);
}

uint32_t wallet_desk_place(const struct wallet_desk *desk, const struct wallet_slot *slot)
{
    return (uint32_t)(slot - desk->slots);
}

struct wallet_slot *wallet_desk_at(struct wallet_desk *desk, uint32_t place)
{
    REQUIRE(place > 0 && place <= desk->slot_count);
    return &desk->slots[place];
}

uint32_t wallet_desk_used(const struct wallet_desk *desk)
{
    return desk->used_count;
}

struct wallet_slot *wallet_desk_find(struct wallet_desk *desk, const char *key)
{
    uint32_t place = desk->buckets[hash_of(key) & (BUCKET_COUNT - 1)];
    while (place != 0 && strcmp(desk->slots[place].key, key) != 0) {
        place = desk->slots[place].next;
    }
    return place == 0 ? NULL : &desk->slots[place];
}

struct wallet_slot *wallet_desk_take(struct wallet_desk *desk, const char *key)
{
    REQUIRE(strlen(key) < WALLET_ORDER_SIZE);
    REQUIRE(wallet_desk_find(desk, key) == NULL);
    if (desk->first_free == 0) {
        return NULL;
    }
    struct wallet_slot *slot = &desk->slots[desk->first_free];
    uint32_t *bucket = &desk->buckets[hash_of(key) & (BUCKET_COUNT - 1)];
    uint32_t place = desk->first_free;
    desk->first_free = slot->next;
    memcpy(slot->key, key, strlen(key) + 1);
    slot->next = *bucket;
    *bucket = place;
    slot->is_used = true;
    desk->used_count++;
    return slot;
}

void wallet_desk_give(struct wallet_desk *desk, struct wallet_slot *slot)
{
    uint32_t place = wallet_desk_place(desk, slot);
    uint32_t *link = &desk->buckets[hash_of(slot->key) & (BUCKET_COUNT - 1)];
    REQUIRE(slot->is_used);
    while (*link != place) {
        REQUIRE(*link != 0);
        link = &desk->slots[*link].next;
    }
    *link = slot->next;
    struct deadline deadline = slot->deadline;
    uint32_t call_number = slot->call_number;
    REQUIRE(deadline.next == NULL);
    secret_wipe(slot, sizeof(*slot));
    slot->deadline = deadline;
    slot->call_number = call_number + 1; /* what is still under way answers nobody */
    slot->next = desk->first_free;
    desk->first_free = place;
    desk->used_count--;
}

void wallet_desk_remember(struct wallet_desk *desk, const char *key, enum wallet_memory what)
{
    struct memory *memory = &desk->memories[hash_of(key) & (MEMORY_COUNT - 1)];
    REQUIRE(strlen(key) < sizeof(memory->key));
    memcpy(memory->key, key, strlen(key) + 1);
    memory->what = (uint8_t)what;
}

enum wallet_memory wallet_desk_recall(const struct wallet_desk *desk, const char *key)
{
    const struct memory *memory = &desk->memories[hash_of(key) & (MEMORY_COUNT - 1)];
    return strcmp(memory->key, key) == 0 ? (enum wallet_memory)memory->what : WALLET_FORGOTTEN;
}
