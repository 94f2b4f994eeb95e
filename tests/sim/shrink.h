/* Makes a failing seed smaller: leaves out kinds of faults, one at a time, then terminals and
 * transactions, while the same invariant still breaks. What is left is what it takes. */
#pragma once

#include "tests/sim/world.h"

/* Of a seed that fails. Answers the smallest cut found, the world as that cut left it. */
struct sim_cut shrink_seed(struct world *world, uint64_t seed);
/* What of the seed's faults is left, and how to see it again. */
void shrink_print(const struct world *world, const struct sim_cut *cut);
