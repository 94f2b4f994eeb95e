/* Open addressing by the hash of the serial number. See serial_book.h. */
#include "switch/aftersales/serial_book.h"

#include <stdlib.h>

#include "routing/name_hash.h"

bool serial_book_create(struct serial_book *book, uint32_t terminal_count_max)
{
    book->place_count = (uint32_t)name_hash_slots(2 * terminal_count_max);
    book->count = 0;
    book->places = calloc(book->place_count, sizeof(*book->places));
    return book->places != NULL;
}

void serial_book_destroy(struct serial_book *book)
{
    free(book->places);
    book->places = NULL;
}

struct serial_place *serial_book_find(struct serial_book *book, const char *serial,
                                      uint32_t terminal)
{
    uint64_t hash = 0;
    for (const char *byte = serial; *byte != 0; byte++) {
        hash = name_hash_mix(hash * 31 + (unsigned char)*byte + 1);
    }
    if (serial[0] == 0) {
        return NULL;
    }
    uint32_t mask = book->place_count - 1;
    uint32_t at = (uint32_t)hash & mask;
    while (book->places[at].terminal != 0 && book->places[at].hash != hash) {
        at = (at + 1) & mask;
    }
    struct serial_place *place = &book->places[at];
    if (place->terminal == 0) {
        if (book->count >= book->place_count / 2) {
            return NULL;
        }
        place->hash = hash;
        place->terminal = terminal + 1;
        book->count++;
    }
    return place;
}
