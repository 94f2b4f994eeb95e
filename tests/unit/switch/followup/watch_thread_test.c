/* The after-sales thread by itself: it watches, is looked at, and ends, and nobody waits for it. */
#include "switch/followup/watch_thread.h"

#include "tests/unit/switch/followup/watch_scene.h"

static void thread_end(struct watch_thread *thread)
{
    watch_thread_end(thread);
    for (int tries = 0; !watch_thread_has_ended(thread); tries++) {
        assert_true(tries < 10000);
        story_pause(1000);
    }
}

static _Atomic bool is_held, is_in_sink;

/* As a database that somebody else has locked. */
static enum status on_observe_held(void *argument, const struct observation *seen)
{
    is_in_sink = true;
    while (is_held) {
        story_pause(1000);
    }
    return on_observe(argument, seen);
}

static uint64_t uptime_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Neither new rules nor the end wait for what the thread waits for. */
static void test_a_thread_that_is_held_up_holds_nobody_up(void **state)
{
    struct stage *stage = *state;
    struct watch_rules rules;
    struct watch_counts counts;
    stage_begin(stage, RING_COUNT);
    watch_duty_destroy(stage->duty);
    stage->duty = NULL;
    stage->sink.observe = on_observe_held;
    struct watch_duty_setup setup = duty_setup(stage);
    struct watch_thread *thread = watch_thread_create(&setup);
    assert_true(watch_thread_has_ended(thread)); /* it has not begun */
    watch_rules_default(&rules);
    struct watch_words words = words_of(&rules);
    watch_thread_use(thread, &words);
    is_held = true;
    is_in_sink = false;
    assert_int_equal(watch_thread_start(thread), STATUS_OK);
    minutes_pass(stage, 20);
    story_end(stage->story);
    for (int tries = 0; !is_in_sink; tries++) {
        assert_true(tries < 10000);
        story_pause(1000);
    }
    uint64_t begun_ns = uptime_ns();
    words = words_of(&rules);
    watch_thread_use(thread, &words);
    watch_thread_end(thread);
    assert_false(watch_thread_has_ended(thread));
    story_pause(300000);
    assert_false(watch_thread_has_ended(thread));
    assert_true(uptime_ns() - begun_ns < UINT64_C(5000000000));
    is_held = false;
    thread_end(thread);
    watch_thread_count(thread, &counts);
    assert_int_equal(counts.observations, 20 * 2 + 20 / 4);
    assert_int_equal(counts.images, 1);
    watch_thread_destroy(thread);
    observation_ring_destroy(stage->ring);
}

#define BUSY_COUNT 250
#define BUSY_PIECE_NS UINT64_C(1000000)

/* What taking so many rows took, and how long it was from the first to the last of them. */
static _Atomic uint32_t busy_count;
static uint64_t busy_ns, busy_begun_ns, busy_ended_ns;

/* Of each row so much is counted that what a turn counts is never more than the longest rest. */
static enum status on_observe_busy(void *argument, const struct observation *seen)
{
    uint64_t begun_ns = uptime_ns();
    story_pause((uint32_t)(BUSY_PIECE_NS / 1000));
    uint64_t took_ns = uptime_ns() - begun_ns;
    if (busy_count < BUSY_COUNT) {
        busy_begun_ns = busy_count == 0 ? begun_ns : busy_begun_ns;
        busy_ns += took_ns < 2 * BUSY_PIECE_NS ? took_ns : 2 * BUSY_PIECE_NS;
        busy_ended_ns = begun_ns + took_ns;
        busy_count++;
    }
    return on_observe(argument, seen);
}

/* A log that is far behind is read for many minutes, and the core is not the reader's alone. */
static void test_it_rests_as_long_as_it_reads_the_log(void **state)
{
    struct stage *stage = *state;
    struct watch_rules rules;
    stage_begin(stage, 16);
    watch_duty_destroy(stage->duty);
    stage->duty = NULL;
    stage->sink.observe = on_observe_busy;
    struct watch_duty_setup setup = duty_setup(stage);
    struct watch_thread *thread = watch_thread_create(&setup);
    watch_rules_default(&rules);
    struct watch_words words = words_of(&rules);
    watch_thread_use(thread, &words);
    minutes_pass(stage, BUSY_COUNT / 2); /* two rows of each, and those that are odd */
    story_end(stage->story);
    assert_int_equal(watch_thread_start(thread), STATUS_OK);
    for (int tries = 0; busy_count < BUSY_COUNT; tries++) {
        assert_true(tries < 60000);
        story_pause(1000);
    }
    thread_end(thread);
    assert_true((busy_ended_ns - busy_begun_ns) * 2 >= busy_ns * 3);
    watch_thread_destroy(thread);
    observation_ring_destroy(stage->ring);
}

