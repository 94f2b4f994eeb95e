/* See point_view.h. */
#include "switch/admin/point_view.h"

#include <string.h>

static const char *const LINE[] = {"id",       "kind",        "severity", "state",    "state_zh",
                                   "state_en", "fault",       "fault_zh", "fault_en", "due",
                                   "is_late",  "terminal_id", NULL};
static const char *const CASE[] = {"id",       "kind",  "severity", "state",    "state_zh",
                                   "state_en", "fault", "fault_zh", "fault_en", "terminal_id",
                                   "brand",    "model", "serial",   "firmware", NULL};
static const char *const WHOLE[] = {"due", "first_steps", "self_help", "warranty", NULL};
static const char *const PLACE[] = {"address", "area_code", "latitude_e3", "longitude_e3", NULL};
static const char *const HOURS[] = {"opens", "closes", NULL};

static const char *const PART[] = {"part",       "part_zh",       "part_en",
                                   "quantity",   "serial_before", "serial_after",
                                   "cost_minor", "paid_by",       NULL};

static json_t *cut(const json_t *from, const char *const *names)
{
    json_t *kept = json_object();
    for (; *names != NULL; names++) {
        json_t *value = json_object_get(from, *names);
        if (value != NULL) {
            json_object_set(kept, *names, value);
        }
    }
    return kept;
}

/* Null stays null: it is not registered. */
static json_t *cut_object(const json_t *whole, const char *name, const char *const *names)
{
    const json_t *from = json_object_get(whole, name);
    return json_is_object(from) ? cut(from, names) : json_null();
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

json_t *point_view_line(const json_t *whole)
{
    return cut(whole, LINE);
}

/* ---- its own work ---- */

/* What was said since the case is with this point. */
struct own_work {
    bool is_ours;
    const char *quote;
    json_int_t cost_minor;
    json_t *parts, *photos; /* owner */
};

static void clear_work(struct own_work *work)
{
    work->quote = "none";
    work->cost_minor = 0;
    json_array_clear(work->parts);
    json_array_clear(work->photos);
}

static void take_quote(struct own_work *work, const json_t *event)
{
    const json_t *kind = json_object_get(event, "kind");
    if (is_text(kind, "QUOTE")) {
        work->quote = "asked";
        work->cost_minor = json_integer_value(json_object_get(event, "cost_minor"));
    } else if (work->cost_minor != 0 && is_text(kind, "QUOTE_ACCEPT")) {
        work->quote = "accepted";
    } else if (work->cost_minor != 0 && is_text(kind, "QUOTE_DECLINE")) {
        work->quote = "declined";
    }
}

static void take_parts(struct own_work *work, const json_t *event)
{
    size_t index;
    const json_t *part;
    json_array_foreach(json_object_get(event, "parts"), index, part)
    {
        json_array_append_new(work->parts, cut(part, PART));
    }
    if (json_object_get(event, "photos") != NULL) {
        json_array_extend(work->photos, json_object_get(event, "photos"));
    }
}

static void take_event(struct own_work *work, const json_t *event, const char *point_id)
{
    if (is_text(json_object_get(event, "kind"), "DISPATCH")) {
        bool was_ours = work->is_ours;
        work->is_ours = is_text(json_object_get(event, "point_id"), point_id);
        if (!was_ours || !work->is_ours) {
            clear_work(work);
        }
    } else if (work->is_ours) {
        take_quote(work, event);
        take_parts(work, event);
    }
}

static void add_own_work(json_t *answer, const json_t *events, const struct scope *scope)
{
    struct own_work work = {.quote = "none", .parts = json_array(), .photos = json_array()};
    size_t index;
    const json_t *event;
    json_array_foreach(events, index, event)
    {
        take_event(&work, event, scope->point_id);
    }
    json_object_set_new(
        answer, "quote",
        json_pack("{s:s, s:I}", "state", work.quote, "cost_minor", work.cost_minor));
    json_object_set_new(answer, "parts", work.parts);
    json_object_set_new(answer, "photos", work.photos);
}

json_t *point_view_permitted(const json_t *whole)
{
    json_t *kept = json_array();
    size_t index, role_index;
    const json_t *event, *role;
    json_array_foreach(whole, index, event)
    {
        json_array_foreach(json_object_get(event, "as"), role_index, role)
        {
            if (is_text(role, "ENGINEER")) {
                json_t *own = json_copy((json_t *)(uintptr_t)event);
                json_object_set_new(own, "as", json_pack("[s]", "ENGINEER"));
                json_array_append_new(kept, own);
            }
        }
    }
    return kept;
}

json_t *point_view_case(const json_t *whole, const struct scope *scope)
{
    json_t *answer = cut(whole, WHOLE);
    json_object_set_new(answer, "case", cut_object(whole, "case", CASE));
    json_object_set_new(answer, "place", cut_object(whole, "place", PLACE));
    json_object_set_new(answer, "hours", cut_object(whole, "merchant", HOURS));
    json_object_set_new(answer, "permitted",
                        point_view_permitted(json_object_get(whole, "permitted")));
    add_own_work(answer, json_object_get(whole, "events"), scope);
    return answer;
}
