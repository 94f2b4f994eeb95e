/* See report_call.h. */
#include "switch/admin/report_call.h"

#include <stdio.h>
#include <string.h>

#include "switch/admin/desk_call.h"
#include "switch/admin/text_json.h"
#include "switch/admin/wall_text.h"

#define SPAN_FALLBACK_US (INT64_C(30) * 24 * 3600 * 1000000)

static void add_tenths(json_t *json, const char *name, const char *tenths)
{
    const json_t *value = json_object_get(json, tenths);
    if (value != NULL) {
        json_object_set_new(json, name, json_real((double)json_integer_value(value) / 10));
        json_object_del(json, tenths);
    }
}

/* How many of each class; those of which none was replaced are left out. */
static json_t *parts_json(const struct case_report_line *line)
{
    json_t *parts = json_object();
    for (unsigned i = 0; i < PART_COUNT; i++) {
        if (line->parts_of[i] > 0) {
            json_object_set_new(parts, part_word((enum part_class)i),
                                json_integer((json_int_t)line->parts_of[i]));
        }
    }
    return parts;
}

json_t *report_call_json(const struct case_report_line *line)
{
    json_t *json = json_object();
    json_object_set_new(json, "name", text_json(line->name));
    json_object_set_new(json, "text", text_json(line->text));
#define X(member, sentence)                                                                        \
    if (line->member >= 0) {                                                                       \
        json_object_set_new(json, #member, json_integer((json_int_t)line->member));                \
    }
    CASE_REPORT_FIGURE_MAP(X)
#undef X
    add_tenths(json, "failures_per_1000", "failures_per_1000_tenths");
    add_tenths(json, "parts_per_1000", "parts_per_1000_tenths");
    add_tenths(json, "score", "score_tenths");
    json_object_set_new(json, "parts_of", parts_json(line));
    if (line->points >= 0 && line->areas > 0) {
        int64_t hundredths = (line->points * 100 + line->areas / 2) / line->areas;
        json_object_set_new(json, "points_per_area", json_real((double)hundredths / 100));
    }
    return json;
}

static void on_line(void *argument, const struct case_report_line *line)
{
    json_array_append_new((json_t *)argument, report_call_json(line));
}

/* False: a problem was put into `answer`. */
static bool take_window(const struct call *call, struct case_report_window *window,
                        struct answer *answer)
{
    const char *from = call->option(call->connection, "from");
    const char *to = call->option(call->connection, "to");
    window->to_us = wall_text_now_us();
    bool is_good = to == NULL || txn_query_time(to, &window->to_us) == STATUS_OK;
    window->from_us = window->to_us - SPAN_FALLBACK_US;
    is_good = is_good && (from == NULL || txn_query_time(from, &window->from_us) == STATUS_OK);
    if (!is_good || window->from_us >= window->to_us) {
        answer_problem(answer, 400,
                       "from, to: expected times such as 2026-09-21T14:13:20Z, or dates (UTC), "
                       "from before to");
        return false;
    }
    return true;
}

static json_t *head_json(enum case_report_kind kind, const struct case_report_window *window)
{
    char from[WALL_TEXT_SIZE];
    char to[WALL_TEXT_SIZE];
    wall_text_format(from, window->from_us);
    wall_text_format(to, window->to_us);
    return json_pack("{s:s, s:s, s:s}", "report", case_report_word(kind), "from", from, "to", to);
}

void report_call_serve(const struct call *call, struct answer *answer)
{
    enum case_report_kind kind = case_report_from_word(call->parameter);
    struct case_report_window window;
    bool has_more = false;
    if (kind == CASE_REPORT_COUNT) {
        answer_problem(answer, 404, "no such report; expected brand, model, agent or point");
        return;
    }
    if (!take_window(call, &window, answer)) {
        return;
    }
    struct desk *desk = desk_call_open(call, answer);
    if (desk == NULL) {
        return;
    }
    json_t *items = json_array();
    const struct case_report_sink sink = {on_line, items};
    enum status status = case_report(desk, kind, &window, &sink, &has_more);
    if (status == STATUS_OK) {
        json_t *json = head_json(kind, &window);
        json_object_set(json, "items", items);
        json_object_set_new(json, "has_more", json_boolean(has_more));
        answer_json(answer, 200, json);
    } else {
        desk_call_failed(desk, status, answer);
    }
    json_decref(items);
    desk_close(desk);
}
