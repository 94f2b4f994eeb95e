/* See csv_file.h.
 *
 * One pass, one cursor. A 0 stands behind the text, so that a look at the next character is always
 * allowed; a 0 before that place is a fault of the file. A field's own 0 is written once the
 * character behind it has been looked at, for it may take that character's place.
 */
#include "config/csv_file.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/document.h"
#include "protocols/base/pause.h"
#include "protocols/base/require.h"

#define COLUMN_UNUSED UINT8_MAX

struct csv_reader {
    char *text; /* borrowed */
    uint32_t length, position;
    uint32_t line;
};

/* One row, cut. */
struct csv_cut {
    uint32_t line, count; /* fields beyond CSV_COLUMN_COUNT_MAX are counted but not kept */
    char *fields[CSV_COLUMN_COUNT_MAX];
    const char *fault; /* NULL: none */
};

static bool is_at_end(const struct csv_reader *reader)
{
    return reader->position == reader->length;
}

/* Goes on to the next comma or line end. */
static void plain_skip(struct csv_reader *reader, struct csv_cut *cut)
{
    for (; !is_at_end(reader); reader->position++) {
        char character = reader->text[reader->position];
        if (character == ',' || character == '\n' || character == '\r') {
            return;
        }
        if (character == '"') {
            cut->fault = "expected quotes around the whole field, got one inside it";
        } else if (character == '\0') {
            cut->fault = "expected text, got a byte of value 0";
        }
    }
}

/* Moves a quoted field over its quotes, so that it begins where its first quote was; returns its
 * end. The position ends behind the closing quote. */
static char *quoted_cut(struct csv_reader *reader, struct csv_cut *cut)
{
    char *to = reader->text + reader->position++;
    while (!is_at_end(reader)) {
        char character = reader->text[reader->position++];
        if (character == '"' && reader->text[reader->position] != '"') {
            return to;
        }
        reader->position += character == '"';
        reader->line += character == '\n';
        if (character == '\0') {
            cut->fault = "expected text, got a byte of value 0";
        }
        *to++ = character;
    }
    cut->fault = "expected a closing quote, got the end of the file";
    return to;
}

/* Takes one field and the separator behind it; true when another field follows in the row. */
static bool field_cut(struct csv_reader *reader, struct csv_cut *cut)
{
    char *begin = reader->text + reader->position;
    char *end = NULL;
    if (*begin == '"') {
        end = quoted_cut(reader, cut);
        uint32_t behind = reader->position;
        plain_skip(reader, cut);
        if (reader->position != behind) {
            cut->fault = "expected a comma or the end of the line behind a closing quote";
        }
    } else {
        plain_skip(reader, cut);
        end = reader->text + reader->position;
    }
    if (cut->count < CSV_COLUMN_COUNT_MAX) {
        cut->fields[cut->count] = begin;
    }
    cut->count++;
    char separator = is_at_end(reader) ? '\0' : reader->text[reader->position++];
    if (separator == '\r' && reader->text[reader->position] == '\n') {
        separator = reader->text[reader->position++];
    }
    reader->line += separator == '\n' || separator == '\r';
    *end = '\0';
    return separator == ',';
}

/* Cuts the next row that is not empty; false at the end of the file. */
static bool row_cut(struct csv_reader *reader, struct csv_cut *cut)
{
    while (!is_at_end(reader)) {
        cut->line = reader->line;
        cut->count = 0;
        cut->fault = NULL;
        bool has_more;
        do {
            has_more = field_cut(reader, cut);
        } while (has_more);
        if (cut->count > 1 || cut->fields[0][0] != '\0' || cut->fault != NULL) {
            return true;
        }
    }
    return false;
}

static uint32_t column_count(const struct csv_column *columns)
{
    uint32_t count = 0;
    while (columns[count].name != NULL) {
        count++;
    }
    REQUIRE(count <= CSV_COLUMN_COUNT_MAX);
    return count;
}

static uint8_t column_find(const struct csv_column *columns, const char *name)
{
    for (uint8_t i = 0; columns[i].name != NULL; i++) {
        if (strcmp(columns[i].name, name) == 0) {
            return i;
        }
    }
    return COLUMN_UNUSED;
}

