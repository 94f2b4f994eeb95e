/* See log_usage.h. */
#include "switch/store/log_usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "switch/engine/wall_text.h"
#include "switch/store/planted_log_bug.h"

/* What was sealed longer ago holds no usage of today or yesterday, wherever midnight is, where the
 * clock was right; its days are looked at all the same. */
#define DAYS_KEPT_US (INT64_C(3) * 86400000000)
#define MONTHS_KEPT 2

#define SCHEMA                                                                                     \
    "DROP TABLE IF EXISTS usage;"                                                                  \
    "CREATE TABLE usage (period INTEGER NOT NULL, merchant_id TEXT NOT NULL,"                      \
    " terminal_id TEXT NOT NULL, pan_hash BLOB NOT NULL, count INTEGER NOT NULL,"                  \
    " minor INTEGER NOT NULL, PRIMARY KEY (period, merchant_id, terminal_id, pan_hash))"           \
    " STRICT, WITHOUT ROWID;"
/* A month as YYYYMM has six digits, a day eight. */
#define IS_MONTH " period < 1000000"

static enum status is_done(sqlite3_stmt *statement)
{
    int step = sqlite3_step(statement);
    return sqlite3_reset(statement) == SQLITE_OK && step == SQLITE_DONE ? STATUS_OK : STATUS_BROKEN;
}

static int64_t wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + (int64_t)now.tv_nsec / 1000;
}

