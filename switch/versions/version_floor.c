/* See version_floor.h. */
#include "switch/versions/version_floor.h"

#include <sqlite3.h>

#include "switch/store/log_folder.h"

/* A request's later rows carry the version that decided it, so the last row alone may name an older
 * one; no request is open over so many rows. */
#define LAST_SQL                                                                                   \
    "SELECT max(ruleset_version) FROM (SELECT ruleset_version FROM log ORDER BY position DESC"     \
    " LIMIT 50000)"

static uint32_t of_segment(const char *path)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *asked = NULL;
    uint32_t version = 0;
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(database, LAST_SQL, -1, &asked, NULL) == SQLITE_OK &&
        sqlite3_step(asked) == SQLITE_ROW) {
        version = (uint32_t)sqlite3_column_int64(asked, 0);
    }
    sqlite3_finalize(asked);
    sqlite3_close(database);
    return version;
}

uint32_t version_floor(const char *store_folder)
{
    char reason[LOG_REASON_SIZE];
    char path[LOG_PATH_SIZE];
    struct log_span span;
    if (log_folder_span(store_folder, &span, reason) != STATUS_OK) {
        return 0;
    }
    uint32_t version = 0;
    for (uint32_t at = span.last; at >= span.first && at > 0 && version == 0; at--) {
        log_folder_segment_path(path, store_folder, at);
        version = of_segment(path);
    }
    return version;
}
