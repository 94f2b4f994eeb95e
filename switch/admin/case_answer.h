/* Cases as JSON: lines of a queue, a case with its history, what may happen to it now, what follows
 * outside. Words stand in Chinese (…_zh) beside English where both are there. */
#pragma once

#include <stdint.h>

#include <jansson.h>

#include "switch/desk/case_book.h"
#include "switch/desk/flag_book.h"

json_t *case_answer_line(const struct case_line *line, int64_t now_us);
/* Every column of the case, and its times as text. */
json_t *case_answer_case(const struct service_case *it);
/* An event with the members that belong to it. */
json_t *case_answer_entry(const struct case_entry *entry);
/* Events that people may say now: [{event, sentence, as: [...], needs: [...], members: [...]}]. */
json_t *case_answer_permitted(const struct service_case *it);
/* The first steps of its kind with their results. */
json_t *case_answer_first_steps(const struct service_case *it);
/* What must be done outside, told by the switch's own clerk: [{what, sentence, text, due}]. */
json_t *case_answer_to_do(const struct case_effects *effects);
/* With what its signal asks for by these rules. */
json_t *case_answer_flag(const struct flag_entry *entry, const struct case_rules *rules);
