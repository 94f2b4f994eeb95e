/* A few dozen names at most: searched one by one, sorted by pointers. */
#include "loadtest/wallet/params.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

void params_free(struct params *params)
{
    for (uint32_t i = 0; i < params->count; i++) {
        free(params->items[i].name);
        free(params->items[i].value);
    }
    params->count = 0;
}

static struct param *param_find(const struct params *params, struct byte_view name)
{
    for (uint32_t i = 0; i < params->count; i++) {
        const struct param *item = &params->items[i];
        if (strlen(item->name) == name.length && memcmp(item->name, name.bytes, name.length) == 0) {
            return (struct param *)item;
        }
    }
    return NULL;
}

static bool has_zero(struct byte_view text)
{
    return text.length > 0 && memchr(text.bytes, 0, text.length) != NULL;
}

static char *text_copy(struct byte_view text)
{
    char *copy = malloc((size_t)text.length + 1);
    if (copy != NULL) {
        if (text.length > 0) {
            memcpy(copy, text.bytes, text.length);
        }
        copy[text.length] = '\0';
    }
    return copy;
}

enum status params_add(struct params *params, struct byte_view name, struct byte_view value)
{
    if (name.length == 0 || name.length > PARAM_NAME_CHARACTERS_MAX || has_zero(name) ||
        has_zero(value)) {
        return STATUS_BAD_VALUE;
    }
    if (param_find(params, name) != NULL) {
        return STATUS_DUPLICATE;
    }
    if (params->count == PARAM_COUNT_MAX) {
        return STATUS_NO_ROOM;
    }
    struct param item = {text_copy(name), text_copy(value)};
    if (item.name == NULL || item.value == NULL) {
        free(item.name);
        free(item.value);
        return STATUS_NO_MEMORY;
    }
    params->items[params->count++] = item;
    return STATUS_OK;
}

const char *params_find(const struct params *params, const char *name)
{
    const struct param *item = param_find(params, text_view(name));
    return item == NULL ? "" : item->value;
}

/* ---- forms ---- */

static int nibble_of(uint8_t character)
{
    const char *const digits = "0123456789abcdef";
    const char *at = character == 0 ? NULL : strchr(digits, tolower(character));
    return at == NULL ? -1 : (int)(at - digits);
}

/* Percent signs and pluses undone, in place. STATUS_MALFORMED: a percent sign without two hex
 * digits. */
