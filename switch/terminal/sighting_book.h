/* What was seen of terminals and never became a request, summed up for a second at least before the
 * engine is told: so whoever sends rubbish a thousand times a second costs one row of the log, and
 * in as many names as he likes SIGHTING_ROW_COUNT_MAX.
 *
 * And which terminal an address was that of last, to name who fails before it can say who it is. An
 * address that several terminals proved themselves from names none.
 *
 * Both are small tables of plain values; zeroed is empty.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/engine/engine.h"
#include "switch/net/address.h"

#define SIGHTING_COUNT_MAX 256 /* terminals and reasons that are summed up at once */
/* Each becomes a row of the log, and whoever makes them has proved nothing: so many leave in a
 * second, the oldest first, and the rest go on being summed. */
#define SIGHTING_ROW_COUNT_MAX 16
#define ADDRESS_COUNT 1024 /* a power of two */

struct terminal_sighting {
    char terminal_id[9];
    enum txn_reason reason; /* engine_may_sight() */
    uint32_t count;
};

struct sighting_book {
    uint32_t count;
    uint64_t lost; /* what found no room since it was last told */
    struct terminal_sighting items[SIGHTING_COUNT_MAX];
};

/* Counts one. Strangers share one entry, under the name that came first: they may invent as many
 * names as they like. False: the book is full, and it is lost. */
bool sighting_book_add(struct sighting_book *book, const char terminal_id[9],
                       enum txn_reason reason);
/* Whether one of that terminal and reason waits. */
bool sighting_book_has(const struct sighting_book *book, const char terminal_id[9],
                       enum txn_reason reason);
/* Takes the oldest out; false: it is empty. */
bool sighting_book_take(struct sighting_book *book, struct terminal_sighting *sighting);

struct address_book {
    struct {
        uint64_t hash; /* 0: nothing */
        char terminal_id[9];
        bool is_shared;
    } items[ADDRESS_COUNT];
};

/* A terminal proved itself from there. */
void address_book_tell(struct address_book *book, const struct net_address *address,
                       const char terminal_id[9]);
/* Which one did last; NULL: none, or several. */
const char *address_book_find(const struct address_book *book, const struct net_address *address);
