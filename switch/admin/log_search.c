/* Two statements: rows of a stretch of the log that begin a transaction and fit the query, and all
 * rows of one RRN by its index. A search walks stretches from the newest back until the page is
 * full or its time is up. */
#include "switch/admin/log_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

#include "protocols/base/money.h"
#include "switch/admin/wall_text.h"

#define STRETCH_ROWS 20000
#define SEARCH_NS 400000000U     /* of one page */
#define STATEMENT_NS 2000000000U /* of one statement, whatever it does */
#define STEPS_A_CHECK 10000
#define RECORDS_MAX 200 /* of one transaction: a reversal that is tried for days has that many */
/* How far the wall clock may have stepped back within the log. */
#define CLOCK_SLACK_US INT64_C(86400000000)

/* Columns that are shown, in this order in both statements. Key blocks, hashes and sealed numbers
 * are never selected. */
#define SHOWN_COLUMNS                                                                              \
    "position, kind, wall_us, epoch, seq, original_epoch, original_seq, payment_kind, state, "     \
    "reason, attempt, terminal_id, merchant_id, batch, stan, amount_minor, currency, pan_masked, " \
    "processing_code, condition_code, type_code, entry_mode, channel, channel_stan, sent_at, "     \
    "rrn, mcc, channel_reference, response_code, auth_code, settlement_date, local_time, "         \
    "local_date, acquirer_id, merchant_fee, issuer_fee, scheme_fee, ruleset_version, route_rule, " \
    "fee_rule"

struct log_search {
    sqlite3 *database;
    sqlite3_stmt *stretch, *by_rrn, *last;
    uint64_t deadline_ns; /* of the statement that runs */
};

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static int on_progress(void *argument)
{
    const struct log_search *search = argument;
    return clock_ns() > search->deadline_ns;
}

