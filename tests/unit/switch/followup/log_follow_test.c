/* The log read as observations: over segments, beside its writer, after a purge, with a torn end.
 */
#include "switch/followup/log_follow.h"

#include "protocols/base/pause.h"
#include "switch/store/observe.h"
#include "tests/unit/switch/store/log_story.h"

#define ROW_COUNT_MAX 65536

struct heard {
    uint64_t positions[ROW_COUNT_MAX];
    uint32_t count, stop_at; /* 0: never */
};

static bool on_observation(void *argument, const struct observation *seen)
{
    struct heard *heard = argument;
    assert_true(heard->count < ROW_COUNT_MAX);
    heard->positions[heard->count++] = seen->position;
    return heard->count != heard->stop_at;
}

/* What was put, as far as it is watched. */
static void on_committed(void *argument, const struct record *records, uint32_t count)
{
    struct observation seen;
    for (uint32_t i = 0; i < count; i++) {
        if (observation_of_record(&records[i], &seen)) {
            (void)on_observation(argument, &seen);
        }
    }
}

/* Four segments or more, with rows between that say nothing. */
static void write_log(struct story *story, struct heard *put)
{
    uint32_t seq = 1, open_ordinal = 0, sealed_last = 0;
    story->setup.on_committed = on_committed;
    story->setup.committed_argument = put;
    story_begin(story, story_ignore, NULL);
    while (open_ordinal < 5) {
        story->wall_us += 60000000;
        story_purchase(story, seq);
        if (seq % 5 == 0) {
            story_reverse(story, seq + 1, seq, 2, true);
            seq++;
        }
        seq++;
        story_wait_durable(story);
        story_pause(500);
        store_segments(story->store, &open_ordinal, &sealed_last);
    }
    story_wait_sealed(story, 4);
    story_purchase(story, seq);
    story_wait_durable(story);
}

/* Answers the last position. */
static uint64_t read_on(struct log_follow *follow, struct heard *heard, uint64_t after,
                        uint64_t until)
{
    char reason[LOG_REASON_SIZE] = "";
    struct follow_reading reading = {
        .after = after, .until = until, .on_observation = on_observation, .argument = heard};
    for (;;) {
        enum status status = log_follow_read(follow, &reading, reason);
        if (status != STATUS_OK) {
            print_message("%s\n", reason);
        }
        assert_int_equal(status, STATUS_OK);
        if (reading.reached == reading.after || heard->count == heard->stop_at) {
            return reading.reached;
        }
        reading.after = reading.reached;
    }
}

/* That `heard` is what was put after `after`. */
static void expect_rest(const struct heard *put, const struct heard *heard, uint64_t after)
{
    uint32_t first = 0;
    while (first < put->count && put->positions[first] <= after) {
        first++;
    }
    assert_int_equal(heard->count, put->count - first);
    assert_memory_equal(heard->positions, &put->positions[first], heard->count * sizeof(uint64_t));
}

static void test_all_segments_are_read_from_anywhere_beside_the_writer(void **state)
{
    struct story *story = *state;
    static struct heard put, heard;
    put = (struct heard){.count = 0};
    write_log(story, &put);
    struct log_follow *follow = log_follow_create(story->folder);
    assert_non_null(follow);
    for (uint64_t after = 0; after <= story->position; after += 61) {
        heard = (struct heard){.count = 0};
        assert_int_equal(read_on(follow, &heard, after, UINT64_MAX), story->position);
        expect_rest(&put, &heard, after);
    }
    /* what is written behind the end is found from there */
    heard = (struct heard){.count = 0};
    uint64_t end = story->position;
    story_purchase(story, 3000);
    story_wait_durable(story);
    assert_int_equal(read_on(follow, &heard, end, UINT64_MAX), end + 2);
    assert_int_equal(heard.count, 2);
    log_follow_destroy(follow);
    story_end(story);
}

static void test_no_more_is_read_than_is_wanted(void **state)
{
    struct story *story = *state;
    static struct heard put, heard;
    put = (struct heard){.count = 0};
    write_log(story, &put);
    story_end(story);
    struct log_follow *follow = log_follow_create(story->folder);
    heard = (struct heard){.count = 0};
    assert_int_equal(read_on(follow, &heard, 0, 150), 150);
    assert_true(heard.positions[heard.count - 1] <= 150);
    heard = (struct heard){.stop_at = 7};
    uint64_t reached = read_on(follow, &heard, 120, UINT64_MAX);
    assert_int_equal(reached, heard.positions[6]);
    assert_int_equal(heard.count, 7);
    log_follow_destroy(follow);
}

static void test_what_was_purged_is_passed_over(void **state)
{
    struct story *story = *state;
    static struct heard put, heard;
    char path[128], reason[LOG_REASON_SIZE] = "";
    put = (struct heard){.count = 0};
    write_log(story, &put);
    story_end(story);
    struct log_follow *follow = log_follow_create(story->folder);
    heard = (struct heard){.stop_at = 1};
    (void)read_on(follow, &heard, 0, UINT64_MAX);
    for (int ordinal = 1; ordinal <= 2; ordinal++) {
        snprintf(path, sizeof(path), "%s/segment-%06d.db", story->folder, ordinal);
        assert_int_equal(unlink(path), 0);
    }
    heard = (struct heard){.count = 0};
    struct follow_reading reading = {
        .after = 1, .until = UINT64_MAX, .on_observation = on_observation, .argument = &heard};
    enum status status = log_follow_read(follow, &reading, reason);
    assert_int_equal(status, STATUS_OK);
    assert_true(reading.is_purged);
    assert_true(heard.count > 0);
    uint64_t first = heard.positions[0];
    assert_true(first > 200); /* two segments of 100 rows and more are gone */
    while (reading.reached > reading.after) {
        reading.after = reading.reached;
        assert_int_equal(log_follow_read(follow, &reading, reason), STATUS_OK);
    }
    expect_rest(&put, &heard, first - 1);
    log_follow_destroy(follow);
}

