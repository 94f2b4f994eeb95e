/* Who serves a terminal and where, and whether its warranty pays, as JSON from what is registered.
 */
#pragma once

#include <jansson.h>

#include "switch/aftersales/serve.h"
#include "switch/aftersales/warranty.h"
#include "switch/desk/desk.h"

/* Whom to ask, and what is asked about the device. */
struct serve_about {
    const struct terminal_registration *terminal; /* as registered, or with what a case knows */
    bool is_registered;
    enum part_class part;
    enum damage damage;
    bool is_on_site;
    int64_t now_us;
};

/* {"order": [{zh, en}], "channels": [...], "points": [...]}; *answer is the caller's. */
MUST_CHECK enum status serve_answer(struct desk *desk, const struct serve_about *about,
                                    json_t **answer);
/* {"verdict_zh", "verdict_en", "is_free", "way", ...}; null for a terminal that is not registered.
 */
MUST_CHECK enum status serve_answer_warranty(struct desk *desk, const struct serve_about *about,
                                             json_t **answer);
