/* The log's file, seen by the one who writes it: made or opened, read from the start, extended by
 * groups. One thread at a time; store.c says which.
 *
 * Life:  log_file_open -> log_file_read -> append groups, checkpoint ... -> log_file_close
 */
#pragma once

#include <stdint.h>

#include "switch/store/log_schema.h"

#define LOG_PATH_SIZE 512
#define LOG_REASON_SIZE 1024

struct log_file {
    sqlite3 *database; /* the four statements and the lock are the file's own */
    sqlite3_stmt *begin, *insert, *commit, *select;
    struct log_hasher hasher;
    struct log_hash chain; /* of the last row */
    uint64_t position;     /* of the last row; 0: empty */
    uint32_t wal_pages;    /* written since the WAL last began anew */
    uint32_t wal_pages_due;
    uint64_t sync_ns; /* of the last group: its COMMIT alone */
    int lock;
    char path[LOG_PATH_SIZE];
};

/* Opens or makes the file (0600, its directory synced), takes the lock, checks header, version and
 * the last rows of the chain. On failure nothing stays open and `reason` says what to do.
 * STATUS_BROKEN: the system or SQLite refused. STATUS_DENIED: another switch has it.
 * STATUS_UNSUPPORTED: not a log, or of another version. STATUS_MALFORMED: the chain is broken. */
MUST_CHECK enum status log_file_open(struct log_file *file, const char *path,
                                     char reason[LOG_REASON_SIZE]);
/* Opens an existing log to read it alone, also while a switch writes it; takes no lock and checks
 * no rows. Fails as log_file_open. */
MUST_CHECK enum status log_file_open_reading(struct log_file *file, const char *path,
                                             char reason[LOG_REASON_SIZE]);
void log_file_close(struct log_file *file);

struct log_reader {
    void (*on_record)(void *argument, const struct record *record); /* NULL: only verify */
    void *argument;
};

/* Reads and verifies all rows from `first` on, whose predecessor's hash must be in the file.
 * STATUS_MALFORMED: a gap, a bad value or a hash that does not fit; `reason` names the position. */
MUST_CHECK enum status log_file_read(struct log_file *file, uint64_t first,
                                     const struct log_reader *reader, char reason[LOG_REASON_SIZE]);

/* Adds `count` records as one transaction and syncs. STATUS_BROKEN: it is not known what reached
 * the disk; the caller must stop. */
MUST_CHECK enum status log_file_append(struct log_file *file, const struct record *records,
                                       uint32_t count);
/* Moves the WAL into the file when enough has gathered there; readers may hold that up. */
MUST_CHECK enum status log_file_checkpoint(struct log_file *file);
/* What SQLite said last. */
const char *log_file_fault(const struct log_file *file);
/* Bytes that unprivileged users may still write where the log lies; -1: not known. */
int64_t log_file_free_bytes(const struct log_file *file);
