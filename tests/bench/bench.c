/* See bench.h. */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t allocation_count;
static volatile uint64_t sink;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    allocation_count++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocation_count++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    allocation_count++;
    return __real_realloc(memory, size);
}

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t bench_allocation_count(void)
{
    return allocation_count;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

double bench_median(double *values, uint32_t count)
{
    qsort(values, count, sizeof(values[0]), compare_doubles);
    return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* This thread's own processor time: what others take of the core is no part of it. */
static uint64_t thread_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static double time_ns(bench_function *function, void *argument, uint32_t count)
{
    uint64_t began_ns = thread_ns();
    sink += function(argument, count);
    return (double)(thread_ns() - began_ns) / count;
}

void bench_run(const struct bench_pair *pair)
{
    double measured[BENCH_ROUNDS];
    double reference[BENCH_ROUNDS];
    sink += pair->measured(pair->argument, pair->count / 10 + 1);
    uint64_t allocations_before = allocation_count;
    for (uint32_t i = 0; i < BENCH_ROUNDS; i++) {
        measured[i] = time_ns(pair->measured, pair->argument, pair->count);
        reference[i] = time_ns(pair->reference_function, pair->argument, pair->count);
    }
    uint64_t allocations = allocation_count - allocations_before;
    printf("{\"name\": \"%s\", \"unit\": \"%s\", \"value\": %.1f, \"reference\": \"%s\", "
           "\"reference_value\": %.1f, \"aim\": %.1f, \"rounds\": %d, "
           "\"allocations\": %llu}\n",
           pair->name, pair->unit, bench_median(measured, BENCH_ROUNDS), pair->reference,
           bench_median(reference, BENCH_ROUNDS), pair->aim, BENCH_ROUNDS,
           (unsigned long long)allocations);
    fflush(stdout);
}

void bench_print(const struct bench_figure *figure)
{
    printf("{\"name\": \"%s\", \"unit\": \"%s\", \"value\": %.1f, \"reference\": \"%s\", "
           "\"reference_value\": %.1f, \"aim\": %.1f}\n",
           figure->name, figure->unit, figure->value, figure->reference, figure->reference_value,
           figure->aim);
    fflush(stdout);
}
