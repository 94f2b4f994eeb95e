/* Cells of a quarter octave: cell 4n + q holds the amounts from (4 + q) to (5 + q) times 2^(n + 4).
 */
#include "switch/aftersales/amount_sketch.h"

#include "protocols/base/require.h"

#define LOWEST_BIT 6 /* cell 0 begins at 2^6 */

_Static_assert(AMOUNT_SKETCH_TOTAL_MAX < UINT16_MAX, "a cell may hold all amounts");

static uint32_t cell_of(int64_t amount_minor)
{
    if (amount_minor < INT64_C(1) << LOWEST_BIT) {
        return 0;
    }
    uint64_t amount = (uint64_t)amount_minor;
    uint32_t bit = LOWEST_BIT;
    while (bit < 62 && amount >> (bit + 1) != 0) {
        bit++;
    }
    uint32_t cell = (bit - LOWEST_BIT) * 4 + (uint32_t)(amount >> (bit - 2) & 3);
    return cell < AMOUNT_SKETCH_CELL_COUNT ? cell : AMOUNT_SKETCH_CELL_COUNT - 1;
}

static void halve(struct amount_sketch *sketch)
{
    sketch->total = 0;
    for (uint32_t i = 0; i < AMOUNT_SKETCH_CELL_COUNT; i++) {
        sketch->cells[i] = (uint16_t)(sketch->cells[i] / 2);
        sketch->total += sketch->cells[i];
    }
}

void amount_sketch_add(struct amount_sketch *sketch, int64_t amount_minor)
{
    if (sketch->total >= AMOUNT_SKETCH_TOTAL_MAX) {
        halve(sketch);
    }
    sketch->cells[cell_of(amount_minor)]++;
    sketch->total++;
}

int64_t amount_sketch_percentile(const struct amount_sketch *sketch, uint32_t per_mille)
{
    REQUIRE(per_mille >= 1 && per_mille <= 1000);
    uint32_t wanted = (sketch->total * per_mille + 999) / 1000, seen = 0;
    if (wanted == 0) {
        return 0;
    }
    uint32_t cell = 0;
    while (cell < AMOUNT_SKETCH_CELL_COUNT - 1 && seen + sketch->cells[cell] < wanted) {
        seen += sketch->cells[cell];
        cell++;
    }
    return (INT64_C(5) + cell % 4) * (INT64_C(1) << (cell / 4 + LOWEST_BIT - 2)) - 1;
}
