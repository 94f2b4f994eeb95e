/* When TIME is told does not matter, as long as each hour is told before the first row after it. */
#include "tests/unit/switch/aftersales/watch_scene.h"

#define TERMINAL_COUNT 40
#define ROW_COUNT 6000

/* Numbers that are the same in every run (Steele, Lea, Flood 2014). */
static uint64_t number_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Some days of a small fleet: bursts, nights, a day without anything, a clock that is set back. */
static void rows_make(struct observation *rows)
{
    static const enum observation_kind KINDS[] = {OBSERVATION_ENDED, OBSERVATION_ENDED,
                                                  OBSERVATION_SIGNED_ON, OBSERVATION_SIGHTING,
                                                  OBSERVATION_REFUSED};
    static const enum observation_detail DETAILS[] = {OBSERVED_APPROVED, OBSERVED_UNKNOWN,
                                                      OBSERVED_NONE, OBSERVED_MAC_FAILED,
                                                      OBSERVED_NOT_SIGNED_ON};
    uint64_t state = 7;
    int64_t wall_us = MONDAY_US + 9 * HOUR_US + 17;
    for (uint32_t i = 0; i < ROW_COUNT; i++) {
        uint64_t number = number_next(&state);
        int64_t step_us = (int64_t)(number % 120) * SECOND_US + (int64_t)(number >> 40) % SECOND_US;
        wall_us += i % 500 == 499 ? 7 * HOUR_US : i == 3100 ? 50 * HOUR_US : step_us;
        wall_us -= i % 997 == 996 ? 3 * SECOND_US : 0;
        unsigned kind = (unsigned)(number >> 20) % COUNT_OF(KINDS);
        rows[i] = (struct observation){.kind = KINDS[kind],
                                       .detail = DETAILS[kind],
                                       .position = 10 + 3 * i,
                                       .wall_us = wall_us,
                                       .count = 1,
                                       .payment_kind = PAYMENT_PURCHASE,
                                       .merchant_id = "898310148160568",
                                       .channel = "bank_a",
                                       .amount_minor = 1000 + (int64_t)(number % 9000)};
        struct terminal_facts facts = facts_of(1 + (uint32_t)(number >> 32) % TERMINAL_COUNT);
        memcpy(rows[i].terminal_id, facts.terminal_id, sizeof(facts.terminal_id));
    }
}

static void learn(struct scene *scene)
{
    const struct merchant_facts merchant = {.merchant_id = "898310148160568", .mcc = "5411"};
    for (uint32_t i = 1; i <= TERMINAL_COUNT; i++) {
        struct terminal_facts facts = facts_of(i);
        scene_learn(scene, &facts);
    }
    assert_true(watcher_learn_merchant(scene->watcher, &merchant));
}

static void tell(struct scene *scene, int64_t until_us)
{
    struct observation time;
    struct watch_output output;
    while (watcher_time_due(scene->watcher, until_us, &time)) {
        watcher_step(scene->watcher, &time, &output);
        for (uint32_t i = 0; i < output.count; i++) {
            assert_true(scene->flag_count < SCENE_FLAG_COUNT_MAX);
            scene->flags[scene->flag_count++] = output.flags[i];
        }
    }
}

/* The watcher ends, and another one goes on from its memory. */
static void restart(struct scene *scene)
{
    struct scene *next = calloc(1, sizeof(*next));
    uint32_t length = 0;
    assert_non_null(next);
    scene_open(next, TERMINAL_COUNT);
    for (uint32_t part = 0; part < watcher_image_count(scene->watcher); part++) {
        length += watcher_image(scene->watcher, part).length;
    }
    uint8_t *bytes = malloc(length);
    assert_non_null(bytes);
    uint32_t at = 0;
    for (uint32_t part = 0; part < watcher_image_count(scene->watcher); part++) {
        struct byte_view view = watcher_image(scene->watcher, part);
        memcpy(bytes + at, view.bytes, view.length);
        at += view.length;
    }
    assert_int_equal(watcher_load(next->watcher, (struct byte_view){bytes, length}), STATUS_OK);
    free(bytes);
    learn(next);
    watcher_destroy(scene->watcher);
    scene->watcher = next->watcher;
    free(next);
}

