/* The after-sales thread's work on a real log: whatever happens on the way, the flags are the same.
 */
#include "switch/followup/watch_duty.h"

#include "tests/unit/switch/followup/watch_scene.h"

#include "tests/stage/log_capture.h"

static void test_a_look_tells_what_the_windows_of_one_terminal_hold(void **state)
{
    struct stage *stage = *state;
    struct watch_look look;
    stage_begin(stage, RING_COUNT);
    watch_duty_look(stage->duty, "00000001", &look);
    assert_false(look.is_open);
    minutes_pass(stage, 60);
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    watch_duty_look(stage->duty, "00000001", &look);
    assert_true(look.is_open && look.is_watched);
    assert_true(look.as_of_us > 0 && look.as_of_us <= stage->story->wall_us);
    assert_true(look.view.payments_day > 0 && look.view.last_payment_us > 0);
    watch_duty_look(stage->duty, "99999999", &look);
    assert_true(look.is_open && !look.is_watched);
    assert_int_equal(look.view.payments_day, 0);
    stage_end(stage, false);
}

#define ROUND_COUNT 12
#define ROUND_MINUTES 40

/* What is flagged when nothing happens on the way. */
static void play_plain(struct stage *stage)
{
    stage_begin(stage, RING_COUNT);
    for (uint32_t i = 0; i < ROUND_COUNT; i++) {
        minutes_pass(stage, ROUND_MINUTES);
        assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    }
    stage_end(stage, false);
}

/* The same days again, over another log, in whose middle something happens. */
static void expect_same(void **state, void (*play)(struct stage *stage))
{
    struct stage *stage = *state;
    struct memory *plain = stage->memory;
    play_plain(stage);
    assert_true(plain->count > 5);
    assert_int_equal(plain->repeated, 0);
    stage->memory = calloc(1, sizeof(*stage->memory));
    story_strike((void **)&stage->story);
    assert_int_equal(story_set((void **)&stage->story), 0);
    log_folder_strike(stage->folder);
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/tillway-duty-XXXXXX");
    assert_non_null(mkdtemp(stage->folder));
    stage->seq = 0;
    play(stage);
    assert_int_equal(stage->memory->count, plain->count);
    for (uint32_t i = 0; i < plain->count; i++) {
        assert_true(is_same_flag(&stage->memory->flags[i], &plain->flags[i]));
        assert_int_equal(stage->memory->flags[i].value, plain->flags[i].value);
        assert_int_equal(plain->flags[i].rules_version, 5);
    }
    assert_int_equal(stage->memory->seen_position, plain->seen_position);
    free(plain);
}

static void play_restarts(struct stage *stage)
{
    for (uint32_t i = 0; i < ROUND_COUNT; i++) {
        stage_begin(stage, RING_COUNT);
        minutes_pass(stage, ROUND_MINUTES);
        assert_true(i == 3 || watch_duty_turn(stage->duty, UNTIL_NS)); /* 3: its ring is lost */
        stage_end(stage, i % 3 == 1 || i == 3);
    }
}

static void test_restarts_in_order_and_kills_change_no_flag(void **state)
{
    expect_same(state, play_restarts);
    const struct stage *stage = *state;
    assert_true(stage->memory->repeated > 0); /* what was told after the image is told again */
}

static void play_small_ring(struct stage *stage)
{
    stage_begin(stage, 8);
    for (uint32_t i = 0; i < ROUND_COUNT; i++) {
        minutes_pass(stage, ROUND_MINUTES);
        assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
        assert_int_equal(counts_of(stage).lag_rows, 0);
    }
    struct ring_counts ring;
    observation_ring_count(stage->ring, &ring);
    assert_true(ring.dropped > 500);
    assert_true(counts_of(stage).log_rows > 500);
    stage_end(stage, false);
}

static void test_what_the_ring_drops_is_read_from_the_log(void **state)
{
    expect_same(state, play_small_ring);
    const struct stage *stage = *state;
    assert_int_equal(stage->memory->repeated, 0);
}

/* However much of it there is to read: payments are beside it. */
static void test_reading_the_log_ends_with_the_turn(void **state)
{
    struct stage *stage = *state;
    stage_begin(stage, 16);
    minutes_pass(stage, 60);
    while (!watch_duty_reads_log(stage->duty)) { /* the first rows found room in the ring */
        assert_false(watch_duty_turn(stage->duty, 0));
    }
    uint32_t seen_count = stage->memory->seen_count;
    for (uint32_t count = 1; count <= 3; count++) {
        assert_true(watch_duty_reads_log(stage->duty));
        assert_int_equal(stage->memory->seen_count, seen_count + count - 1);
        assert_true(counts_of(stage).log_rows <= 2 * count); /* some rows say nothing */
        assert_false(watch_duty_turn(stage->duty, 0));
    }
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_false(watch_duty_reads_log(stage->duty));
    assert_int_equal(stage->memory->seen_count, 60 * 2 + 60 / 4);
    assert_int_equal(stage->memory->seen_position, stage->story->position);
    assert_int_equal(counts_of(stage).failures, 0);
    stage_end(stage, true);
}

