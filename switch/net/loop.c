/* See loop.h. */
#include "switch/net/loop.h"

#include <stdlib.h>
#include <time.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "switch/net/stream_turn.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

uint64_t loop_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int64_t loop_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_busy(uv_idle_t *idle)
{
    (void)idle; /* only its being there counts: libuv does not wait for the network then */
}

static void turn_end(struct loop *loop)
{
    count_add(&loop->counts.turns, 1);
    streams_offer_again(loop);
    for (struct loop_hook *hook = loop->hooks; hook != NULL; hook = hook->next) {
        hook->on_turn(hook->argument);
    }
    streams_flush(loop);
    if (loop->again != NULL) {
        uv_idle_start(&loop->busy, on_busy);
    } else {
        uv_idle_stop(&loop->busy);
    }
}

static void on_prepare(uv_prepare_t *prepare)
{
    turn_end((struct loop *)prepare->data);
}

/* What all callbacks of this turn took: libuv took its time of the turn before them. */
static void on_check(uv_check_t *check)
{
    struct loop *loop = (struct loop *)check->data;
    turn_end(loop);
    uint64_t took_ns = uv_hrtime() - uv_now(&loop->uv) * NS_PER_MS;
    loop->turn_longest_ns = took_ns > loop->turn_longest_ns ? took_ns : loop->turn_longest_ns;
}

static void measure(struct loop *loop, uint64_t now_ns)
{
    uint64_t idle_ns = uv_metrics_idle_time(&loop->uv);
    uint64_t passed = now_ns - loop->measured_ns;
    uint64_t idle = idle_ns - loop->idle_seen_ns;
    count_set(&loop->counts.busy_per_mille, idle >= passed ? 0 : (passed - idle) * 1000 / passed);
    count_set(&loop->counts.turn_longest_ns, loop->turn_longest_ns);
    loop->turn_longest_ns = 0;
    loop->measured_ns = now_ns;
    loop->idle_seen_ns = idle_ns;
}

static void on_tick(uv_timer_t *timer)
{
    struct loop *loop = (struct loop *)timer->data;
    uint64_t now_ns = loop_now_ns();
    deadline_wheel_advance(&loop->wheel, now_ns);
    if (now_ns - loop->measured_ns >= NS_PER_S) {
        measure(loop, now_ns);
    }
}

static void on_stop(uv_async_t *async)
{
    uv_stop(async->loop);
}

/* Handles of the loop itself do not keep it running down. */
static void own_handle(struct loop *loop, uv_handle_t *handle)
{
    handle->data = loop;
    uv_unref(handle);
}

static bool handles_start(struct loop *loop)
{
    if (uv_loop_init(&loop->uv) != 0) {
        return false;
    }
    uv_loop_configure(&loop->uv, UV_METRICS_IDLE_TIME);
    if (uv_async_init(&loop->uv, &loop->stop, on_stop) != 0) {
        uv_loop_close(&loop->uv);
        return false;
    }
    uv_timer_init(&loop->uv, &loop->tick);
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_idle_init(&loop->uv, &loop->busy);
    own_handle(loop, (uv_handle_t *)&loop->stop);
    own_handle(loop, (uv_handle_t *)&loop->tick);
    own_handle(loop, (uv_handle_t *)&loop->prepare);
    own_handle(loop, (uv_handle_t *)&loop->check);
    own_handle(loop, (uv_handle_t *)&loop->busy);
    uint64_t tick_ms = DEADLINE_TICK_NS / 1000000;
    uv_timer_start(&loop->tick, on_tick, tick_ms, tick_ms);
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_check_start(&loop->check, on_check);
    return true;
}

struct loop *loop_create(uint16_t index, uint32_t buffer_count_max)
{
    REQUIRE(buffer_count_max > 0);
    struct loop *loop = calloc(1, sizeof(*loop));
    /* calloc leaves so large a block unmapped until it is touched */
    struct loop_buffer *arena = calloc(buffer_count_max, sizeof(arena[0]));
    if (loop == NULL || arena == NULL || !handles_start(loop)) {
        free(arena);
        free(loop);
        return NULL;
    }
    loop->index = index;
    loop->arena = arena;
    loop->buffer_count_max = buffer_count_max;
    loop->measured_ns = loop_now_ns();
    deadline_wheel_init(&loop->wheel, loop_now_ns());
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    uv_close((uv_handle_t *)&loop->stop, NULL);
    uv_close((uv_handle_t *)&loop->tick, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->busy, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int left = uv_loop_close(&loop->uv);
    REQUIRE(left == 0);
    free(loop->arena);
    free(loop);
}

void loop_enroll(struct loop *loop, struct loop_hook *hook)
{
    struct loop_hook **last = &loop->hooks;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    hook->next = NULL;
    *last = hook;
}

/* While it runs, the stop handle keeps the loop alive even without connections. */
void loop_run(struct loop *loop)
{
    uv_ref((uv_handle_t *)&loop->stop);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_unref((uv_handle_t *)&loop->stop);
}

/* The tick is counted in, so that a turn comes each 50 ms even when nothing else happens. */
void loop_run_while(struct loop *loop, bool (*goes_on)(void *argument), void *argument,
                    uint64_t timeout_ns)
{
    uint64_t end_ns = loop_now_ns() + timeout_ns;
    while (goes_on(argument) && loop_now_ns() < end_ns) {
        uv_ref((uv_handle_t *)&loop->tick);
        uv_run(&loop->uv, UV_RUN_ONCE);
        uv_unref((uv_handle_t *)&loop->tick);
    }
}

static bool is_alive(void *argument)
{
    return uv_loop_alive(argument) != 0;
}

void loop_run_down(struct loop *loop, uint64_t timeout_ns)
{
    loop_run_while(loop, is_alive, &loop->uv, timeout_ns);
}

void loop_stop(struct loop *loop)
{
    uv_async_send(&loop->stop);
}

struct loop_buffer *loop_buffer_take(struct loop *loop, uint32_t spared)
{
    if (count_get(&loop->counts.buffers_used) + spared >= loop->buffer_count_max) {
        return NULL;
    }
    struct loop_buffer *buffer = loop->free_buffers;
    if (buffer != NULL) {
        loop->free_buffers = buffer->next;
    } else if (loop->buffer_count < loop->buffer_count_max) {
        buffer = &loop->arena[loop->buffer_count++];
    } else {
        return NULL;
    }
    buffer->next = NULL;
    buffer->start = 0;
    buffer->end = 0;
    count_add(&loop->counts.buffers_used, 1);
    return buffer;
}

void loop_buffer_give(struct loop *loop, struct loop_buffer *buffer)
{
    secret_wipe(buffer->bytes, buffer->end);
    buffer->next = loop->free_buffers;
    loop->free_buffers = buffer;
    count_sub(&loop->counts.buffers_used, 1);
}
