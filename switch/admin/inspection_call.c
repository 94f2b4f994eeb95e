/* See inspection_call.h. */
#include "switch/admin/inspection_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/desk_call.h"
#include "switch/admin/text_json.h"
#include "switch/admin/wall_text.h"
#include "switch/desk/inspection_book.h"
#include "switch/desk/inspection_case.h"
#include "switch/desk/inspection_row.h"

#define DAY_US INT64_C(86400000000)
#define SILENT_DAYS 7 /* when nothing is said */
#define OUTDATED_DAYS 30
#define HISTORY_COUNT_MAX 100

/* --- due ------------------------------------------------------------------------------------ */

static json_t *due_json(const struct inspection_due *due)
{
    char day[DESK_CALL_DAY_SIZE];
    desk_call_day_text(due->due_day, day);
    return json_pack("{s:s, s:b, s:i}", "due_day", day, "is_overdue", due->is_overdue,
                     "overdue_days", due->is_overdue ? (int)due->overdue_days : 0);
}

/* One of a list, with what orders it. */
struct due_line {
    char merchant_id[16], name[REGISTRY_NAME_SIZE], address[REGISTRY_ADDRESS_SIZE];
    char contact[REGISTRY_CONTACT_SIZE];
    uint32_t area_code;
    uint8_t risk_level;
    struct inspection_due due;
};
struct due_list {
    struct due_line *lines; /* owner */
    uint32_t count, room;
    bool has_no_memory;
};

static void on_due(void *argument, const struct merchant_registration *merchant,
                   const struct inspection_due *due)
{
    struct due_list *list = argument;
    if (list->count == list->room) {
        uint32_t room = list->room == 0 ? 256 : list->room * 2;
        struct due_line *lines = realloc(list->lines, room * sizeof(*lines));
        if (lines == NULL) {
            list->has_no_memory = true;
            return;
        }
        list->lines = lines;
        list->room = room;
    }
    struct due_line *line = &list->lines[list->count++];
    memcpy(line->merchant_id, merchant->merchant_id, sizeof(line->merchant_id));
    memcpy(line->name, merchant->name, sizeof(line->name));
    memcpy(line->address, merchant->address, sizeof(line->address));
    memcpy(line->contact, merchant->contact, sizeof(line->contact));
    line->area_code = merchant->area_code;
    line->risk_level = merchant->risk_level;
    line->due = *due;
}

/* The highest risk first, of these the one that is due first. */
static int due_order(const void *one, const void *other)
{
    const struct due_line *a = one;
    const struct due_line *b = other;
    if (a->risk_level != b->risk_level) {
        return a->risk_level > b->risk_level ? -1 : 1;
    }
    if (a->due.due_day != b->due.due_day) {
        return a->due.due_day < b->due.due_day ? -1 : 1;
    }
    return strcmp(a->merchant_id, b->merchant_id);
}

static json_t *due_line_json(const struct due_line *line)
{
    char risk[4];
    json_t *json = due_json(&line->due);
    snprintf(risk, sizeof(risk), "R%u", line->risk_level % 10U);
    json_object_set_new(json, "merchant_id", text_json(line->merchant_id));
    json_object_set_new(json, "name", text_json(line->name));
    json_object_set_new(json, "risk_level", json_string(risk));
    json_object_set_new(json, "area_code", json_integer((json_int_t)line->area_code));
    json_object_set_new(json, "address", text_json(line->address));
    json_object_set_new(json, "contact", text_json(line->contact));
    return json;
}

static void answer_due(struct due_list *list, struct answer *answer)
{
    json_t *items = json_array();
    if (list->count > 0) {
        qsort(list->lines, list->count, sizeof(list->lines[0]), due_order);
    }
    for (uint32_t i = 0; i < list->count && i < INSPECTION_LIST_COUNT_MAX; i++) {
        json_array_append_new(items, due_line_json(&list->lines[i]));
    }
    answer_json(answer, 200, json_pack("{s:i, s:o}", "count", (int)list->count, "items", items));
}

static void serve_due(const struct call *call, struct desk *desk, struct answer *answer)
{
    struct inspection_rules rules;
    struct due_list list = {0};
    const struct inspection_sink sink = {on_due, &list};
    int32_t today = desk_call_today();
    if (!desk_call_day(call, "day", &today, answer)) {
        return;
    }
    inspection_rules_default(&rules);
    enum status status = inspection_book_due(desk, &rules, today, &sink);
    if (status != STATUS_OK) {
        desk_call_failed(desk, status, answer);
    } else if (list.has_no_memory) {
        answer_problem(answer, 503, "no memory for so many merchants");
    } else {
        answer_due(&list, answer);
    }
    free(list.lines);
}

/* --- terminals ------------------------------------------------------------------------------ */

struct lack_list {
    json_t *items;
    json_int_t count;
    bool is_of_silence;
};