static void play_failures(struct stage *stage)
{
    stage_begin(stage, 64);
    for (uint32_t i = 0; i < ROUND_COUNT; i++) {
        minutes_pass(stage, ROUND_MINUTES);
        stage->memory->failures_left = i % 4 == 2 ? 1 : 0;
        assert_int_equal(watch_duty_turn(stage->duty, UNTIL_NS), i % 4 != 2);
        for (int tries = 0; !watch_duty_turn(stage->duty, UNTIL_NS); tries++) {
            assert_true(tries < 200); /* it waits before the next try */
            story_pause(50000);
        }
    }
    assert_int_equal(stage->memory->failed, 3);
    assert_int_equal(counts_of(stage).failures, 3);
    stage_end(stage, false);
}

static void test_a_sink_that_fails_is_told_again_and_nothing_is_lost(void **state)
{
    expect_same(state, play_failures);
    const struct stage *stage = *state;
    assert_int_equal(stage->memory->repeated, 0);
}

/* The database cannot be opened for a while: the rows wait in the log. */
static void play_late(struct stage *stage)
{
    stage_begin(stage, 64);
    stage->memory->failures_left = 2;
    for (uint32_t i = 0; i < ROUND_COUNT; i++) {
        minutes_pass(stage, ROUND_MINUTES);
        while (i == ROUND_COUNT / 2 && !counts_of(stage).is_open) {
            (void)watch_duty_turn(stage->duty, UNTIL_NS);
            story_pause(50000);
        }
        (void)watch_duty_turn(stage->duty, UNTIL_NS);
        assert_true(counts_of(stage).is_open || stage->memory->seen_count == 0);
    }
    assert_int_equal(counts_of(stage).failures, 2);
    stage_end(stage, false);
}

static void test_a_database_that_opens_late_misses_nothing(void **state)
{
    expect_same(state, play_late);
}

static void image_spoil(const struct stage *stage, long at)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/" WATCH_IMAGE_NAME, stage->folder);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, -1, SEEK_CUR), 0);
    assert_int_equal(fputc(byte ^ 0x10, file), byte ^ 0x10);
    assert_int_equal(fclose(file), 0);
}

static void play_damage(struct stage *stage)
{
    for (uint32_t i = 0; i < ROUND_COUNT; i++) {
        stage_begin(stage, RING_COUNT);
        minutes_pass(stage, ROUND_MINUTES);
        assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
        stage_end(stage, false);
        if (i == 2 || i == 5 || i == 8) {
            image_spoil(stage, i == 2 ? 3 : i == 5 ? 4000 : -2000);
        }
    }
}

static void test_an_image_that_is_damaged_is_not_believed_and_the_log_is_read_anew(void **state)
{
    expect_same(state, play_damage);
    const struct stage *stage = *state;
    assert_true(stage->memory->repeated >= 3);
}

static void test_an_image_of_another_log_is_not_believed(void **state)
{
    struct stage *stage = *state;
    stage_begin(stage, RING_COUNT);
    minutes_pass(stage, 100);
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    stage_end(stage, false);
    story_strike((void **)&stage->story);
    assert_int_equal(story_set((void **)&stage->story), 0);
    stage_begin(stage, RING_COUNT);
    minutes_pass(stage, 10);
    stage_end(stage, true);
    stage_begin(stage, RING_COUNT);
    uint32_t seen_count = stage->memory->seen_count;
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_true(stage->memory->seen_count >= seen_count + 20);
    stage_end(stage, false);
}

static void test_the_registry_is_asked_again_when_it_has_changed(void **state)
{
    struct stage *stage = *state;
    stage_begin(stage, RING_COUNT);
    minutes_pass(stage, 1);
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_int_equal(stage->memory->facts_count, 1);
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_int_equal(stage->memory->facts_count, 1);
    struct watch_rules rules;
    watch_rules_default(&rules);
    struct watch_words words = words_of(&rules);
    watch_duty_use(stage->duty, &words); /* a reload */
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_int_equal(stage->memory->facts_count, 2);
    stage->memory->registry_version = 7;
    story_pause(2100000);
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_int_equal(stage->memory->facts_count, 3);
    assert_true(stage->memory->time_count >= 2);
    stage_end(stage, false);
    assert_int_equal(stage->memory->flush_count, 1);
}

