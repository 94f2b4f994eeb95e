/* What the micro-benchmarks share: a clock, medians, allocation counts, one line of JSON a figure.
 *
 * Each figure is printed beside a reference measured in turn with it, so that a ratio can be read
 * off whatever the machine is doing.
 */
#pragma once

#include <stdint.h>

#define BENCH_ROUNDS 7

uint64_t bench_now_ns(void);

/* Calls of malloc, calloc and realloc by this program since it began (the linker wraps them). */
uint64_t bench_allocation_count(void);

/* One thing to time: does `count` operations and answers a number that depends on all of them, so
 * that no work can be left out. */
typedef uint64_t bench_function(void *argument, uint32_t count);

struct bench_pair {
    const char *name;      /* "parse.ascii" */
    const char *unit;      /* "ns" */
    const char *reference; /* what the reference is, in words */
    bench_function *measured, *reference_function;
    void *argument;
    uint32_t count; /* operations a round */
    double aim;     /* 0: none */
};

/* Times measured and reference in turn, BENCH_ROUNDS times, in processor time of the calling
 * thread; prints the medians as a JSON line. */
void bench_run(const struct bench_pair *pair);

/* Prints one figure that was measured otherwise. */
struct bench_figure {
    const char *name, *unit, *reference;
    double value, reference_value, aim;
};
void bench_print(const struct bench_figure *figure);

/* The median of `count` values, which are sorted in place. */
double bench_median(double *values, uint32_t count);
