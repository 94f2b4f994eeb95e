/* Durations, counted log-linearly: 8 cells an octave from 1 µs to 137 s, so a cell is at most one
 * eighth wide. One thread records; others may read at any time.
 *
 * Life:  zeroed -> record ... -> below, quantile
 */
#pragma once

#include <stdint.h>

#include "switch/net/count.h"

#define HISTOGRAM_CELLS_PER_OCTAVE 8
#define HISTOGRAM_CELL_COUNT (HISTOGRAM_CELLS_PER_OCTAVE * 28)

struct histogram {
    struct count total, sum_ns;
    struct count cells[HISTOGRAM_CELL_COUNT];
};

void histogram_record(struct histogram *histogram, uint64_t duration_ns);
/* Adds the cells of another one: to join those of several threads in one that is the caller's. */
void histogram_add(struct histogram *sum, const struct histogram *histogram);
/* How many durations were at most `limit_ns`, counting whole cells: for Prometheus buckets. */
uint64_t histogram_below(const struct histogram *histogram, uint64_t limit_ns);
/* The duration that `per_mille` of 1,000 do not exceed; 0 when nothing is recorded. */
uint64_t histogram_quantile_ns(const struct histogram *histogram, uint32_t per_mille);
