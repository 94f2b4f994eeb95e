/* The ring between two threads: everything comes once and in order, out of it or out of the log. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "switch/engine/engine.h"
#include "switch/followup/observation_ring.h"
#include "tests/unit/unit_test.h"

#define ROW_COUNT 200000
#define FIRST_POSITION 101 /* rows before it stand in the log alone */
#define GROUP_COUNT_MAX 37

/* Each third row says nothing that is watched. */
static void row_make(struct record *record, uint64_t position)
{
    bool is_silent = position % 3 == 0;
    record->position = position;
    record->kind = is_silent ? RECORD_REVERSAL_SENT : RECORD_SIGNON;
    record->payment_kind = PAYMENT_SIGNON;
    record->wall_us = (int64_t)position * 1000;
}

struct stage {
    struct observation_ring *ring;
    struct record *group; /* of the writer */
    atomic_ullong logged; /* what the log holds */
};

static void stage_open(struct stage *stage, uint32_t count_max)
{
    *stage = (struct stage){.ring = observation_ring_create(count_max, FIRST_POSITION - 1),
                            .group = calloc(GROUP_COUNT_MAX, sizeof(struct record))};
    assert_true(stage->ring != NULL && stage->group != NULL);
    atomic_store(&stage->logged, FIRST_POSITION - 1);
}

static void stage_close(struct stage *stage)
{
    observation_ring_destroy(stage->ring);
    free(stage->group);
}

static void group_put(struct stage *stage, uint32_t count)
{
    uint64_t first = atomic_load(&stage->logged) + 1;
    for (uint32_t i = 0; i < count; i++) {
        row_make(&stage->group[i], first + i);
    }
    atomic_store(&stage->logged, first + count - 1);
    observation_ring_put(stage->ring, stage->group, count);
}

static void *writer_run(void *argument)
{
    struct stage *stage = argument;
    uint32_t number = 1;
    while (atomic_load(&stage->logged) < ROW_COUNT) {
        uint64_t left = ROW_COUNT - atomic_load(&stage->logged);
        number = number * 1664525u + 1013904223u;
        uint32_t count = 1 + (number >> 16) % GROUP_COUNT_MAX;
        group_put(stage, count < left ? count : (uint32_t)left);
    }
    return NULL;
}

/* What a reader has been told; `is_seen` must be what row_make says. */
struct reading {
    uint64_t position, from_ring, from_log;
};

static void log_read(struct reading *reading, struct stage *stage, uint64_t until)
{
    assert_true(until > reading->position);
    assert_true(until <= atomic_load(&stage->logged)); /* only what is durable is asked for */
    for (; reading->position < until; reading->position++) {
        reading->from_log += (reading->position + 1) % 3 != 0 ? 1 : 0;
    }
}

/* Answers whether anything came. */
static bool read_some(struct reading *reading, struct stage *stage)
{
    struct observation seen;
    uint64_t until;
    switch (observation_ring_take(stage->ring, reading->position, &seen, &until)) {
    case RING_OBSERVATION:
        assert_int_equal(seen.kind, OBSERVATION_SIGNED_ON);
        assert_true(seen.position == until && seen.wall_us == (int64_t)until * 1000);
        /* between the two only rows that say nothing */
        for (uint64_t at = reading->position + 1; at < until; at++) {
            assert_int_equal(at % 3, 0);
        }
        reading->position = until;
        reading->from_ring++;
        return true;
    case RING_GAP:
        log_read(reading, stage, until);
        return true;
    case RING_EMPTY:
        for (uint64_t at = reading->position + 1; at <= until; at++) {
            assert_int_equal(at % 3, 0);
        }
        reading->position = until;
        return false;
    }
    return false;
}

static void read_beside_a_writer(uint32_t count_max, struct reading *reading)
{
    struct stage stage;
    pthread_t writer;
    stage_open(&stage, count_max);
    assert_int_equal(pthread_create(&writer, NULL, writer_run, &stage), 0);
    while (reading->position < ROW_COUNT) {
        (void)read_some(reading, &stage);
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_false(read_some(reading, &stage));
    assert_int_equal(reading->from_ring + reading->from_log, ROW_COUNT - ROW_COUNT / 3);
    stage_close(&stage);
}

static void test_beside_a_writer_everything_comes_once_and_in_order(void **state)
{
    (void)state;
    static const uint32_t ROOMS[] = {1, 3, 64, ROW_COUNT};
    for (unsigned i = 0; i < COUNT_OF(ROOMS); i++) {
        struct reading reading = {0};
        read_beside_a_writer(ROOMS[i], &reading);
        if (ROOMS[i] == ROW_COUNT) { /* nothing was dropped: only what was before is of the log */
            assert_int_equal(reading.from_log, FIRST_POSITION - 1 - (FIRST_POSITION - 1) / 3);
        }
    }
}

static void test_a_full_ring_drops_and_the_log_has_it(void **state)
{
    (void)state;
    struct stage stage;
    struct reading reading = {.position = FIRST_POSITION - 1};
    struct ring_counts counts;
    stage_open(&stage, 4);
    assert_false(read_some(&reading, &stage));
    group_put(&stage, 12); /* 101, 103, 104, 106 go in, the rest is dropped */
    observation_ring_count(stage.ring, &counts);
    assert_int_equal(counts.position, 112);
    assert_int_equal(counts.dropped, 6); /* 107 to 112: a full ring looks at no row */
    for (unsigned i = 0; i < 4; i++) {
        assert_true(read_some(&reading, &stage));
    }
    assert_int_equal(reading.position, 106);
    group_put(&stage, 1); /* 113 says itself that something is missing before it */
    assert_true(read_some(&reading, &stage));
    assert_int_equal(reading.position, 112);
    assert_int_equal(reading.from_log, 4);
    assert_true(read_some(&reading, &stage));
    assert_int_equal(reading.position, 113);
    assert_false(read_some(&reading, &stage));
    stage_close(&stage);
}

static void test_who_knows_more_than_the_ring_is_told_nothing_twice(void **state)
{
    (void)state;
    struct stage stage;
    struct reading reading = {.position = 110};
    stage_open(&stage, 64);
    group_put(&stage, 12);
    assert_true(read_some(&reading, &stage));
    assert_int_equal(reading.position, 112);
    assert_int_equal(reading.from_ring, 1);
    assert_false(read_some(&reading, &stage));
    stage_close(&stage);
}

static void test_time_is_certain_once_all_that_was_handed_over_is_known(void **state)
{
    (void)state;
    struct stage stage;
    int64_t wall_us;
    stage_open(&stage, 64);
    assert_false(observation_ring_time(stage.ring, UINT64_MAX, &wall_us)); /* nobody has said one */
    observation_ring_mark(stage.ring, 7000000, 104);
    assert_false(observation_ring_time(stage.ring, 103, &wall_us));
    assert_true(observation_ring_time(stage.ring, 104, &wall_us));
    assert_true(wall_us == 7000000);
    observation_ring_mark(stage.ring, 8000000, 104);
    assert_true(observation_ring_time(stage.ring, 105, &wall_us));
    assert_true(wall_us == 8000000);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beside_a_writer_everything_comes_once_and_in_order),
        cmocka_unit_test(test_a_full_ring_drops_and_the_log_has_it),
        cmocka_unit_test(test_who_knows_more_than_the_ring_is_told_nothing_twice),
        cmocka_unit_test(test_time_is_certain_once_all_that_was_handed_over_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
