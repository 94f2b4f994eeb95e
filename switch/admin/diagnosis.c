/* See diagnosis.h. */
#include "switch/admin/diagnosis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/device_note.h"
#include "switch/admin/log_search.h"
#include "switch/admin/text_json.h"

/* From the first row to the answer, and what the terminal told with it. */
#define TIMES_SQL                                                                                  \
    "SELECT max(CASE WHEN kind IN ('result', 'advice_done') THEN wall_us END) - min(wall_us),"     \
    " max(device) FROM log WHERE rrn = ?1 AND rrn <> ''"

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* ---- one message ---- */

struct seen {
    json_t *answer; /* borrowed */
    int64_t round_trips_ms[DIAGNOSIS_MESSAGE_COUNT];
    uint32_t round_trip_count;
    char device[DEVICE_NOTE_TEXT_SIZE];
};

static void take_row(sqlite3_stmt *row, json_t *message, struct seen *seen)
{
    if (sqlite3_column_type(row, 0) != SQLITE_NULL &&
        seen->round_trip_count < DIAGNOSIS_MESSAGE_COUNT) {
        int64_t trip_ms = sqlite3_column_int64(row, 0) / 1000;
        seen->round_trips_ms[seen->round_trip_count++] = trip_ms;
        json_object_set_new(message, "round_trip_ms", json_integer(trip_ms));
    }
    const char *device = (const char *)sqlite3_column_text(row, 1);
    if (seen->device[0] == '\0' && device != NULL) {
        snprintf(seen->device, sizeof(seen->device), "%s", device);
    }
}

/* The newest segment that holds it: rows of one payment hardly ever stand in two. */
static bool look_at(struct log_view *view, json_t *message, struct seen *seen)
{
    const char *rrn = text_of(message, "rrn");
    for (uint32_t at = view->span.last; rrn != NULL && at >= view->span.first && at > 0; at--) {
        struct log_view_segment *segment = log_view_segment(view, at);
        sqlite3_stmt *row = segment == NULL ? NULL : log_view_prepare(view, segment, TIMES_SQL);
        if (row == NULL) {
            return false;
        }
        sqlite3_bind_text(row, 1, rrn, -1, SQLITE_STATIC);
        int step = sqlite3_step(row);
        bool is_there = step == SQLITE_ROW && sqlite3_column_type(row, 1) != SQLITE_NULL;
        if (is_there) {
            take_row(row, message, seen);
        } else if (step != SQLITE_ROW) {
            log_view_note(view, segment);
        }
        sqlite3_finalize(row);
        if (is_there || step != SQLITE_ROW) {
            return is_there;
        }
    }
    return true;
}

/* ---- all of them ---- */

static bool is_good(const json_t *message)
{
    const char *outcome = text_of(message, "outcome");
    return outcome != NULL && (strcmp(outcome, "approved") == 0 || strcmp(outcome, "done") == 0);
}

/* One row may stand for several messages with a wrong MAC. */
static json_int_t times_of(const json_t *message)
{
    json_int_t count = json_integer_value(json_object_get(message, "count"));
    return count > 0 ? count : 1;
}

static int compare(const void *left, const void *right)
{
    int64_t first = *(const int64_t *)left;
    int64_t second = *(const int64_t *)right;
    return first < second ? -1 : first > second;
}

static void add_round_trips(struct seen *seen)
{
    uint32_t count = seen->round_trip_count;
    qsort(seen->round_trips_ms, count, sizeof(seen->round_trips_ms[0]), compare);
    json_object_set_new(
        seen->answer, "round_trip_ms",
        count == 0 ? json_null()
                   : json_pack("{s:I, s:I, s:i}", "median",
                               (json_int_t)seen->round_trips_ms[count / 2], "longest",
                               (json_int_t)seen->round_trips_ms[count - 1], "count", (int)count));
}

