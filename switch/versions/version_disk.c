/* See version_disk.h. */
#include "switch/versions/version_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 700

/* write(2) may write less, and be interrupted. */
static int write_all(int file, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(file, bytes, length);
        if (count < 0 && errno != EINTR) {
            return errno;
        }
        bytes += count > 0 ? count : 0;
        length -= count > 0 ? (size_t)count : 0;
    }
    return 0;
}

int version_disk_write(const char *path, const void *bytes, size_t length)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) {
        return errno;
    }
    int error = write_all(file, bytes, length);
    error = error == 0 && fsync(file) != 0 ? errno : error;
    error = close(file) != 0 && error == 0 ? errno : error;
    return error;
}

/* The folder that the path lies in. */
static int sync_parent(const char *path)
{
    char folder[PATH_SIZE];
    const char *slash = strrchr(path, '/');
    int length = snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : (int)(slash - path),
                          slash == NULL ? "." : path);
    return length < PATH_SIZE ? version_disk_sync_folder(folder) : ENAMETOOLONG;
}

int version_disk_replace(const char *path, const void *bytes, size_t length)
{
    char fresh[PATH_SIZE];
    if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= PATH_SIZE) {
        return ENAMETOOLONG;
    }
    int error = version_disk_write(fresh, bytes, length);
    error = error == 0 && rename(fresh, path) != 0 ? errno : error;
    if (error != 0) {
        unlink(fresh);
        return error;
    }
    return sync_parent(path);
}

int version_disk_sync_folder(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return errno;
    }
    int error = fsync(folder) != 0 ? errno : 0;
    close(folder);
    return error;
}

int version_disk_make_folder(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : errno;
}

int version_disk_remove_folder(const char *path)
{
    char file[PATH_SIZE];
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return errno == ENOENT ? 0 : errno;
    }
    int error = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        bool fits = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) < PATH_SIZE;
        if (!fits || unlink(file) != 0) {
            error = fits ? errno : ENAMETOOLONG;
        }
    }
    closedir(folder);
    return rmdir(path) == 0 ? 0 : error != 0 ? error : errno;
}
