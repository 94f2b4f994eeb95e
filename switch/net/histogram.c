/* See histogram.h. */
#include "switch/net/histogram.h"

#include "protocols/base/require.h"

#define CELL_BITS 3
_Static_assert(1 << CELL_BITS == HISTOGRAM_CELLS_PER_OCTAVE, "one cell for each value of the bits");

static uint32_t cell_of(uint64_t duration_ns)
{
    uint64_t units = duration_ns / 1000;
    if (units < HISTOGRAM_CELLS_PER_OCTAVE) {
        return (uint32_t)units;
    }
    uint32_t octave = 63 - (uint32_t)__builtin_clzll(units);
    uint32_t within = (uint32_t)(units >> (octave - CELL_BITS)) & (HISTOGRAM_CELLS_PER_OCTAVE - 1);
    uint32_t cell = (octave - CELL_BITS + 1) * HISTOGRAM_CELLS_PER_OCTAVE + within;
    return cell < HISTOGRAM_CELL_COUNT ? cell : HISTOGRAM_CELL_COUNT - 1;
}

/* The first duration that no longer belongs to the cell. */
static uint64_t cell_end_ns(uint32_t cell)
{
    uint64_t next = (uint64_t)cell + 1;
    if (next < HISTOGRAM_CELLS_PER_OCTAVE) {
        return next * 1000;
    }
    uint64_t octave = next / HISTOGRAM_CELLS_PER_OCTAVE - 1;
    return ((next % HISTOGRAM_CELLS_PER_OCTAVE + HISTOGRAM_CELLS_PER_OCTAVE) << octave) * 1000;
}

void histogram_record(struct histogram *histogram, uint64_t duration_ns)
{
    count_add(&histogram->cells[cell_of(duration_ns)], 1);
    count_add(&histogram->total, 1);
    count_add(&histogram->sum_ns, duration_ns);
}

void histogram_add(struct histogram *sum, const struct histogram *histogram)
{
    for (uint32_t i = 0; i < HISTOGRAM_CELL_COUNT; i++) {
        count_add(&sum->cells[i], count_get(&histogram->cells[i]));
    }
    count_add(&sum->total, count_get(&histogram->total));
    count_add(&sum->sum_ns, count_get(&histogram->sum_ns));
}

uint64_t histogram_below(const struct histogram *histogram, uint64_t limit_ns)
{
    uint64_t below = 0;
    for (uint32_t i = 0; i < HISTOGRAM_CELL_COUNT && cell_end_ns(i) <= limit_ns; i++) {
        below += count_get(&histogram->cells[i]);
    }
    return below;
}

uint64_t histogram_quantile_ns(const struct histogram *histogram, uint32_t per_mille)
{
    REQUIRE(per_mille <= 1000);
    uint64_t total = count_get(&histogram->total);
    uint64_t wanted = (total * per_mille + 999) / 1000;
    uint64_t seen = 0;
    for (uint32_t i = 0; total > 0 && i < HISTOGRAM_CELL_COUNT; i++) {
        seen += count_get(&histogram->cells[i]);
        if (seen >= wanted) {
            return cell_end_ns(i);
        }
    }
    return 0;
}
