/* See day_run.h. */
#include "loadtest/load/day_run.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "protocols/base/require.h"

enum status day_run_open(struct day_run *run, const char *profile, const char *events)
{
    *run = (struct day_run){.place = 0};
    if (profile != NULL) {
        run->day = day_load(profile, stderr);
        if (run->day == NULL) {
            return STATUS_BAD_VALUE;
        }
    }
    if (events != NULL) {
        run->events = fopen(events, "w");
        if (run->events == NULL) {
            fprintf(stderr, "tillway-load: %s cannot be written: %s\n", events, strerror(errno));
            return STATUS_BROKEN;
        }
    }
    return STATUS_OK;
}

void day_run_close(struct day_run *run)
{
    if (run->events != NULL) {
        fclose(run->events);
    }
    day_destroy(run->day);
    *run = (struct day_run){.place = 0};
}

const struct day_phase *day_run_phase(const struct day_run *run)
{
    return run->day == NULL ? NULL : &run->day->phases[run->place];
}

static void plan_write(const struct day_run *run)
{
    fputs("{\"plan\":[", run->events);
    for (uint32_t i = 0; i < run->day->phase_count; i++) {
        const struct day_phase *phase = &run->day->phases[i];
        fprintf(run->events, "%s{\"name\":\"%s\",\"seconds\":%.0f,\"tps\":%.0f}", i == 0 ? "" : ",",
                phase->name, phase->seconds, phase->tps);
    }
    fputs("]}\n", run->events);
}

/* Before the first phase one line with the whole plan; then one as each phase begins, for whoever
 * waits for it: the demo, to cut over the banks. */
static void event_write(const struct day_run *run)
{
    const struct day_phase *phase = day_run_phase(run);
    struct timespec now;
    if (run->events == NULL) {
        return;
    }
    if (run->place == 0) {
        plan_write(run);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    fprintf(run->events, "{\"phase\":\"%s\",\"cut_over\":%s,\"seconds\":%.0f,\"at\":%lld}\n",
            phase->name, phase->is_cut_over ? "true" : "false", phase->seconds,
            (long long)now.tv_sec);
    fflush(run->events);
}

void day_run_begin(const struct day_run *run, struct swarm *swarm, uint64_t now_ns)
{
    const struct day_phase *phase = day_run_phase(run);
    REQUIRE(phase != NULL);
    struct swarm_manner manner = {phase->trade, phase->mismatch_percent};
    if (manner.trade.code_percent <= 0) {
        manner.trade.code_percent = run->codes.code_percent;
        memcpy(manner.trade.code_weights, run->codes.code_weights, sizeof run->codes.code_weights);
    }
    event_write(run);
    swarm_manner_set(swarm, &manner);
    swarm_order(swarm, phase->errands, now_ns);
}

bool day_run_is_over(const struct day_run *run, const struct swarm *swarm)
{
    const struct day_phase *phase = day_run_phase(run);
    return phase != NULL && phase->errands != 0 && swarm_order_count(swarm) == 0 &&
           swarm_open_count(swarm) == 0;
}

bool day_run_next(struct day_run *run)
{
    if (run->day == NULL || run->place + 1 >= run->day->phase_count) {
        return false;
    }
    run->place++;
    return true;
}
