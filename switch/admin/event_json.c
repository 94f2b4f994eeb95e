/* See event_json.h. */
#include "switch/admin/event_json.h"

#include "switch/admin/message_json.h"
#include "switch/admin/wall_text.h"

json_t *event_json(const struct event_line *line, const Aftersales__Event *event)
{
    char time[WALL_TEXT_SIZE];
    wall_text_format(time, line->wall_us);
    json_t *object = json_pack("{s:I, s:s, s:s}", "number", (json_int_t)line->number, "kind",
                               event_out_word(line->kind), "time", time);
    json_t *told = message_json(&event->base);
    json_object_update_missing(object, told);
    json_decref(told);
    return object;
}

char *event_json_text(const struct event_line *line)
{
    Aftersales__Event *event = aftersales__event__unpack(NULL, line->length, line->payload);
    if (event == NULL) {
        return NULL;
    }
    json_t *object = event_json(line, event);
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    json_decref(object);
    aftersales__event__free_unpacked(event, NULL);
    return text;
}
