/* Chance from a seed: the same seed draws the same numbers on every machine (xorshift64*, seeded
 * through splitmix64). */
#pragma once

#include <stdint.h>

struct draw {
    uint64_t state;
};

/* One number stirred into another (the finaliser of splitmix64); 0 does not stay 0. */
static inline uint64_t draw_mix(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

static inline struct draw draw_start(uint64_t seed)
{
    uint64_t state = draw_mix(seed);
    return (struct draw){state == 0 ? 1 : state};
}

static inline uint64_t draw_next(struct draw *draw)
{
    draw->state ^= draw->state >> 12;
    draw->state ^= draw->state << 25;
    draw->state ^= draw->state >> 27;
    return draw->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* A number below `bound`, which is not 0. */
static inline uint64_t draw_below(struct draw *draw, uint64_t bound)
{
    return (draw_next(draw) >> 11) % bound;
}

/* True in `percent` of all draws; tenths and hundredths count. */
static inline int draw_hits(struct draw *draw, double percent)
{
    return (double)(draw_next(draw) >> 11) * (100.0 / 9007199254740992.0) < percent;
}
