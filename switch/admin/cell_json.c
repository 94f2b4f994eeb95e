/* See cell_json.h. */
#include "switch/admin/cell_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/text_json.h"

/* The pieces of a text form that is several words or names. */
static json_t *pieces_json(const char *text, char separator)
{
    json_t *pieces = json_array();
    for (const char *at = text; *at != '\0';) {
        const char *end = strchr(at, separator);
        size_t length = end == NULL ? strlen(at) : (size_t)(end - at);
        json_array_append_new(pieces, text_json_part(at, length));
        at += length + (end != NULL);
    }
    return pieces;
}

static json_t *cell_json(const struct cell_column *column, const void *row)
{
    char text[CELL_TEXT_SIZE];
    cell_text(column, row, text);
    switch (column->type) {
    case CELL_NUMBER:
        return json_integer(strtoll(text, NULL, 10));
    case CELL_FLAG:
        return json_boolean(strcmp(text, "yes") == 0);
    case CELL_BITS:
        return pieces_json(text, ' ');
    case CELL_LIST:
        return pieces_json(text, ';');
    case CELL_TEXT:
    case CELL_DAY:
    case CELL_MINUTE:
    case CELL_WORD:
        break;
    }
    return text_json(text);
}

json_t *cell_json_row(const struct cell_table *table, const void *row)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct cell_column *column = &table->columns[i];
        json_object_set_new(object, column->name, cell_json(column, row));
    }
    return object;
}

static bool is_hash(const char *name)
{
    static const char END[] = "_hash";
    size_t length = strlen(name);
    return length >= sizeof(END) && strcmp(name + length - (sizeof(END) - 1), END) == 0;
}

bool cell_json_is_hidden(const char *name, unsigned hidden)
{
    return ((hidden & CELL_JSON_HASHES) != 0 && is_hash(name)) ||
           ((hidden & CELL_JSON_RISK) != 0 && strcmp(name, "risk_level") == 0);
}

void cell_json_hide(json_t *row, unsigned hidden)
{
    const char *name;
    void *next;
    json_t *ignored;
    json_object_foreach_safe(row, next, name, ignored)
    {
        if (cell_json_is_hidden(name, hidden)) {
            json_object_del(row, name);
        }
    }
}

const struct cell_column *cell_json_column(const struct cell_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            return &table->columns[i];
        }
    }
    return NULL;
}

/* The text form of a value. False: it is an object, null, a fraction, or too long for any cell. */
static bool value_text(const json_t *value, char separator, char text[CELL_TEXT_SIZE])
{
    int length = -1;
    if (json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value)) {
        length = snprintf(text, CELL_TEXT_SIZE, "%s", json_string_value(value));
    } else if (json_is_integer(value)) {
        length = snprintf(text, CELL_TEXT_SIZE, "%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        length = snprintf(text, CELL_TEXT_SIZE, "%s", json_is_true(value) ? "yes" : "no");
    } else if (json_is_array(value)) {
        length = 0;
        for (size_t i = 0; i < json_array_size(value) && length < CELL_TEXT_SIZE; i++) {
            const char *item = json_string_value(json_array_get(value, i));
            if (item == NULL) {
                return false;
            }
            length += snprintf(text + length, CELL_TEXT_SIZE - (size_t)length, "%.*s%s", i > 0,
                               &separator, item);
        }
        text[0] = length == 0 ? '\0' : text[0];
    }
    return length >= 0 && length < CELL_TEXT_SIZE;
}

bool cell_json_take(const struct cell_column *column, const json_t *value, void *row,
                    char fault[CELL_FAULT_SIZE])
{
    char text[CELL_TEXT_SIZE], why[CELL_FAULT_SIZE];
    bool may_be_list = column->type == CELL_BITS || column->type == CELL_LIST;
    char separator = column->type == CELL_LIST ? ';' : ' ';
    if ((json_is_array(value) && !may_be_list) || !value_text(value, separator, text)) {
        snprintf(fault, CELL_FAULT_SIZE,
                 "member \"%s\": expected %s, as a short text, a whole number or true or false",
                 column->name, column->sentence);
        return false;
    }
    if (cell_parse(column, text, row, why)) {
        return true;
    }
    /* "column "step": ..." */
    snprintf(fault, CELL_FAULT_SIZE, "member%.*s", (int)(CELL_FAULT_SIZE - sizeof("member")),
             why + strlen("column"));
    return false;
}
