/* Counters that one thread writes and others read now and then, for metrics: no lock, no fence. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct count {
    _Atomic uint64_t value;
};

/* Only the owner thread adds; so a load and a store do, without a locked instruction. */
static inline void count_add(struct count *count, uint64_t by)
{
    uint64_t value = atomic_load_explicit(&count->value, memory_order_relaxed);
    atomic_store_explicit(&count->value, value + by, memory_order_relaxed);
}

static inline void count_sub(struct count *count, uint64_t by)
{
    count_add(count, (uint64_t)0 - by);
}

static inline void count_set(struct count *count, uint64_t value)
{
    atomic_store_explicit(&count->value, value, memory_order_relaxed);
}

static inline uint64_t count_get(const struct count *count)
{
    return atomic_load_explicit(&count->value, memory_order_relaxed);
}
