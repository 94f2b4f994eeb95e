/* See point_call.h. */
#include "switch/admin/point_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/desk_call.h"
#include "switch/admin/text_json.h"
#include "switch/admin/wall_text.h"
#include "switch/desk/registry_table.h"
#include "switch/desk/service_near.h"

#define NOTE_STALE "not verified for 180 days"

/* The text form of one column of a row, as the registry shows it. */
static json_t *cell_of(enum registry_kind kind, const void *row, const char *name)
{
    const struct cell_table *table = registry_table(kind);
    char text[CELL_TEXT_SIZE] = "";
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            cell_text(&table->columns[i], row, text);
        }
    }
    return text_json(text);
}

static json_t *cells_of(enum registry_kind kind, const void *row, const char *const *names)
{
    json_t *json = json_object();
    for (; *names != NULL; names++) {
        json_object_set_new(json, *names, cell_of(kind, row, *names));
    }
    return json;
}

/* "09:00-18:00 mon tue", or day and night. */
static json_t *hours_of(enum registry_kind kind, const void *row)
{
    char text[120];
    json_t *opens = cell_of(kind, row, "opens");
    json_t *closes = cell_of(kind, row, "closes");
    json_t *weekdays = cell_of(kind, row, "weekdays");
    const char *from = json_string_value(opens);
    const char *to = json_string_value(closes);
    bool is_always = strcmp(from, "00:00") == 0 && strcmp(to, "00:00") == 0;
    snprintf(text, sizeof(text), "%s%s%s %s", is_always ? "day and night" : from,
             is_always ? "" : "-", is_always ? "" : to, json_string_value(weekdays));
    json_decref(opens);
    json_decref(closes);
    json_decref(weekdays);
    return json_string(text);
}

static void add_state(json_t *json, enum registry_kind kind, const void *row, bool is_open,
                      bool is_stale)
{
    json_object_set_new(json, "hours", hours_of(kind, row));
    json_object_set_new(json, "is_open", json_boolean(is_open));
    json_object_set_new(json, "is_stale", json_boolean(is_stale));
    json_object_set_new(json, "note", json_string(is_stale ? NOTE_STALE : ""));
}

static json_t *point_json(const struct service_near_point *near)
{
    static const char *const NAMES[] = {"point_id", "name",      "address",      "phone", "brands",
                                        "repairs",  "area_code", "verified_day", NULL};
    json_t *json = cells_of(REGISTRY_SERVICE_POINT, &near->point, NAMES);
    add_state(json, REGISTRY_SERVICE_POINT, &near->point, near->is_open, near->is_stale);
    json_object_set_new(json, "distance_m",
                        near->distance_m == SERVE_DISTANCE_UNKNOWN
                            ? json_null()
                            : json_integer((json_int_t)near->distance_m));
    json_object_set_new(json, "spare_count", json_integer((json_int_t)near->spare_count));
    return json;
}

static json_t *channel_json(const struct service_near_channel *near)
{
    static const char *const NAMES[] = {"channel_id", "kind",         "name", "contact",
                                        "languages",  "verified_day", NULL};
    json_t *json = cells_of(REGISTRY_SERVICE_CHANNEL, &near->channel, NAMES);
    add_state(json, REGISTRY_SERVICE_CHANNEL, &near->channel, near->is_open, near->is_stale);
    return json;
}

static json_t *near_json(const struct service_near *near)
{
    json_t *order = json_array();
    json_t *channels = json_array();
    json_t *points = json_array();
    for (uint32_t i = 0; i < near->order.count; i++) {
        json_array_append_new(order, json_string(server_text(near->order.servers[i], false)));
    }
    for (uint32_t i = 0; i < near->channel_count; i++) {
        json_array_append_new(channels, channel_json(&near->channels[i]));
    }
    for (uint32_t i = 0; i < near->point_count; i++) {
        json_array_append_new(points, point_json(&near->points[i]));
    }
    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "terminal_id",
                     text_json(near->terminal.terminal_id), "brand",
                     text_json(near->terminal.brand), "model", text_json(near->terminal.model),
                     "obtained", obtained_word(near->terminal.obtained), "served_by", order,
                     "channels", channels, "points", points);
}

void point_call_serve(const struct call *call, struct answer *answer)
{
    const char *word = call->option(call->connection, "part");
    enum part_class part = word == NULL ? PART_WHOLE : part_from_word(word);
    if (part == PART_COUNT) {
        answer_problem(answer, 400,
                       "part: expected whole, main_board, screen, keypad, reader, printer, radio, "
                       "battery, adapter or consumable");
        return;
    }
    struct desk *desk = desk_call_open(call, answer);
    struct service_near *near = desk == NULL ? NULL : calloc(1, sizeof(*near));
    if (near != NULL) {
        enum status status =
            service_near_find(desk, call->parameter, part, wall_text_now_us(), near);
        if (status == STATUS_OK) {
            answer_json(answer, 200, near_json(near));
        } else {
            desk_call_failed(desk, status, answer);
        }
    } else if (desk != NULL) {
        answer_problem(answer, 503, "no memory");
    }
    free(near);
    desk_close(desk);
}
