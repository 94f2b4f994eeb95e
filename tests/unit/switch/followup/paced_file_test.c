/* A large file in pieces: at its pace, at idle priority, and given up when it is told so. */
#define _GNU_SOURCE /* syscall */
#include "switch/followup/paced_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit_test.h"

#define LENGTH (5 * PACED_FILE_PIECE_BYTES + 12345)
#define NS_PER_S UINT64_C(1000000000)

/* Stands before the kernel's: what it answers, and how often it was asked; 0: as the kernel does.
 */
static int range_error;
static uint32_t range_count;

int sync_file_range(int descriptor, off_t begin, off_t length, unsigned flags)
{
    range_count++;
    if (range_error != 0) {
        errno = range_error;
        return -1;
    }
    return (int)syscall(SYS_sync_file_range, descriptor, begin, length, flags);
}

struct stage {
    char path[64];
    uint8_t *bytes;
    uint32_t rest_count, rest_count_max;
    uint64_t rest_ns;
    int priority; /* the thread's before the test; -1: the kernel knows none */
};

#define USUAL IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 5)

static int priority_now(void)
{
    return (int)syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
}

/* Whoever runs the tests may have lowered it. */
static int priority_take(int priority)
{
    return (int)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, priority);
}

/* Waits for nothing. */
static bool rest(void *argument, uint64_t rest_ns)
{
    struct stage *stage = argument;
    stage->rest_count++;
    stage->rest_ns += rest_ns;
    assert_true(stage->priority < 0 || priority_now() == USUAL);
    return stage->rest_count < stage->rest_count_max;
}

static int stage_set(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    stage->bytes = malloc(LENGTH);
    stage->rest_count_max = UINT32_MAX;
    memcpy(stage->path, "/tmp/tillway-paced-XXXXXX", sizeof("/tmp/tillway-paced-XXXXXX"));
    int descriptor = mkstemp(stage->path);
    if (stage->bytes == NULL || descriptor < 0 || close(descriptor) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < LENGTH; i++) {
        stage->bytes[i] = (uint8_t)(i * 2654435761u >> 24);
    }
    stage->priority = priority_now();
    *state = stage;
    return stage->priority < 0 ? 0 : priority_take(USUAL);
}

static int stage_strike(void **state)
{
    struct stage *stage = *state;
    range_error = 0;
    int failed = stage->priority < 0 ? 0 : priority_take(stage->priority);
    unlink(stage->path);
    free(stage->bytes);
    free(stage);
    return failed;
}

/* In two parts, neither of which ends with a piece. */
static enum status write_all(struct stage *stage, uint32_t bytes_per_s)
{
    struct paced_file file;
    const struct file_pace pace = {bytes_per_s, rest, stage};
    const uint32_t first = PACED_FILE_PIECE_BYTES + 99;
    assert_int_equal(paced_file_open(&file, stage->path, &pace), STATUS_OK);
    enum status status = paced_file_put(&file, (struct byte_view){stage->bytes, first});
    if (status == STATUS_OK) {
        status = paced_file_put(&file, (struct byte_view){stage->bytes + first, LENGTH - first});
    }
    assert_int_equal(paced_file_close(&file), STATUS_OK);
    return status;
}

static void expect_whole(const struct stage *stage)
{
    uint8_t *found = malloc(LENGTH + 1);
    FILE *file = fopen(stage->path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(found, 1, LENGTH + 1, file), LENGTH);
    assert_memory_equal(found, stage->bytes, LENGTH);
    assert_int_equal(fclose(file), 0);
    free(found);
}

static void test_the_whole_file_is_written_piece_by_piece(void **state)
{
    struct stage *stage = *state;
    for (int i = 0; i < 2; i++) { /* the second empties what is there */
        stage->rest_count = 0;
        assert_int_equal(write_all(stage, 0), STATUS_OK);
        assert_int_equal(stage->rest_count, 5);
        assert_int_equal(stage->rest_ns, 0);
        expect_whole(stage);
    }
}

/* However fast the disk is: the rests alone make up for it, within the time that it took itself. */
static void test_no_more_than_so_many_bytes_a_second_are_written(void **state)
{
    struct stage *stage = *state;
    const uint64_t pieces_ns = 5 * (uint64_t)PACED_FILE_PIECE_BYTES * NS_PER_S / 1000000;
    assert_int_equal(write_all(stage, 1000000), STATUS_OK);
    assert_int_equal(stage->rest_count, 5);
    assert_true(stage->rest_ns <= pieces_ns);
    assert_true(stage->rest_ns > pieces_ns / 2);
    expect_whole(stage);
}

