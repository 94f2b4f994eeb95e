/* See log_segment.h. */
#include "switch/store/log_segment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "protocols/base/pause.h"
#include "protocols/base/require.h"
#include "switch/store/planted_log_bug.h"

/* Rows whose chain is looked at when the end is sought; a restart reads them all later. */
#define END_CHECK_ROWS 64
/* A checkpoint costs two syncs: at 4 KiB a page this is one for every 8 MiB of WAL. */
#define CHECKPOINT_PAGES 2048
#define BUSY_TIMEOUT_MS 5000
#define NEXT_NAME "segment-next.db"

#define SEGMENT_PRAGMAS                                                                            \
    "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"                                    \
    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA recursive_triggers = ON;"

#define SYNC_PRAGMA (PLANTED_BUG(101) ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL")

static enum status fault(const struct log_segment *segment, enum status status, const char *what,
                         char *reason)
{
    snprintf(reason, LOG_REASON_SIZE, "log %s: %s", segment->path, what);
    return status;
}

const char *log_segment_fault(const struct log_segment *segment)
{
    return sqlite3_errmsg(segment->database);
}

static enum status broken(const struct log_segment *segment, char *reason)
{
    return fault(segment, STATUS_BROKEN, log_segment_fault(segment), reason);
}

/* --- making and opening ------------------------------------------------------------------- */

static enum status open_database(struct log_segment *segment, const char *path, const char *vfs,
                                 int flags, char *reason)
{
    *segment = (struct log_segment){.wal_pages_due = CHECKPOINT_PAGES};
    snprintf(segment->path, sizeof(segment->path), "%s", path);
    int failed = sqlite3_open_v2(path, &segment->database,
                                 flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
    if (failed != SQLITE_OK) {
        return fault(segment, STATUS_BROKEN, sqlite3_errstr(failed), reason);
    }
    sqlite3_busy_timeout(segment->database, BUSY_TIMEOUT_MS);
    return STATUS_OK;
}

static enum status make_schema(struct log_segment *segment, char *reason)
{
    char marks[128];
    snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
             LOG_APPLICATION_ID, LOG_SCHEMA_VERSION);
    /* One statement each, the first in several strings.
     * NOLINTNEXTLINE(bugprone-suspicious-missing-comma) */
    const char *const steps[] = {SEGMENT_PRAGMAS, SYNC_PRAGMA, "BEGIN IMMEDIATE", log_schema_sql(),
                                 marks};
    for (uint32_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (sqlite3_exec(segment->database, steps[i], NULL, NULL, NULL) != SQLITE_OK) {
            return broken(segment, reason);
        }
    }
    return STATUS_OK;
}

