/* See shrink.h. A chance that is switched off still takes its number from the seed's sequence, so
 * that all else stays as it was until the missing fault makes a difference. */
#include "tests/sim/shrink.h"

#include <stdio.h>

static bool breaks_so(struct world *world, uint64_t seed, const struct sim_cut *cut,
                      enum sim_invariant invariant)
{
    world->cut = *cut;
    world_run(world, seed, UINT64_MAX);
    return world->failure.invariant == invariant;
}

static bool has_fault(const struct world *world, uint32_t fault)
{
    return world->drawn_faults.permille[fault] > 0;
}

static bool leave_out_faults(struct world *world, uint64_t seed, struct sim_cut *cut,
                             enum sim_invariant invariant)
{
    bool has_shrunk = false;
    for (uint32_t fault = 0; fault < FAULT_COUNT; fault++) {
        struct sim_cut tried = *cut;
        tried.faults_off |= UINT64_C(1) << fault;
        bool is_new = tried.faults_off != cut->faults_off && has_fault(world, fault);
        if (is_new && breaks_so(world, seed, &tried, invariant)) {
            *cut = tried;
            has_shrunk = true;
        }
    }
    return has_shrunk;
}

/* One less, as long as it still breaks. */
static void lower(struct world *world, uint64_t seed, struct sim_cut *cut, uint32_t *limit,
                  enum sim_invariant invariant)
{
    while (*limit > 1) {
        *limit -= 1;
        if (!breaks_so(world, seed, cut, invariant)) {
            *limit += 1;
            return;
        }
    }
}

struct sim_cut shrink_seed(struct world *world, uint64_t seed)
{
    struct sim_cut cut = {.terminal_count_max = SIM_TERMINAL_COUNT_MAX,
                          .transaction_count_max = SIM_TRANSACTION_COUNT_MAX};
    world->cut = cut;
    world_run(world, seed, UINT64_MAX);
    enum sim_invariant invariant = world->failure.invariant;
    if (invariant == SIM_NONE) {
        return cut;
    }
    lower(world, seed, &cut, &cut.terminal_count_max, invariant);
    while (leave_out_faults(world, seed, &cut, invariant)) {
    }
    lower(world, seed, &cut, &cut.transaction_count_max, invariant);
    breaks_so(world, seed, &cut, invariant);
    return cut;
}

void shrink_print(const struct world *world, const struct sim_cut *cut)
{
    printf("smallest: %u terminals, %u transactions each, faults", cut->terminal_count_max,
           cut->transaction_count_max);
    uint32_t count = 0;
    for (uint32_t fault = 0; fault < FAULT_COUNT; fault++) {
        if (world->drawn_faults.permille[fault] > 0 && (cut->faults_off >> fault & 1) == 0) {
            printf("%s %s", count++ > 0 ? "," : "", sim_fault_name((enum sim_fault)fault));
        }
    }
    printf("%s\nbroke %s at event %llu: %s\n", count > 0 ? "" : ": none",
           sim_invariant_name(world->failure.invariant), (unsigned long long)world->failure.event,
           world->failure.reason);
    printf("see it: sim --replay %llu --terminals %u --transactions %u --without %llu\n",
           (unsigned long long)world->seed, cut->terminal_count_max, cut->transaction_count_max,
           (unsigned long long)cut->faults_off);
}