/* A disk that is slower than the pace has half of the time for others. */
static void test_it_rests_as_long_as_it_wrote(void **state)
{
    const struct file_pace pace = {.bytes_per_s = 2000000}, none = {.bytes_per_s = 0};
    const uint64_t ms = 1000000;
    (void)state;
    /* a second at this pace: what is left of it, or as long as it wrote, whichever is longer */
    assert_int_equal(paced_file_rest_ns(&pace, 2000000, 0), 1000 * ms);
    assert_int_equal(paced_file_rest_ns(&pace, 2000000, 300 * ms), 700 * ms);
    assert_int_equal(paced_file_rest_ns(&pace, 2000000, 500 * ms), 500 * ms);
    assert_int_equal(paced_file_rest_ns(&pace, 2000000, 700 * ms), 700 * ms);
    assert_int_equal(paced_file_rest_ns(&pace, 2000000, 1000 * ms), 1000 * ms);
    assert_int_equal(paced_file_rest_ns(&pace, 2000000, 60000 * ms), 1000 * ms);
    assert_int_equal(paced_file_rest_ns(&none, 2000000, 700 * ms), 0);
}

/* Looks from another thread at the one that writes. */
struct look {
    int thread;
    atomic_bool is_over;
    atomic_uint idle_count;
};

static void *look_on(void *argument)
{
    struct look *look = argument;
    while (!look->is_over) {
        int priority = (int)syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, look->thread);
        look->idle_count += IOPRIO_PRIO_CLASS((unsigned)priority) == IOPRIO_CLASS_IDLE ? 1 : 0;
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
    return NULL;
}

/* Writes so often at most, until it was seen to be idle. */
static uint32_t idle_count(struct stage *stage, uint32_t bytes_per_s, uint32_t times)
{
    struct look look = {.thread = (int)syscall(SYS_gettid)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, look_on, &look), 0);
    for (uint32_t i = 0; i < times && look.idle_count == 0; i++) {
        assert_int_equal(write_all(stage, bytes_per_s), STATUS_OK);
    }
    look.is_over = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    return look.idle_count;
}

/* What is done while it rests is not, see rest(). */
static void test_pieces_go_out_at_idle_priority(void **state)
{
    struct stage *stage = *state;
    if (stage->priority < 0) {
        print_message("the kernel knows no priority of input and output here\n");
        skip();
    }
    assert_true(idle_count(stage, UINT32_MAX, 200) > 0);
    assert_int_equal(priority_now(), USUAL);
}

static void test_without_a_pace_it_keeps_its_priority(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(idle_count(stage, 0, 5), 0);
}

static void test_it_is_given_up_between_two_pieces(void **state)
{
    struct stage *stage = *state;
    stage->rest_count_max = 2;
    assert_int_equal(write_all(stage, UINT32_MAX), STATUS_EXPIRED);
    assert_int_equal(stage->rest_count, 2);
}

static void test_a_file_that_is_not_there_is_told(void **state)
{
    (void)state;
    struct paced_file file;
    const struct file_pace pace = {.rest = NULL};
    assert_int_equal(paced_file_open(&file, "/nowhere/at/all", &pace), STATUS_BROKEN);
    assert_int_equal(errno, ENOENT);
}

/* The sync that would follow says that all is well: the kernel tells it once. */
static void test_a_piece_that_the_disk_refused_is_told(void **state)
{
    struct stage *stage = *state;
    const int errors[] = {EIO, ENOSPC, EDQUOT, EBADF};
    for (uint32_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        range_error = errors[i];
        range_count = 0;
        errno = 0;
        assert_int_equal(write_all(stage, 0), STATUS_BROKEN);
        assert_int_equal(range_count, 1);
        assert_int_equal(stage->rest_count, 0);
    }
}

static void test_a_file_system_that_pushes_no_range_syncs_the_file(void **state)
{
    struct stage *stage = *state;
    const int errors[] = {ENOSYS, EINVAL, EOPNOTSUPP, ESPIPE};
    for (uint32_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        range_error = errors[i];
        range_count = 0;
        assert_int_equal(write_all(stage, 0), STATUS_OK);
        assert_int_equal(range_count, 5);
        expect_whole(stage);
    }
}

static void test_a_full_disk_is_told(void **state)
{
    struct stage *stage = *state;
    struct paced_file file;
    const struct file_pace pace = {.rest = NULL};
    assert_int_equal(paced_file_open(&file, "/dev/full", &pace), STATUS_OK);
    assert_int_equal(paced_file_put(&file, (struct byte_view){stage->bytes, LENGTH}),
                     STATUS_BROKEN);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(paced_file_close(&file), STATUS_OK);
}

int main(void)
{
#define STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)
    const struct CMUnitTest tests[] = {
        STAGE(test_the_whole_file_is_written_piece_by_piece),
        STAGE(test_no_more_than_so_many_bytes_a_second_are_written),
        STAGE(test_it_rests_as_long_as_it_wrote),
        STAGE(test_pieces_go_out_at_idle_priority),
        STAGE(test_without_a_pace_it_keeps_its_priority),
        STAGE(test_it_is_given_up_between_two_pieces),
        STAGE(test_a_file_that_is_not_there_is_told),
        STAGE(test_a_piece_that_the_disk_refused_is_told),
        STAGE(test_a_file_system_that_pushes_no_range_syncs_the_file),
        STAGE(test_a_full_disk_is_told),
    };
    return cmocka_run_group_tests_name("switch/followup/paced_file", tests, NULL, NULL);
}
