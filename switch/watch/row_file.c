/* See row_file.h. */
#include "switch/watch/row_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

__attribute__((format(printf, 2, 3))) static enum status fault(struct row_file *rows,
                                                               const char *format, ...)
{
    va_list arguments;
    int used = snprintf(rows->fault, sizeof rows->fault, "%s:%llu: ", rows->path,
                        (unsigned long long)rows->line_number);
    va_start(arguments, format);
    if (used > 0 && (size_t)used < sizeof rows->fault) {
        (void)vsnprintf(rows->fault + used, sizeof rows->fault - (size_t)used, format, arguments);
    }
    va_end(arguments);
    return STATUS_BAD_VALUE;
}

/* --- values -------------------------------------------------------------------------------- */

static bool unsigned_read(const char *text, uint64_t most, uint64_t *number)
{
    *number = 0;
    for (const char *at = text; *at != 0; at++) {
        if (*at < '0' || *at > '9' || __builtin_mul_overflow(*number, UINT64_C(10), number) ||
            __builtin_add_overflow(*number, (uint64_t)(*at - '0'), number)) {
            return false;
        }
    }
    return *number <= most;
}

/* Little-endian machines and others alike: by the type's own size. */
static void unsigned_put(void *place, size_t size, uint64_t number)
{
    uint8_t narrow = (uint8_t)number;
    uint16_t half = (uint16_t)number;
    uint32_t word = (uint32_t)number;
    const void *value = size == 1   ? (const void *)&narrow
                        : size == 2 ? (const void *)&half
                        : size == 4 ? (const void *)&word
                                    : (const void *)&number;
    memcpy(place, value, size);
}

static uint64_t most_of(size_t size)
{
    REQUIRE(size == 1 || size == 2 || size == 4 || size == 8);
    return size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1;
}

static bool signed_put(void *place, size_t size, const char *text)
{
    bool is_negative = *text == '-';
    uint64_t number;
    if (!unsigned_read(text + (is_negative ? 1 : 0), most_of(size) / 2, &number)) {
        return false;
    }
    unsigned_put(place, size, is_negative ? UINT64_C(0) - number : number);
    return true;
}

static int hex_of(char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                          : -1;
}

static bool bytes_put(uint8_t *place, size_t size, const char *text)
{
    if (strlen(text) != 2 * size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        int high = hex_of(text[2 * i]), low = hex_of(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        place[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool value_put(const struct row_column *column, char *row, const char *text)
{
    void *place = row + column->offset;
    uint64_t number;
    switch (column->value) {
    case ROW_TEXT:
        if (strlen(text) >= column->size) {
            return false;
        }
        memcpy(place, text, strlen(text));
        return true;
    case ROW_UNSIGNED:
        if (!unsigned_read(text, most_of(column->size), &number)) {
            return false;
        }
        unsigned_put(place, column->size, number);
        return true;
    case ROW_SIGNED:
        return signed_put(place, column->size, text);
    case ROW_FLAG:
        *(bool *)place = text[0] == '1';
        return (text[0] == '0' || text[0] == '1') && text[1] == 0;
    case ROW_BYTES:
        return bytes_put(place, column->size, text);
    case ROW_WORD: {
        int word = column->from_word(text);
        unsigned_put(place, column->size, word < 0 ? 0 : (uint64_t)word);
        return word >= 0;
    }
    }
    return false;
}

static const char *wanted(enum row_value value)
{
    static const char *const TEXTS[] = {[ROW_TEXT] = "a shorter text",
                                        [ROW_UNSIGNED] = "a number within its range",
                                        [ROW_SIGNED] = "a number within its range",
                                        [ROW_FLAG] = "0 or 1",
                                        [ROW_BYTES] = "lower case hex digits, two a byte",
                                        [ROW_WORD] = "a word of this column"};
    return TEXTS[value];
}

/* --- lines --------------------------------------------------------------------------------- */

static enum status line_read(struct row_file *rows)
{
    ssize_t length = getline(&rows->line, &rows->line_size, rows->file);
    rows->line_number++;
    if (length < 0) {
        return ferror(rows->file) != 0 ? fault(rows, "the file cannot be read on")
                                       : STATUS_NOT_FOUND;
    }
    if (strlen(rows->line) != (size_t)length || rows->line[length - 1] != '\n') {
        return fault(rows, "the line does not end: is the file whole?");
    }
    rows->line[length - 1] = 0;
    return STATUS_OK;
}

/* Cuts the value off that begins at *rest; NULL: there is none left. */
static char *value_cut(char **rest)
{
    char *value = *rest;
    if (value != NULL) {
        char *end = strchr(value, ',');
        *rest = end == NULL ? NULL : end + 1;
        if (end != NULL) {
            *end = 0;
        }
    }
    return value;
}

static enum status header_read(struct row_file *rows)
{
    enum status status = line_read(rows);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? fault(rows, "a header was expected, the file is empty")
                                          : status;
    }
    char *rest = rows->line;
    for (char *name = value_cut(&rest); name != NULL; name = value_cut(&rest)) {
        uint32_t place = 0;
        while (place < rows->form->count && strcmp(rows->form->columns[place].name, name) != 0) {
            place++;
        }
        if (place == rows->form->count || rows->place_count == ROW_COLUMN_COUNT_MAX) {
            return fault(rows, "\"%.40s\" is no column of such a file", name);
        }
        rows->places[rows->place_count++] = place;
    }
    return STATUS_OK;
}

enum status row_file_open(struct row_file *rows, const char *path, const struct row_form *form)
{
    REQUIRE(form->count <= ROW_COLUMN_COUNT_MAX);
    memset(rows, 0, sizeof *rows);
    rows->path = path;
    rows->form = form;
    rows->file = fopen(path, "r");
    if (rows->file == NULL) {
        (void)snprintf(rows->fault, sizeof rows->fault, "%s cannot be opened: %s", path,
                       strerror(errno));
        return STATUS_NOT_FOUND;
    }
    enum status status = header_read(rows);
    if (status != STATUS_OK) {
        row_file_close(rows);
    }
    return status;
}

enum status row_file_next(struct row_file *rows, void *row)
{
    enum status status = line_read(rows);
    if (status != STATUS_OK) {
        return status;
    }
    memset(row, 0, rows->form->row_size);
    char *rest = rows->line;
    for (uint32_t i = 0; i < rows->place_count; i++) {
        const struct row_column *column = &rows->form->columns[rows->places[i]];
        char *value = value_cut(&rest);
        if (value == NULL) {
            return fault(rows, "%u values were expected, as in the header; there are %u",
                         rows->place_count, i);
        }
        if (value[0] != 0 && !value_put(column, row, value)) {
            return fault(rows, "%s: %s was expected, not \"%.40s\"", column->name,
                         wanted(column->value), value);
        }
    }
    return rest == NULL ? STATUS_OK : fault(rows, "there are more values than the header names");
}

void row_file_close(struct row_file *rows)
{
    if (rows->file != NULL) {
        (void)fclose(rows->file);
    }
    free(rows->line);
    rows->file = NULL;
    rows->line = NULL;
}
