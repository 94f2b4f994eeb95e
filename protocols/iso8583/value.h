/* One value, judged, read and written by its row, for whoever need not be as fast as the walk over
 * a message: parts inside a field, and prefixes and characters that are out of the ordinary.
 * Private to protocols/iso8583/. */
#pragma once

#include <stdbool.h>

#include "protocols/base/bytes.h"
#include "protocols/iso8583/spec.h"

/* The units that a length says. UINT32_MAX: it is no length, or one that cannot be. */
uint32_t value_prefix_read(const struct spec_field *field, const uint8_t *prefix,
                           uint32_t prefix_bytes);
/* Writes the length of `count` units. */
void value_prefix_write(uint8_t *prefix, const struct spec_field *field, uint32_t prefix_bytes,
                        uint32_t count);

/* Bytes that `count` units take. */
static inline uint32_t value_bytes(const struct spec_row *row, uint32_t count)
{
    return ((count << row->grow) + row->halve) >> row->halve;
}

/* The place of the first byte that may not stand there, each judged by itself; the length: all
 * may. */
uint32_t value_first_bad(const struct spec_row *row, struct byte_view value, uint32_t count);

/* Copies `count` units as characters (b: as bytes), without a final 0. */
void value_read(char *text, const struct spec_row *row, struct byte_view value, uint32_t count);
