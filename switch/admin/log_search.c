/* See log_search.h. */
#include "switch/admin/log_search.h"

#include <stdio.h>
#include <string.h>

#include "protocols/device_note.h"
#include "switch/admin/txn_outcome.h"
#include "switch/admin/txn_story.h"
#include "switch/engine/engine.h"
#include "switch/engine/record.h"

#define SEARCH_NS 400000000U /* of one page */
/* How far the wall clock may have stepped back within the log. */
#define CLOCK_SLACK_US INT64_C(86400000000)
#define SQL_SIZE 2400

struct search {
    struct log_view *view;
    const struct txn_query *query;
    json_t *items;
    int64_t next;      /* rows before it are still to be looked at */
    uint64_t until_ns; /* of the page */
};

/* --- which rows ---------------------------------------------------------------------------- */

/* Only conditions that are asked for stand there: so SQLite sees which of a sealed segment's
 * indexes fits. */
static void write_sql(char sql[SQL_SIZE], const struct txn_query *query, bool is_sealed)
{
    int length =
        snprintf(sql, SQL_SIZE,
                 "SELECT " TXN_STORY_COLUMNS " FROM log WHERE %sposition BETWEEN :first AND :last"
                 " AND kind IN ('intent', 'advice', 'refused', 'signon', 'signoff', 'tombstone',"
                 " 'settlement', 'batch_end', 'status'%s) AND wall_us >= :from AND wall_us < :to",
                 is_sealed ? "+" : "", query->has_unproven ? ", 'anomaly'" : "");
    const struct {
        bool is_asked;
        const char *condition;
    } conditions[] = {
        {query->terminal_id[0] != '\0', " AND terminal_id = :terminal"},
        {query->merchant_id[0] != '\0', " AND merchant_id = :merchant"},
        {query->stan >= 0, " AND stan = :stan"},
        {query->amount_minor >= 0, " AND amount_minor = :amount"},
        {query->payment_kind[0] != '\0', " AND payment_kind = :kind"},
        {query->card_first[0] != '\0', " AND substr(pan_masked, 1, 6) = :card_first"},
        {query->card_last[0] != '\0', " AND substr(pan_masked, -4) = :card_last"},
        {query->has_unproven,
         " AND (kind <> 'anomaly' OR reason IN ('mac_failed', 'keys_missing'))"},
    };
    for (uint32_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
        if (conditions[i].is_asked) {
            length +=
                snprintf(sql + length, SQL_SIZE - (size_t)length, "%s", conditions[i].condition);
        }
    }
    snprintf(sql + length, SQL_SIZE - (size_t)length, " ORDER BY position DESC");
}

static void bind_text(sqlite3_stmt *rows, const char *name, const char *value)
{
    sqlite3_bind_text(rows, sqlite3_bind_parameter_index(rows, name), value, -1, SQLITE_STATIC);
}

static void bind_number(sqlite3_stmt *rows, const char *name, int64_t value)
{
    sqlite3_bind_int64(rows, sqlite3_bind_parameter_index(rows, name), value);
}

/* What the statement does not name is bound nowhere. */
static void bind_query(sqlite3_stmt *rows, const struct txn_query *query)
{
    bind_text(rows, ":terminal", query->terminal_id);
    bind_text(rows, ":merchant", query->merchant_id);
    bind_text(rows, ":kind", query->payment_kind);
    bind_text(rows, ":card_first", query->card_first);
    bind_text(rows, ":card_last", query->card_last);
    bind_number(rows, ":stan", query->stan);
    bind_number(rows, ":amount", query->amount_minor);
    bind_number(rows, ":from", query->from_us);
    bind_number(rows, ":to", query->to_us);
}