/* `is_eager`: hours are told as soon as no row before them can come, in steps of any size, and the
 * watcher restarts now and then, also in the middle of an hour's judgement. */
static void play(struct scene *scene, const struct observation *rows, bool is_eager)
{
    uint64_t state = 11;
    scene_open(scene, TERMINAL_COUNT);
    learn(scene);
    for (uint32_t i = 0; i < ROW_COUNT; i++) {
        if (is_eager) {
            int64_t seen_us = watcher_wall_us(scene->watcher);
            int64_t gap_us = rows[i].wall_us - seen_us;
            tell(scene, seen_us == 0 || gap_us <= 0
                            ? 0
                            : seen_us + (int64_t)(number_next(&state) % (uint64_t)gap_us));
            if (i % 211 == 0) {
                struct observation time;
                struct watch_output output;
                if (watcher_time_due(scene->watcher, rows[i].wall_us, &time)) {
                    watcher_step(scene->watcher, &time, &output);
                    assert_int_equal(output.count, 0);
                }
                restart(scene);
            }
        }
        tell(scene, rows[i].wall_us);
        scene_step(scene, &rows[i]);
    }
}

static void test_when_an_hour_is_told_changes_no_flag_and_no_memory(void **state)
{
    (void)state;
    struct observation *rows = calloc(ROW_COUNT, sizeof(*rows));
    struct scene *plain = calloc(2, sizeof(*plain)), *eager = plain + 1;
    assert_true(rows != NULL && plain != NULL);
    rows_make(rows);
    play(plain, rows, false);
    play(eager, rows, true);
    assert_true(plain->flag_count > 50);
    assert_int_equal(plain->flag_count, eager->flag_count);
    for (uint32_t i = 0; i < plain->flag_count; i++) {
        assert_int_equal(plain->flags[i].signal, eager->flags[i].signal);
        assert_string_equal(plain->flags[i].subject_id, eager->flags[i].subject_id);
        assert_true(plain->flags[i].position == eager->flags[i].position);
        assert_true(plain->flags[i].window_end_us == eager->flags[i].window_end_us);
        assert_true(plain->flags[i].value == eager->flags[i].value);
    }
    assert_true(watcher_state_hash(plain->watcher) == watcher_state_hash(eager->watcher));
    scene_close(plain);
    scene_close(eager);
    free(plain);
    free(rows);
}

static void test_before_the_first_row_no_time_is_due(void **state)
{
    (void)state;
    struct scene scene;
    struct observation time;
    scene_open(&scene, 2);
    assert_false(watcher_time_due(scene.watcher, INT64_MAX, &time));
    struct terminal_facts facts = facts_of(1);
    scene_learn(&scene, &facts);
    struct observation seen = {.kind = OBSERVATION_SIGNED_ON,
                               .position = 1,
                               .wall_us = MONDAY_US + 30 * MINUTE_US,
                               .count = 1};
    memcpy(seen.terminal_id, facts.terminal_id, sizeof(facts.terminal_id));
    scene_step(&scene, &seen);
    assert_false(watcher_time_due(scene.watcher, MONDAY_US + HOUR_US - 1, &time));
    assert_true(watcher_time_due(scene.watcher, MONDAY_US + HOUR_US, &time));
    assert_int_equal(time.kind, OBSERVATION_TIME);
    assert_true(time.wall_us == MONDAY_US + HOUR_US);
    scene_step(&scene, &time);
    assert_false(watcher_time_due(scene.watcher, MONDAY_US + HOUR_US, &time));
    assert_true(watcher_time_due(scene.watcher, INT64_MAX, &time)); /* one after the other */
    assert_true(time.wall_us == MONDAY_US + 2 * HOUR_US);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when_an_hour_is_told_changes_no_flag_and_no_memory),
        cmocka_unit_test(test_before_the_first_row_no_time_is_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
