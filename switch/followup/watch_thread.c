/* See watch_thread.h. */
#include "switch/followup/watch_thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "protocols/base/require.h"
#include "switch/net/background.h"

#define NICE 10
#define WAKE_NS UINT64_C(250000000)
/* It works so long and, if that was not enough, rests as long as it has worked, up to the longest
 * rest: what takes longer all the same (an hour of a large fleet) is not to make it fall behind.
 * Rows of the ring come in turns that no payment feels. A turn that reads the log opens its segment
 * first, which must not be most of it; between rows it gives up the core by itself. */
#define TURN_NS UINT64_C(1000000)
#define LOG_TURN_NS UINT64_C(20000000)
#define REST_MAX_NS UINT64_C(50000000)
#define NS_PER_S UINT64_C(1000000000)

struct watch_thread {
    struct watch_duty *duty; /* owner; of the thread from start to stop, but for a look */
    /* Held by the thread while it works; who looks only tries it, for the few microseconds that one
     * terminal takes. The last one taken. */
    pthread_mutex_t working;
    pthread_t thread;
    bool is_started; /* and not joined */
    atomic_bool is_running;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t is_told;
    bool is_stopping, has_fresh;
    struct watch_rules rules;
    struct case_rules case_rules;
    struct fact_book *tables; /* owner, while has_fresh */
};

static struct timespec after_ns(uint64_t wait_ns)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t ns = (uint64_t)until.tv_nsec + wait_ns;
    until.tv_sec += (time_t)(ns / NS_PER_S);
    until.tv_nsec = (long)(ns % NS_PER_S);
    return until;
}

/* Under the mutex. False: it is to end. */
static bool wait_until(struct watch_thread *thread, const struct timespec *until)
{
    int late = 0;
    while (!thread->is_stopping && late == 0) {
        late = pthread_cond_timedwait(&thread->is_told, &thread->mutex, until);
    }
    return !thread->is_stopping;
}

/* Between two pieces of an image, when nothing changes what the watcher remembers: who looks may.
 * Rules that came meanwhile wait for the next turn. */
static bool rest_in_image(void *argument, uint64_t rest_ns)
{
    struct watch_thread *thread = argument;
    const struct timespec until = after_ns(rest_ns);
    pthread_mutex_unlock(&thread->working);
    pthread_mutex_lock(&thread->mutex);
    bool goes_on = wait_until(thread, &until);
    pthread_mutex_unlock(&thread->mutex);
    pthread_mutex_lock(&thread->working);
    return goes_on;
}

struct watch_thread *watch_thread_create(const struct watch_duty_setup *setup)
{
    struct watch_thread *thread = calloc(1, sizeof(*thread));
    pthread_condattr_t by_uptime;
    if (thread == NULL) {
        return NULL;
    }
    struct watch_duty_setup own = *setup;
    own.rest = rest_in_image;
    own.rest_argument = thread;
    thread->duty = watch_duty_create(&own);
    if (thread->duty == NULL) {
        free(thread);
        return NULL;
    }
    pthread_condattr_init(&by_uptime);
    pthread_condattr_setclock(&by_uptime, CLOCK_MONOTONIC);
    pthread_cond_init(&thread->is_told, &by_uptime);
    pthread_condattr_destroy(&by_uptime);
    pthread_mutex_init(&thread->mutex, NULL);
    pthread_mutex_init(&thread->working, NULL);
    return thread;
}

void watch_thread_use(struct watch_thread *thread, const struct watch_words *words)
{
    pthread_mutex_lock(&thread->mutex);
    struct fact_book *unused = thread->has_fresh ? thread->tables : NULL;
    thread->rules = *words->rules;
    thread->case_rules = *words->case_rules;
    thread->tables = words->tables;
    thread->has_fresh = true;
    pthread_mutex_unlock(&thread->mutex);
    fact_book_destroy(unused);
}

/* What is new is taken out under the mutex and put to use without it: the engine's loop, which may
 * bring more of it, never waits while tables are taken down. */