/* The clock was ahead for a row, and is right again. */
static void test_cases_are_told_the_clock_of_the_switch_and_not_that_of_a_row(void **state)
{
    struct stage *stage = *state;
    stage_begin(stage, RING_COUNT);
    minutes_pass(stage, 1);
    int64_t right_us = stage->story->wall_us;
    stage->story->wall_us += INT64_C(30) * 86400000000;
    minutes_pass(stage, 1);
    observation_ring_mark(stage->ring, right_us, stage->story->position);
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_int_equal(stage->memory->seen_position, stage->story->position);
    assert_int_equal(stage->memory->time_count, 1);
    assert_true(stage->memory->time_us == right_us);
    stage_end(stage, false);
}

static void test_an_image_that_cannot_be_written_is_said_and_the_rest_goes_on(void **state)
{
    struct stage *stage = *state;
    char path[128];
    stage_begin(stage, RING_COUNT);
    minutes_pass(stage, 30);
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    snprintf(path, sizeof(path), "%s/" WATCH_IMAGE_NAME ".new", stage->folder);
    assert_int_equal(mkdir(path, 0700), 0); /* stands in the way */
    watch_duty_end(stage->duty, UNTIL_NS);
    assert_int_equal(counts_of(stage).image_failures, 1);
    assert_int_equal(counts_of(stage).images, 0);
    assert_int_equal(rmdir(path), 0);
    watch_duty_end(stage->duty, UNTIL_NS);
    assert_int_equal(counts_of(stage).images, 1);
    stage_end(stage, true);
}

/* What is left there is for reversals and their results. */
static void test_what_the_log_has_reserved_of_its_disk_is_not_taken(void **state)
{
    struct stage *stage = *state;
    struct watch_duty_setup setup;
    stage_begin(stage, RING_COUNT);
    watch_duty_destroy(stage->duty);
    setup = duty_setup(stage);
    setup.reserve_bytes = INT64_MAX;
    struct watch_rules rules;
    watch_rules_default(&rules);
    struct watch_words words = words_of(&rules);
    stage->duty = watch_duty_create(&setup);
    watch_duty_use(stage->duty, &words);
    minutes_pass(stage, 30);
    assert_false(watch_duty_turn(stage->duty, UNTIL_NS));
    watch_duty_end(stage->duty, UNTIL_NS);
    assert_int_equal(counts_of(stage).failures, 1);
    assert_int_equal(stage->memory->seen_count + stage->memory->flush_count, 0);
    watch_duty_destroy(stage->duty);
    duty_begin(stage); /* there is room again */
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_true(stage->memory->seen_count > 30);
    watch_duty_end(stage->duty, UNTIL_NS);
    assert_int_equal(counts_of(stage).images, 1);
    stage_end(stage, true);
}

/* Else a kill behind the image would lose what the sink has not written yet. */
static void test_what_the_image_knows_is_written_by_the_sink_before(void **state)
{
    struct stage *stage = *state;
    stage_begin(stage, RING_COUNT);
    minutes_pass(stage, 30);
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_int_equal(stage->memory->flush_count, 0);
    stage->memory->flush_failures_left = 1;
    watch_duty_end(stage->duty, UNTIL_NS);
    assert_int_equal(stage->memory->flush_count, 1);
    assert_int_equal(counts_of(stage).images, 0);
    assert_int_equal(counts_of(stage).failures, 1);
    watch_duty_end(stage->duty, UNTIL_NS);
    assert_int_equal(stage->memory->flush_count, 2);
    assert_int_equal(counts_of(stage).images, 1);
    stage_end(stage, true);
}

static void duty_begin_with(struct stage *stage, const struct watch_duty_setup *setup)
{
    struct watch_rules rules;
    watch_rules_default(&rules);
    struct watch_words words = words_of(&rules);
    watch_duty_destroy(stage->duty);
    stage->duty = watch_duty_create(setup);
    assert_non_null(stage->duty);
    watch_duty_use(stage->duty, &words);
}

/* Where reading a few rows again is all that one would save. */
static void test_an_image_waits_until_enough_has_come_or_it_is_old(void **state)
{
    struct stage *stage = *state;
    stage_begin(stage, RING_COUNT);
    struct watch_duty_setup setup = duty_setup(stage);
    setup.image_every_ms = 400;
    duty_begin_with(stage, &setup);
    minutes_pass(stage, 1);
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    story_pause(410000);
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_int_equal(counts_of(stage).images, 1); /* the first */
    minutes_pass(stage, 1);
    for (int i = 0; i < 2; i++) {
        story_pause(410000);
        assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    }
    assert_int_equal(counts_of(stage).images, 1);
    minutes_pass(stage, 300);
    assert_true(
        watch_duty_turn(stage->duty, UNTIL_NS)); /* by now it is due again, or at the next */
    story_pause(410000);
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_int_equal(counts_of(stage).images, 2);
    minutes_pass(stage, 1);
    for (int i = 0; i < 400 && counts_of(stage).images == 2; i++) {
        story_pause(50000);
        assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    }
    assert_int_equal(counts_of(stage).images, 3);
    minutes_pass(stage, 1);
    stage_end(stage, false); /* at the end, whatever came */
    stage_begin(stage, RING_COUNT);
    uint32_t seen_count = stage->memory->seen_count;
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_int_equal(stage->memory->seen_count, seen_count);
    stage_end(stage, true);
}

