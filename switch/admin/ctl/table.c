/* See table.h. */
#include "switch/admin/ctl/table.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "config/csv_cell.h"
#include "switch/admin/ctl/shown_text.h"

#define COLUMN_COUNT_MAX 24
#define CELL_SIZE 160

static const json_t *value_at(const json_t *item, const char *path)
{
    while (item != NULL && *path != '\0') {
        char part[48];
        size_t length = strcspn(path, ".");
        if (length >= sizeof(part)) {
            return NULL;
        }
        memcpy(part, path, length);
        part[length] = '\0';
        item = json_object_get(item, part);
        path += length + (path[length] == '.');
    }
    return item;
}

static void cell_format(char text[CELL_SIZE], const json_t *value)
{
    if (json_is_string(value)) {
        snprintf(text, CELL_SIZE, "%s", json_string_value(value));
    } else if (json_is_integer(value)) {
        snprintf(text, CELL_SIZE, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        snprintf(text, CELL_SIZE, "%.4g", json_real_value(value));
    } else if (json_is_boolean(value)) {
        snprintf(text, CELL_SIZE, "%s", json_is_true(value) ? "yes" : "no");
    } else {
        snprintf(text, CELL_SIZE, "-");
    }
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ') { /* a line of a table is one line */
            *at = ' ';
        }
    }
    if (text[0] == '\0') {
        snprintf(text, CELL_SIZE, "-");
    }
    shown_text_clean(text); /* nothing from a log may steer the terminal */
}

static uint32_t column_count(const struct table_column *columns)
{
    uint32_t count = 0;
    while (count < COLUMN_COUNT_MAX && columns[count].heading != NULL) {
        count++;
    }
    return count;
}

/* Wide ones take two columns of a console: Chinese, Japanese, Korean, and their full-width forms.
 */
static bool is_wide(uint32_t character)
{
    return (character >= 0x1100 && character <= 0x115F) ||
           (character >= 0x2E80 && character <= 0xA4CF) ||
           (character >= 0xAC00 && character <= 0xD7A3) ||
           (character >= 0xF900 && character <= 0xFAFF) ||
           (character >= 0xFE30 && character <= 0xFE6F) ||
           (character >= 0xFF00 && character <= 0xFF60) ||
           (character >= 0xFFE0 && character <= 0xFFE6);
}

/* In columns; of UTF-8 that was cleaned, no wide character has more than three bytes. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != 0; at++) {
        bool is_three = *at >= 0xE0 && *at < 0xF0 && at[1] != 0 && at[2] != 0;
        uint32_t character =
            is_three ? (*at & 0x0Fu) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu) : 0;
        width += (*at & 0xC0) != 0x80;
        width += is_wide(character);
    }
    return width;
}

static void line_write(FILE *to, const json_t *item, const struct table_column *columns,
                       const size_t *widths)
{
    uint32_t count = column_count(columns);
    for (uint32_t i = 0; i < count; i++) {
        char text[CELL_SIZE];
        snprintf(text, sizeof(text), "%s", columns[i].heading);
        if (item != NULL) {
            cell_format(text, value_at(item, columns[i].path));
        }
        size_t width = width_of(text);
        bool is_last = i + 1 == count;
        int padding = is_last || width >= widths[i] ? 0 : (int)(widths[i] - width);
        fprintf(to, "%s%*s%s", text, padding, "", is_last ? "\n" : "  ");
    }
}

void table_write(FILE *to, const json_t *items, const struct table_column *columns)
{
    size_t widths[COLUMN_COUNT_MAX] = {0};
    uint32_t count = column_count(columns);
    size_t index;
    json_t *item;
    for (uint32_t i = 0; i < count; i++) {
        widths[i] = strlen(columns[i].heading);
    }
    json_array_foreach(items, index, item)
    {
        for (uint32_t i = 0; i < count; i++) {
            char text[CELL_SIZE];
            cell_format(text, value_at(item, columns[i].path));
            widths[i] = width_of(text) > widths[i] ? width_of(text) : widths[i];
        }
    }
    line_write(to, NULL, columns, widths);
    json_array_foreach(items, index, item)
    {
        line_write(to, item, columns, widths);
    }
}

void table_write_one(FILE *to, const json_t *item, const struct table_column *columns)
{
    size_t width = 0;
    uint32_t count = 0;
    for (; columns[count].heading != NULL;
         count++) { /* one under the other: as many as there are */
        size_t length = strlen(columns[count].heading);
        width = length > width ? length : width;
    }
    for (uint32_t i = 0; i < count; i++) {
        char text[CELL_SIZE];
        cell_format(text, value_at(item, columns[i].path));
        fprintf(to, "%-*s  %s\n", (int)width, columns[i].heading, text);
    }
}

void table_write_lines(FILE *to, const json_t *texts)
{
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const char *text = json_string_value(json_array_get(texts, i));
        fprintf(to, "%s\n", text == NULL ? "" : text);
    }
}

/* Quoted where it holds what would end it; `is_marked`: a spreadsheet must not carry it out. */
static void csv_cell(FILE *to, const char *text, bool is_marked)
{
    bool is_quoted = strpbrk(text, ",\"\r\n") != NULL;
    fputs(is_quoted ? "\"" : "", to);
    fputs(is_marked ? "'" : "", to);
    for (const char *at = text; *at != '\0'; at++) {
        fputs(*at == '"' ? "\"\"" : (char[2]){*at, '\0'}, to);
    }
    fputs(is_quoted ? "\"" : "", to);
}

void table_write_csv(FILE *to, const json_t *items, const struct table_column *columns)
{
    uint32_t count = column_count(columns);
    for (uint32_t i = 0; i < count; i++) {
        fprintf(to, "%s%s", columns[i].heading, i + 1 < count ? "," : "\r\n");
    }
    for (size_t row = 0; row < json_array_size(items); row++) {
        for (uint32_t i = 0; i < count; i++) {
            char text[CELL_SIZE];
            const json_t *value = value_at(json_array_get(items, row), columns[i].path);
            bool is_empty = json_is_string(value) && json_string_length(value) == 0;
            cell_format(text, value);
            csv_cell(to, value == NULL || is_empty ? "" : text,
                     json_is_string(value) && !is_empty && csv_cell_needs_mark(text));
            fputs(i + 1 < count ? "," : "\r\n", to);
        }
    }
}
