/* How far two places on earth are from one another, in whole numbers. */
#pragma once

#include <stdint.h>

struct place {
    int32_t latitude_e3, longitude_e3; /* thousandths of a degree */
};

/* Metres along the surface, within 1 % up to some hundred kilometres and too large rather than too
 * small beyond; the shorter way around. */
int64_t place_distance_m(struct place from, struct place to);