static void add_device(struct seen *seen)
{
    struct device_note note;
    json_object_set_new(seen->answer, "device",
                        seen->device[0] == '\0' ? json_null() : text_json(seen->device));
    if (seen->device[0] == '\0' || !device_note_from_text(&note, seen->device)) {
        return;
    }
    json_object_set_new(seen->answer, "serial_told", text_json(note.serial));
    json_object_set_new(seen->answer, "firmware_told", text_json(note.firmware));
    bool has_position = (note.flags & DEVICE_NOTE_HAS_POSITION) != 0;
    json_object_set_new(seen->answer, "position_told",
                        has_position ? json_pack("{s:i, s:i}", "latitude_e3", note.latitude_e3,
                                                 "longitude_e3", note.longitude_e3)
                                     : json_null());
}

static void add_symptom(const json_t *messages, json_t *to, struct symptom *symptom)
{
    const char *codes[DIAGNOSIS_MESSAGE_COUNT] = {NULL};
    uint32_t count = (uint32_t)json_array_size(messages);
    uint32_t code_count = 0;
    json_int_t streak = 0;
    bool is_over = false;
    for (uint32_t i = 0; i < count && i < DIAGNOSIS_MESSAGE_COUNT; i++) {
        const json_t *message = json_array_get(messages, i);
        json_int_t times = times_of(message);
        for (json_int_t n = 0; n < times && code_count < DIAGNOSIS_MESSAGE_COUNT; n++) {
            codes[code_count++] = text_of(message, "response_code");
        }
        is_over = is_over || is_good(message);
        streak += is_over ? 0 : times;
    }
    symptom_find(codes, code_count, symptom);
    json_object_set_new(to, "error_streak", json_integer(streak));
    json_object_set_new(to, "symptom",
                        symptom->fault == FAULT_COUNT
                            ? json_null()
                            : json_pack("{s:s, s:s, s:i}", "fault", fault_code(symptom->fault),
                                        "code", symptom->code, "count", (int)symptom->count));
}

static void query_init(struct txn_query *query, const struct diagnosis_of *of, uint32_t limit)
{
    txn_query_init(query);
    query->limit = limit;
    snprintf(query->terminal_id, sizeof(query->terminal_id), "%s", of->terminal_id);
    snprintf(query->merchant_id, sizeof(query->merchant_id), "%s", of->merchant_id);
}

static bool add_signon(struct log_view *view, const struct diagnosis_of *of, json_t *to)
{
    struct txn_query query;
    query_init(&query, of, 1);
    snprintf(query.payment_kind, sizeof(query.payment_kind), "signon");
    json_t *page = log_search_find(view, &query);
    if (page == NULL) {
        return false;
    }
    json_t *signon = json_array_get(json_object_get(page, "items"), 0);
    json_object_set_new(
        to, "last_signon",
        signon == NULL ? json_null()
                       : json_pack("{s:O*, s:O*, s:O*}", "time", json_object_get(signon, "time"),
                                   "outcome", json_object_get(signon, "outcome"), "response_code",
                                   json_object_get(signon, "response_code")));
    json_decref(page);
    return true;
}

bool diagnosis_add_log(struct log_view *view, const struct diagnosis_of *of, json_t *to,
                       struct symptom *symptom)
{
    struct txn_query query;
    struct seen seen = {.answer = to};
    query_init(&query, of, DIAGNOSIS_MESSAGE_COUNT);
    query.has_unproven = true;
    *symptom = (struct symptom){.fault = FAULT_COUNT};
    json_t *page = log_search_find(view, &query);
    json_t *messages = json_object_get(page, "items");
    bool is_read = page != NULL;
    for (size_t i = 0; i < json_array_size(messages) && is_read; i++) {
        is_read = look_at(view, json_array_get(messages, i), &seen);
    }
    if (is_read) {
        json_object_set(to, "messages", messages);
        add_symptom(messages, to, symptom);
        add_round_trips(&seen);
        add_device(&seen);
        is_read = add_signon(view, of, to);
    }
    json_decref(page);
    return is_read;
}
