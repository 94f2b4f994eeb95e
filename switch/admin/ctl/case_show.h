/* A case and what to do about a terminal, as people read them. */
#pragma once

#include <stdbool.h>

#include <jansson.h>

/* "state" or "state_zh": words that are there in both languages. */
void case_show_list(const json_t *json, bool is_chinese);
void case_show(const json_t *json, bool is_chinese);
/* What came of an event: where the case stands, what follows, what may happen next. */
void case_show_step(const json_t *json, bool is_chinese);
/* Likely cause, what to try, who serves, who pays, flags. */
void case_show_advice(const json_t *json, bool is_chinese);
void case_show_flags(const json_t *flags, bool is_chinese);
/* "\nheading:\n" where there is something under it. */
bool case_show_heading(const json_t *items, const char *heading);