/* Who asks waits for nobody, so it asks again. */
static struct watch_look look_at(struct watch_thread *thread, const char *terminal_id)
{
    struct watch_look look = {.is_open = false};
    int tries = 0;
    while (!watch_thread_look(thread, terminal_id, &look)) {
        assert_true(++tries < 1000);
        story_pause(10000);
    }
    return look;
}

/* How often a terminal was looked at while an image was begun and not done. */
static uint32_t looks_beside_an_image(const struct stage *stage, struct watch_thread *thread)
{
    struct watch_look look;
    struct watch_counts counts = {.images = 0};
    char fresh[128];
    uint32_t count = 0;
    snprintf(fresh, sizeof(fresh), "%s/" WATCH_IMAGE_NAME ".new", stage->folder);
    for (int tries = 0; counts.images == 0; tries++) {
        assert_true(tries < 20000);
        bool is_begun = access(fresh, F_OK) == 0;
        bool is_seen = watch_thread_look(thread, "00000001", &look);
        count += is_begun && is_seen && access(fresh, F_OK) == 0 ? 1 : 0;
        story_pause(2000);
        watch_thread_count(thread, &counts);
    }
    return count;
}

/* Of a million terminals it takes many seconds. */
static void test_a_look_is_answered_while_an_image_is_written(void **state)
{
    struct stage *stage = *state;
    struct watch_rules rules;
    stage_begin(stage, RING_COUNT);
    watch_duty_destroy(stage->duty);
    stage->duty = NULL;
    struct watch_duty_setup setup = duty_setup(stage);
    setup.image_every_ms = 100;
    setup.limits.card_count_max = 262144;
    struct watch_thread *thread = watch_thread_create(&setup);
    watch_rules_default(&rules);
    struct watch_words words = words_of(&rules);
    watch_thread_use(thread, &words);
    assert_int_equal(watch_thread_start(thread), STATUS_OK);
    minutes_pass(stage, 30);
    assert_true(looks_beside_an_image(stage, thread) > 0);
    story_end(stage->story);
    thread_end(thread);
    watch_thread_destroy(thread);
    observation_ring_destroy(stage->ring);
}

static void test_the_thread_watches_by_itself_and_ends_with_all_that_was_put(void **state)
{
    struct stage *stage = *state;
    struct watch_rules rules;
    struct watch_counts counts;
    stage_begin(stage, RING_COUNT);
    watch_duty_destroy(stage->duty);
    stage->duty = NULL;
    struct watch_duty_setup setup = duty_setup(stage);
    struct watch_thread *thread = watch_thread_create(&setup);
    assert_non_null(thread);
    watch_rules_default(&rules);
    struct watch_words words = words_of(&rules), others = words_of(&rules);
    watch_thread_use(thread, &others);
    watch_thread_use(thread, &words); /* the first was never used */
    assert_int_equal(watch_thread_start(thread), STATUS_OK);
    minutes_pass(stage, 200);
    for (int i = 0; i < 200; i++) {
        watch_thread_count(thread, &counts);
        if (counts.observations >= 400) {
            break;
        }
        story_pause(50000);
    }
    assert_true(counts.observations >= 400);
    struct watch_look look = look_at(thread, "00000001");
    assert_true(look.is_open && look.is_watched);
    assert_true(look.view.payments_day > 0);
    assert_true(look.as_of_us > 0 && look.as_of_us <= stage->story->wall_us);
    look = look_at(thread, "99999999");
    assert_true(look.is_open && !look.is_watched);
    words = words_of(&rules);
    watch_thread_use(thread, &words);
    minutes_pass(stage, 200);
    story_end(stage->story);
    thread_end(thread);
    watch_thread_count(thread, &counts);
    assert_int_equal(counts.observations, 2 * 400 + 400 / 4);
    assert_int_equal(counts.images, 1);
    assert_int_equal(counts.flags, stage->memory->count);
    watch_thread_destroy(thread);
    observation_ring_destroy(stage->ring);
}

int main(void)
{
#define STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)
    const struct CMUnitTest tests[] = {
        STAGE(test_a_thread_that_is_held_up_holds_nobody_up),
        STAGE(test_it_rests_as_long_as_it_reads_the_log),
        STAGE(test_a_look_is_answered_while_an_image_is_written),
        STAGE(test_the_thread_watches_by_itself_and_ends_with_all_that_was_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