static bool rest_is_over(void *argument, uint64_t rest_ns)
{
    (void)rest_ns;
    ++*(uint32_t *)argument;
    return false;
}

static bool says_given_up(struct log_capture *capture)
{
    log_capture_end(capture);
    return strstr(capture->text, "given up, to end in time") != NULL;
}

/* Cards for some pieces. That it was given up is said where no image is written, and only there. */
static void test_an_image_that_is_given_up_is_written_at_the_end(void **state)
{
    static struct log_capture capture;
    struct stage *stage = *state;
    uint32_t rest_count = 0;
    stage_begin(stage, RING_COUNT);
    struct watch_duty_setup setup = duty_setup(stage);
    setup.image_every_ms = 1;
    setup.limits.card_count_max = 65536;
    setup.rest = rest_is_over;
    setup.rest_argument = &rest_count;
    duty_begin_with(stage, &setup);
    minutes_pass(stage, 30);
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    story_pause(2000);
    log_capture_begin(&capture);
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_false(says_given_up(&capture)); /* the end may write it yet */
    assert_true(rest_count > 0);
    assert_int_equal(counts_of(stage).images + counts_of(stage).image_failures, 0);
    log_capture_begin(&capture);
    watch_duty_end(stage->duty, 0); /* there is no time for it */
    assert_true(says_given_up(&capture));
    assert_int_equal(counts_of(stage).images + counts_of(stage).image_failures, 0);
    log_capture_begin(&capture);
    watch_duty_end(stage->duty, UNTIL_NS);
    assert_false(says_given_up(&capture));
    assert_int_equal(counts_of(stage).images, 1);
    stage_end(stage, true);
}

static bool rest_long(void *argument, uint64_t rest_ns)
{
    (void)argument;
    (void)rest_ns;
    story_pause(250000);
    return true;
}

/* What people do in the database has to be told on meanwhile. */
static void test_the_sink_is_told_of_time_while_an_image_is_written(void **state)
{
    struct stage *stage = *state;
    stage_begin(stage, RING_COUNT);
    struct watch_duty_setup setup = duty_setup(stage);
    setup.image_every_ms = 1;
    setup.limits.card_count_max = 262144;
    setup.rest = rest_long;
    duty_begin_with(stage, &setup);
    (void)watch_duty_turn(stage->duty, UNTIL_NS);
    minutes_pass(stage, 30);
    story_pause(1100000);
    uint32_t time_count = stage->memory->time_count;
    assert_true(watch_duty_turn(stage->duty, UNTIL_NS));
    assert_int_equal(counts_of(stage).images, 1);
    assert_true(stage->memory->time_count >= time_count + 2); /* and once after its rows */
    stage_end(stage, true);
}

int main(void)
{
#define STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)
    const struct CMUnitTest tests[] = {
        STAGE(test_a_look_tells_what_the_windows_of_one_terminal_hold),
        STAGE(test_restarts_in_order_and_kills_change_no_flag),
        STAGE(test_what_the_ring_drops_is_read_from_the_log),
        STAGE(test_reading_the_log_ends_with_the_turn),
        STAGE(test_a_sink_that_fails_is_told_again_and_nothing_is_lost),
        STAGE(test_a_database_that_opens_late_misses_nothing),
        STAGE(test_an_image_that_is_damaged_is_not_believed_and_the_log_is_read_anew),
        STAGE(test_an_image_of_another_log_is_not_believed),
        STAGE(test_the_registry_is_asked_again_when_it_has_changed),
        STAGE(test_cases_are_told_the_clock_of_the_switch_and_not_that_of_a_row),
        STAGE(test_an_image_that_cannot_be_written_is_said_and_the_rest_goes_on),
        STAGE(test_what_the_log_has_reserved_of_its_disk_is_not_taken),
        STAGE(test_what_the_image_knows_is_written_by_the_sink_before),
        STAGE(test_an_image_waits_until_enough_has_come_or_it_is_old),
        STAGE(test_an_image_that_is_given_up_is_written_at_the_end),
        STAGE(test_the_sink_is_told_of_time_while_an_image_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
