/* See version_floor.h. */
#include "switch/versions/version_floor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "config/file_text.h"
#include "protocols/base/digits.h"
#include "switch/store/log_folder.h"
#include "switch/versions/version_disk.h"

#define TEXT_BYTES_MAX 16u
#define NUMBER_DIGITS_MAX 6u

/* A request's later rows carry the version that decided it, so the last row alone may name an older
 * one; no request is open over so many rows. */
#define LAST_SQL                                                                                   \
    "SELECT max(ruleset_version) FROM (SELECT ruleset_version FROM log ORDER BY position DESC"     \
    " LIMIT 50000)"
#define ALL_SQL "SELECT max(ruleset_version) FROM log"

/* ---- the log ---- */

static uint32_t of_segment(const char *path, const char *sql)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *asked = NULL;
    uint32_t version = 0;
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(database, sql, -1, &asked, NULL) == SQLITE_OK &&
        sqlite3_step(asked) == SQLITE_ROW) {
        version = (uint32_t)sqlite3_column_int64(asked, 0);
    }
    sqlite3_finalize(asked);
    sqlite3_close(database);
    return version;
}

/* The last segment that names one answers where the last rows are enough. */
static uint32_t of_log(const char *store_folder, bool of_all)
{
    char reason[LOG_REASON_SIZE];
    char path[LOG_PATH_SIZE];
    struct log_span span;
    if (log_folder_span(store_folder, &span, reason) != STATUS_OK) {
        return 0;
    }
    uint32_t highest = 0;
    for (uint32_t at = span.last; at >= span.first && at > 0 && (of_all || highest == 0); at--) {
        log_folder_segment_path(path, store_folder, at);
        uint32_t version = of_segment(path, of_all ? ALL_SQL : LAST_SQL);
        highest = version > highest ? version : highest;
    }
    return highest;
}

/* ---- the file ---- */

static bool number_take(const struct file_text *text, uint32_t *number)
{
    uint64_t value;
    uint32_t digits = text->length > 0 ? text->length - 1 : 0;
    if (digits == 0 || digits > NUMBER_DIGITS_MAX || text->bytes[digits] != '\n' ||
        digits_parse(&value, text->bytes, digits,
                     (struct number_range){1, RULE_VERSION_NUMBER_MAX}) != STATUS_OK) {
        return false;
    }
    *number = (uint32_t)value;
    return true;
}

enum status version_floor(struct version_floor *floor, const char *store_folder,
                          bool are_versions_kept, char reason[RULE_VERSION_REASON_SIZE])
{
    char path[LOG_PATH_SIZE];
    struct file_text text;
    *floor = (struct version_floor){.number = 0};
    log_folder_path(path, store_folder, VERSION_FLOOR_NAME);
    enum status status = file_text_read(&text, path, TEXT_BYTES_MAX);
    if (status == STATUS_NOT_FOUND) {
        floor->number = of_log(store_folder, !are_versions_kept);
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        floor->is_noted = number_take(&text, &floor->number);
        status = floor->is_noted ? STATUS_OK : STATUS_MALFORMED;
        file_text_free(&text);
    }
    if (status != STATUS_OK) {
        snprintf(reason, RULE_VERSION_REASON_SIZE,
                 "%.300s: expected the highest number that a version was given, in digits, and the "
                 "end of a line; write it there (version list, rows of the log), or remove the "
                 "file, and the log's rows are asked",
                 path);
        status = STATUS_MALFORMED;
    }
    return status;
}

int version_floor_note(const char *store_folder, uint32_t number)
{
    char path[LOG_PATH_SIZE];
    char text[TEXT_BYTES_MAX];
    log_folder_path(path, store_folder, VERSION_FLOOR_NAME);
    int length = snprintf(text, sizeof(text), "%" PRIu32 "\n", number);
    return version_disk_replace(path, text, (size_t)length);
}
