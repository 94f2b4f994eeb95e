/* Scrambles a short name for the open-addressing tables of this folder. The tables hold our own
 * registry, at most half full; names that others send only look up, so a plain mixer is enough. */
#pragma once

#include <stdint.h>

/* The finalizer of MurmurHash3: every bit of the input moves every bit of the output. */
static inline uint64_t name_hash_mix(uint64_t bits)
{
    bits ^= bits >> 33;
    bits *= UINT64_C(0xff51afd7ed558ccd);
    bits ^= bits >> 33;
    bits *= UINT64_C(0xc4ceb9fe1a85ec53);
    return bits ^ bits >> 33;
}

/* The number of slots for `count` names: a power of two, at most half of them taken. */
static inline uint64_t name_hash_slots(uint32_t count)
{
    uint64_t slots = 8;
    while (slots < 2 * (uint64_t)count) {
        slots *= 2;
    }
    return slots;
}
