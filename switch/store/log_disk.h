/* All that the log does to its folder besides SQLite's own reading and writing: making, renaming
 * and removing files, syncing, listing. Kept in one place so that what a crash can tear apart is
 * seen at a glance.
 *
 * Every call that fails writes one sentence into `reason` (LOG_REASON_SIZE) and answers
 * STATUS_BROKEN, unless said otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"

#define LOG_PATH_SIZE 512
#define LOG_REASON_SIZE 1024

/* Makes the folder (0700) when it is absent; the folder it lies in must be there. */
MUST_CHECK enum status log_disk_make_folder(const char *folder, char *reason);
/* Makes an empty file of the owner's alone (0600), or leaves the one that is there. */
MUST_CHECK enum status log_disk_make_file(const char *path, char *reason);
/* `*lock`: a descriptor to be closed at the end. STATUS_DENIED: another process has the lock. */
MUST_CHECK enum status log_disk_lock(const char *path, int *lock, char *reason);
void log_disk_unlock(int lock);

/* The name in its folder is durable once the folder is synced. */
MUST_CHECK enum status log_disk_sync_folder(const char *folder, char *reason);
MUST_CHECK enum status log_disk_sync_file(const char *path, char *reason);
MUST_CHECK enum status log_disk_rename(const char *from, const char *to, char *reason);
/* A file that is not there counts as removed. */
MUST_CHECK enum status log_disk_remove(const char *path, char *reason);
/* Not synced: what a crash takes back is done again. */
MUST_CHECK enum status log_disk_make_readonly(const char *path, char *reason);
bool log_disk_is_readonly(const char *path);
bool log_disk_is_there(const char *path);

/* A copy of the owner's alone, synced. */
MUST_CHECK enum status log_disk_copy(const char *from, const char *to, char *reason);

/* Hands what was written to a file on to the disk without waiting for other files; for what is
 * large and not urgent. Best effort. Never on a file that SQLite locks (a segment itself): closing
 * it here would take the locks away. */
void log_disk_push(const char *path);

/* Adds a line to a text file (0600, made when absent) and syncs it. What a crash left of a line at
 * its end is cut off first. */
MUST_CHECK enum status log_disk_append_line(const char *path, const char *line, char *reason);
/* Calls `on_line` for each whole line, until it answers false. No file, no lines. */
MUST_CHECK enum status log_disk_read_lines(const char *path,
                                           bool (*on_line)(void *argument, const char *line),
                                           void *argument, char *reason);
/* Calls `on_name` for each name in the folder, in no order. */
MUST_CHECK enum status log_disk_list(const char *folder,
                                     void (*on_name)(void *argument, const char *name),
                                     void *argument, char *reason);
/* Bytes that unprivileged users may still write there; -1: not known. */
int64_t log_disk_free_bytes(const char *folder);
/* Whether what is written to one takes room from the other; also where that cannot be told. */
bool log_disk_is_shared(const char *folder, const char *other);
