/* See paced_file.h. */
#define _GNU_SOURCE /* sync_file_range, syscall */
#include "switch/followup/paced_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "protocols/base/require.h"

#define NS_PER_S UINT64_C(1000000000)
/* A disk that takes longer for a piece is not spared by more of a rest. */
#define REST_MAX_NS NS_PER_S

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* --- priority ------------------------------------------------------------------------------- */

/* Of this thread; a kernel that knows none refuses, and then the pace alone must do. */
static int priority_lower(void)
{
    int before = (int)syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
    int idle = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0);
    return before >= 0 && syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, idle) == 0 ? before : -1;
}

static void priority_restore(int before)
{
    if (before >= 0 && syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, before) != 0) {
        /* It stays low, which slows down nobody but this thread. */
    }
}

/* --- pieces --------------------------------------------------------------------------------- */

/* Not every file system pushes a range. Any other answer is that of the disk, and is not asked for
 * again: a kernel tells a write that failed once, and the next sync says that all is well. */
static bool range_is_unknown(int error)
{
    return error == ENOSYS || error == EINVAL || error == EOPNOTSUPP || error == ESPIPE;
}

static bool piece_push(const struct paced_file *file, off_t begin, off_t length)
{
    unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    int before = file->pace.bytes_per_s != 0 ? priority_lower() : -1;
    bool is_pushed = sync_file_range(file->descriptor, begin, length, all) == 0 ||
                     (range_is_unknown(errno) && fdatasync(file->descriptor) == 0);
    int error = errno;
    priority_restore(before);
    errno = error;
    return is_pushed;
}

static enum status piece_end(struct paced_file *file)
{
    off_t begin = (off_t)file->pushed, length = (off_t)(file->length - file->pushed);
    if (!piece_push(file, begin, length)) {
        return STATUS_BROKEN;
    }
    (void)posix_fadvise(file->descriptor, begin, length, POSIX_FADV_DONTNEED);
    file->pushed = file->length;
    uint64_t took_ns = clock_ns() - file->piece_begun_ns;
    uint64_t rest_ns = paced_file_rest_ns(&file->pace, (uint32_t)length, took_ns);
    bool goes_on = file->pace.rest == NULL || file->pace.rest(file->pace.argument, rest_ns);
    file->piece_begun_ns = clock_ns();
    return goes_on ? STATUS_OK : STATUS_EXPIRED;
}

/* --- the file ------------------------------------------------------------------------------- */

enum status paced_file_open(struct paced_file *file, const char *path, const struct file_pace *pace)
{
    *file = (struct paced_file){.pace = *pace};
    file->descriptor = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    file->piece_begun_ns = clock_ns();
    return file->descriptor < 0 ? STATUS_BROKEN : STATUS_OK;
}

enum status paced_file_put(struct paced_file *file, struct byte_view bytes)
{
    uint32_t at = 0;
    REQUIRE(file->descriptor >= 0);
    while (at < bytes.length) {
        uint32_t room = PACED_FILE_PIECE_BYTES - (uint32_t)(file->length - file->pushed);
        uint32_t wanted = bytes.length - at < room ? bytes.length - at : room;
        ssize_t count = write(file->descriptor, bytes.bytes + at, wanted);
        if (count < 0 && errno != EINTR) {
            return STATUS_BROKEN;
        }
        at += count > 0 ? (uint32_t)count : 0;
        file->length += count > 0 ? (uint64_t)count : 0;
        if (file->length - file->pushed == PACED_FILE_PIECE_BYTES) {
            enum status status = piece_end(file);
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    return STATUS_OK;
}

enum status paced_file_close(struct paced_file *file)
{
    int failed = close(file->descriptor);
    file->descriptor = -1;
    return failed == 0 ? STATUS_OK : STATUS_BROKEN;
}

uint64_t paced_file_rest_ns(const struct file_pace *pace, uint32_t length, uint64_t took_ns)
{
    if (pace->bytes_per_s == 0) {
        return 0;
    }
    uint64_t wanted_ns = length * NS_PER_S / pace->bytes_per_s;
    uint64_t left_ns = wanted_ns > took_ns ? wanted_ns - took_ns : 0;
    uint64_t equal_ns = took_ns < REST_MAX_NS ? took_ns : REST_MAX_NS;
    return left_ns > equal_ns ? left_ns : equal_ns;
}
