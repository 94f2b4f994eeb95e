/* Which terminal a serial number belongs to, as it was told: one device, one terminal (L7). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct serial_place {
    uint64_t hash;     /* of the serial number */
    uint32_t terminal; /* index of its terminal, plus 1; 0: empty */
    uint32_t unused;
};

/* Owner of `places`, which may be copied and kept as bytes. */
struct serial_book {
    struct serial_place *places;
    uint32_t place_count, count;
};

/* Room for the serial numbers of so many terminals; beyond it new ones are not kept. False: no
 * memory. */
bool serial_book_create(struct serial_book *book, uint32_t terminal_count_max);
void serial_book_destroy(struct serial_book *book);

/* The place of a serial number, made and given to `terminal` where it is new; NULL: no room, or an
 * empty one. The book's. */
struct serial_place *serial_book_find(struct serial_book *book, const char *serial,
                                      uint32_t terminal);
