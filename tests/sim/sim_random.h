/* The only source of chance in a simulation: one seed, the same numbers on every machine. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
    uint64_t state;
};

/* SplitMix64 (Steele, Lea, Flood 2014): every seed, 0 too, gives a good sequence. */
static inline uint64_t sim_random_next(struct sim_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* min .. max, both included. */
static inline uint64_t sim_random_between(struct sim_random *random, uint64_t min, uint64_t max)
{
    return min + sim_random_next(random) % (max - min + 1);
}

/* Takes a number from the sequence even when the answer is sure: what is switched off changes
 * nothing else. */
static inline bool sim_random_permille(struct sim_random *random, uint32_t permille)
{
    return sim_random_next(random) % 1000 < permille;
}