/* What a crash left of an earlier one is of no use. */
static enum status remove_leavings(const char *path, char *reason)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    for (uint32_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char name[LOG_PATH_SIZE + 16];
        snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        enum status status = log_disk_remove(name, reason);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status log_segment_make(const struct log_place *place, char *reason)
{
    char path[LOG_PATH_SIZE];
    struct log_segment segment = {0};
    log_folder_path(path, place->folder, NEXT_NAME);
    enum status status = remove_leavings(path, reason);
    if (status == STATUS_OK) {
        status = log_disk_make_file(path, reason);
    }
    if (status == STATUS_OK) {
        status = open_database(&segment, path, place->vfs, SQLITE_OPEN_READWRITE, reason);
    }
    if (status == STATUS_OK) {
        status = make_schema(&segment, reason);
    }
    log_segment_close(&segment); /* folds the WAL in */
    return status == STATUS_OK ? log_disk_sync_file(path, reason) : status;
}

enum status log_segment_adopt(const struct log_place *place, uint32_t ordinal, char *reason)
{
    char from[LOG_PATH_SIZE];
    char to[LOG_PATH_SIZE];
    log_folder_path(from, place->folder, NEXT_NAME);
    log_folder_segment_path(to, place->folder, ordinal);
    REQUIRE(ordinal >= 1 && ordinal <= LOG_ORDINAL_MAX);
    enum status status = log_disk_rename(from, to, reason);
    return status == STATUS_OK ? log_disk_sync_folder(place->folder, reason) : status;
}

static int on_text(void *argument, int count, char **values, char **names)
{
    (void)names;
    snprintf(argument, 24, "%s", count > 0 && values[0] != NULL ? values[0] : "");
    return 0;
}

/* The number that a statement answers; -1 on failure. */
static long long read_number(const struct log_segment *segment, const char *sql)
{
    char text[24] = "-1";
    long long number = -1;
    if (sqlite3_exec(segment->database, sql, on_text, text, NULL) != SQLITE_OK ||
        sscanf(text, "%lld", &number) != 1) {
        return -1;
    }
    return number;
}

/* There is no way from one version to another: the switch that wrote the log ends it. */
static enum status refuse_version(const struct log_segment *segment, long long version,
                                  char *reason)
{
    snprintf(reason, LOG_REASON_SIZE, "log %s: is of version %lld, this program reads %d alone; %s",
             segment->path, version, LOG_SCHEMA_VERSION,
             version < LOG_SCHEMA_VERSION
                 ? "run the build that wrote it until `tillwayctl status` shows no reversals "
                   "pending, drain it, keep the folder, and give this one an empty store.folder"
                 : "run the build that wrote it, or one that is newer");
    return STATUS_UNSUPPORTED;
}

static enum status check_header(const struct log_segment *segment, char *reason)
{
    long long application = read_number(segment, "PRAGMA application_id");
    if (application < 0) {
        return fault(segment, STATUS_UNSUPPORTED, log_segment_fault(segment), reason);
    }
    if (application != LOG_APPLICATION_ID) {
        return fault(segment, STATUS_UNSUPPORTED,
                     "is not a log of this program; give another folder, it is left alone", reason);
    }
    long long version = read_number(segment, "PRAGMA user_version");
    return version == LOG_SCHEMA_VERSION ? STATUS_OK : refuse_version(segment, version, reason);
}

static bool take_hash(sqlite3_stmt *select, int at, struct log_hash *hash)
{
    if (sqlite3_column_bytes(select, at) != LOG_HASH_BYTES) {
        return false;
    }
    memcpy(hash->bytes, sqlite3_column_blob(select, at), LOG_HASH_BYTES);
    return true;
}

static bool take_row(sqlite3_stmt *select, struct segment_row *row)
{
    row->ordinal = (uint32_t)sqlite3_column_int64(select, 0);
    row->first_position = (uint64_t)sqlite3_column_int64(select, 1);
    row->settlement_day = (uint32_t)sqlite3_column_int64(select, 3);
    row->opened_us = sqlite3_column_int64(select, 4);
    row->sealed_us = sqlite3_column_int64(select, 5);
    row->last_position = (uint64_t)sqlite3_column_int64(select, 6);
    row->row_count = (uint64_t)sqlite3_column_int64(select, 8);
    return row->first_position >= 1 && take_hash(select, 2, &row->previous_hash) &&
           take_hash(select, 7, &row->last_hash);
}

static enum status read_row(struct log_segment *segment, char *reason)
{
    sqlite3_stmt *select = NULL;
    enum status status = STATUS_OK;
    if (sqlite3_prepare_v2(segment->database,
                           "SELECT ordinal, first_position, previous_hash, settlement_day,"
                           " opened_us, sealed_us, last_position, last_hash, row_count"
                           " FROM segment",
                           -1, &select, NULL) != SQLITE_OK) {
        return broken(segment, reason);
    }
    int step = sqlite3_step(select);
    segment->has_row = step == SQLITE_ROW;
    if (step == SQLITE_ROW && !take_row(select, &segment->row)) {
        status =
            fault(segment, STATUS_UNSUPPORTED,
                  "its row in the table segment cannot be; bring it back from a back-up", reason);
    } else if (step != SQLITE_ROW && step != SQLITE_DONE) {
        status = broken(segment, reason);
    }
    sqlite3_finalize(select);
    segment->position = segment->has_row ? segment->row.first_position - 1 : 0;
    segment->chain = segment->row.previous_hash;
    return status;
}

static int prepare(struct log_segment *segment, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v3(segment->database, sql, -1, SQLITE_PREPARE_PERSISTENT, statement,
                              NULL);
}

static enum status prepare_all(struct log_segment *segment, char *reason)
{
    char select[LOG_SELECT_SIZE];
    snprintf(select, sizeof(select), "%slog WHERE position >= ?1 ORDER BY position",
             log_select_sql());
    if (prepare(segment, "BEGIN IMMEDIATE", &segment->begin) != SQLITE_OK ||
        prepare(segment, "COMMIT", &segment->commit) != SQLITE_OK ||
        prepare(segment, log_insert_sql(), &segment->insert) != SQLITE_OK ||
        prepare(segment, select, &segment->select) != SQLITE_OK) {
        return broken(segment, reason);
    }
    return log_hasher_open(&segment->hasher) == STATUS_OK
               ? STATUS_OK
               : fault(segment, STATUS_BROKEN, "OpenSSL offers no SHA-256", reason);
}

static int on_commit(void *argument, sqlite3 *database, const char *name, int pages)
{
    (void)database;
    (void)name;
    struct log_segment *segment = argument;
    segment->wal_pages = (uint32_t)pages;
    return SQLITE_OK;
}

void log_segment_watch(struct log_segment *segment)
{
    sqlite3_wal_hook(segment->database, on_commit, segment);
}

static enum status open_header(struct log_segment *segment, const char *path, const char *vfs,
                               enum segment_use use, char *reason)
{
    int flags = use == SEGMENT_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    enum status status = open_database(segment, path, vfs, flags, reason);
    return status == STATUS_OK ? check_header(segment, reason) : status;
}

/* A kill while a sealed segment leaves WAL mode leaves a journal that only a writer may roll back,
 * and SQLite does so at a writer's first look, unless another process holds the file. */
static bool has_hot_journal(const struct log_segment *segment)
{
    return segment->database != NULL &&
           sqlite3_extended_errcode(segment->database) == SQLITE_READONLY_ROLLBACK;
}

static enum status open_checked(struct log_segment *segment, const char *path, const char *vfs,
                                enum segment_use use, char *reason)
{
    enum status status = open_header(segment, path, vfs, use, reason);
    if (status != STATUS_OK && use == SEGMENT_READ && has_hot_journal(segment)) {
        log_segment_close(segment);
        status = open_header(segment, path, vfs, SEGMENT_WRITE, reason);
        log_segment_close(segment);
        status = status == STATUS_OK ? open_header(segment, path, vfs, use, reason) : status;
    }
    if (status == STATUS_OK && use == SEGMENT_WRITE) {
        status = sqlite3_exec(segment->database, SEGMENT_PRAGMAS, NULL, NULL, NULL) == SQLITE_OK &&
                         sqlite3_exec(segment->database, SYNC_PRAGMA, NULL, NULL, NULL) == SQLITE_OK
                     ? STATUS_OK
                     : broken(segment, reason);
        log_segment_watch(segment);
    }
    if (status == STATUS_OK) {
        status = read_row(segment, reason);
    }
    if (status == STATUS_OK) {
        status = prepare_all(segment, reason);
    }
    if (status != STATUS_OK) {
        log_segment_close(segment);
    }
    return status;
}

enum status log_segment_open(struct log_segment *segment, const struct log_place *place,
                             uint32_t ordinal, enum segment_use use, char *reason)
{
    char path[LOG_PATH_SIZE];
    log_folder_segment_path(path, place->folder, ordinal);
    enum status status = open_checked(segment, path, place->vfs, use, reason);
    if (status == STATUS_OK && segment->has_row && segment->row.ordinal != ordinal) {
        status = fault(segment, STATUS_UNSUPPORTED,
                       "its row in the table segment has another ordinal than its name", reason);
        log_segment_close(segment);
    }
    return status;
}

enum status log_segment_open_path(struct log_segment *segment, const char *path, const char *vfs,
                                  char *reason)
{
    return open_checked(segment, path, vfs, SEGMENT_READ, reason);
}

void log_segment_close(struct log_segment *segment)
{
    sqlite3_finalize(segment->begin);
    sqlite3_finalize(segment->insert);
    sqlite3_finalize(segment->commit);
    sqlite3_finalize(segment->select);
    sqlite3_close(segment->database);
    log_hasher_close(&segment->hasher);
    *segment = (struct log_segment){0};
}

/* --- reading ------------------------------------------------------------------------------ */

static enum status row_fault(const struct log_segment *segment, uint64_t position, const char *what,
                             char *reason)
{
    snprintf(reason, LOG_REASON_SIZE,
             "log %s: position %llu: %s; restore the file from a copy whose chain holds",
             segment->path, (unsigned long long)position, what);
    return STATUS_MALFORMED;
}

/* The hash that the row `first` continues: the segment's own, or that of the row before it. */
static enum status start_chain(struct log_segment *segment, uint64_t first, char *reason)
{
    struct record before;
    const char *column = "";
    segment->chain = segment->row.previous_hash;
    segment->position = first - 1;
    if (first == segment->row.first_position) {
        return STATUS_OK;
    }
    sqlite3_bind_int64(segment->select, 1, (int64_t)first - 1);
    enum status status = STATUS_OK;
    if (sqlite3_step(segment->select) != SQLITE_ROW ||
        log_read(segment->select, &before, &segment->chain, &column) != STATUS_OK ||
        before.position != first - 1) {
        status = row_fault(segment, first - 1, "this row cannot be read", reason);
    }
    sqlite3_reset(segment->select);
    return status;
}

static enum status check_row(struct log_segment *segment, struct record *record, char *reason)
{
    struct log_hash stored;
    const char *column = "";
    char what[64];
    if (log_read(segment->select, record, &stored, &column) != STATUS_OK) {
        snprintf(what, sizeof(what), "column %s holds what no record holds", column);
        return row_fault(segment, record->position, what, reason);
    }
    if (record->position != segment->position + 1) {
        return row_fault(segment, segment->position + 1, "this row is missing", reason);
    }
    if (log_hash_record(&segment->hasher, &segment->chain, record) != STATUS_OK) {
        return fault(segment, STATUS_BROKEN, "OpenSSL refused SHA-256", reason);
    }
    if (memcmp(stored.bytes, segment->chain.bytes, LOG_HASH_BYTES) != 0) {
        return row_fault(segment, record->position,
                         "its hash does not fit: this row or the one before was changed", reason);
    }
    segment->position = record->position;
    return STATUS_OK;
}

enum status log_segment_read(struct log_segment *segment, uint64_t first,
                             const struct log_reader *reader, char *reason)
{
    REQUIRE(first >= segment->row.first_position);
    struct record record;
    enum status status = start_chain(segment, first, reason);
    if (status != STATUS_OK) {
        return status;
    }
    int step = SQLITE_DONE;
    sqlite3_bind_int64(segment->select, 1, (int64_t)first);
    while (status == STATUS_OK && (step = sqlite3_step(segment->select)) == SQLITE_ROW) {
        status = check_row(segment, &record, reason);
        if (status == STATUS_OK && reader->on_record != NULL) {
            reader->on_record(reader->argument, &record);
        }
    }
    if (status == STATUS_OK && step != SQLITE_DONE) {
        status = broken(segment, reason);
    }
    sqlite3_reset(segment->select);
    return status;
}

enum status log_segment_read_block(struct log_segment *segment, uint64_t first,
                                   struct record *records, uint32_t count, char *reason)
{
    REQUIRE(first >= segment->row.first_position);
    enum status status = start_chain(segment, first, reason);
    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_bind_int64(segment->select, 1, (int64_t)first);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        pause_point();
        int step = sqlite3_step(segment->select);
        if (step == SQLITE_ROW) {
            status = check_row(segment, &records[i], reason);
        } else {
            status = step == SQLITE_DONE
                         ? row_fault(segment, first + i, "this row is missing", reason)
                         : broken(segment, reason);
        }
    }
    sqlite3_reset(segment->select);
    return status;
}

