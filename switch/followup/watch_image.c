/* See watch_image.h. */
#include "switch/followup/watch_image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/store/log_disk.h"

#define NEW_NAME WATCH_IMAGE_NAME ".new"

_Static_assert(WATCH_IMAGE_REASON_SIZE < LOG_REASON_SIZE, "log_disk's sentences are cut to fit");

/* Before the parts. Written and read on one machine: the order of its bytes is this machine's. */
struct image_head {
    char mark[16];
    uint64_t length; /* of the parts together */
    uint64_t hash;   /* watcher_state_hash() */
};
static const char MARK[16] = "tillway image 1";

static void path_of(char path[LOG_PATH_SIZE], const char *folder, const char *name)
{
    snprintf(path, LOG_PATH_SIZE, "%s/%s", folder, name);
}

static enum status fault(char *reason, enum status status, const char *path, const char *what)
{
    snprintf(reason, WATCH_IMAGE_REASON_SIZE, "%.400s: %s", path, what);
    return status;
}

/* log_disk speaks in longer sentences. */
static enum status disk_fault(char *reason, enum status status, const char *sentence)
{
    if (status != STATUS_OK) {
        snprintf(reason, WATCH_IMAGE_REASON_SIZE, "%.*s", WATCH_IMAGE_REASON_SIZE - 1, sentence);
    }
    return status;
}

/* --- writing ------------------------------------------------------------------------------- */

static uint64_t parts_length(const struct watcher *watcher)
{
    uint64_t length = 0;
    for (uint32_t part = 0; part < watcher_image_count(watcher); part++) {
        length += watcher_image(watcher, part).length;
    }
    return length;
}

uint64_t watch_image_bytes(const struct watcher *watcher)
{
    return sizeof(struct image_head) + parts_length(watcher);
}

static enum status parts_write(const struct watcher *watcher, struct paced_file *file)
{
    struct image_head head = {.length = parts_length(watcher), .hash = watcher_state_hash(watcher)};
    memcpy(head.mark, MARK, sizeof(MARK));
    enum status status =
        paced_file_put(file, (struct byte_view){(const uint8_t *)&head, sizeof(head)});
    for (uint32_t part = 0; part < watcher_image_count(watcher) && status == STATUS_OK; part++) {
        status = paced_file_put(file, watcher_image(watcher, part));
    }
    return status;
}

/* Not STATUS_OK: errno says why, unless it was given up. */
static enum status file_write(const struct watcher *watcher, const char *path,
                              const struct file_pace *pace)
{
    struct paced_file file;
    enum status status = paced_file_open(&file, path, pace);
    if (status != STATUS_OK) {
        return status;
    }
    status = parts_write(watcher, &file);
    int error = errno;
    enum status closed = paced_file_close(&file);
    if (status != STATUS_OK) {
        errno = error;
    }
    return status == STATUS_OK ? closed : status;
}

enum status watch_image_write(const struct watcher *watcher, const char *folder,
                              const struct file_pace *pace, char *reason)
{
    char fresh[LOG_PATH_SIZE], path[LOG_PATH_SIZE], sentence[LOG_REASON_SIZE] = "";
    path_of(fresh, folder, NEW_NAME);
    path_of(path, folder, WATCH_IMAGE_NAME);
    enum status status = log_disk_remove(fresh, sentence);
    status = status == STATUS_OK ? log_disk_make_file(fresh, sentence) : status;
    if (status != STATUS_OK) {
        return disk_fault(reason, status, sentence);
    }
    status = file_write(watcher, fresh, pace);
    if (status != STATUS_OK) {
        int error = errno;
        (void)remove(fresh); /* room for others */
        return fault(reason, status, fresh,
                     status == STATUS_EXPIRED ? "given up" : strerror(error));
    }
    status = log_disk_sync_file(fresh, sentence);
    status = status == STATUS_OK ? log_disk_rename(fresh, path, sentence) : status;
    status = status == STATUS_OK ? log_disk_sync_folder(folder, sentence) : status;
    return disk_fault(reason, status, sentence);
}

/* --- reading ------------------------------------------------------------------------------- */

static enum status bytes_read(FILE *file, uint8_t *bytes, size_t length, char *reason,
                              const char *path)
{
    if (bytes == NULL) {
        return fault(reason, STATUS_NO_MEMORY, path, "no memory to read it");
    }
    bool is_whole = fread(bytes, 1, length, file) == length && fgetc(file) == EOF;
    return is_whole ? STATUS_OK
                    : fault(reason, STATUS_BAD_VALUE, path, "its length is not its own");
}

static enum status file_read(struct watcher *watcher, FILE *file, char *reason, const char *path)
{
    struct image_head head;
    uint64_t length_now = parts_length(watcher);
    if (fread(&head, sizeof(head), 1, file) != 1 || memcmp(head.mark, MARK, sizeof(MARK)) != 0 ||
        head.length > UINT32_MAX || head.length < length_now) {
        return fault(reason, STATUS_BAD_VALUE, path,
                     "is no image of this version and these limits");
    }
    uint8_t *bytes = malloc((size_t)head.length);
    const struct byte_view view = {bytes, (uint32_t)head.length};
    enum status status = bytes_read(file, bytes, view.length, reason, path);
    if (status == STATUS_OK && watcher_load(watcher, view) != STATUS_OK) {
        status = fault(reason, STATUS_BAD_VALUE, path,
                       "is damaged, of other limits, or of another version");
    } else if (status == STATUS_OK && watcher_state_hash(watcher) != head.hash) {
        status = fault(reason, STATUS_BAD_VALUE, path, "is damaged: its hash is another one");
    }
    free(bytes);
    return status;
}

enum status watch_image_read(struct watcher *watcher, const char *folder, char *reason)
{
    char path[LOG_PATH_SIZE];
    path_of(path, folder, WATCH_IMAGE_NAME);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return errno == ENOENT ? fault(reason, STATUS_NOT_FOUND, path, "there is none yet")
                               : fault(reason, STATUS_BROKEN, path, strerror(errno));
    }
    enum status status = file_read(watcher, file, reason, path);
    (void)fclose(file);
    return status;
}
