/* A background thread gives the core up at its pause points, and starves behind nobody for long. */
#define _GNU_SOURCE
#include "tests/unit/unit_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>

#include "protocols/base/pause.h"
#include "switch/net/background.h"

#define WORK_NS INT64_C(20000000)
#define STARVED_S 120 /* a busy machine's; mostly it is a second */

struct told {
    long sleep_count;
    int nice, policy, policy_at_end;
};

static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static long sleeps(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

static void work(void)
{
    for (int64_t until = cpu_ns() + WORK_NS; cpu_ns() < until;) {
        pause_point();
    }
}

static void *work_plainly(void *argument)
{
    struct told *told = argument;
    long before = sleeps();
    work();
    told->sleep_count = sleeps() - before;
    return NULL;
}

static void *work_behind(void *argument)
{
    struct told *told = argument;
    background_begin(19);
    told->nice = getpriority(PRIO_PROCESS, 0);
    told->policy = sched_getscheduler(0);
    return work_plainly(argument);
}

static bool may_rise(void)
{
    int mine = getpriority(PRIO_PROCESS, 0);
    bool may = setpriority(PRIO_PROCESS, 0, mine - 1) == 0;
    return may && setpriority(PRIO_PROCESS, 0, mine) == 0;
}

static void *end_last(void *argument)
{
    struct told *told = argument;
    background_begin_last();
    told->policy = sched_getscheduler(0);
    background_end_last();
    told->policy_at_end = sched_getscheduler(0);
    told->nice = getpriority(PRIO_PROCESS, 0);
    return NULL;
}

static void *work_last(void *argument)
{
    struct told *told = argument;
    time_t until = time(NULL) + STARVED_S;
    background_begin_last();
    told->policy = sched_getscheduler(0);
    do {
        work();
        told->policy_at_end = sched_getscheduler(0);
    } while (told->policy_at_end != SCHED_OTHER && time(NULL) < until);
    return NULL;
}

static void run(void *(*body)(void *), struct told *told)
{
    pthread_t thread;
    *told = (struct told){0};
    assert_int_equal(pthread_create(&thread, NULL, body, told), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_it_has_its_priority_and_sleeps_between_pieces(void **state)
{
    (void)state;
    struct told told;
    int mine = getpriority(PRIO_PROCESS, 0);
    run(work_plainly, &told);
    long plainly = told.sleep_count;
    run(work_behind, &told);
    assert_int_equal(told.nice, 19);
    assert_int_equal(told.policy, SCHED_OTHER);
    assert_true(told.sleep_count >= plainly + 20);        /* 20 ms in pieces of 0.2 ms are 100 */
    assert_int_equal(getpriority(PRIO_PROCESS, 0), mine); /* of that thread alone */
}

static atomic_bool is_over;

static void *spin(void *argument)
{
    while (!atomic_load(&is_over)) {
    }
    return argument;
}

static void test_the_last_is_the_least_of_the_others_again(void **state)
{
    (void)state;
    struct told told;
    run(end_last, &told);
    assert_int_equal(told.policy, may_rise() ? SCHED_IDLE : SCHED_OTHER);
    assert_int_equal(told.policy_at_end, SCHED_OTHER);
    assert_int_equal(told.nice, 19);
}

/* One core, which another thread never gives up. */
static void test_whoever_is_starved_goes_back_to_the_others(void **state)
{
    (void)state;
    struct told told;
    pthread_t other;
    cpu_set_t all, one;
    if (!may_rise()) {
        print_message("this process may not raise a priority: no thread of it can be the last\n");
        skip();
    }
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    CPU_ZERO(&one);
    for (size_t core = 0; CPU_COUNT(&one) == 0; core++) {
        if (CPU_ISSET(core, &all)) {
            CPU_SET(core, &one);
        }
    }
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(pthread_create(&other, NULL, spin, NULL), 0);
    run(work_last, &told);
    atomic_store(&is_over, true);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
    assert_int_equal(told.policy, SCHED_IDLE);
    assert_int_equal(told.policy_at_end, SCHED_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_has_its_priority_and_sleeps_between_pieces),
        cmocka_unit_test(test_the_last_is_the_least_of_the_others_again),
        cmocka_unit_test(test_whoever_is_starved_goes_back_to_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