static void copy_file(const char *from, const char *to, long cut)
{
    static char bytes[8 << 20];
    FILE *in = fopen(from, "rb");
    assert_non_null(in);
    size_t length = fread(bytes, 1, sizeof(bytes), in);
    assert_true(length < sizeof(bytes) && (long)length > cut);
    assert_int_equal(fclose(in), 0);
    FILE *out = fopen(to, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, length - (size_t)cut, out), length - (size_t)cut);
    assert_int_equal(fclose(out), 0);
}

static void test_a_torn_end_is_no_row(void **state)
{
    struct story *story = *state;
    static struct heard put, heard;
    char from[128], to[128], torn[64];
    put = (struct heard){.count = 0};
    story->setup.on_committed = on_committed;
    story->setup.committed_argument = &put;
    story->must_flush_each = true;
    story_begin(story, story_ignore, NULL);
    for (uint32_t seq = 1; seq <= 20; seq++) {
        story_purchase(story, seq);
    }
    snprintf(torn, sizeof(torn), "/tmp/tillway-torn-XXXXXX");
    assert_non_null(mkdtemp(torn));
    static const char *const ENDINGS[] = {"", "-wal"};
    for (unsigned i = 0; i < COUNT_OF(ENDINGS); i++) {
        snprintf(from, sizeof(from), "%s/segment-000001.db%s", story->folder, ENDINGS[i]);
        snprintf(to, sizeof(to), "%s/segment-000001.db%s", torn, ENDINGS[i]);
        copy_file(from, to, i == 1 ? 900 : 0); /* the middle of the last frame */
    }
    struct log_follow *follow = log_follow_create(torn);
    heard = (struct heard){.count = 0};
    assert_int_equal(read_on(follow, &heard, 0, UINT64_MAX), 39); /* 40 was not whole */
    assert_int_equal(heard.count, put.count - 1);
    assert_memory_equal(heard.positions, put.positions, heard.count * sizeof(uint64_t));
    log_follow_destroy(follow);
    log_folder_strike(torn);
    story_end(story);
}

static void test_reading_begins_with_the_segment_of_a_moment(void **state)
{
    struct story *story = *state;
    static struct heard put;
    char reason[LOG_REASON_SIZE] = "";
    uint64_t after = 1;
    put = (struct heard){.count = 0};
    write_log(story, &put);
    story_end(story);
    struct log_follow *follow = log_follow_create(story->folder);
    assert_int_equal(log_follow_since(follow, 0, &after, reason), STATUS_OK);
    assert_int_equal(after, 0);
    assert_int_equal(log_follow_since(follow, INT64_MAX, &after, reason), STATUS_OK);
    assert_in_range(after, 400, story->position); /* the last of five */
    log_follow_destroy(follow);
}

static void test_a_folder_without_a_log_is_told(void **state)
{
    struct story *story = *state;
    char reason[LOG_REASON_SIZE] = "";
    struct follow_reading reading = {.until = UINT64_MAX, .on_observation = on_observation};
    struct log_follow *follow = log_follow_create(story->folder);
    assert_int_equal(log_follow_read(follow, &reading, reason), STATUS_UNSUPPORTED);
    assert_non_null(strstr(reason, story->folder));
    log_follow_destroy(follow);
    char path[LOG_PATH_SIZE];
    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = 0;
    assert_null(log_follow_create(path));
}

static uint32_t pause_count;

static void on_pause(void)
{
    pause_count++;
}

/* A thread that must not be felt by the payments gives the core up between two rows, while they
 * come from the disk and while they are told. */
static void test_reading_pauses_between_rows(void **state)
{
    struct story *story = *state;
    static struct heard heard;
    story_begin(story, story_ignore, NULL);
    for (uint32_t seq = 1; seq <= 8 * PAUSE_POINTS; seq++) {
        story_purchase(story, seq);
    }
    story_end(story);
    struct log_follow *follow = log_follow_create(story->folder);
    pause_count = 0;
    pause_set(on_pause);
    uint64_t last = read_on(follow, &heard, 0, UINT64_MAX);
    pause_set(NULL);
    assert_int_equal(last, story->position);
    assert_int_equal(pause_count, 2 * last / PAUSE_POINTS);
    log_follow_destroy(follow);
}

int main(void)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, story_set, story_strike)
    const struct CMUnitTest tests[] = {
        STORY(test_reading_pauses_between_rows),
        STORY(test_all_segments_are_read_from_anywhere_beside_the_writer),
        STORY(test_no_more_is_read_than_is_wanted),
        STORY(test_what_was_purged_is_passed_over),
        STORY(test_a_torn_end_is_no_row),
        STORY(test_reading_begins_with_the_segment_of_a_moment),
        STORY(test_a_folder_without_a_log_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
