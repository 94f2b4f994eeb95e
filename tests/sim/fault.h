/* Which faults a seed has, and how strong: see fault.def. */
#pragma once

#include "tests/sim/sim_random.h"

enum sim_fault {
#define X(name, permille_max, text) FAULT_##name,
#include "tests/sim/fault.def"
#undef X
    FAULT_COUNT
};

struct sim_faults {
    uint32_t permille[FAULT_COUNT]; /* 0: this seed has no such fault */
};

/* Draws the swarm of one seed. */
void sim_faults_draw(struct sim_faults *faults, struct sim_random *random);
/* All off: the heal phase. */
void sim_faults_heal(struct sim_faults *faults);
const char *sim_fault_name(enum sim_fault fault);
