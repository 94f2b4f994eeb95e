/* How large a merchant's amounts usually are: counts in cells whose bounds grow by a quarter of an
 * octave, so that a percentile is known to a quarter of itself, in constant memory and integers.
 *
 * When it is full all counts are halved: what was long ago fades, and nothing overflows.
 * Plain value: may be copied and kept as bytes. All zeros: no amount was seen.
 */
#pragma once

#include <stdint.h>

#define AMOUNT_SKETCH_CELL_COUNT 120  /* thirty octaves: 0.64 to some 600 million yuan */
#define AMOUNT_SKETCH_TOTAL_MAX 16384 /* some months of a busy shop; a cell has sixteen bits */

struct amount_sketch {
    uint32_t total;
    uint16_t cells[AMOUNT_SKETCH_CELL_COUNT];
};

/* Amounts outside of the cells count into the first or the last. */
void amount_sketch_add(struct amount_sketch *sketch, int64_t amount_minor);

/* The amount that at least `per_mille` (1..1000) of those seen do not pass: the upper end of its
 * cell, so it errs upwards. 0: nothing was seen. */
int64_t amount_sketch_percentile(const struct amount_sketch *sketch, uint32_t per_mille);
