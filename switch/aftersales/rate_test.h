/* Whether so many failures are more than chance: two one-sided tests in whole numbers.
 *
 * Both sum the terms of their distribution relative to the greatest one, by the ratio of each to
 * its neighbour, so no logarithm or exponential is needed and every machine gives the same answer.
 * Work grows with the root of the expected count.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/rate_window.h"

#define RATE_PPM 1000000u

/* Poisson test against a known rate: whether `count` or more, where `expected_ppm` millionths are
 * expected, happen by chance with a probability of at most `level_ppm` millionths. */
bool rate_is_rare(uint64_t count, uint64_t expected_ppm, uint32_t level_ppm);

/* Conditional test of two rates (Przyborowski and Wilenski 1940): given all failures of both, those
 * of `own` follow a binomial distribution by its share of the trials. Whether `own` having so many
 * or more is chance with a probability of at most `level_ppm`. False where either has no trials. */
bool rate_is_above(struct rate own, struct rate peers, uint32_t level_ppm);
