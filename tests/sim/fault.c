/* See fault.h. */
#include "tests/sim/fault.h"

static const uint32_t PERMILLE_MAX[] = {
#define X(name, permille_max, text) permille_max,
#include "tests/sim/fault.def"
#undef X
};

void sim_faults_draw(struct sim_faults *faults, struct sim_random *random)
{
    /* One seed in eight is wholly calm: the books must agree then without any repair. */
    bool is_calm = sim_random_permille(random, 125);
    uint64_t share = sim_random_between(random, 100, 500);
    for (uint32_t i = 0; i < FAULT_COUNT; i++) {
        bool is_on = !is_calm && sim_random_permille(random, (uint32_t)share);
        uint64_t strength = sim_random_between(random, 1, PERMILLE_MAX[i]);
        faults->permille[i] = is_on ? (uint32_t)strength : 0;
    }
}

void sim_faults_heal(struct sim_faults *faults)
{
    *faults = (struct sim_faults){0};
}

const char *sim_fault_name(enum sim_fault fault)
{
    static const char *const NAMES[] = {
#define X(name, permille_max, text) #name,
#include "tests/sim/fault.def"
#undef X
    };
    return NAMES[fault];
}
