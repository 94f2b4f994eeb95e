/* See log_disk.h. */
#include "switch/store/log_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static enum status fault(const char *path, const char *what, char *reason)
{
    snprintf(reason, LOG_REASON_SIZE, "log %s: %s: %s", path, what, strerror(errno));
    return STATUS_BROKEN;
}

enum status log_disk_make_folder(const char *folder, char *reason)
{
    struct stat about;
    if (stat(folder, &about) == 0 && S_ISDIR(about.st_mode)) {
        return STATUS_OK;
    }
    if (mkdir(folder, 0700) != 0) {
        return fault(folder, "the folder cannot be made; make the one that it lies in", reason);
    }
    char path[LOG_PATH_SIZE];
    snprintf(path, sizeof(path), "%s", folder);
    return log_disk_sync_folder(dirname(path), reason);
}

/* Made here and not by SQLite, which would let the umask decide who may read; the WAL takes over
 * this mode. */
enum status log_disk_make_file(const char *path, char *reason)
{
    int made = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (made < 0) {
        return fault(path, "cannot be opened or made", reason);
    }
    close(made);
    return STATUS_OK;
}

enum status log_disk_lock(const char *path, int *lock, char *reason)
{
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock < 0) {
        return fault(path, "the lock file cannot be made", reason);
    }
    if (flock(*lock, LOCK_EX | LOCK_NB) != 0) {
        snprintf(reason, LOG_REASON_SIZE,
                 "log %s: another process holds it; stop that one, or give this one another folder",
                 path);
        log_disk_unlock(*lock);
        *lock = -1;
        return STATUS_DENIED;
    }
    return STATUS_OK;
}

void log_disk_unlock(int lock)
{
    if (lock >= 0) {
        close(lock);
    }
}

static enum status sync_opened(const char *path, int flags, char *reason)
{
    int opened = open(path, flags | O_CLOEXEC);
    if (opened < 0) {
        return fault(path, "cannot be opened to be synced", reason);
    }
    int failed = fsync(opened);
    int error = errno;
    close(opened);
    errno = error;
    return failed == 0 ? STATUS_OK : fault(path, "cannot be synced", reason);
}

enum status log_disk_sync_folder(const char *folder, char *reason)
{
    return sync_opened(folder, O_RDONLY | O_DIRECTORY, reason);
}

enum status log_disk_sync_file(const char *path, char *reason)
{
    return sync_opened(path, O_RDONLY, reason);
}

enum status log_disk_rename(const char *from, const char *to, char *reason)
{
    return rename(from, to) == 0 ? STATUS_OK : fault(to, "cannot be given this name", reason);
}

enum status log_disk_remove(const char *path, char *reason)
{
    return unlink(path) == 0 || errno == ENOENT ? STATUS_OK
                                                : fault(path, "cannot be removed", reason);
}

enum status log_disk_make_readonly(const char *path, char *reason)
{
    if (chmod(path, 0440) != 0) {
        return fault(path, "cannot be made read-only", reason);
    }
    return STATUS_OK;
}

enum status log_disk_copy(const char *from, const char *to, char *reason)
{
    static const size_t piece = 1 << 20;
    char *bytes = malloc(piece);
    int source = open(from, O_RDONLY | O_CLOEXEC);
    int target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t count = bytes != NULL && source >= 0 && target >= 0 ? 1 : -1;
    while (count > 0 && (count = read(source, bytes, piece)) > 0) {
        count = write(target, bytes, (size_t)count) == count ? count : -1;
    }
    bool is_good = count == 0 && fsync(target) == 0;
    enum status status = is_good ? STATUS_OK : fault(to, "the copy cannot be written", reason);
    if (source >= 0) {
        close(source);
    }
    if (target >= 0) {
        close(target);
    }
    free(bytes);
    return status;
}

void log_disk_push(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        if (fdatasync(file) != 0) {
            /* The sync that counts is SQLite's own, and tells. */
        }
        close(file);
    }
}

bool log_disk_is_readonly(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && (about.st_mode & 0222) == 0;
}

bool log_disk_is_there(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

/* The place after the last whole line; -1: the file cannot be read. */
static off_t end_of_lines(int file)
{
    off_t end = lseek(file, 0, SEEK_END);
    char byte = '\n';
    while (end > 0 && pread(file, &byte, 1, end - 1) == 1 && byte != '\n') {
        end--;
    }
    return byte == '\n' || end == 0 ? end : -1;
}

enum status log_disk_append_line(const char *path, const char *line, char *reason)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return fault(path, "cannot be opened or made", reason);
    }
    char text[LOG_PATH_SIZE];
    int length = snprintf(text, sizeof(text), "%s\n", line);
    off_t end = end_of_lines(file);
    bool is_good = end >= 0 && length < (int)sizeof(text) && ftruncate(file, end) == 0 &&
                   pwrite(file, text, (size_t)length, end) == length && fsync(file) == 0;
    enum status status = is_good ? STATUS_OK : fault(path, "cannot be added to", reason);
    close(file);
    return status;
}

enum status log_disk_read_lines(const char *path, bool (*on_line)(void *argument, const char *line),
                                void *argument, char *reason)
{
    char line[LOG_PATH_SIZE];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return errno == ENOENT ? STATUS_OK : fault(path, "cannot be read", reason);
    }
    /* A line without its end was never synced: nothing rests on it. */
    while (fgets(line, sizeof(line), file) != NULL && strchr(line, '\n') != NULL &&
           on_line(argument, line)) {
    }
    fclose(file);
    return STATUS_OK;
}

enum status log_disk_list(const char *folder, void (*on_name)(void *argument, const char *name),
                          void *argument, char *reason)
{
    DIR *listing = opendir(folder);
    if (listing == NULL) {
        return fault(folder, "the folder cannot be listed", reason);
    }
    const struct dirent *entry;
    while ((entry = readdir(listing)) != NULL) {
        on_name(argument, entry->d_name);
    }
    closedir(listing);
    return STATUS_OK;
}

int64_t log_disk_free_bytes(const char *folder)
{
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0) {
        return -1;
    }
    return (int64_t)(disk.f_bavail * disk.f_frsize);
}

bool log_disk_is_shared(const char *folder, const char *other)
{
    struct stat one, two;
    return stat(folder, &one) != 0 || stat(other, &two) != 0 || one.st_dev == two.st_dev;
}
