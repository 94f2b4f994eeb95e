/* Looks for transactions in the log: newest first, from the last segment back, until the page is
 * full or its time is up.
 */
#pragma once

#include <jansson.h>

#include "switch/admin/log_view.h"
#include "switch/admin/txn_query.h"

/* {"items": [...], "cursor": "123" or null}: newest first. Where time was up before the page was
 * full, the cursor goes on from there. NULL: the log failed, and `view->fault` says how. */
json_t *log_search_find(struct log_view *view, const struct txn_query *query);
