/* Making, opening, reading and extending the log's file. */
#include "switch/store/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "protocols/base/require.h"

/* Rows whose chain is looked at when the file is opened; a restart reads them all later. */
#define OPEN_CHECK_ROWS 64
/* A checkpoint costs two syncs: at 4 KiB a page this is one for every 8 MiB of WAL. */
#define CHECKPOINT_PAGES 2048
#define BUSY_TIMEOUT_MS 5000

#define LOG_PRAGMAS                                                                                \
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"         \
    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA recursive_triggers = ON;"

static enum status fault(const struct log_file *file, enum status status, const char *what,
                         char *reason)
{
    snprintf(reason, LOG_REASON_SIZE, "log %s: %s", file->path, what);
    return status;
}

static enum status system_fault(const struct log_file *file, const char *call, char *reason)
{
    snprintf(reason, LOG_REASON_SIZE, "log %s: %s: %s", file->path, call, strerror(errno));
    return STATUS_BROKEN;
}

const char *log_file_fault(const struct log_file *file)
{
    return sqlite3_errmsg(file->database);
}

static enum status set_path(struct log_file *file, const char *path, char *reason)
{
    *file = (struct log_file){.lock = -1, .wal_pages_due = CHECKPOINT_PAGES};
    if (strlen(path) >= sizeof(file->path)) {
        snprintf(reason, LOG_REASON_SIZE, "log: the path is longer than %d bytes",
                 LOG_PATH_SIZE - 1);
        return STATUS_BAD_VALUE;
    }
    memcpy(file->path, path, strlen(path) + 1);
    return STATUS_OK;
}

/* Two writers would give one position to two rows: the second is turned away here. */
static enum status take_lock(struct log_file *file, char *reason)
{
    char path[LOG_PATH_SIZE + sizeof("-lock")];
    snprintf(path, sizeof(path), "%s-lock", file->path);
    file->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file->lock < 0) {
        return system_fault(file, "cannot make the lock file beside it", reason);
    }
    if (flock(file->lock, LOCK_EX | LOCK_NB) != 0) {
        return fault(file, STATUS_DENIED,
                     "another process holds it; stop that one, or give this one another path",
                     reason);
    }
    return STATUS_OK;
}

static enum status sync_directory(struct log_file *file, char *reason)
{
    char path[LOG_PATH_SIZE];
    memcpy(path, file->path, sizeof(path));
    int directory = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return system_fault(file, "cannot open its directory", reason);
    }
    int failed = fsync(directory);
    close(directory);
    return failed == 0 ? STATUS_OK : system_fault(file, "cannot sync its directory", reason);
}

/* Made here and not by SQLite, which would let the umask decide who may read; the WAL takes over
 * this mode. */
static enum status make_empty(struct log_file *file, char *reason)
{
    int made = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (made < 0) {
        return system_fault(file, "cannot be opened or made", reason);
    }
    close(made);
    return STATUS_OK;
}

