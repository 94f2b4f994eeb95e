/* See background.h. */
#define _GNU_SOURCE /* SCHED_IDLE */
#include "switch/net/background.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

#include "protocols/base/pause.h"

#define PIECE_NS UINT64_C(200000)
#define PAUSE_NS 50000
#define NS_PER_S UINT64_C(1000000000)

#define NICE_LAST 19
/* Starved: so little of a core within so long. */
#define PATIENCE_NS NS_PER_S
#define SHARE_LEAST 10 /* one part of so many */

struct background {
    uint64_t piece_until_ns;
    uint64_t looked_ns, looked_cpu_ns;
    bool is_idle_class;
};

static _Thread_local struct background background;

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static bool class_set(int policy)
{
    return sched_setscheduler(0, policy, &(struct sched_param){0}) == 0; /* of this thread alone */
}

static void look(uint64_t now_ns)
{
    background.looked_ns = now_ns;
    background.looked_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static bool is_starved(uint64_t now_ns)
{
    uint64_t past_ns = now_ns - background.looked_ns;
    if (past_ns < PATIENCE_NS) {
        return false;
    }
    uint64_t before_ns = background.looked_cpu_ns;
    look(now_ns);
    return background.looked_cpu_ns - before_ns < past_ns / SHARE_LEAST;
}

static void on_point(void)
{
    uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    if (now_ns < background.piece_until_ns) {
        return;
    }
    if (background.is_idle_class && is_starved(now_ns)) {
        background_end_last();
    }
    (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL); /* a signal: a shorter one */
    background.piece_until_ns = clock_ns(CLOCK_MONOTONIC) + PIECE_NS;
}

void background_begin(int nice)
{
    uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    setpriority(PRIO_PROCESS, 0, nice); /* of this thread alone, on Linux */
    background = (struct background){.piece_until_ns = now_ns + PIECE_NS};
    look(now_ns);
    pause_set(on_point);
}

void background_begin_last(void)
{
    background_begin(NICE_LAST);
    /* Who may go one step up may also leave the class of the idle again. */
    if (setpriority(PRIO_PROCESS, 0, NICE_LAST - 1) == 0) {
        (void)setpriority(PRIO_PROCESS, 0, NICE_LAST);
        background.is_idle_class = class_set(SCHED_IDLE);
    }
}

void background_end_last(void)
{
    if (background.is_idle_class) {
        background.is_idle_class = !class_set(SCHED_OTHER);
    }
}
