/* The log's segments as a list. */
#pragma once

#include <jansson.h>

#include "switch/admin/log_view.h"

/* {"items": [{"ordinal", "file", "first_position", "last_position", "rows", "settlement_day",
 * "opened", "sealed", "bytes"}, ...]}, oldest first. NULL: `view->fault` says what cannot be read.
 */
json_t *log_list_json(struct log_view *view);