static bool prepare_all(struct log_search *search)
{
    static const char stretch[] =
        "SELECT " SHOWN_COLUMNS " FROM log WHERE position BETWEEN ?1 AND ?2"
        " AND kind IN ('intent', 'refused', 'signon', 'signoff', 'tombstone')"
        " AND (?3 = '' OR terminal_id = ?3) AND (?4 < 0 OR stan = ?4)"
        " AND wall_us >= ?5 AND wall_us < ?6 AND (?7 = '' OR rrn = ?7) ORDER BY position DESC";
    static const char by_rrn[] =
        "SELECT " SHOWN_COLUMNS " FROM log WHERE rrn = ?1 AND rrn <> '' ORDER BY position LIMIT ?2";
    static const char last[] = "SELECT position, wall_us FROM log WHERE position <= ?1"
                               " ORDER BY position DESC LIMIT 1";
    return sqlite3_prepare_v2(search->database, stretch, -1, &search->stretch, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(search->database, by_rrn, -1, &search->by_rrn, NULL) == SQLITE_OK &&
           sqlite3_prepare_v2(search->database, last, -1, &search->last, NULL) == SQLITE_OK;
}

struct log_search *log_search_open(const char *path, char reason[LOG_SEARCH_REASON_SIZE])
{
    struct log_search *search = calloc(1, sizeof(*search));
    if (search == NULL) {
        snprintf(reason, LOG_SEARCH_REASON_SIZE, "no memory");
        return NULL;
    }
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    search->deadline_ns = clock_ns() + STATEMENT_NS;
    int failed = sqlite3_open_v2(path, &search->database, flags, NULL);
    if (failed == SQLITE_OK) {
        sqlite3_busy_timeout(search->database, 500);
        sqlite3_progress_handler(search->database, STEPS_A_CHECK, on_progress, search);
        failed = prepare_all(search) ? SQLITE_OK : sqlite3_errcode(search->database);
    }
    if (failed != SQLITE_OK) {
        snprintf(reason, LOG_SEARCH_REASON_SIZE, "the log cannot be read: %s",
                 sqlite3_errmsg(search->database));
        log_search_close(search);
        return NULL;
    }
    return search;
}

void log_search_close(struct log_search *search)
{
    sqlite3_finalize(search->stretch);
    sqlite3_finalize(search->by_rrn);
    sqlite3_finalize(search->last);
    sqlite3_close(search->database);
    free(search);
}

/* --- rows as JSON ------------------------------------------------------------------------- */

static json_t *column_json(sqlite3_stmt *row, int at)
{
    if (sqlite3_column_type(row, at) == SQLITE_INTEGER) {
        return json_integer(sqlite3_column_int64(row, at));
    }
    const char *text = (const char *)sqlite3_column_text(row, at);
    /* Texts come from terminals: what is no UTF-8 is shown as a question mark each. */
    json_t *value = json_string(text == NULL ? "" : text);
    return value != NULL ? value : json_string("?");
}

/* All shown columns that are not empty, under their names, with the time as text. */
static json_t *record_json(sqlite3_stmt *row)
{
    json_t *record = json_object();
    char wall[WALL_TEXT_SIZE];
    for (int at = 0; at < sqlite3_column_count(row); at++) {
        const char *name = sqlite3_column_name(row, at);
        bool is_empty = sqlite3_column_type(row, at) == SQLITE_TEXT
                            ? sqlite3_column_bytes(row, at) == 0
                            : sqlite3_column_int64(row, at) == 0;
        if (!is_empty) {
            json_object_set_new(record, name, column_json(row, at));
        }
        if (strcmp(name, "wall_us") == 0) {
            wall_text_format(wall, sqlite3_column_int64(row, at));
            json_object_set_new(record, "time", json_string(wall));
        }
    }
    return record;
}

static int64_t integer_of(const json_t *record, const char *name)
{
    return json_integer_value(json_object_get(record, name));
}

static const char *text_of(const json_t *record, const char *name)
{
    const char *text = json_string_value(json_object_get(record, name));
    return text == NULL ? "" : text;
}

static json_t *money_json(int64_t minor, int64_t currency)
{
    char text[MONEY_TEXT_SIZE];
    if (currency == 0) {
        return json_null();
    }
    money_format(text, (struct money){minor, (uint16_t)currency});
    return json_pack("{s:I, s:I, s:s}", "minor", (json_int_t)minor, "currency",
                     (json_int_t)currency, "text", text);
}

static void copy_members(json_t *to, const json_t *from, const char *const *names)
{
    for (; *names != NULL; names++) {
        json_t *value = json_object_get(from, *names);
        if (value != NULL) {
            json_object_set(to, *names, value);
        }
    }
}

/* What a list shows of a transaction, from the row that began it. */
static json_t *summary_json(const json_t *first)
{
    static const char *const names[] = {
        "rrn",   "time", "epoch",        "seq",        "position", "terminal_id", "merchant_id",
        "batch", "stan", "payment_kind", "pan_masked", "channel",  NULL};
    json_t *summary = json_object();
    copy_members(summary, first, names);
    json_object_set_new(
        summary, "amount",
        money_json(integer_of(first, "amount_minor"), integer_of(first, "currency")));
    return summary;
}

/* Adds what the rows of the RRN tell of the outcome; also keeps the rows when `records` is given.
 * False: the log failed. */
static bool add_outcome(struct log_search *search, const char *rrn, json_t *summary,
                        json_t *records)
{
    enum txn_outcome outcome = TXN_OUTCOME_NONE;
    sqlite3_bind_text(search->by_rrn, 1, rrn, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(search->by_rrn, 2, RECORDS_MAX);
    int step;
    while ((step = sqlite3_step(search->by_rrn)) == SQLITE_ROW) {
        static const char *const names[] = {"response_code", "auth_code", "reason", NULL};
        json_t *record = record_json(search->by_rrn);
        outcome = txn_outcome_after(outcome, text_of(record, "kind"), text_of(record, "reason"),
                                    text_of(record, "response_code"));
        if (strcmp(text_of(record, "kind"), "anomaly") != 0) {
            copy_members(summary, record, names);
        }
        if (records != NULL) {
            json_array_append(records, record);
        }
        json_decref(record);
    }
    sqlite3_reset(search->by_rrn);
    json_object_set_new(summary, "outcome", json_string(txn_outcome_word(outcome)));
    return step == SQLITE_DONE;
}

/* --- search ------------------------------------------------------------------------------- */

static void bind_query(sqlite3_stmt *stretch, const struct txn_query *query)
{
    sqlite3_bind_text(stretch, 3, query->terminal_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stretch, 4, query->stan);
    sqlite3_bind_int64(stretch, 5, query->from_us);
    sqlite3_bind_int64(stretch, 6, query->to_us);
    sqlite3_bind_text(stretch, 7, query->rrn, -1, SQLITE_STATIC);
}

/* The last row at or before `position`; false: there is none, or all before are too old. */
static bool stretch_begins(struct log_search *search, const struct txn_query *query,
                           int64_t *position)
{
    sqlite3_bind_int64(search->last, 1, *position);
    bool is_there = sqlite3_step(search->last) == SQLITE_ROW;
    if (is_there) {
        *position = sqlite3_column_int64(search->last, 0);
        is_there = query->from_us <= CLOCK_SLACK_US ||
                   sqlite3_column_int64(search->last, 1) >= query->from_us - CLOCK_SLACK_US;
    }
    sqlite3_reset(search->last);
    return is_there;
}

static bool append_row(struct log_search *search, json_t *items)
{
    json_t *first = record_json(search->stretch);
    json_t *summary = summary_json(first);
    bool is_good = add_outcome(search, text_of(first, "rrn"), summary, NULL);
    json_array_append_new(items, summary);
    json_decref(first);
    return is_good;
}

/* Appends what fits between two positions; `*last` becomes the position of the last row taken when
 * the page is full. False: the log failed. */
static bool search_stretch(struct log_search *search, const struct txn_query *query,
                           const int64_t range[2], json_t *items, int64_t *last)
{
    bool is_good = true;
    search->deadline_ns = clock_ns() + STATEMENT_NS;
    sqlite3_bind_int64(search->stretch, 1, range[0]);
    sqlite3_bind_int64(search->stretch, 2, range[1]);
    bind_query(search->stretch, query);
    int step = SQLITE_DONE;
    *last = range[0];
    while (is_good && json_array_size(items) < query->limit &&
           (step = sqlite3_step(search->stretch)) == SQLITE_ROW) {
        *last = sqlite3_column_int64(search->stretch, 0);
        is_good = append_row(search, items);
    }
    if (json_array_size(items) < query->limit) {
        *last = range[0];
    }
    sqlite3_reset(search->stretch);
    return is_good && (step == SQLITE_DONE || step == SQLITE_ROW);
}

static json_t *page_json(json_t *items, int64_t next, bool has_more)
{
    char cursor[24];
    snprintf(cursor, sizeof(cursor), "%lld", (long long)next);
    return json_pack("{s:o, s:o}", "items", items, "cursor",
                     has_more ? json_string(cursor) : json_null());
}

/* By its RRN a transaction is found through the index, and the page holds it alone. */
static json_t *find_by_rrn(struct log_search *search, const struct txn_query *query)
{
    bool is_failed = false;
    json_t *items = json_array();
    json_t *txn = log_search_show(search, query->rrn, &is_failed);
    if (txn != NULL) {
        json_t *first = json_array_get(json_object_get(txn, "records"), 0);
        int64_t wall_us = integer_of(first, "wall_us");
        bool fits = (query->terminal_id[0] == '\0' ||
                     strcmp(query->terminal_id, text_of(first, "terminal_id")) == 0) &&
                    (query->stan < 0 || query->stan == integer_of(first, "stan")) &&
                    wall_us >= query->from_us && wall_us < query->to_us;
        json_object_del(txn, "records");
        json_object_del(txn, "route");
        json_object_del(txn, "fee");
        if (fits) {
            json_array_append(items, txn);
        }
        json_decref(txn);
    }
    if (is_failed) {
        json_decref(items);
        return NULL;
    }
    return page_json(items, 0, false);
}

json_t *log_search_find(struct log_search *search, const struct txn_query *query)
{
    if (query->rrn[0] != '\0') {
        return find_by_rrn(search, query);
    }
    uint64_t until_ns = clock_ns() + SEARCH_NS;
    json_t *items = json_array();
    int64_t last = query->before_position > INT64_MAX ? INT64_MAX : (int64_t)query->before_position;
    int64_t next = last - 1;
    bool has_more = false;
    while ((has_more = stretch_begins(search, query, &next)) &&
           json_array_size(items) < query->limit && clock_ns() < until_ns) {
        int64_t range[2] = {next > STRETCH_ROWS ? next - STRETCH_ROWS + 1 : 1, next};
        if (!search_stretch(search, query, range, items, &last)) {
            json_decref(items);
            return NULL;
        }
        next = last - 1;
    }
    return page_json(items, last, has_more);
}

/* --- one transaction ---------------------------------------------------------------------- */

static json_t *route_json(const json_t *first)
{
    static const char *const names[] = {
        "channel",         "channel_stan", "sent_at", "channel_reference",
        "ruleset_version", "route_rule",   "mcc",     NULL};
    json_t *route = json_object();
    copy_members(route, first, names);
    return route;
}

static json_t *fee_json(const json_t *first)
{
    int64_t currency = integer_of(first, "currency");
    int64_t merchant = integer_of(first, "merchant_fee");
    int64_t issuer = integer_of(first, "issuer_fee");
    int64_t scheme = integer_of(first, "scheme_fee");
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I}", "merchant_fee",
                     money_json(merchant, currency), "issuer_fee", money_json(issuer, currency),
                     "scheme_fee", money_json(scheme, currency), "margin",
                     money_json(merchant - issuer - scheme, currency), "fee_rule",
                     (json_int_t)integer_of(first, "fee_rule"), "ruleset_version",
                     (json_int_t)integer_of(first, "ruleset_version"));
}

json_t *log_search_show(struct log_search *search, const char *rrn, bool *is_failed)
{
    json_t *records = json_array();
    json_t *told = json_object();
    search->deadline_ns = clock_ns() + STATEMENT_NS;
    *is_failed = !add_outcome(search, rrn, told, records);
    const json_t *first = json_array_get(records, 0);
    json_t *txn = NULL;
    if (!*is_failed && first != NULL) {
        txn = summary_json(first);
        json_object_update(txn, told);
        json_object_set_new(txn, "route", route_json(first));
        json_object_set_new(txn, "fee", fee_json(first));
        json_object_set(txn, "records", records);
    }
    json_decref(told);
    json_decref(records);
    return txn;
}