/* What only the whole story tells. */
static bool outcome_fits(const struct txn_query *query, const json_t *summary)
{
    const char *code = json_string_value(json_object_get(summary, "response_code"));
    const char *outcome = json_string_value(json_object_get(summary, "outcome"));
    int64_t day = json_integer_value(json_object_get(summary, "settlement_day"));
    return (query->response_code[0] == '\0' ||
            (code != NULL && strcmp(code, query->response_code) == 0)) &&
           (query->outcome[0] == '\0' || strcmp(outcome, query->outcome) == 0) &&
           (query->settlement_day == 0 || day == query->settlement_day);
}

/* --- a page -------------------------------------------------------------------------------- */

static bool is_full(const struct search *search)
{
    return json_array_size(search->items) >= search->query->limit ||
           log_view_clock_ns() > search->until_ns;
}

/* What was turned away at the rim was answered like this; one row stands for as many as it says. */
static void tell_unproven(const json_t *first, json_t *summary)
{
    struct device_note note = {.count = 0};
    const char *device = json_string_value(json_object_get(first, "device"));
    bool is_told = device != NULL && device_note_from_text(&note, device);
    json_object_set_new(summary, "outcome", json_string(txn_outcome_word(TXN_OUTCOME_REFUSED)));
    json_object_set_new(summary, "response_code",
                        json_string(txn_reason_code(TXN_REASON_MAC_FAILED)));
    json_object_set(summary, "reason", json_object_get(first, "reason"));
    json_object_set_new(summary, "count", json_integer(is_told && note.count > 0 ? note.count : 1));
}

static bool append_row(struct search *search, uint32_t ordinal, sqlite3_stmt *rows)
{
    json_t *first = txn_story_record(rows);
    json_t *summary = txn_story_summary(first);
    bool is_good;
    const char *kind = json_string_value(json_object_get(first, "kind"));
    if (strcmp(kind, record_kind_name(RECORD_ANOMALY)) == 0) {
        tell_unproven(first, summary);
        is_good = true;
    } else if (json_object_get(summary, "rrn") ==
               NULL) { /* it never had one: this is all there is */
        const char *code = json_string_value(json_object_get(first, "response_code"));
        enum txn_outcome outcome = txn_outcome_after(TXN_OUTCOME_NONE, kind, "", code);
        json_object_set_new(summary, "outcome", json_string(txn_outcome_word(outcome)));
        is_good = true;
    } else {
        is_good = txn_story_add_outcome(search->view, ordinal, summary, NULL);
    }
    if (outcome_fits(search->query, summary)) {
        json_array_append(search->items, summary);
    }
    json_decref(summary);
    json_decref(first);
    return is_good;
}

/* Rows between two positions of one segment. */
static bool search_stretch(struct search *search, uint32_t ordinal, int64_t first, int64_t last)
{
    char sql[SQL_SIZE];
    struct log_view_segment *segment = log_view_segment(search->view, ordinal);
    write_sql(sql, search->query, segment->is_sealed);
    sqlite3_stmt *rows = log_view_prepare(search->view, segment, sql);
    if (rows == NULL) {
        return false;
    }
    bind_query(rows, search->query);
    bind_number(rows, ":first", first);
    bind_number(rows, ":last", last);
    bool is_good = true;
    int step = SQLITE_DONE;
    while (is_good && !is_full(search) && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        search->next = sqlite3_column_int64(rows, 0);
        is_good = append_row(search, ordinal, rows);
    }
    if (step == SQLITE_DONE && !is_full(search)) {
        search->next = first;
    } else if (step != SQLITE_ROW && step != SQLITE_DONE) {
        log_view_note(search->view, segment);
        is_good = false;
    }
    sqlite3_finalize(rows);
    return is_good;
}

/* Whether all rows up to `position` are older than what is asked for. */
static bool is_too_old(struct search *search, struct log_view_segment *segment, int64_t position)
{
    bool is_old = false;
    if (search->query->from_us <= CLOCK_SLACK_US) {
        return false;
    }
    sqlite3_stmt *row =
        log_view_prepare(search->view, segment, "SELECT wall_us FROM log WHERE position = ?1");
    if (row != NULL) {
        sqlite3_bind_int64(row, 1, position);
        is_old = sqlite3_step(row) == SQLITE_ROW &&
                 sqlite3_column_int64(row, 0) < search->query->from_us - CLOCK_SLACK_US;
    }
    sqlite3_finalize(row);
    return is_old;
}

