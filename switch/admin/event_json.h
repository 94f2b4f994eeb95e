/* An event of the outbox as JSON: what the feed gives as lines, and webhooks post. */
#pragma once

#include <jansson.h>

#include "protocols/aftersales_event.pb-c.h"
#include "switch/desk/event_out.h"

/* {"number", "kind", "time", "wall_us", "case_kind", and a member named as the kind}; fields as
 * protocols/aftersales_event.proto has them. NULL: no memory. */
json_t *event_json(const struct event_line *line, const Aftersales__Event *event);
/* The same as one line of text without an end. The caller frees it; NULL: the bytes are no event,
 * or no memory. */
char *event_json_text(const struct event_line *line);
