/* See desk.h: the file, its transactions and statements. */
#include "switch/desk/desk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "protocols/base/require.h"
#include "switch/desk/desk_mask.h"
#include "switch/desk/desk_schema.h"
#include "switch/desk/desk_state.h"

enum status desk_fault(struct desk *desk, enum status status, const char *format, ...)
{
    int length = snprintf(desk->reason, sizeof(desk->reason), "%s: ", desk->path);
    REQUIRE(length > 0 && (size_t)length < sizeof(desk->reason));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(desk->reason + length, sizeof(desk->reason) - (size_t)length, format, arguments);
    va_end(arguments);
    return status;
}

#define STEPS_BETWEEN_LOOKS 10000 /* of SQLite's machine: some tenths of a millisecond */

static int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int on_progress(void *argument)
{
    const struct desk *desk = argument;
    return clock_ns() > desk->until_ns;
}

void desk_limit(struct desk *desk, uint32_t seconds)
{
    desk->until_ns = clock_ns() + (int64_t)seconds * 1000000000;
    sqlite3_progress_handler(desk->database, STEPS_BETWEEN_LOOKS, on_progress, desk);
}

enum status desk_broken(struct desk *desk, const char *doing)
{
    if ((sqlite3_errcode(desk->database) & 0xFF) == SQLITE_INTERRUPT) {
        return desk_fault(desk, STATUS_EXPIRED,
                          "%s took longer than it may; ask for less, or when less is going on",
                          doing);
    }
    bool is_busy = (sqlite3_errcode(desk->database) & 0xFF) == SQLITE_BUSY;
    return desk_fault(desk, is_busy ? STATUS_EXPIRED : STATUS_BROKEN, "%s: %s%s", doing,
                      sqlite3_errmsg(desk->database),
                      is_busy ? "; another writer holds the file, try again" : "");
}

sqlite3_stmt *desk_prepare(struct desk *desk, const char *sql)
{
    for (uint32_t i = 0; i < desk->statement_count; i++) {
        sqlite3_stmt *kept = desk->statements[i];
        if (sqlite3_stmt_busy(kept) == 0 && strcmp(sqlite3_sql(kept), sql) == 0) {
            return kept;
        }
    }
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(desk->database, sql, -1, &statement, NULL) != SQLITE_OK) {
        return NULL;
    }
    if (desk->statement_count < DESK_STATEMENT_COUNT_MAX) {
        desk->statements[desk->statement_count++] = statement;
    }
    return statement;
}

void desk_release(struct desk *desk, sqlite3_stmt *statement)
{
    for (uint32_t i = 0; i < desk->statement_count; i++) {
        if (desk->statements[i] == statement) {
            sqlite3_reset(statement);
            sqlite3_clear_bindings(statement);
            return;
        }
    }
    sqlite3_finalize(statement);
}

enum status desk_step(struct desk *desk, sqlite3_stmt *statement)
{
    int result = statement == NULL ? SQLITE_ERROR : sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        return STATUS_OK;
    }
    return result == SQLITE_DONE ? STATUS_NOT_FOUND : desk_broken(desk, "reading");
}

enum status desk_run(struct desk *desk, sqlite3_stmt *statement, bool bound)
{
    enum status status = STATUS_OK;
    if (statement == NULL || !bound || sqlite3_step(statement) != SQLITE_DONE) {
        status = desk_broken(desk, "writing");
    }
    desk_release(desk, statement);
    return status;
}

bool desk_bind(sqlite3_stmt *statement, const struct desk_value *values, uint32_t count)
{
    int failed = SQLITE_OK;
    for (uint32_t i = 0; i < count; i++) {
        int at = (int)i + 1;
        failed |= values[i].is_text
                      ? sqlite3_bind_text(statement, at, values[i].text, -1, SQLITE_TRANSIENT)
                      : sqlite3_bind_int64(statement, at, values[i].number);
    }
    return failed == SQLITE_OK;
}

enum status desk_write(struct desk *desk, const char *sql, const struct desk_value *values,
                       uint32_t count)
{
    sqlite3_stmt *statement = desk_prepare(desk, sql);
    return desk_run(desk, statement, statement != NULL && desk_bind(statement, values, count));
}