enum status log_segment_last(struct log_segment *segment, uint64_t *position, char *reason)
{
    long long last = read_number(segment, "SELECT coalesce(max(position), 0) FROM log");
    *position = segment->row.first_position - 1;
    if (last < 0) {
        return broken(segment, reason);
    }
    if ((uint64_t)last > *position) {
        *position = (uint64_t)last;
    }
    return STATUS_OK;
}

enum status log_segment_find_end(struct log_segment *segment, char *reason)
{
    static const struct log_reader verify_only = {NULL, NULL};
    uint64_t first = segment->row.first_position;
    uint64_t last;
    enum status status = log_segment_last(segment, &last, reason);
    if (status != STATUS_OK) {
        return status;
    }
    if (last >= first + END_CHECK_ROWS) {
        first = last - END_CHECK_ROWS + 1;
    }
    return log_segment_read(segment, first, &verify_only, reason);
}

/* --- writing ------------------------------------------------------------------------------ */

static enum status run(sqlite3_stmt *statement)
{
    int step = sqlite3_step(statement);
    int reset = sqlite3_reset(statement);
    return step == SQLITE_DONE && reset == SQLITE_OK ? STATUS_OK : STATUS_BROKEN;
}

void log_segment_begin(struct log_segment *segment, const struct segment_row *row)
{
    REQUIRE(!segment->has_row);
    segment->row = *row;
    segment->chain = row->previous_hash;
    segment->position = row->first_position - 1;
}