/* Whether an index of a sealed segment answers most of it: then one statement is enough. */
static bool is_narrow(const struct txn_query *query)
{
    return query->terminal_id[0] != '\0';
}

/* From `search->next` back to the segment's first row. */
static bool search_segment(struct search *search, uint32_t ordinal)
{
    struct log_view_segment *segment = log_view_segment(search->view, ordinal);
    if (segment == NULL) {
        return false;
    }
    int64_t rows =
        segment->is_sealed && is_narrow(search->query) ? INT64_MAX / 2 : LOG_VIEW_STRETCH_ROWS;
    if (search->next > segment->last + 1) {
        search->next = segment->last + 1;
    }
    while (segment->last >= segment->first && search->next > segment->first && !is_full(search)) {
        int64_t last = search->next - 1;
        int64_t first = last - segment->first >= rows ? last - rows + 1 : segment->first;
        if (is_too_old(search, segment, last)) {
            search->next = 0;
        } else if (!search_stretch(search, ordinal, first, last)) {
            return false;
        }
    }
    return true;
}

static json_t *page_json(const struct search *search, bool has_more)
{
    char cursor[24];
    snprintf(cursor, sizeof(cursor), "%lld", (long long)search->next);
    return json_pack("{s:O, s:o}", "items", search->items, "cursor",
                     has_more ? json_string(cursor) : json_null());
}

/* The part of the list that one RRN is. */
static bool append_by_rrn(struct search *search)
{
    const struct txn_query *query = search->query;
    bool is_failed = false;
    json_t *txn = txn_story_show(search->view, query->rrn, &is_failed);
    const json_t *first = json_array_get(json_object_get(txn, "records"), 0);
    if (first != NULL) {
        const char *terminal = json_string_value(json_object_get(first, "terminal_id"));
        const char *merchant = json_string_value(json_object_get(first, "merchant_id"));
        int64_t wall_us = json_integer_value(json_object_get(first, "wall_us"));
        bool fits = (query->terminal_id[0] == '\0' ||
                     (terminal != NULL && strcmp(query->terminal_id, terminal) == 0)) &&
                    (query->merchant_id[0] == '\0' ||
                     (merchant != NULL && strcmp(query->merchant_id, merchant) == 0)) &&
                    (query->stan < 0 ||
                     query->stan == json_integer_value(json_object_get(first, "stan"))) &&
                    wall_us >= query->from_us && wall_us < query->to_us && outcome_fits(query, txn);
        static const char *const long_parts[] = {"records", "route", "fee", "followers",
                                                 "originals"};
        for (uint32_t i = 0; i < sizeof(long_parts) / sizeof(long_parts[0]); i++) {
            json_object_del(txn, long_parts[i]);
        }
        if (fits) {
            json_array_append(search->items, txn);
        }
    }
    json_decref(txn);
    return !is_failed;
}

json_t *log_search_find(struct log_view *view, const struct txn_query *query)
{
    struct search search = {
        .view = view,
        .query = query,
        .items = json_array(),
        .next = query->before_position > INT64_MAX ? INT64_MAX : (int64_t)query->before_position,
        .until_ns = log_view_clock_ns() + SEARCH_NS};
    bool is_good = true;
    uint32_t ordinal = view->span.last;
    if (query->rrn[0] != '\0') {
        is_good = append_by_rrn(&search);
        search.next = 0;
    }
    while (is_good && search.next > 0 && !is_full(&search) && ordinal >= view->span.first &&
           ordinal > 0) {
        is_good = search_segment(&search, ordinal);
        if (is_full(&search)) {
            break;
        }
        ordinal--;
    }
    bool has_more = search.next > view->segments[0].first && ordinal >= view->span.first;
    json_t *page = is_good ? page_json(&search, has_more) : NULL;
    json_decref(search.items);
    return page;
}