static void unknown_column(const struct csv_cut *header, const char *name,
                           const struct csv_column *columns, const struct csv_sink *sink)
{
    char sentence[CSV_FAULT_SIZE];
    const char *names[CSV_COLUMN_COUNT_MAX + 1] = {0};
    for (uint32_t i = 0; columns[i].name != NULL; i++) {
        names[i] = columns[i].name;
    }
    const char *nearest = document_nearest(name, names);
    snprintf(sentence, sizeof(sentence), "column \"%.40s\" is not known here%s%s%s", name,
             nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
             nearest != NULL ? "\"?" : "");
    sink->on_fault(sink->argument, header->line, sentence);
}

/* Which column asked for each column of the file is. */
static enum status header_read(const struct csv_cut *header, const struct csv_column *columns,
                               const struct csv_sink *sink, uint8_t places[CSV_COLUMN_COUNT_MAX])
{
    char sentence[CSV_FAULT_SIZE];
    bool is_there[CSV_COLUMN_COUNT_MAX] = {false};
    enum status status = STATUS_OK;
    if (header->fault != NULL || header->count > CSV_COLUMN_COUNT_MAX) {
        sink->on_fault(sink->argument, header->line,
                       header->fault != NULL ? header->fault : "expected at most 32 columns");
        return STATUS_MALFORMED;
    }
    for (uint32_t i = 0; i < header->count; i++) {
        places[i] = column_find(columns, header->fields[i]);
        if (places[i] == COLUMN_UNUSED) {
            unknown_column(header, header->fields[i], columns, sink);
            status = STATUS_MALFORMED;
        } else if (is_there[places[i]]) {
            snprintf(sentence, sizeof(sentence), "column \"%s\": expected once, got twice",
                     header->fields[i]);
            sink->on_fault(sink->argument, header->line, sentence);
            status = STATUS_MALFORMED;
        } else {
            is_there[places[i]] = true;
        }
    }
    for (uint32_t i = 0; columns[i].name != NULL; i++) {
        if (columns[i].is_required && !is_there[i]) {
            snprintf(sentence, sizeof(sentence), "column \"%s\" is missing in the first row",
                     columns[i].name);
            sink->on_fault(sink->argument, header->line, sentence);
            status = STATUS_MALFORMED;
        }
    }
    return status;
}

static void row_give(const struct csv_cut *cut, uint32_t expected_count,
                     const uint8_t places[CSV_COLUMN_COUNT_MAX], const struct csv_sink *sink,
                     const char *fields[CSV_COLUMN_COUNT_MAX])
{
    char sentence[CSV_FAULT_SIZE];
    if (cut->fault != NULL) {
        sink->on_fault(sink->argument, cut->line, cut->fault);
        return;
    }
    if (cut->count != expected_count) {
        snprintf(sentence, sizeof(sentence), "expected %u fields as in the first row, got %u",
                 expected_count, cut->count);
        sink->on_fault(sink->argument, cut->line, sentence);
        return;
    }
    for (uint32_t i = 0; i < cut->count; i++) {
        fields[places[i]] = cut->fields[i];
    }
    sink->on_row(sink->argument, &(struct csv_row){cut->line, fields});
}

enum status csv_file_read(char *text, uint32_t length, const struct csv_column *columns,
                          const struct csv_sink *sink)
{
    struct csv_reader reader = {.text = text, .length = length, .line = 1};
    struct csv_cut cut;
    uint8_t places[CSV_COLUMN_COUNT_MAX];
    const char *fields[CSV_COLUMN_COUNT_MAX];
    uint32_t count = column_count(columns);
    REQUIRE(length < UINT32_MAX);
    text[length] = '\0';
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        reader.position = 3; /* the byte order mark that spreadsheets write */
    }
    if (!row_cut(&reader, &cut)) {
        sink->on_fault(sink->argument, 1, "expected a first row with the columns' names");
        return STATUS_MALFORMED;
    }
    enum status status = header_read(&cut, columns, sink, places);
    if (status != STATUS_OK) {
        return status;
    }
    const uint32_t field_count = cut.count;
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = "";
    }
    while (row_cut(&reader, &cut)) {
        pause_point();
        row_give(&cut, field_count, places, sink, fields);
    }
    return STATUS_OK;
}