static enum status insert_row(struct log_segment *segment)
{
    sqlite3_stmt *insert = NULL;
    const struct segment_row *row = &segment->row;
    if (sqlite3_prepare_v2(segment->database,
                           "INSERT INTO segment VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, x'"
                           "0000000000000000000000000000000000000000000000000000000000000000', 0)",
                           -1, &insert, NULL) != SQLITE_OK) {
        return STATUS_BROKEN;
    }
    sqlite3_bind_int64(insert, 1, row->ordinal);
    sqlite3_bind_int64(insert, 2, (int64_t)row->first_position);
    sqlite3_bind_blob(insert, 3, row->previous_hash.bytes, LOG_HASH_BYTES, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 4, row->settlement_day);
    sqlite3_bind_int64(insert, 5, row->opened_us);
    enum status status = run(insert);
    sqlite3_finalize(insert);
    segment->has_row = status == STATUS_OK;
    return status;
}

enum status log_segment_write_row(struct log_segment *segment)
{
    REQUIRE(!segment->has_row);
    return run(segment->begin) == STATUS_OK && insert_row(segment) == STATUS_OK &&
                   run(segment->commit) == STATUS_OK
               ? STATUS_OK
               : STATUS_BROKEN;
}

static enum status append_one(struct log_segment *segment, const struct record *record)
{
    REQUIRE(record->position == segment->position + 1);
    if (log_hash_record(&segment->hasher, &segment->chain, record) != STATUS_OK ||
        log_bind(segment->insert, record, &segment->chain) != SQLITE_OK ||
        run(segment->insert) != STATUS_OK) {
        return STATUS_BROKEN;
    }
    segment->position = record->position;
    return STATUS_OK;
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

enum status log_segment_append(struct log_segment *segment, const struct record *records,
                               uint32_t count)
{
    if (run(segment->begin) != STATUS_OK ||
        (!segment->has_row && insert_row(segment) != STATUS_OK)) {
        return STATUS_BROKEN;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (append_one(segment, &records[i]) != STATUS_OK) {
            return STATUS_BROKEN;
        }
    }
    uint64_t before_ns = clock_ns();
    enum status status = run(segment->commit);
    segment->sync_ns = clock_ns() - before_ns;
    return status;
}

enum status log_segment_checkpoint(struct log_segment *segment)
{
    if (segment->wal_pages < segment->wal_pages_due) {
        return STATUS_OK;
    }
    int in_wal = 0;
    int moved = 0;
    int failed = sqlite3_wal_checkpoint_v2(segment->database, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                           &in_wal, &moved);
    if (failed != SQLITE_OK && failed != SQLITE_BUSY) {
        return STATUS_BROKEN;
    }
    /* A reader holds it up: try again once as much more has gathered, not after each commit. */
    bool is_whole = failed == SQLITE_OK && moved == in_wal;
    segment->wal_pages_due = is_whole ? CHECKPOINT_PAGES : segment->wal_pages + CHECKPOINT_PAGES;
    segment->wal_pages = is_whole ? 0 : segment->wal_pages;
    return STATUS_OK;
}
