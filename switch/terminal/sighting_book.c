/* See sighting_book.h. */
#include "switch/terminal/sighting_book.h"

#include <string.h>

#include "protocols/base/require.h"

#define HASH_BEGIN UINT64_C(14695981039346656037) /* FNV-1a */
#define HASH_STEP UINT64_C(1099511628211)

_Static_assert((ADDRESS_COUNT & (ADDRESS_COUNT - 1)) == 0, "a mask finds the place");

static bool is_same(const struct terminal_sighting *item, const char terminal_id[9],
                    enum txn_reason reason)
{
    return item->reason == reason &&
           (reason == TXN_REASON_STRANGER || strcmp(item->terminal_id, terminal_id) == 0);
}

bool sighting_book_add(struct sighting_book *book, const char terminal_id[9],
                       enum txn_reason reason)
{
    REQUIRE(engine_may_sight(reason));
    REQUIRE(book->count <= SIGHTING_COUNT_MAX);
    for (uint32_t i = 0; i < book->count; i++) {
        struct terminal_sighting *item = &book->items[i];
        if (is_same(item, terminal_id, reason)) {
            item->count += item->count < UINT32_MAX;
            return true;
        }
    }
    if (book->count == SIGHTING_COUNT_MAX) {
        book->lost++;
        return false;
    }
    struct terminal_sighting *item = &book->items[book->count++];
    *item = (struct terminal_sighting){.reason = reason, .count = 1};
    memcpy(item->terminal_id, terminal_id, sizeof(item->terminal_id));
    item->terminal_id[sizeof(item->terminal_id) - 1] = '\0';
    return true;
}

bool sighting_book_has(const struct sighting_book *book, const char terminal_id[9],
                       enum txn_reason reason)
{
    for (uint32_t i = 0; i < book->count; i++) {
        if (is_same(&book->items[i], terminal_id, reason)) {
            return true;
        }
    }
    return false;
}

bool sighting_book_take(struct sighting_book *book, struct terminal_sighting *sighting)
{
    if (book->count == 0) {
        return false;
    }
    *sighting = book->items[0];
    book->count--;
    memmove(book->items, book->items + 1, book->count * sizeof(book->items[0]));
    return true;
}

/* Of the host: a terminal comes by another port each time. */
static uint64_t hash_of(const struct net_address *address)
{
    const uint32_t length = address->is_v6 ? sizeof(address->bytes) : 4;
    uint64_t hash = HASH_BEGIN;
    for (uint32_t i = 0; i < length; i++) {
        hash = (hash ^ address->bytes[i]) * HASH_STEP;
    }
    hash ^= hash >> 32;
    return hash == 0 ? 1 : hash;
}

void address_book_tell(struct address_book *book, const struct net_address *address,
                       const char terminal_id[9])
{
    const uint64_t hash = hash_of(address);
    const uint32_t at = (uint32_t)(hash & (ADDRESS_COUNT - 1));
    const bool is_known = book->items[at].hash == hash;
    if (is_known && strcmp(book->items[at].terminal_id, terminal_id) != 0) {
        book->items[at].is_shared = true;
        return;
    }
    book->items[at].is_shared = is_known && book->items[at].is_shared;
    book->items[at].hash = hash;
    memcpy(book->items[at].terminal_id, terminal_id, sizeof(book->items[at].terminal_id));
}

const char *address_book_find(const struct address_book *book, const struct net_address *address)
{
    const uint64_t hash = hash_of(address);
    const uint32_t at = (uint32_t)(hash & (ADDRESS_COUNT - 1));
    return book->items[at].hash == hash && !book->items[at].is_shared ? book->items[at].terminal_id
                                                                      : NULL;
}