static enum status percent_decode(struct byte_view text, uint8_t *out, uint32_t *length)
{
    *length = 0;
    for (uint32_t i = 0; i < text.length; i++) {
        uint8_t character = text.bytes[i];
        if (character == '%') {
            int high = i + 2 < text.length ? nibble_of(text.bytes[i + 1]) : -1;
            int low = i + 2 < text.length ? nibble_of(text.bytes[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return STATUS_MALFORMED;
            }
            character = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (character == '+') {
            character = ' ';
        }
        out[(*length)++] = character;
    }
    return STATUS_OK;
}

static enum status pair_add(struct params *params, struct byte_view pair, uint8_t *room)
{
    const uint8_t *equal = memchr(pair.bytes, '=', pair.length);
    uint32_t name_length = equal == NULL ? pair.length : (uint32_t)(equal - pair.bytes);
    struct byte_view parts[2] = {{pair.bytes, name_length}, {NULL, 0}};
    if (equal != NULL) {
        parts[1] = (struct byte_view){equal + 1, pair.length - name_length - 1};
    }
    for (unsigned i = 0; i < 2; i++) {
        uint32_t length = 0;
        enum status status = percent_decode(parts[i], room, &length);
        if (status != STATUS_OK) {
            return status;
        }
        parts[i] = (struct byte_view){room, length};
        room += length;
    }
    const struct param *known = param_find(params, parts[0]);
    if (known != NULL && strlen(known->value) == parts[1].length &&
        memcmp(known->value, parts[1].bytes, parts[1].length) == 0) {
        return STATUS_OK;
    }
    return params_add(params, parts[0], parts[1]);
}

enum status params_read_form(struct params *params, struct byte_view text)
{
    enum status status = STATUS_OK;
    uint8_t *room = malloc((size_t)text.length + 1);
    if (room == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t at = 0; at < text.length && status == STATUS_OK;) {
        const uint8_t *begin = text.bytes + at;
        const uint8_t *end = memchr(begin, '&', text.length - at);
        uint32_t length = end == NULL ? text.length - at : (uint32_t)(end - begin);
        if (length > 0) {
            status = pair_add(params, (struct byte_view){begin, length}, room);
        }
        at += length + 1;
    }
    free(room);
    return status;
}

/* ---- XML ---- */

#define XML_TEXT_BYTES_MAX 8192U

struct xml_walk {
    XML_Parser parser;
    struct params *params;
    enum status status;
    int depth;
    char name[PARAM_NAME_CHARACTERS_MAX + 1];
    uint32_t length;
    char text[XML_TEXT_BYTES_MAX];
};

static void walk_stop(struct xml_walk *walk, enum status status)
{
    if (walk->status == STATUS_OK) {
        walk->status = status;
    }
    XML_StopParser(walk->parser, XML_FALSE);
}

static void XMLCALL on_doctype(void *argument, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_subset;
    walk_stop(argument, STATUS_MALFORMED);
}

static void XMLCALL on_begin(void *argument, const XML_Char *name, const XML_Char **attributes)
{
    struct xml_walk *walk = argument;
    (void)attributes;
    walk->length = 0;
    if (++walk->depth > 2 || strlen(name) > PARAM_NAME_CHARACTERS_MAX) {
        walk_stop(walk, STATUS_MALFORMED);
        return;
    }
    snprintf(walk->name, sizeof walk->name, "%s", name);
}

/* One text may come in several calls. */
static void XMLCALL on_text(void *argument, const XML_Char *text, int length)
{
    struct xml_walk *walk = argument;
    if (walk->depth != 2) {
        return;
    }
    if (length < 0 || (uint32_t)length > XML_TEXT_BYTES_MAX - walk->length) {
        walk_stop(walk, STATUS_MALFORMED);
        return;
    }
    memcpy(walk->text + walk->length, text, (size_t)length);
    walk->length += (uint32_t)length;
}

static void XMLCALL on_end(void *argument, const XML_Char *name)
{
    struct xml_walk *walk = argument;
    if (walk->depth-- != 2) {
        return;
    }
    enum status status = params_add(walk->params, text_view(name),
                                    (struct byte_view){(const uint8_t *)walk->text, walk->length});
    if (status != STATUS_OK) {
        walk_stop(walk, status == STATUS_DUPLICATE ? STATUS_MALFORMED : status);
    }
}

enum status params_read_xml(struct params *params, struct byte_view text)
{
    struct xml_walk *walk = calloc(1, sizeof *walk);
    XML_Parser parser = XML_ParserCreate("UTF-8");
    enum status status = STATUS_NO_MEMORY;
    if (walk != NULL && parser != NULL) {
        walk->parser = parser;
        walk->params = params;
        XML_SetUserData(parser, walk);
        XML_SetStartDoctypeDeclHandler(parser, on_doctype);
        XML_SetElementHandler(parser, on_begin, on_end);
        XML_SetCharacterDataHandler(parser, on_text);
        bool is_read = text.length > 0 && XML_Parse(parser, (const char *)text.bytes,
                                                    (int)text.length, XML_TRUE) == XML_STATUS_OK;
        status = walk->status != STATUS_OK ? walk->status : is_read ? STATUS_OK : STATUS_MALFORMED;
    }
    if (parser != NULL) {
        XML_ParserFree(parser);
    }
    free(walk);
    return status;
}

/* ---- out ---- */

static int by_name(const void *left, const void *right)
{
    return strcmp((*(const struct param *const *)left)->name,
                  (*(const struct param *const *)right)->name);
}

static bool is_omitted(const char *name, const char *const omitted[])
{
    for (; *omitted != NULL; omitted++) {
        if (strcmp(*omitted, name) == 0) {
            return true;
        }
    }
    return false;
}

char *params_sorted(const struct params *params, const char *const omitted[])
{
    const struct param *order[PARAM_COUNT_MAX] = {NULL};
    for (uint32_t i = 0; i < params->count; i++) {
        order[i] = &params->items[i];
    }
    qsort(order, params->count, sizeof(void *), by_name);
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    if (file == NULL) {
        return NULL;
    }
    const char *between = "";
    for (uint32_t i = 0; i < params->count; i++) {
        if (order[i]->value[0] != '\0' && !is_omitted(order[i]->name, omitted)) {
            fprintf(file, "%s%s=%s", between, order[i]->name, order[i]->value);
            between = "&";
        }
    }
    return fclose(file) == 0 ? text : NULL;
}

/* ']]>' would end a CDATA section: such a text is escaped instead. */
static void xml_value(FILE *file, const char *value)
{
    if (strstr(value, "]]>") == NULL) {
        fprintf(file, "<![CDATA[%s]]>", value);
        return;
    }
    for (; *value != '\0'; value++) {
        switch (*value) {
        case '<':
            fputs("&lt;", file);
            break;
        case '>':
            fputs("&gt;", file);
            break;
        case '&':
            fputs("&amp;", file);
            break;
        default:
            fputc(*value, file);
        }
    }
}

char *params_write_xml(const struct params *params)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    if (file == NULL) {
        return NULL;
    }
    fputs("<xml>", file);
    for (uint32_t i = 0; i < params->count; i++) {
        fprintf(file, "<%s>", params->items[i].name);
        xml_value(file, params->items[i].value);
        fprintf(file, "</%s>\n", params->items[i].name);
    }
    fputs("</xml>", file);
    return fclose(file) == 0 ? text : NULL;
}

static void form_text(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        uint8_t character = (uint8_t)*text;
        bool is_plain =
            character < 128 && (isalnum(character) || strchr("-._~", character) != NULL);
        if (is_plain) {
            fputc(character, file);
        } else {
            fprintf(file, "%%%02X", character);
        }
    }
}

char *params_write_form(const struct params *params)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    if (file == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < params->count; i++) {
        fputs(i == 0 ? "" : "&", file);
        form_text(file, params->items[i].name);
        fputc('=', file);
        form_text(file, params->items[i].value);
    }
    return fclose(file) == 0 ? text : NULL;
}
