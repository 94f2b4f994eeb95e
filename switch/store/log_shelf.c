/* See log_shelf.h. */
#include "switch/store/log_shelf.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocols/base/require.h"

#define SHELF_COUNT 12
#define BUSY_TIMEOUT_MS 2000

struct shelf_book {
    uint32_t ordinal; /* 0: free */
    uint64_t used;
    sqlite3 *database;
    sqlite3_stmt *searches[LOG_SEARCH_COUNT];
};

struct log_shelf {
    struct log_place place;
    uint64_t clock;
    struct shelf_book books[SHELF_COUNT];
};

static const char *const searches[] = {
#define X(name, is_indexed, text) text,
    LOG_SEARCH_MAP(X)
#undef X
};

struct log_shelf *log_shelf_create(const struct log_place *place)
{
    struct log_shelf *shelf = calloc(1, sizeof(*shelf));
    if (shelf != NULL) {
        shelf->place = *place;
    }
    return shelf;
}

static void book_close(struct shelf_book *book)
{
    for (uint32_t i = 0; i < LOG_SEARCH_COUNT; i++) {
        sqlite3_finalize(book->searches[i]);
    }
    sqlite3_close(book->database);
    *book = (struct shelf_book){0};
}

void log_shelf_destroy(struct log_shelf *shelf)
{
    for (uint32_t i = 0; shelf != NULL && i < SHELF_COUNT; i++) {
        book_close(&shelf->books[i]);
    }
    free(shelf);
}

static struct shelf_book *find_book(struct log_shelf *shelf, uint32_t ordinal)
{
    for (uint32_t i = 0; i < SHELF_COUNT; i++) {
        if (shelf->books[i].ordinal == ordinal) {
            return &shelf->books[i];
        }
    }
    return NULL;
}

/* A free place, or that of the one not used for longest. */
static struct shelf_book *make_place(struct log_shelf *shelf)
{
    struct shelf_book *oldest = &shelf->books[0];
    for (uint32_t i = 1; i < SHELF_COUNT; i++) {
        if (shelf->books[i].used < oldest->used) {
            oldest = &shelf->books[i];
        }
    }
    book_close(oldest);
    return oldest;
}

static struct shelf_book *open_book(struct log_shelf *shelf, uint32_t ordinal, char *reason)
{
    char path[LOG_PATH_SIZE];
    struct shelf_book *book = make_place(shelf);
    log_folder_segment_path(path, shelf->place.folder, ordinal);
    int failed = sqlite3_open_v2(path, &book->database,
                                 SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                 shelf->place.vfs);
    if (failed != SQLITE_OK) {
        snprintf(reason, LOG_REASON_SIZE, "log %s: %s", path, sqlite3_errstr(failed));
        book_close(book);
        return NULL;
    }
    sqlite3_busy_timeout(book->database, BUSY_TIMEOUT_MS);
    book->ordinal = ordinal;
    return book;
}

sqlite3_stmt *log_shelf_search(struct log_shelf *shelf, uint32_t ordinal, enum log_search search,
                               char *reason)
{
    REQUIRE(ordinal > 0);
    struct shelf_book *book = find_book(shelf, ordinal);
    if (book == NULL && (book = open_book(shelf, ordinal, reason)) == NULL) {
        return NULL;
    }
    book->used = ++shelf->clock;
    sqlite3_stmt **statement = &book->searches[search];
    if (*statement == NULL) {
        char sql[LOG_SELECT_SIZE];
        snprintf(sql, sizeof(sql), "%s%s", log_select_sql(), searches[search]);
        if (sqlite3_prepare_v3(book->database, sql, -1, SQLITE_PREPARE_PERSISTENT, statement,
                               NULL) != SQLITE_OK) {
            snprintf(reason, LOG_REASON_SIZE, "log segment %u: %s", ordinal,
                     sqlite3_errmsg(book->database));
            return NULL;
        }
    }
    sqlite3_reset(*statement);
    return *statement;
}

void log_shelf_drop(struct log_shelf *shelf, uint32_t ordinal)
{
    struct shelf_book *book = find_book(shelf, ordinal);
    if (book != NULL) {
        book_close(book);
    }
}
