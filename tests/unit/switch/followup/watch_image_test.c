/* The file of what the watcher remembers: whole, or not believed. */
#include "switch/followup/watch_image.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/log_folder_strike.h"
#include "tests/unit/switch/followup/followup_scene.h"

struct stage {
    char folder[64], path[96], reason[WATCH_IMAGE_REASON_SIZE];
    struct watcher *watcher;
};

static const struct watch_limits LIMITS = {16, 4, 64, 64};
static const struct file_pace NO_PACE = {.rest = NULL};

static enum status image_write(struct stage *stage)
{
    return watch_image_write(stage->watcher, stage->folder, &NO_PACE, stage->reason);
}

static int stage_set(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/tillway-image-XXXXXX");
    if (mkdtemp(stage->folder) == NULL) {
        return -1;
    }
    snprintf(stage->path, sizeof(stage->path), "%s/" WATCH_IMAGE_NAME, stage->folder);
    stage->watcher = watcher_create(&LIMITS);
    struct terminal_facts facts = {.terminal_id = "00000001", .is_active = true};
    if (!watcher_learn_terminal(stage->watcher, &facts)) {
        return -1;
    }
    struct watch_output output;
    watcher_step(stage->watcher,
                 &(struct observation){.kind = OBSERVATION_SIGNED_ON,
                                       .position = 77,
                                       .wall_us = INT64_C(1790000000000000),
                                       .count = 1,
                                       .terminal_id = "00000001"},
                 &output);
    *state = stage;
    return 0;
}

static int stage_strike(void **state)
{
    struct stage *stage = *state;
    watcher_destroy(stage->watcher);
    log_folder_strike(stage->folder);
    free(stage);
    return 0;
}

static enum status read_into(struct stage *stage, const struct watch_limits *limits, uint64_t *hash)
{
    struct watcher *other = watcher_create(limits);
    assert_non_null(other);
    enum status status = watch_image_read(other, stage->folder, stage->reason);
    *hash = status == STATUS_OK ? watcher_state_hash(other) : 0;
    watcher_destroy(other);
    return status;
}

static void test_what_is_written_is_read_back(void **state)
{
    struct stage *stage = *state;
    uint64_t hash;
    struct stat about;
    assert_int_equal(read_into(stage, &LIMITS, &hash), STATUS_NOT_FOUND);
    for (int i = 0; i < 2; i++) { /* the second takes the place of the first */
        assert_int_equal(image_write(stage), STATUS_OK);
        assert_int_equal(read_into(stage, &LIMITS, &hash), STATUS_OK);
        assert_true(hash == watcher_state_hash(stage->watcher));
    }
    assert_int_equal(stat(stage->path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

static void test_other_limits_are_told(void **state)
{
    struct stage *stage = *state;
    struct watch_limits more = LIMITS, less = LIMITS;
    uint64_t hash;
    more.terminal_count_max *= 2;
    less.card_count_max /= 2;
    assert_int_equal(image_write(stage), STATUS_OK);
    assert_int_equal(read_into(stage, &more, &hash), STATUS_BAD_VALUE);
    assert_non_null(strstr(stage->reason, stage->path));
    assert_int_equal(read_into(stage, &less, &hash), STATUS_BAD_VALUE);
}

static void test_a_file_that_ends_early_or_late_is_refused(void **state)
{
    struct stage *stage = *state;
    struct stat about;
    uint64_t hash;
    assert_int_equal(image_write(stage), STATUS_OK);
    assert_int_equal(stat(stage->path, &about), 0);
    const off_t lengths[] = {about.st_size + 1, about.st_size - 1, 40, 3, 0};
    for (unsigned i = 0; i < COUNT_OF(lengths); i++) {
        assert_int_equal(truncate(stage->path, lengths[i]), 0);
        assert_int_equal(read_into(stage, &LIMITS, &hash), STATUS_BAD_VALUE);
    }
}

static void test_every_changed_byte_is_seen(void **state)
{
    struct stage *stage = *state;
    struct stat about;
    uint64_t hash;
    assert_int_equal(image_write(stage), STATUS_OK);
    assert_int_equal(stat(stage->path, &about), 0);
    FILE *file = fopen(stage->path, "r+b");
    assert_non_null(file);
    for (off_t at = 0; at < about.st_size; at += 1 + about.st_size / 97) {
        for (int twice = 0; twice < 2; twice++) {
            assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
            int byte = fgetc(file);
            assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
            assert_true(fputc(byte ^ 1, file) != EOF);
            assert_int_equal(fflush(file), 0);
            assert_int_equal(read_into(stage, &LIMITS, &hash),
                             twice == 0 ? STATUS_BAD_VALUE : STATUS_OK);
        }
    }
    assert_int_equal(fclose(file), 0);
}

static bool goes_on_for(void *argument, uint64_t rest_ns)
{
    uint32_t *left = argument;
    (void)rest_ns;
    return (*left)-- > 1;
}

/* Of some pieces; what is given up, or what a crash leaves of it, takes nothing away. */
static void test_one_that_is_not_finished_leaves_the_one_before(void **state)
{
    struct stage *stage = *state;
    const struct watch_limits limits = {16, 4, 65536, 64};
    struct watch_output output;
    uint64_t hash, before;
    uint32_t left = 2;
    char fresh[sizeof(stage->path) + 8];
    const struct file_pace pace = {UINT32_MAX, goes_on_for, &left};
    watcher_destroy(stage->watcher);
    stage->watcher = watcher_create(&limits);
    assert_true(watch_image_bytes(stage->watcher) > 2 * PACED_FILE_PIECE_BYTES);
    assert_int_equal(image_write(stage), STATUS_OK);
    before = watcher_state_hash(stage->watcher);
    watcher_step(
        stage->watcher,
        &(struct observation){.kind = OBSERVATION_TIME, .wall_us = INT64_C(1790000000000000)},
        &output);
    assert_true(before != watcher_state_hash(stage->watcher));
    assert_int_equal(watch_image_write(stage->watcher, stage->folder, &pace, stage->reason),
                     STATUS_EXPIRED);
    assert_int_equal(left, 0);
    assert_int_equal(read_into(stage, &limits, &hash), STATUS_OK);
    assert_true(hash == before);
    snprintf(fresh, sizeof(fresh), "%s.new", stage->path);
    assert_int_equal(access(fresh, F_OK), -1);
    FILE *half = fopen(fresh, "wb");
    assert_non_null(half);
    assert_true(fputs("as far as it came", half) >= 0);
    assert_int_equal(fclose(half), 0);
    assert_int_equal(read_into(stage, &limits, &hash), STATUS_OK);
    assert_true(hash == before);
    assert_int_equal(image_write(stage), STATUS_OK);
    assert_int_equal(read_into(stage, &limits, &hash), STATUS_OK);
    assert_true(hash == watcher_state_hash(stage->watcher));
}

static void test_a_folder_that_is_not_there_is_told(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(watch_image_write(stage->watcher, "/nowhere/at/all", &NO_PACE, stage->reason),
                     STATUS_BROKEN);
    assert_non_null(strstr(stage->reason, "/nowhere/at/all"));
}

int main(void)
{
#define STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)
    const struct CMUnitTest tests[] = {
        STAGE(test_what_is_written_is_read_back),
        STAGE(test_other_limits_are_told),
        STAGE(test_a_file_that_ends_early_or_late_is_refused),
        STAGE(test_every_changed_byte_is_seen),
        STAGE(test_one_that_is_not_finished_leaves_the_one_before),
        STAGE(test_a_folder_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