enum status desk_number(struct desk *desk, const char *sql, const struct desk_value *values,
                        uint32_t count, int64_t *number)
{
    sqlite3_stmt *statement = desk_prepare(desk, sql);
    if (statement == NULL || !desk_bind(statement, values, count)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = desk_step(desk, statement);
    if (status == STATUS_OK) {
        *number = sqlite3_column_int64(statement, 0);
    }
    desk_release(desk, statement);
    return status;
}

static enum status execute(struct desk *desk, const char *sql)
{
    return sqlite3_exec(desk->database, sql, NULL, NULL, NULL) == SQLITE_OK
               ? STATUS_OK
               : desk_broken(desk, "writing");
}

enum status desk_begin(struct desk *desk)
{
    if (desk->depth == 0) {
        desk->is_failed = false;
        enum status status = execute(desk, "BEGIN IMMEDIATE");
        if (status != STATUS_OK) {
            return status;
        }
    }
    desk->depth++;
    return STATUS_OK;
}

enum status desk_end(struct desk *desk, enum status status)
{
    REQUIRE(desk->depth > 0);
    desk->is_failed = desk->is_failed || status != STATUS_OK;
    if (--desk->depth > 0) {
        return status;
    }
    if (!desk->is_failed) {
        status = execute(desk, "COMMIT");
        if (status == STATUS_OK) {
            return status;
        }
    } else if (status == STATUS_OK) {
        status = STATUS_NOT_READY; /* the caller passed over a failure: nothing is written */
    }
    if (sqlite3_get_autocommit(desk->database) == 0) {
        sqlite3_exec(desk->database, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

void desk_set_case_rules(struct desk *desk, const struct case_rules *rules)
{
    desk->case_rules = *rules;
}

const struct case_rules *desk_case_rules(const struct desk *desk)
{
    return &desk->case_rules;
}

enum status desk_version(struct desk *desk, int64_t *version)
{
    return desk_number(desk, "PRAGMA data_version", NULL, 0, version);
}

/* --- opening -------------------------------------------------------------------------------- */

#define DESK_PRAGMAS                                                                               \
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"            \
    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON;"         \
    "PRAGMA recursive_triggers = ON"

/* All that came after `version`; 0: the file is empty. */
static enum status make_tables(struct desk *desk, int64_t version)
{
    char marks[96];
    snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d",
             DESK_APPLICATION_ID, DESK_SCHEMA_VERSION);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < desk_schema_count(); i++) {
        struct cell_sql sql = {0};
        if (desk_schema_version(i) > version) {
            desk_schema_sql(i, &sql);
            status = execute(desk, sql.text);
        }
    }
    if (status == STATUS_OK && version > 0 && version < DESK_MASK_VERSION) {
        status = desk_mask_free_texts(desk);
    }
    return status == STATUS_OK ? execute(desk, marks) : status;
}

/* Makes the tables that are missing, under the lock, so that two who open it at once agree. */
static enum status check_tables(struct desk *desk)
{
    int64_t application = 0;
    int64_t version = 0;
    int64_t tables = 0;
    enum status status = desk_number(desk, "PRAGMA application_id", NULL, 0, &application);
    if (status == STATUS_OK) {
        status = desk_number(desk, "PRAGMA user_version", NULL, 0, &version);
    }
    if (status == STATUS_OK) {
        status = desk_number(desk, "SELECT count(*) FROM sqlite_master", NULL, 0, &tables);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (application == 0 && version == 0 && tables == 0) {
        return make_tables(desk, 0);
    }
    if (application != DESK_APPLICATION_ID) {
        return desk_fault(desk, STATUS_MALFORMED,
                          "not a database of after-sales: application_id is %#llx, expected %#x; "
                          "name another file",
                          (unsigned long long)application, DESK_APPLICATION_ID);
    }
    if (version < 1 || version > DESK_SCHEMA_VERSION) {
        return desk_fault(desk, STATUS_MALFORMED,
                          "made by another version of Tillway: user_version is %lld, expected 1 to "
                          "%d; run the version that made it, or a later one",
                          (long long)version, DESK_SCHEMA_VERSION);
    }
    return version < DESK_SCHEMA_VERSION ? make_tables(desk, version) : STATUS_OK;
}

/* A file of this version, which is complete: who opens it waits for no writer. */
static bool is_current(struct desk *desk)
{
    int64_t application = 0;
    int64_t version = 0;
    return desk_number(desk, "PRAGMA application_id", NULL, 0, &application) == STATUS_OK &&
           desk_number(desk, "PRAGMA user_version", NULL, 0, &version) == STATUS_OK &&
           application == DESK_APPLICATION_ID && version == DESK_SCHEMA_VERSION;
}

static enum status open_file(struct desk *desk, const char *path)
{
    if (snprintf(desk->path, sizeof(desk->path), "%s", path) >= (int)sizeof(desk->path)) {
        return desk_fault(desk, STATUS_BAD_VALUE, "the path is longer than 255 bytes");
    }
    bool is_new = access(path, F_OK) != 0;
    int failed =
        sqlite3_open_v2(path, &desk->database,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (failed != SQLITE_OK) {
        return desk_fault(desk, STATUS_BROKEN, "cannot be opened: %s", sqlite3_errstr(failed));
    }
    /* SQLite lets the umask decide who may read people's names and places; nothing is in it yet,
     * and what SQLite makes beside it is like it. */
    if (is_new && chmod(path, 0600) != 0) {
        return desk_fault(desk, STATUS_BROKEN, "its mode cannot be set to 0600");
    }
    sqlite3_busy_timeout(desk->database, DESK_BUSY_MS);
    enum status status = execute(desk, DESK_PRAGMAS);
    if (status == STATUS_OK && is_current(desk)) {
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = desk_begin(desk);
    }
    return status == STATUS_OK ? desk_end(desk, check_tables(desk)) : status;
}

enum status desk_open(struct desk **desk, const char *path, char *reason)
{
    struct desk *opened = calloc(1, sizeof(*opened));
    if (opened == NULL) {
        snprintf(reason, DESK_REASON_SIZE, "%.200s: no memory", path);
        return STATUS_NO_MEMORY;
    }
    case_rules_default(&opened->case_rules);
    enum status status = open_file(opened, path);
    if (status != STATUS_OK) {
        snprintf(reason, DESK_REASON_SIZE, "%s", opened->reason);
        desk_close(opened);
        opened = NULL;
    }
    *desk = opened;
    return status;
}

void desk_close(struct desk *desk)
{
    if (desk == NULL) {
        return;
    }
    for (uint32_t i = 0; i < desk->statement_count; i++) {
        sqlite3_finalize(desk->statements[i]);
    }
    sqlite3_close(desk->database);
    free(desk);
}

const char *desk_reason(const struct desk *desk)
{
    return desk->reason;
}
