/* See fiber.h. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "tests/sim/node/fiber.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <ucontext.h>
#include <uv.h>

#include "protocols/base/require.h"
#include "tests/sim/sim_random.h"

/* AddressSanitizer has to be told on which stack it is, and that a stack begins anew. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(kept, bottom, size) ((void)(kept))
#define __sanitizer_finish_switch_fiber(kept, bottom, size) ((void)(kept))
#define __asan_unpoison_memory_region(bottom, size) ((void)(bottom))
#endif

#define FIBER_COUNT_MAX 64
#define STACK_BYTES (1024u * 1024u)
#define TURN_COUNT_MAX 2000000u
#define NEVER UINT64_MAX

enum fiber_state { FIBER_FREE, FIBER_READY, FIBER_WAITING, FIBER_ENDED };

struct fiber {
    enum fiber_state state;
    const void *waits_for; /* a condition, or NULL: time alone */
    uint64_t until_ns;     /* NEVER: no time-out */
    bool is_timed_out;
    void *(*run)(void *argument);
    void *argument;
    void *stack;
    void *sanitizer; /* its own */
    ucontext_t context;
};

static struct {
    ucontext_t root;
    void *root_sanitizer;
    const void *root_stack;
    size_t root_bytes;
    struct fiber fibers[FIBER_COUNT_MAX];
    struct fiber *current; /* NULL: outside of the process */
    struct sim_random random;
    uint64_t now_ns;
    int64_t wall_us;
    bool is_dead;
    int exit_code;
} scene;

void fiber_begin(uint64_t seed)
{
    for (uint32_t i = 0; i < FIBER_COUNT_MAX; i++) {
        scene.fibers[i].state = FIBER_FREE;
    }
    scene.current = NULL;
    scene.random = (struct sim_random){.state = seed};
    scene.is_dead = false;
    scene.exit_code = 0;
}

void fiber_set_clock(uint64_t now_ns, int64_t wall_us)
{
    scene.now_ns = now_ns > scene.now_ns ? now_ns : scene.now_ns;
    scene.wall_us = wall_us;
}

int fiber_exit_code(void)
{
    return scene.exit_code;
}

static void back_to_root(void)
{
    struct fiber *fiber = scene.current;
    scene.current = NULL;
    __sanitizer_start_switch_fiber(&fiber->sanitizer, scene.root_stack, scene.root_bytes);
    swapcontext(&fiber->context, &scene.root);
    __sanitizer_finish_switch_fiber(fiber->sanitizer, NULL, NULL);
}

void fiber_pause(void)
{
    if (scene.current != NULL) {
        back_to_root();
    }
}

static bool wait_until(const void *waits_for, uint64_t until_ns)
{
    struct fiber *fiber = scene.current;
    REQUIRE(fiber != NULL);
    fiber->state = FIBER_WAITING;
    fiber->waits_for = waits_for;
    fiber->until_ns = until_ns;
    fiber->is_timed_out = false;
    back_to_root();
    return !fiber->is_timed_out;
}

void fiber_sleep(uint64_t ns)
{
    if (scene.current != NULL) {
        wait_until(NULL, scene.now_ns + ns);
    }
}

_Noreturn void fiber_die(int exit_code)
{
    REQUIRE(scene.current != NULL);
    scene.is_dead = true;
    scene.exit_code = exit_code;
    back_to_root();
    abort(); /* nobody goes on with the dead */
}

static void wake(const void *waited_for, bool is_all)
{
    for (uint32_t i = 0; i < FIBER_COUNT_MAX; i++) {
        struct fiber *fiber = &scene.fibers[i];
        if (fiber->state == FIBER_WAITING && fiber->waits_for == waited_for) {
            fiber->state = FIBER_READY;
            if (!is_all) {
                return;
            }
        }
    }
}

static void first_step(void)
{
    struct fiber *fiber = scene.current;
    __sanitizer_finish_switch_fiber(NULL, &scene.root_stack, &scene.root_bytes);
    fiber->run(fiber->argument);
    fiber->state = FIBER_ENDED;
    wake(fiber, true);
    back_to_root();
    abort();
}

static struct fiber *fiber_start(void *(*run)(void *argument), void *argument)
{
    struct fiber *fiber = scene.fibers;
    while (fiber < scene.fibers + FIBER_COUNT_MAX && fiber->state != FIBER_FREE) {
        fiber++;
    }
    REQUIRE(fiber < scene.fibers + FIBER_COUNT_MAX);
    if (fiber->stack == NULL) {
        fiber->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
        REQUIRE(fiber->stack != MAP_FAILED);
    }
    __asan_unpoison_memory_region(fiber->stack, STACK_BYTES);
    fiber->state = FIBER_READY;
    fiber->run = run;
    fiber->argument = argument;
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK_BYTES;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, first_step, 0);
    return fiber;
}

/* --- whose turn it is --------------------------------------------------------------------- */

static bool is_ready(struct fiber *fiber)
{
    if (fiber->state == FIBER_WAITING && fiber->until_ns <= scene.now_ns) {
        fiber->is_timed_out = true;
        fiber->state = FIBER_READY;
    }
    return fiber->state == FIBER_READY;
}

static struct fiber *draw_ready(void)
{
    struct fiber *ready[FIBER_COUNT_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < FIBER_COUNT_MAX; i++) {
        if (is_ready(&scene.fibers[i])) {
            ready[count++] = &scene.fibers[i];
        }
    }
    return count == 0 ? NULL : ready[sim_random_next(&scene.random) % count];
}

