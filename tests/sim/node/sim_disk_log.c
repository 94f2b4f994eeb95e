/* What log_disk.h promises, over the simulated disk: stands in for log_disk.c in this program, so
 * that a crash tears the folder apart as well as the files in it. */
#include <stdio.h>
#include <string.h>

#include "switch/store/log_disk.h"
#include "tests/sim/node/sim_disk.h"

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static enum status answer(bool is_good, const char *path, const char *what, char *reason)
{
    if (!is_good) {
        snprintf(reason, LOG_REASON_SIZE, "log %s: %s: simulated", path, what);
    }
    return is_good ? STATUS_OK : STATUS_BROKEN;
}

static struct disk_file *open_there(const char *path)
{
    bool is_new;
    return sim_disk_open(name_of(path), false, &is_new);
}

enum status log_disk_make_folder(const char *folder, char *reason)
{
    (void)folder;
    (void)reason;
    return STATUS_OK;
}

enum status log_disk_make_file(const char *path, char *reason)
{
    bool is_new;
    (void)reason;
    sim_disk_close(sim_disk_open(name_of(path), true, &is_new));
    return STATUS_OK;
}

enum status log_disk_lock(const char *path, int *lock, char *reason)
{
    *lock = 0;
    return log_disk_make_file(path, reason);
}

void log_disk_unlock(int lock)
{
    (void)lock;
}

enum status log_disk_sync_folder(const char *folder, char *reason)
{
    return answer(sim_disk_sync_folder() == DISK_OK, folder, "cannot be synced", reason);
}

enum status log_disk_sync_file(const char *path, char *reason)
{
    struct disk_file *file = open_there(path);
    if (file == NULL) {
        return answer(false, path, "cannot be opened to be synced", reason);
    }
    bool is_good = sim_disk_sync(file) == DISK_OK;
    sim_disk_close(file);
    return answer(is_good, path, "cannot be synced", reason);
}

enum status log_disk_rename(const char *from, const char *to, char *reason)
{
    return answer(sim_disk_rename(name_of(from), name_of(to)), to, "cannot be given this name",
                  reason);
}

enum status log_disk_remove(const char *path, char *reason)
{
    (void)reason;
    sim_disk_remove(name_of(path));
    return STATUS_OK;
}

enum status log_disk_make_readonly(const char *path, char *reason)
{
    struct disk_file *file = open_there(path);
    if (file == NULL) {
        return answer(false, path, "cannot be made read-only", reason);
    }
    sim_disk_set_readonly(file);
    sim_disk_close(file);
    return STATUS_OK;
}

bool log_disk_is_readonly(const char *path)
{
    struct disk_file *file = open_there(path);
    bool is_readonly = file != NULL && sim_disk_is_readonly(file);
    if (file != NULL) {
        sim_disk_close(file);
    }
    return is_readonly;
}

bool log_disk_is_there(const char *path)
{
    return sim_disk_is_there(name_of(path));
}

enum status log_disk_copy(const char *from, const char *to, char *reason)
{
    (void)to;
    return answer(false, from, "nothing is copied here", reason);
}

void log_disk_push(const char *path)
{
    struct disk_file *file = open_there(path);
    if (file != NULL) {
        if (sim_disk_sync(file) != DISK_OK) {
            /* As log_disk.c: the sync that counts is SQLite's own. */
        }
        sim_disk_close(file);
    }
}

/* The place after the last whole line. */
static uint64_t end_of_lines(const struct disk_file *file)
{
    uint64_t end = sim_disk_size(file);
    char byte = '\n';
    while (end > 0 && sim_disk_read(file, end - 1, &byte, 1) == 1 && byte != '\n') {
        end--;
    }
    return end;
}

enum status log_disk_append_line(const char *path, const char *line, char *reason)
{
    bool is_new;
    char text[LOG_PATH_SIZE];
    struct disk_file *file = sim_disk_open(name_of(path), true, &is_new);
    int length = snprintf(text, sizeof(text), "%s\n", line);
    uint64_t end = end_of_lines(file);
    bool is_good = sim_disk_truncate(file, end) == DISK_OK &&
                   sim_disk_write(file, end, text, (uint32_t)length) == DISK_OK &&
                   sim_disk_sync(file) == DISK_OK;
    sim_disk_close(file);
    return answer(is_good, path, "cannot be added to", reason);
}

enum status log_disk_read_lines(const char *path, bool (*on_line)(void *argument, const char *line),
                                void *argument, char *reason)
{
    char text[LOG_PATH_SIZE];
    struct disk_file *file = open_there(path);
    (void)reason;
    if (file == NULL) {
        return STATUS_OK;
    }
    uint64_t at = 0;
    bool goes_on = true;
    while (goes_on) {
        uint32_t count = sim_disk_read(file, at, text, sizeof(text) - 1);
        text[count] = '\0';
        char *end = strchr(text, '\n');
        goes_on = end != NULL;
        if (goes_on) {
            end[1] = '\0';
            at += strlen(text);
            goes_on = on_line(argument, text);
        }
    }
    sim_disk_close(file);
    return STATUS_OK;
}

enum status log_disk_list(const char *folder, void (*on_name)(void *argument, const char *name),
                          void *argument, char *reason)
{
    (void)folder;
    (void)reason;
    sim_disk_list(on_name, argument);
    return STATUS_OK;
}

int64_t log_disk_free_bytes(const char *folder)
{
    (void)folder;
    return sim_disk_free_bytes();
}