/* Adds the months that the segment before knows. */
static enum status add_months(sqlite3 *segment, sqlite3 *before)
{
    sqlite3_stmt *select = NULL, *insert = NULL;
    enum status status = STATUS_OK;
    int step = SQLITE_DONE;
    if (sqlite3_prepare_v2(before,
                           "SELECT period, merchant_id, terminal_id, pan_hash, count, minor"
                           " FROM usage WHERE" IS_MONTH,
                           -1, &select, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(segment,
                           "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                           " count = count + excluded.count, minor = minor + excluded.minor",
                           -1, &insert, NULL) != SQLITE_OK) {
        status = STATUS_BROKEN;
    }
    while (status == STATUS_OK && (step = sqlite3_step(select)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(select) && status == STATUS_OK; i++) {
            int failed = sqlite3_bind_value(insert, i + 1, sqlite3_column_value(select, i));
            status = failed == SQLITE_OK ? STATUS_OK : STATUS_BROKEN;
        }
        status = status == STATUS_OK ? is_done(insert) : status;
    }
    sqlite3_finalize(select);
    sqlite3_finalize(insert);
    return step == SQLITE_DONE ? status : STATUS_BROKEN;
}

static enum status run(sqlite3 *segment, const char *sql)
{
    return sqlite3_exec(segment, sql, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK : STATUS_BROKEN;
}

/* Keeps the two latest months, and the two latest up to now: months to come, which a clock that had
 * run ahead has begun, must not push out what is now, nor may a clock that is behind. */
static enum status drop_months(sqlite3 *segment)
{
    struct wall_text now;
    char sql[512];
    wall_text_set(&now, wall_us());
    _Static_assert(MONTHS_KEPT == USAGE_SPAN_COUNT, "as many as the engine keeps");
    snprintf(sql, sizeof(sql),
             "DELETE FROM usage WHERE" IS_MONTH " AND period NOT IN (SELECT DISTINCT period FROM"
             " usage WHERE" IS_MONTH " ORDER BY period DESC LIMIT %d) AND period NOT IN (SELECT"
             " DISTINCT period FROM usage WHERE period <= %" PRIu32
             " ORDER BY period DESC LIMIT %d)",
             MONTHS_KEPT, now.day / 100, MONTHS_KEPT);
    return run(segment, sql);
}

enum status log_usage_fill(sqlite3 *segment, sqlite3 *before)
{
    enum status status = run(segment, SCHEMA);
    if (status == STATUS_OK) {
        status = run(segment, "INSERT INTO usage SELECT usage_day, merchant_id, terminal_id,"
                              " pan_hash, sum(usage_count), sum(usage_minor) FROM log"
                              " WHERE usage_day > 0 AND (usage_count <> 0 OR usage_minor <> 0)"
                              " GROUP BY 1, 2, 3, 4");
    }
    if (status == STATUS_OK) {
        status = run(segment, "INSERT INTO usage SELECT period / 100, merchant_id, terminal_id,"
                              " x'', sum(count), sum(minor) FROM usage GROUP BY 1, 2, 3");
    }
    if (status == STATUS_OK && before != NULL && !PLANTED_BUG(111)) {
        status = add_months(segment, before);
    }
    if (status == STATUS_OK) {
        status = drop_months(segment);
    }
    return status;
}

/* --- reading ------------------------------------------------------------------------------ */

static void take_text(char *to, size_t size, sqlite3_stmt *row, int at)
{
    const char *text = (const char *)sqlite3_column_text(row, at);
    size_t length = text == NULL ? 0 : strnlen(text, size - 1);
    memcpy(to, text == NULL ? "" : text, length);
    to[length] = '\0';
}

static void take_sum(struct usage_sum *sum, sqlite3_stmt *row)
{
    memset(sum, 0, sizeof(*sum));
    sum->period = (uint32_t)sqlite3_column_int64(row, 0);
    take_text(sum->merchant_id, sizeof(sum->merchant_id), row, 1);
    take_text(sum->terminal_id, sizeof(sum->terminal_id), row, 2);
    if (sqlite3_column_bytes(row, 3) == (int)sizeof(sum->pan_hash)) {
        memcpy(&sum->pan_hash, sqlite3_column_blob(row, 3), sizeof(sum->pan_hash));
    }
    sum->count = sqlite3_column_int64(row, 4);
    sum->minor = sqlite3_column_int64(row, 5);
}

/* Which periods: the table's key begins with them, so no others are looked at. */
struct usage_range {
    uint32_t from, until;
};

static enum status read_sums(struct log_segment *segment, struct usage_range range,
                             const struct log_replay_reader *reader, char *reason)
{
    sqlite3_stmt *rows = NULL;
    int step = SQLITE_ERROR;
    if (sqlite3_prepare_v2(segment->database,
                           "SELECT period, merchant_id, terminal_id, pan_hash, count, minor"
                           " FROM usage WHERE period BETWEEN ?1 AND ?2 ORDER BY period",
                           -1, &rows, NULL) == SQLITE_OK &&
        sqlite3_bind_int64(rows, 1, range.from) == SQLITE_OK &&
        sqlite3_bind_int64(rows, 2, range.until) == SQLITE_OK) {
        while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
            struct usage_sum sum;
            take_sum(&sum, rows);
            reader->on_usage(reader->argument, &sum);
        }
    }
    if (step != SQLITE_DONE) {
        snprintf(reason, LOG_REASON_SIZE, "log %s: usage: %s", segment->path,
                 log_segment_fault(segment));
    }
    sqlite3_finalize(rows);
    return step == SQLITE_DONE ? STATUS_OK : STATUS_BROKEN;
}

/* The latest day that the segment's rows changed; 0: none. */
static enum status read_latest(struct log_segment *segment, uint32_t *day, char *reason)
{
    sqlite3_stmt *row = NULL;
    int step = SQLITE_ERROR;
    if (sqlite3_prepare_v2(segment->database, "SELECT max(period) FROM usage", -1, &row, NULL) ==
        SQLITE_OK) {
        step = sqlite3_step(row);
    }
    uint32_t period = step == SQLITE_ROW ? (uint32_t)sqlite3_column_int64(row, 0) : 0;
    *day = period >= USAGE_DAY_MIN ? period : 0;
    if (step != SQLITE_ROW) {
        snprintf(reason, LOG_REASON_SIZE, "log %s: usage: %s", segment->path,
                 log_segment_fault(segment));
    }
    sqlite3_finalize(row);
    return step == SQLITE_ROW ? STATUS_OK : STATUS_BROKEN;
}

/* Where days that a restart may need stand: in which segments, and which of their days. */
struct usage_reach {
    uint32_t ordinal; /* of the first of them */
    uint32_t day;     /* YYYYMMDD, the first of these; 0: no segment has told of a day so far */
};

/* Today and the day before, as the engine keeps them, and one more: the clock may have stepped back
 * over midnight. Today is the latest day that usage of sealed segments is of, or what the clock
 * says, whichever is earlier, for either may have run ahead. */
static uint32_t first_day(uint32_t day_latest)
{
    struct wall_text now;
    wall_text_set(&now, wall_us());
    uint32_t today = day_latest < now.day ? day_latest : now.day;
    return wall_text_day_before(wall_text_day_before(today));
}

/* Widens the reach by a segment, where it may hold what is wanted; `matters` says whether. One
 * without a day tells nothing of those before it: neither that none of them has one, nor what day
 * it was. And the time of a sealing is what a clock said, which may have been wrong. */
static enum status reach_take(struct usage_reach *reach, struct log_segment *segment,
                              int64_t recent_us, bool *matters, char *reason)
{
    uint32_t latest = 0;
    enum status status = read_latest(segment, &latest, reason);
    *matters = status == STATUS_OK &&
               (latest == 0 || latest >= reach->day || segment->row.sealed_us >= recent_us);
    if (*matters) {
        reach->ordinal = segment->row.ordinal;
        reach->day = reach->day == 0 && latest != 0 ? first_day(latest) : reach->day;
    }
    return status;
}

static enum status find_reach(const struct log_place *place, struct log_segment *newest,
                              uint32_t first, struct usage_reach *reach, char *reason)
{
    int64_t now_us = wall_us();
    int64_t last_us = newest->row.sealed_us < now_us ? newest->row.sealed_us : now_us;
    bool matters = true;
    *reach = (struct usage_reach){0};
    enum status status = reach_take(reach, newest, last_us - DAYS_KEPT_US, &matters, reason);
    while (status == STATUS_OK && matters && reach->ordinal > first && !PLANTED_BUG(112)) {
        struct log_segment before;
        status = log_segment_open(&before, place, reach->ordinal - 1, SEGMENT_READ, reason);
        if (status == STATUS_OK) {
            status = reach_take(reach, &before, last_us - DAYS_KEPT_US, &matters, reason);
            log_segment_close(&before);
        }
    }
    return status;
}

enum status log_usage_read(const struct log_place *place, struct log_segment *newest,
                           uint32_t first, const struct log_replay_reader *reader, char *reason)
{
    struct usage_reach reach = {0};
    reader->on_usage(reader->argument, NULL);
    enum status status =
        read_sums(newest, (struct usage_range){0, USAGE_DAY_MIN - 1}, reader, reason);
    if (status == STATUS_OK) {
        status = find_reach(place, newest, first, &reach, reason);
    }
    if (status != STATUS_OK || reach.day == 0) {
        return status;
    }
    const struct usage_range days = {reach.day, UINT32_MAX};
    /* The oldest that may matter, then onwards, as the days went. */
    for (uint32_t at = reach.ordinal; status == STATUS_OK && at < newest->row.ordinal; at++) {
        struct log_segment segment;
        status = log_segment_open(&segment, place, at, SEGMENT_READ, reason);
        if (status == STATUS_OK) {
            status = read_sums(&segment, days, reader, reason);
            log_segment_close(&segment);
        }
    }
    return status == STATUS_OK ? read_sums(newest, days, reader, reason) : status;
}