/* Time passes only when nobody has anything else to do. False: nobody waits for it either. */
static bool pass_time(void)
{
    uint64_t next_ns = NEVER;
    for (uint32_t i = 0; i < FIBER_COUNT_MAX; i++) {
        if (scene.fibers[i].state == FIBER_WAITING && scene.fibers[i].until_ns < next_ns) {
            next_ns = scene.fibers[i].until_ns;
        }
    }
    if (next_ns == NEVER) {
        return false;
    }
    scene.now_ns = next_ns;
    return true;
}

static void turn(struct fiber *fiber)
{
    scene.current = fiber;
    __sanitizer_start_switch_fiber(&scene.root_sanitizer, fiber->stack, STACK_BYTES);
    swapcontext(&scene.root, &fiber->context);
    __sanitizer_finish_switch_fiber(scene.root_sanitizer, NULL, NULL);
}

enum fiber_end fiber_run_until(bool (*is_enough)(void *argument), void *argument)
{
    for (uint32_t turns = 0; turns < TURN_COUNT_MAX; turns++) {
        if (scene.is_dead) {
            return FIBER_DIED;
        }
        if (is_enough(argument)) {
            return FIBER_DONE;
        }
        struct fiber *fiber = draw_ready();
        if (fiber != NULL) {
            turn(fiber);
        } else if (!pass_time()) {
            return FIBER_HUNG;
        }
    }
    return FIBER_HUNG;
}

bool fiber_run_turns(uint32_t turn_count)
{
    struct fiber *fiber;
    while (!scene.is_dead && turn_count-- > 0 && (fiber = draw_ready()) != NULL) {
        turn(fiber);
    }
    return !scene.is_dead;
}

struct fiber_call {
    void (*call)(void *argument);
    void *argument;
    bool is_over;
};

static void *run_call(void *argument)
{
    struct fiber_call *call = argument;
    call->call(call->argument);
    call->is_over = true;
    return NULL;
}

static bool is_over(void *argument)
{
    return ((const struct fiber_call *)argument)->is_over;
}

enum fiber_end fiber_run(void (*call)(void *argument), void *argument)
{
    struct fiber_call made = {call, argument, false};
    struct fiber *fiber = fiber_start(run_call, &made);
    enum fiber_end end = fiber_run_until(is_over, &made);
    if (end == FIBER_DONE) {
        fiber->state = FIBER_FREE;
    }
    return end;
}

/* --- what the product's calls become ------------------------------------------------------ */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *argument), void *argument);
int __wrap_pthread_join(pthread_t thread, void **answer);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until);
int __wrap_pthread_cond_signal(pthread_cond_t *condition);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
uint64_t __wrap_uv_hrtime(void);
int __wrap_setpriority(__priority_which_t which, id_t who, int priority);
_Noreturn void __wrap__exit(int exit_code);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *argument), void *argument)
{
    (void)attributes;
    *thread = (pthread_t)(fiber_start(run, argument) - scene.fibers);
    return 0;
}

int __wrap_pthread_join(pthread_t thread, void **answer)
{
    struct fiber *fiber = &scene.fibers[thread];
    (void)answer;
    while (fiber->state != FIBER_ENDED) {
        wait_until(fiber, NEVER);
    }
    fiber->state = FIBER_FREE;
    return 0;
}

/* A mutex is one number in the memory of the real one: whether somebody has it. */
static int *held(pthread_mutex_t *mutex)
{
    return (int *)mutex;
}

static void release(pthread_mutex_t *mutex)
{
    REQUIRE(*held(mutex) == 1);
    *held(mutex) = 0;
    wake(mutex, true);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    (void)attributes;
    *held(mutex) = 0;
    return 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    REQUIRE(scene.current != NULL);
    while (*held(mutex) != 0) {
        wait_until(mutex, NEVER);
    }
    *held(mutex) = 1;
    return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    release(mutex);
    fiber_pause();
    return 0;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    REQUIRE(*held(mutex) == 0);
    return 0;
}

static int wait_for(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t until_ns)
{
    release(mutex);
    bool is_signalled = wait_until(condition, until_ns);
    __wrap_pthread_mutex_lock(mutex);
    return is_signalled ? 0 : ETIMEDOUT;
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    return wait_for(condition, mutex, NEVER);
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until)
{
    return wait_for(condition, mutex,
                    (uint64_t)until->tv_sec * 1000000000U + (uint64_t)until->tv_nsec);
}

int __wrap_pthread_cond_signal(pthread_cond_t *condition)
{
    wake(condition, false);
    return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
    wake(condition, true);
    return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock == CLOCK_REALTIME) {
        now->tv_sec = scene.wall_us / 1000000;
        now->tv_nsec = scene.wall_us % 1000000 * 1000;
    } else {
        now->tv_sec = (time_t)(scene.now_ns / 1000000000U);
        now->tv_nsec = (long)(scene.now_ns % 1000000000U);
    }
    return 0;
}

uint64_t __wrap_uv_hrtime(void)
{
    return scene.now_ns;
}

int __wrap_setpriority(__priority_which_t which, id_t who, int priority)
{
    (void)which;
    (void)who;
    (void)priority;
    return 0;
}

_Noreturn void __wrap__exit(int exit_code)
{
    fiber_die(exit_code);
}