static const char *lack_text(enum terminal_lack lack)
{
    static const char *const TEXTS[TERMINAL_LACK_COUNT] = {
#define X(name, text) [TERMINAL_LACK_##name] = (text),
        TERMINAL_LACK_MAP(X)
#undef X
    };
    return TEXTS[lack];
}

static void on_lack(void *argument, const struct terminal_lack_line *line)
{
    struct lack_list *list = argument;
    char seen[WALL_TEXT_SIZE] = "";
    if ((line->lack == TERMINAL_LACK_SILENT) != list->is_of_silence ||
        list->count++ >= INSPECTION_LIST_COUNT_MAX) {
        return;
    }
    if (line->seen_us != 0) {
        wall_text_format(seen, line->seen_us);
    }
    json_array_append_new(
        list->items, json_pack("{s:o, s:o, s:s, s:s, s:o, s:o}", "terminal_id",
                               text_json(line->terminal_id), "merchant_id",
                               text_json(line->merchant_id), "lack", terminal_lack_name(line->lack),
                               "text", lack_text(line->lack), "firmware", text_json(line->firmware),
                               "seen", line->seen_us != 0 ? json_string(seen) : json_null()));
}

static void serve_lacks(const struct call *call, struct desk *desk, struct answer *answer)
{
    bool is_of_silence = call->endpoint == ENDPOINT_TERMINAL_SILENT;
    uint32_t days = is_of_silence ? SILENT_DAYS : OUTDATED_DAYS;
    const char *latest = call->option(call->connection, "latest");
    if (!desk_call_number(call, "days", (struct desk_call_range){1, 3650}, &days, answer)) {
        return;
    }
    const struct terminal_lack_query query = {
        .silent_since_us = is_of_silence ? wall_text_now_us() - days * DAY_US : 0,
        .ends_before_day = is_of_silence ? 0 : desk_call_today() + (int32_t)days,
        .has_latest = latest != NULL && strcmp(latest, "yes") == 0};
    struct lack_list list = {json_array(), 0, is_of_silence};
    const struct terminal_lack_sink sink = {on_lack, &list};
    enum status status = inspection_book_lacks(desk, &query, &sink);
    if (status == STATUS_OK) {
        answer_json(answer, 200, json_pack("{s:I, s:O}", "count", list.count, "items", list.items));
    } else {
        desk_call_failed(desk, status, answer);
    }
    json_decref(list.items);
}

/* --- what was found ------------------------------------------------------------------------- */

static json_t *entry_json(const struct inspection_entry *entry)
{
    json_t *json = json_object();
    for (uint32_t i = 0; i < INSPECTION_ROW.column_count; i++) {
        char text[CELL_TEXT_SIZE];
        cell_text(&INSPECTION_ROW.columns[i], entry, text);
        json_object_set_new(json, INSPECTION_ROW.columns[i].name, text_json(text));
    }
    return json;
}

static json_t *result_json(const struct inspection_result *result)
{
    const struct inspection_entry entry = {.result = *result};
    json_t *all = entry_json(&entry);
    json_t *json = json_pack(
        "{s:O, s:O, s:i, s:b, s:i, s:o}", "verdict", json_object_get(all, "verdict"), "item",
        json_object_get(all, "item"), "bad_count", (int)result->bad_count, "needs_case",
        result->needs_case, "severity", (int)result->severity, "reason", text_json(result->reason));
    json_decref(all);
    return json;
}

/* A column of the inspection itself: what it came to is not the caller's to say. */
static const struct cell_column *column_of(const char *name)
{
    for (uint32_t i = 0; i < INSPECTION_ROW.column_count; i++) {
        const struct cell_column *column = &INSPECTION_ROW.columns[i];
        if (strcmp(column->name, name) == 0 &&
            column->offset < offsetof(struct inspection_entry, result)) {
            return column;
        }
    }
    return NULL;
}

static void take_cell(const char *name, const json_t *value, struct inspection_entry *entry,
                      json_t *faults)
{
    char text[CELL_TEXT_SIZE];
    char fault[CELL_FAULT_SIZE];
    const struct cell_column *column = column_of(name);
    const char *cell = desk_call_cell(value, text);
    if (column == NULL || strcmp(name, "merchant_id") == 0) {
        snprintf(fault, sizeof(fault),
                 "column \"%.60s\": an inspection has no such cell to fill in", name);
    } else if (cell == NULL) {
        snprintf(fault, sizeof(fault), "column \"%s\": expected a text, a number, true or false",
                 name);
    } else if (cell_parse(column, cell, entry, fault)) {
        return;
    }
    json_array_append_new(faults, text_json(fault));
}

