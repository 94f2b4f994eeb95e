/* Two kinds of look into each segment: all rows of one RRN, by its index, and the rows that name a
 * transaction as their original: by their index where the segment is sealed, else in stretches. */
#include "switch/admin/txn_story.h"

#include <string.h>

#include "protocols/base/money.h"
#include "switch/admin/txn_outcome.h"
#include "switch/admin/wall_text.h"

#define RECORDS_MAX 200  /* of one transaction: a reversal that is tried for days has that many */
#define FOLLOWERS_MAX 64 /* of one transaction */

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

json_t *txn_story_record(sqlite3_stmt *row)
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

json_t *txn_story_summary(const json_t *first)
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

/* --- what became of it -------------------------------------------------------------------- */

/* Takes one row into the fold. */
static enum txn_outcome take_record(enum txn_outcome outcome, const json_t *record, json_t *summary)
{
    static const char *const names[] = {"response_code", "auth_code", "reason", "settlement_day",
                                        NULL};
    if (strcmp(text_of(record, "kind"), "anomaly") != 0) {
        copy_members(summary, record, names);
    }
    return txn_outcome_after(outcome, text_of(record, "kind"), text_of(record, "reason"),
                             text_of(record, "response_code"));
}

struct fold {
    enum txn_outcome outcome;
    json_t *summary, *records; /* borrowed; records may be NULL */
    uint32_t count;
};

/* The rows of the RRN in one segment. */
static bool fold_segment(struct log_view *view, struct log_view_segment *segment, const char *rrn,
                         struct fold *fold)
{
    static const char sql[] = "SELECT " TXN_STORY_COLUMNS " FROM log WHERE rrn = ?1 AND rrn <> ''"
                              " ORDER BY position LIMIT ?2";
    int step;
    if (segment->last < segment->first) {
        return true;
    }
    sqlite3_stmt *rows = log_view_prepare(view, segment, sql);
    if (rows == NULL) {
        return false;
    }
    sqlite3_bind_text(rows, 1, rrn, -1, SQLITE_STATIC);
    sqlite3_bind_int(rows, 2, RECORDS_MAX);
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        json_t *record = txn_story_record(rows);
        fold->outcome = take_record(fold->outcome, record, fold->summary);
        if (fold->records != NULL && fold->count < RECORDS_MAX) {
            json_array_append(fold->records, record);
        }
        fold->count++;
        json_decref(record);
    }
    if (step != SQLITE_DONE) {
        log_view_note(view, segment);
    }
    sqlite3_finalize(rows);
    return step == SQLITE_DONE;
}

static bool fold_rows(struct log_view *view, uint32_t ordinal, const char *rrn, struct fold *fold)
{
    for (; ordinal <= view->span.last; ordinal++) {
        struct log_view_segment *segment = log_view_segment(view, ordinal);
        if (segment == NULL || !fold_segment(view, segment, rrn, fold)) {
            return false;
        }
    }
    return true;
}

bool txn_story_add_outcome(struct log_view *view, uint32_t ordinal, json_t *summary,
                           json_t *records)
{
    struct fold fold = {.summary = summary, .records = records};
    bool is_good = fold_rows(view, ordinal, text_of(summary, "rrn"), &fold);
    json_object_set_new(summary, "outcome", json_string(txn_outcome_word(fold.outcome)));
    return is_good;
}

/* --- what it follows, and what follows it -------------------------------------------------- */

/* Adds the RRNs that `rows` brings to the set `found`. */
static bool collect_rrns(struct log_view *view, struct log_view_segment *segment,
                         sqlite3_stmt *rows, json_t *found)
{
    int step;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *rrn = (const char *)sqlite3_column_text(rows, 0);
        if (rrn != NULL && json_object_size(found) < FOLLOWERS_MAX) {
            json_object_set_new(found, rrn, json_true());
        }
    }
    if (step != SQLITE_DONE) {
        log_view_note(view, segment);
    }
    return step == SQLITE_DONE;
}

/* One statement over a sealed segment, which has an index for it; of one that is written, stretches
 * each of which ends before the next begins. */
static bool collect_segment(struct log_view *view, struct log_view_segment *segment,
                            const char *sql, const int64_t reference[2], json_t *found)
{
    int64_t step_rows = segment->is_sealed ? INT64_MAX / 2 : LOG_VIEW_STRETCH_ROWS;
    for (int64_t from = segment->first; from <= segment->last; from += step_rows) {
        sqlite3_stmt *rows = log_view_prepare(view, segment, sql);
        if (rows == NULL) {
            return false;
        }
        sqlite3_bind_int64(rows, 1, reference[0]);
        sqlite3_bind_int64(rows, 2, reference[1]);
        sqlite3_bind_int64(rows, 3, from);
        sqlite3_bind_int64(rows, 4, from + step_rows - 1);
        bool is_good = collect_rrns(view, segment, rows, found);
        sqlite3_finalize(rows);
        if (!is_good) {
            return false;
        }
    }
    return true;
}

