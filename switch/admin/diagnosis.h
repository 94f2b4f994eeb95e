/* What the log tells of a terminal: its last messages, what became of them, how long they took,
 * when it last signed on, what it last told of itself.
 */
#pragma once

#include <jansson.h>

#include "switch/admin/log_view.h"
#include "switch/admin/symptom.h"

#define DIAGNOSIS_MESSAGE_COUNT 20

/* Whose messages: of a terminal, and where a merchant is named in its time alone. */
struct diagnosis_of {
    const char *terminal_id, *merchant_id; /* merchant empty: any */
};
/* Adds "messages" (newest first, cards masked, with round_trip_ms), "last_signon", "error_streak"
 * (failed ones since the last good one, those with a wrong MAC too), "round_trip_ms" (median and
 * longest), "device" (as protocols/device_note.h writes it), "symptom"; finds the symptom. False:
 * the log failed. */
bool diagnosis_add_log(struct log_view *view, const struct diagnosis_of *of, json_t *to,
                       struct symptom *symptom);