/* False: a problem was put into `answer`. */
static bool take_entry(const struct call *call, const json_t *body, struct inspection_entry *entry,
                       struct answer *answer)
{
    json_t *faults = json_array();
    const char *name;
    json_t *value;
    if (strlen(call->parameter) >= sizeof(entry->inspection.merchant_id)) {
        answer_problem(answer, 404, "no such merchant is registered");
        json_decref(faults);
        return false;
    }
    snprintf(entry->inspection.merchant_id, sizeof(entry->inspection.merchant_id), "%s",
             call->parameter);
    entry->inspection.day = desk_call_today();
    snprintf(entry->inspection.inspector, sizeof(entry->inspection.inspector), "%s",
             call->operator_name);
    json_object_foreach(json_object_get(body, "cells"), name, value)
    {
        take_cell(name, value, entry, faults);
    }
    if (entry->inspection.day > desk_call_today()) {
        json_array_append_new(faults, json_string("column \"day\": expected a day that has come"));
    }
    bool is_good = json_array_size(faults) == 0;
    if (is_good) {
        json_decref(faults);
    } else {
        desk_call_faults(422, "the inspection is faulty; nothing was written", faults, answer);
    }
    return is_good;
}

/* What was found, with the case that it asks for. */
struct found {
    struct inspection_result result;
    uint64_t case_id; /* 0: none */
    bool is_new;
};

static enum status keep(struct desk *desk, const struct inspection_entry *entry,
                        const struct desk_actor *by, struct found *found)
{
    enum status status = desk_begin(desk);
    if (status != STATUS_OK) {
        return status;
    }
    status = inspection_book_add(desk, &entry->inspection, &found->result);
    if (status == STATUS_OK && found->result.needs_case) {
        status = inspection_case_open(desk, &entry->inspection, &found->result, by, &found->case_id,
                                      &found->is_new);
    }
    return desk_end(desk, status);
}

static void answer_found(const struct found *found, const struct inspection_due *due,
                         struct answer *answer)
{
    json_t *json = result_json(&found->result);
    json_object_set_new(json, "next", due_json(due));
    json_object_set_new(json, "case_id",
                        found->case_id != 0 ? json_integer((json_int_t)found->case_id)
                                            : json_null());
    json_object_set_new(json, "is_new_case", json_boolean(found->is_new));
    json_object_set_new(json, "case_kind",
                        found->case_id != 0 ? json_string(case_kind_name(found->result.kind))
                                            : json_null());
    answer_json(answer, 201, json);
    snprintf(answer->detail, sizeof(answer->detail), "%s", found->result.reason);
}

static void record(struct desk *desk, const struct inspection_entry *entry,
                   const struct desk_actor *by, struct answer *answer)
{
    struct inspection_rules rules;
    struct found found = {0};
    struct inspection_due due;
    struct merchant_registration merchant = {0};
    enum status status = keep(desk, entry, by, &found);
    if (status == STATUS_NOT_FOUND) {
        answer_problem(answer, 404, "no such merchant, or no such terminal, is registered");
        return;
    }
    memcpy(merchant.merchant_id, entry->inspection.merchant_id, sizeof(merchant.merchant_id));
    inspection_rules_default(&rules);
    if (status == STATUS_OK) {
        status = inspection_book_next(desk, &rules, desk_call_today(), &merchant, &due);
    }
    if (status == STATUS_OK) {
        answer_found(&found, &due, answer);
    } else {
        desk_call_failed(desk, status, answer);
    }
}

static void serve_record(const struct call *call, struct desk *desk, struct answer *answer)
{
    struct inspection_entry entry = {0};
    struct desk_actor by;
    json_t *body = desk_call_body(call, answer);
    desk_call_actor(call, &by);
    if (body != NULL && take_entry(call, body, &entry, answer)) {
        record(desk, &entry, &by, answer);
    }
    json_decref(body);
}

static void serve_list(const struct call *call, struct desk *desk, struct answer *answer)
{
    uint32_t count = 0;
    struct inspection_entry *entries = calloc(HISTORY_COUNT_MAX, sizeof(*entries));
    if (entries == NULL) {
        answer_problem(answer, 503, "no memory");
        return;
    }
    enum status status =
        inspection_book_list(desk, call->parameter, entries, HISTORY_COUNT_MAX, &count);
    if (status == STATUS_OK) {
        json_t *items = json_array();
        for (uint32_t i = 0; i < count; i++) {
            json_array_append_new(items, entry_json(&entries[i]));
        }
        answer_json(answer, 200, json_pack("{s:o}", "items", items));
    } else {
        desk_call_failed(desk, status, answer);
    }
    free(entries);
}

void inspection_call_serve(const struct call *call, struct answer *answer)
{
    struct desk *desk = desk_call_open(call, answer);
    if (desk == NULL) {
        return;
    }
    if (call->endpoint == ENDPOINT_INSPECTION_DUE) {
        serve_due(call, desk, answer);
    } else if (call->endpoint == ENDPOINT_INSPECTION_RECORD) {
        serve_record(call, desk, answer);
    } else if (call->endpoint == ENDPOINT_INSPECTION_LIST) {
        serve_list(call, desk, answer);
    } else {
        serve_lacks(call, desk, answer);
    }
    desk_close(desk);
}