/* A sign before `position` keeps SQLite from walking the key where an index is at hand. */
#define FOLLOWERS_SQL(sign)                                                                        \
    "SELECT DISTINCT rrn FROM log WHERE original_epoch = ?1 AND original_seq = ?2"                 \
    " AND original_seq <> 0"                                                                       \
    " AND " sign "position BETWEEN ?3 AND ?4 AND rrn <> ''"
#define ORIGINAL_SQL(sign)                                                                         \
    "SELECT DISTINCT rrn FROM log WHERE epoch = ?1 AND seq = ?2"                                   \
    " AND " sign "position BETWEEN ?3 AND ?4 AND rrn <> ''"

static json_t *collect(struct log_view *view, const int64_t reference[2], bool is_original,
                       uint32_t ordinal, bool *is_failed)
{
    json_t *found = json_object();
    uint32_t first = is_original ? view->span.first : ordinal;
    uint32_t last = is_original ? ordinal : view->span.last;
    for (uint32_t at = first; at <= last && !*is_failed && reference[1] != 0; at++) {
        struct log_view_segment *segment = log_view_segment(view, at);
        const char *sql = segment != NULL && segment->is_sealed
                              ? (is_original ? ORIGINAL_SQL("+") : FOLLOWERS_SQL("+"))
                              : (is_original ? ORIGINAL_SQL("") : FOLLOWERS_SQL(""));
        *is_failed = segment == NULL || !collect_segment(view, segment, sql, reference, found);
    }
    return found;
}

/* The summaries, outcomes and rows of those transactions. */
static json_t *stories_of(struct log_view *view, json_t *rrns, bool *is_failed)
{
    json_t *stories = json_array();
    const char *rrn;
    json_t *ignored;
    json_object_foreach(rrns, rrn, ignored)
    {
        json_t *records = json_array();
        json_t *told = json_pack("{s:s}", "rrn", rrn);
        *is_failed = *is_failed || !txn_story_add_outcome(view, view->span.first, told, records);
        json_t *summary = txn_story_summary(json_array_get(records, 0));
        json_object_update(summary, told);
        json_object_set_new(summary, "records", records);
        json_array_append_new(stories, summary);
        json_decref(told);
    }
    json_decref(rrns);
    return stories;
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

/* The segment that holds a position; the newest one, if none says so. */
static uint32_t ordinal_of(const struct log_view *view, int64_t position)
{
    for (uint32_t ordinal = view->span.first; ordinal < view->span.last; ordinal++) {
        if (position <= view->segments[ordinal - view->span.first].last) {
            return ordinal;
        }
    }
    return view->span.last;
}

/* The row that names what this transaction follows: not a reversal, whose rows name what they undo
 * and carry its RRN. */
static const json_t *following_row(const json_t *records)
{
    const json_t *first = json_array_get(records, 0);
    return strcmp(text_of(first, "kind"), "intent") == 0 ||
                   strcmp(text_of(first, "kind"), "advice") == 0
               ? first
               : NULL;
}

static void add_relatives(struct log_view *view, const json_t *records, json_t *txn,
                          bool *is_failed)
{
    const json_t *first = json_array_get(records, 0);
    const json_t *following = following_row(records);
    uint32_t ordinal = ordinal_of(view, integer_of(first, "position"));
    int64_t own[2] = {integer_of(first, "epoch"), integer_of(first, "seq")};
    json_t *followers = collect(view, own, false, ordinal, is_failed);
    json_object_del(followers, text_of(first, "rrn"));
    json_object_set_new(txn, "followers", stories_of(view, followers, is_failed));
    if (following != NULL && integer_of(following, "original_seq") != 0) {
        int64_t original[2] = {integer_of(following, "original_epoch"),
                               integer_of(following, "original_seq")};
        json_t *before = collect(view, original, true, ordinal, is_failed);
        json_object_set_new(txn, "originals", stories_of(view, before, is_failed));
    }
}

json_t *txn_story_show(struct log_view *view, const char *rrn, bool *is_failed)
{
    json_t *records = json_array();
    json_t *told = json_pack("{s:s}", "rrn", rrn);
    *is_failed = !txn_story_add_outcome(view, view->span.first, told, records);
    const json_t *first = json_array_get(records, 0);
    json_t *txn = NULL;
    if (!*is_failed && first != NULL) {
        txn = txn_story_summary(first);
        json_object_update(txn, told);
        json_object_set_new(txn, "route", route_json(first));
        json_object_set_new(txn, "fee", fee_json(first));
        json_object_set(txn, "records", records);
        add_relatives(view, records, txn, is_failed);
    }
    if (*is_failed) {
        json_decref(txn);
        txn = NULL;
    }
    json_decref(told);
    json_decref(records);
    return txn;
}
