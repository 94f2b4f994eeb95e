/* See text_json.h. */
#include "switch/admin/text_json.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/wall_text.h"

static bool is_tail(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* How many bytes the character at the front takes; 0: there is no whole one (RFC 3629). */
static size_t character_length(const uint8_t *bytes, size_t length)
{
    const uint8_t lead = bytes[0];
    if (lead < 0x80) {
        return 1;
    }
    size_t needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || needed > length) {
        return 0;
    }
    /* Too long a form, a half of a pair of UTF-16, beyond U+10FFFF. */
    if ((lead == 0xE0 && bytes[1] < 0xA0) || (lead == 0xED && bytes[1] > 0x9F) ||
        (lead == 0xF0 && bytes[1] < 0x90) || (lead == 0xF4 && bytes[1] > 0x8F)) {
        return 0;
    }
    for (size_t i = 1; i < needed; i++) {
        if (!is_tail(bytes[i])) {
            return 0;
        }
    }
    return needed;
}

json_t *text_json_part(const char *text, size_t length)
{
    uint8_t *copy = malloc(length + 1);
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, text, length);
    for (size_t at = 0; at < length;) {
        size_t count = character_length(copy + at, length - at);
        if (count == 0) {
            copy[at] = '?';
            count = 1;
        }
        at += count;
    }
    json_t *string = json_stringn((const char *)copy, length);
    free(copy);
    return string;
}

json_t *text_json(const char *text)
{
    return text == NULL ? NULL : text_json_part(text, strlen(text));
}

json_t *text_json_wall(int64_t wall_us)
{
    char text[WALL_TEXT_SIZE];
    if (wall_us == 0) {
        return json_null();
    }
    wall_text_format(text, wall_us);
    return json_string(text);
}

json_t *text_json_lines(const char *text)
{
    json_t *lines = json_array();
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        json_array_append_new(lines, text_json_part(at, length));
        at += length + (at[length] == '\n');
    }
    return lines;
}