static void use_fresh(struct watch_thread *thread)
{
    struct watch_rules rules;
    struct case_rules case_rules;
    pthread_mutex_lock(&thread->mutex);
    bool has_fresh = thread->has_fresh;
    struct fact_book *tables = has_fresh ? thread->tables : NULL;
    if (has_fresh) {
        rules = thread->rules;
        case_rules = thread->case_rules;
        thread->has_fresh = false;
    }
    pthread_mutex_unlock(&thread->mutex);
    if (has_fresh) {
        pthread_mutex_lock(&thread->working);
        watch_duty_use(thread->duty, &(struct watch_words){&rules, &case_rules, tables});
        pthread_mutex_unlock(&thread->working);
    }
}

/* False: it is to end. */
static bool rest(struct watch_thread *thread, uint64_t rest_ns)
{
    const struct timespec until = after_ns(rest_ns);
    pthread_mutex_lock(&thread->mutex);
    bool goes_on = wait_until(thread, &until);
    pthread_mutex_unlock(&thread->mutex);
    use_fresh(thread);
    return goes_on;
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Answers how long to rest: what is done, or failed, waits for the next time to wake. */
static uint64_t turn(struct watch_thread *thread)
{
    pthread_mutex_lock(&thread->working);
    uint64_t begun_ns = clock_ns();
    uint64_t turn_ns = watch_duty_reads_log(thread->duty) ? LOG_TURN_NS : TURN_NS;
    bool is_done = watch_duty_turn(thread->duty, begun_ns + turn_ns);
    uint64_t took_ns = clock_ns() - begun_ns;
    pthread_mutex_unlock(&thread->working);
    if (is_done || took_ns < turn_ns) {
        return WAKE_NS;
    }
    return took_ns < REST_MAX_NS ? took_ns : REST_MAX_NS;
}

static void *run(void *argument)
{
    struct watch_thread *thread = argument;
    background_begin(NICE);
    uint64_t rest_ns = 0;
    while (rest(thread, rest_ns)) {
        rest_ns = turn(thread);
    }
    pthread_mutex_lock(&thread->working);
    watch_duty_end(thread->duty, clock_ns() + WATCH_END_MS * UINT64_C(1000000));
    pthread_mutex_unlock(&thread->working);
    atomic_store(&thread->is_running, false);
    return NULL;
}

enum status watch_thread_start(struct watch_thread *thread)
{
    REQUIRE(!thread->is_started);
    atomic_store(&thread->is_running, true);
    thread->is_started = pthread_create(&thread->thread, NULL, run, thread) == 0;
    return thread->is_started ? STATUS_OK : STATUS_BROKEN;
}

void watch_thread_end(struct watch_thread *thread)
{
    pthread_mutex_lock(&thread->mutex);
    thread->is_stopping = true;
    pthread_mutex_unlock(&thread->mutex);
    pthread_cond_signal(&thread->is_told);
}

bool watch_thread_has_ended(struct watch_thread *thread)
{
    if (thread->is_started && !atomic_load(&thread->is_running)) {
        pthread_join(thread->thread, NULL); /* it does nothing more but return */
        thread->is_started = false;
    }
    return !thread->is_started;
}

void watch_thread_destroy(struct watch_thread *thread)
{
    if (thread != NULL) {
        REQUIRE(!thread->is_started);
        fact_book_destroy(thread->has_fresh ? thread->tables : NULL);
        watch_duty_destroy(thread->duty);
        pthread_cond_destroy(&thread->is_told);
        pthread_mutex_destroy(&thread->mutex);
        pthread_mutex_destroy(&thread->working);
        free(thread);
    }
}

bool watch_thread_look(struct watch_thread *thread, const char *terminal_id,
                       struct watch_look *look)
{
    if (pthread_mutex_trylock(&thread->working) != 0) {
        return false;
    }
    watch_duty_look(thread->duty, terminal_id, look);
    pthread_mutex_unlock(&thread->working);
    return true;
}

void watch_thread_count(const struct watch_thread *thread, struct watch_counts *counts)
{
    watch_duty_count(thread->duty, counts);
}