static enum status open_database(struct log_file *file, int flags, char *reason)
{
    int failed = sqlite3_open_v2(file->path, &file->database,
                                 flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (failed != SQLITE_OK) {
        return fault(file, STATUS_BROKEN, sqlite3_errstr(failed), reason);
    }
    sqlite3_busy_timeout(file->database, BUSY_TIMEOUT_MS);
    return STATUS_OK;
}

static int on_text(void *argument, int count, char **values, char **names)
{
    (void)names;
    snprintf(argument, 16, "%s", count > 0 && values[0] != NULL ? values[0] : "");
    return 0;
}

/* The number that a pragma answers; -1 on failure. */
static long long read_number(const struct log_file *file, const char *sql)
{
    char text[16] = "-1";
    long long number = -1;
    if (sqlite3_exec(file->database, sql, on_text, text, NULL) != SQLITE_OK ||
        sscanf(text, "%lld", &number) != 1) {
        return -1;
    }
    return number;
}

static enum status make_schema(struct log_file *file, char *reason)
{
    char marks[128];
    snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
             LOG_APPLICATION_ID, LOG_SCHEMA_VERSION);
    if (sqlite3_exec(file->database, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(file->database, log_schema_sql(), NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(file->database, marks, NULL, NULL, NULL) != SQLITE_OK) {
        return fault(file, STATUS_BROKEN, log_file_fault(file), reason);
    }
    return sync_directory(file, reason);
}

static enum status check_header(const struct log_file *file, char *reason)
{
    long long application = read_number(file, "PRAGMA application_id");
    if (application < 0) {
        return fault(file, STATUS_UNSUPPORTED, log_file_fault(file), reason);
    }
    if (application != LOG_APPLICATION_ID) {
        return fault(file, STATUS_UNSUPPORTED,
                     "is not a log of this program; give another path, it is left alone", reason);
    }
    long long version = read_number(file, "PRAGMA user_version");
    if (version != LOG_SCHEMA_VERSION) {
        snprintf(reason, LOG_REASON_SIZE, "log %s: is of version %lld, this program writes %d",
                 file->path, version, LOG_SCHEMA_VERSION);
        return STATUS_UNSUPPORTED;
    }
    return STATUS_OK;
}

static int prepare(struct log_file *file, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v3(file->database, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
}

static enum status prepare_all(struct log_file *file, char *reason)
{
    if (prepare(file, "BEGIN IMMEDIATE", &file->begin) != SQLITE_OK ||
        prepare(file, "COMMIT", &file->commit) != SQLITE_OK ||
        prepare(file, log_insert_sql(), &file->insert) != SQLITE_OK ||
        prepare(file, log_select_sql(), &file->select) != SQLITE_OK) {
        return fault(file, STATUS_BROKEN, log_file_fault(file), reason);
    }
    return log_hasher_open(&file->hasher) == STATUS_OK
               ? STATUS_OK
               : fault(file, STATUS_BROKEN, "OpenSSL offers no SHA-256", reason);
}

static int on_commit(void *argument, sqlite3 *database, const char *name, int pages)
{
    (void)database;
    (void)name;
    struct log_file *file = argument;
    file->wal_pages = (uint32_t)pages;
    return SQLITE_OK;
}

static enum status open_writing(struct log_file *file, char *reason)
{
    enum status status = take_lock(file, reason);
    if (status == STATUS_OK) {
        status = make_empty(file, reason);
    }
    if (status == STATUS_OK) {
        status = open_database(file, SQLITE_OPEN_READWRITE, reason);
    }
    if (status != STATUS_OK) {
        return status;
    }
    bool is_new = read_number(file, "SELECT count(*) FROM sqlite_schema") == 0 &&
                  read_number(file, "PRAGMA application_id") == 0;
    status = is_new ? STATUS_OK : check_header(file, reason);
    if (status != STATUS_OK) {
        return status;
    }
    if (sqlite3_exec(file->database, LOG_PRAGMAS, NULL, NULL, NULL) != SQLITE_OK) {
        return fault(file, STATUS_BROKEN, log_file_fault(file), reason);
    }
    sqlite3_wal_hook(file->database, on_commit, file);
    return is_new ? make_schema(file, reason) : STATUS_OK;
}

/* The last rows only: whoever needs all of them reads them at once after. */
static enum status check_end(struct log_file *file, char *reason)
{
    static const struct log_reader verify_only = {NULL, NULL};
    long long last = read_number(file, "SELECT coalesce(max(position), 0) FROM log");
    if (last < 0) {
        return fault(file, STATUS_BROKEN, log_file_fault(file), reason);
    }
    uint64_t first = last > OPEN_CHECK_ROWS ? (uint64_t)last - OPEN_CHECK_ROWS + 1 : 1;
    return log_file_read(file, first, &verify_only, reason);
}

enum status log_file_open(struct log_file *file, const char *path, char reason[LOG_REASON_SIZE])
{
    enum status status = set_path(file, path, reason);
    if (status != STATUS_OK) {
        return status;
    }
    /* Counting its memory takes SQLite a lock at each allocation. Refused, without harm, once
     * SQLite is in use. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    status = open_writing(file, reason);
    if (status == STATUS_OK) {
        status = prepare_all(file, reason);
    }
    if (status == STATUS_OK) {
        status = check_end(file, reason);
    }
    if (status != STATUS_OK) {
        log_file_close(file);
    }
    return status;
}

enum status log_file_open_reading(struct log_file *file, const char *path,
                                  char reason[LOG_REASON_SIZE])
{
    enum status status = set_path(file, path, reason);
    if (status != STATUS_OK) {
        return status;
    }
    status = open_database(file, SQLITE_OPEN_READONLY, reason);
    if (status == STATUS_OK) {
        status = check_header(file, reason);
    }
    if (status == STATUS_OK) {
        status = prepare_all(file, reason);
    }
    if (status != STATUS_OK) {
        log_file_close(file);
    }
    return status;
}

void log_file_close(struct log_file *file)
{
    sqlite3_finalize(file->begin);
    sqlite3_finalize(file->insert);
    sqlite3_finalize(file->commit);
    sqlite3_finalize(file->select);
    sqlite3_close(file->database);
    log_hasher_close(&file->hasher);
    if (file->lock >= 0) {
        close(file->lock);
    }
    *file = (struct log_file){.lock = -1};
}

static enum status row_fault(const struct log_file *file, uint64_t position, const char *what,
                             char *reason)
{
    snprintf(reason, LOG_REASON_SIZE,
             "log %s: position %llu: %s; restore the file from a copy whose chain holds",
             file->path, (unsigned long long)position, what);
    return STATUS_MALFORMED;
}

/* The hash that the row `first` continues: zeros, or that of the row before it. */
static enum status start_chain(struct log_file *file, uint64_t first, char *reason)
{
    struct record before;
    const char *column = "";
    file->chain = (struct log_hash){{0}};
    file->position = first - 1;
    if (first == 1) {
        return STATUS_OK;
    }
    sqlite3_bind_int64(file->select, 1, (int64_t)first - 1);
    enum status status = STATUS_OK;
    if (sqlite3_step(file->select) != SQLITE_ROW ||
        log_read(file->select, &before, &file->chain, &column) != STATUS_OK ||
        before.position != first - 1) {
        status = row_fault(file, first - 1, "this row cannot be read", reason);
    }
    sqlite3_reset(file->select);
    return status;
}

static enum status check_row(struct log_file *file, struct record *record, char *reason)
{
    struct log_hash stored;
    const char *column = "";
    char what[64];
    if (log_read(file->select, record, &stored, &column) != STATUS_OK) {
        snprintf(what, sizeof(what), "column %s holds what no record holds", column);
        return row_fault(file, record->position, what, reason);
    }
    if (record->position != file->position + 1) {
        return row_fault(file, file->position + 1, "this row is missing", reason);
    }
    if (log_hash_record(&file->hasher, &file->chain, record) != STATUS_OK) {
        return fault(file, STATUS_BROKEN, "OpenSSL refused SHA-256", reason);
    }
    if (memcmp(stored.bytes, file->chain.bytes, LOG_HASH_BYTES) != 0) {
        return row_fault(file, record->position,
                         "its hash does not fit: this row or the one before was changed", reason);
    }
    file->position = record->position;
    return STATUS_OK;
}

enum status log_file_read(struct log_file *file, uint64_t first, const struct log_reader *reader,
                          char reason[LOG_REASON_SIZE])
{
    REQUIRE(first >= 1);
    struct record record;
    enum status status = start_chain(file, first, reason);
    if (status != STATUS_OK) {
        return status;
    }
    int step = SQLITE_DONE;
    sqlite3_bind_int64(file->select, 1, (int64_t)first);
    while (status == STATUS_OK && (step = sqlite3_step(file->select)) == SQLITE_ROW) {
        status = check_row(file, &record, reason);
        if (status == STATUS_OK && reader->on_record != NULL) {
            reader->on_record(reader->argument, &record);
        }
    }
    if (status == STATUS_OK && step != SQLITE_DONE) {
        status = fault(file, STATUS_BROKEN, log_file_fault(file), reason);
    }
    sqlite3_reset(file->select);
    return status;
}

static enum status run(sqlite3_stmt *statement)
{
    int step = sqlite3_step(statement);
    int reset = sqlite3_reset(statement);
    return step == SQLITE_DONE && reset == SQLITE_OK ? STATUS_OK : STATUS_BROKEN;
}

static enum status append_one(struct log_file *file, const struct record *record)
{
    REQUIRE(record->position == file->position + 1);
    if (log_hash_record(&file->hasher, &file->chain, record) != STATUS_OK ||
        log_bind(file->insert, record, &file->chain) != SQLITE_OK ||
        run(file->insert) != STATUS_OK) {
        return STATUS_BROKEN;
    }
    file->position = record->position;
    return STATUS_OK;
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

enum status log_file_append(struct log_file *file, const struct record *records, uint32_t count)
{
    if (run(file->begin) != STATUS_OK) {
        return STATUS_BROKEN;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (append_one(file, &records[i]) != STATUS_OK) {
            return STATUS_BROKEN;
        }
    }
    uint64_t before_ns = clock_ns();
    enum status status = run(file->commit);
    file->sync_ns = clock_ns() - before_ns;
    return status;
}

enum status log_file_checkpoint(struct log_file *file)
{
    if (file->wal_pages < file->wal_pages_due) {
        return STATUS_OK;
    }
    int in_wal = 0;
    int moved = 0;
    int failed =
        sqlite3_wal_checkpoint_v2(file->database, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &moved);
    if (failed != SQLITE_OK && failed != SQLITE_BUSY) {
        return STATUS_BROKEN;
    }
    /* A reader holds it up: try again once as much more has gathered, not after each commit. */
    bool is_whole = failed == SQLITE_OK && moved == in_wal;
    file->wal_pages_due = is_whole ? CHECKPOINT_PAGES : file->wal_pages + CHECKPOINT_PAGES;
    file->wal_pages = is_whole ? 0 : file->wal_pages;
    return STATUS_OK;
}

int64_t log_file_free_bytes(const struct log_file *file)
{
    struct statvfs disk;
    if (statvfs(file->path, &disk) != 0) {
        return -1;
    }
    return (int64_t)(disk.f_bavail * disk.f_frsize);
}
