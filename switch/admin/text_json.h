/* Texts on their way into JSON, which takes whole UTF-8 only: a fault may quote what is no UTF-8,
 * and what was cut may end within a character. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* A new string with '?' for each byte that belongs to no whole character. NULL gives NULL, as does
 * the lack of memory. */
json_t *text_json(const char *text);
json_t *text_json_part(const char *text, size_t length);
/* A wall clock time as wall_text.h writes it; 0 gives null. */
json_t *text_json_wall(int64_t wall_us);
/* An array of its lines, without their ends. */
json_t *text_json_lines(const char *text);
