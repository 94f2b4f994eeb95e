/* What a service point sees of a case that is with it. Its people repair on our behalf and are not
 * ours, so they are shown the fields that the repair needs and no other: these are named one by
 * one, and what is added to a case elsewhere is not theirs until it is named here.
 *
 * Pure: from the answer that our own people get.
 */
#pragma once

#include <jansson.h>

#include "switch/admin/scope.h"

/* Each gives a new object or array; NULL: no memory. */

/* A line of a queue: of `whole` as case_answer_line() gives it. */
json_t *point_view_line(const json_t *whole);
/* A case: which device, what is wrong, until when, where and when the shop is open, what was tried,
 * what to try, who pays; the price that was quoted, the parts that were replaced and the photos
 * that were named while the case is with this point; the engineer's next steps. */
json_t *point_view_case(const json_t *whole, const struct scope *scope);
/* Events that are permitted, those of an engineer alone. */
json_t *point_view_permitted(const json_t *whole);
