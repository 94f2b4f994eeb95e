/* Latencies counted in cells whose width grows with the value: three significant digits from one
 * microsecond to one hour, in memory of fixed size.
 *
 * The cells are those of HdrHistogram, so its tools read what histogram_log writes (file format
 * V2, compressed, one line an interval). Percentiles are never averaged: histograms are added.
 *
 * Life:  histogram_create -> record, add, read ... -> histogram_destroy
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "protocols/base/status.h"

#define HISTOGRAM_DIGITS 3
#define HISTOGRAM_US_MAX UINT64_C(3600000000) /* one hour; longer counts as one hour */

struct histogram;

struct histogram *histogram_create(void); /* NULL: no memory */
void histogram_destroy(struct histogram *histogram);
void histogram_reset(struct histogram *histogram);

void histogram_record(struct histogram *histogram, uint64_t value_us);
/* Adds all counts of `from`. */
void histogram_add(struct histogram *histogram, const struct histogram *from);

uint64_t histogram_count(const struct histogram *histogram);
uint64_t histogram_max(const struct histogram *histogram); /* exact; 0 when empty */
uint64_t histogram_min(const struct histogram *histogram);
double histogram_mean(const struct histogram *histogram);
/* The largest value of the cell below or at which `percent` (0 to 100) of all values lie; never
 * above the largest value recorded; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

/* The head of a .hlog file. `start_s` is the wall time it begins at, seconds since 1970. */
void histogram_log_begin(FILE *file, double start_s);
struct histogram_interval {
    double start_s, length_s; /* start counts from the head's */
    const char *tag;          /* NULL: none */
};
/* One line. STATUS_NO_MEMORY, STATUS_BROKEN (compression). */
MUST_CHECK enum status histogram_log_interval(FILE *file, const struct histogram *histogram,
                                              const struct histogram_interval *interval);
