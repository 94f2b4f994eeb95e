/* See registry.h: rows from and to CSV.
 *
 * A file is read whole before the database is touched, so that the lock is held for the writing
 * alone, and all faults of a file are told at once.
 */
#include "switch/desk/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/csv_cell.h"
#include "config/csv_file.h"
#include "protocols/base/require.h"
#include "switch/desk/desk_state.h"
#include "switch/desk/registry_table.h"

#define IMPORT_SENTENCE_SIZE (CSV_FAULT_SIZE + DESK_REASON_SIZE)

struct import_row {
    uint32_t line;
    union registry_row row;
};

struct reading {
    struct registry_import *import;
    const struct cell_table *table;
    struct import_row *rows; /* owner */
    uint32_t count, room;
    bool has_no_memory, has_too_many;
};

static void tell(struct reading *reading, uint32_t line, const char *sentence)
{
    char text[IMPORT_SENTENCE_SIZE];
    struct registry_import *import = reading->import;
    import->bad_count++;
    if (import->on_fault != NULL) {
        snprintf(text, sizeof(text), "%.200s:%u: %s", import->file, line, sentence);
        import->on_fault(import->argument, text);
    }
}

static void on_fault(void *argument, uint32_t line, const char *sentence)
{
    tell(argument, line, sentence);
}

/* NULL: no memory, or no room for one more. */
static struct import_row *next_place(struct reading *reading, uint32_t line)
{
    if (reading->count == REGISTRY_IMPORT_ROW_COUNT_MAX) {
        if (!reading->has_too_many) {
            tell(reading, line,
                 "expected at most " REGISTRY_IMPORT_ROWS_TEXT
                 " rows in one file: cut it in several and import one after the other");
        }
        reading->has_too_many = true;
        return NULL;
    }
    if (reading->count == reading->room) {
        uint32_t room = reading->room == 0 ? 64 : reading->room * 2;
        struct import_row *rows = realloc(reading->rows, room * sizeof(*rows));
        if (rows == NULL) {
            reading->has_no_memory = true;
            return NULL;
        }
        reading->rows = rows;
        reading->room = room;
    }
    struct import_row *place = &reading->rows[reading->count];
    memset(place, 0, sizeof(*place));
    return place;
}

static void on_row(void *argument, const struct csv_row *csv)
{
    struct reading *reading = argument;
    struct import_row *place = next_place(reading, csv->line);
    char fault[CELL_FAULT_SIZE];
    if (place == NULL) {
        return;
    }
    place->line = csv->line;
    uint32_t fault_count = 0;
    for (uint32_t i = 0; i < reading->table->column_count; i++) {
        const char *text = csv_cell_text(csv->fields[i]);
        if (!cell_parse(&reading->table->columns[i], text, &place->row, fault)) {
            tell(reading, csv->line, fault);
            fault_count++;
        }
    }
    if (fault_count > 0) {
        return;
    }
    const char *together = registry_row_fault(reading->import->kind, &place->row);
    if (together != NULL) {
        tell(reading, csv->line, together);
        return;
    }
    reading->count++;
}

/* A column that is left out would empty what is stored: all of them are asked for. */
static enum status read_text(struct reading *reading)
{
    struct csv_column columns[CSV_COLUMN_COUNT_MAX + 1] = {0};
    REQUIRE(reading->table->column_count <= CSV_COLUMN_COUNT_MAX);
    for (uint32_t i = 0; i < reading->table->column_count; i++) {
        columns[i] = (struct csv_column){reading->table->columns[i].name, true};
    }
    const struct csv_sink sink = {on_row, on_fault, reading};
    enum status status =
        csv_file_read(reading->import->text, reading->import->length, columns, &sink);
    status = reading->has_too_many ? STATUS_MALFORMED : status;
    return reading->has_no_memory ? STATUS_NO_MEMORY : status;
}

/* --- writing -------------------------------------------------------------------------------- */

/* OK: this key stands in no line before. DUPLICATE: it was told. */
static enum status note_key(struct desk *desk, struct reading *reading,
                            const struct import_row *row)
{
    char key[CELL_KEY_SIZE];
    int64_t line = 0;
    cell_key_text(reading->table, &row->row, key);
    enum status status = desk_number(desk, "SELECT line FROM temp.import_key WHERE row_key = ?",
                                     &DESK_TEXT(key), 1, &line);
    if (status == STATUS_OK) {
        char sentence[CELL_KEY_SIZE + 80];
        snprintf(sentence, sizeof(sentence), "expected each key once, got \"%s\" in line %u too",
                 key, (uint32_t)line);
        tell(reading, row->line, sentence);
        return STATUS_DUPLICATE;
    }
    const struct desk_value values[] = {DESK_TEXT(key), DESK_NUMBER(row->line)};
    return status == STATUS_NOT_FOUND
               ? desk_write(desk, "INSERT INTO temp.import_key VALUES (?, ?)", values, 2)
               : status;
}

static enum status write_one(struct desk *desk, struct reading *reading,
                             const struct import_row *row)
{
    bool is_changed = false;
    enum status status = note_key(desk, reading, row);
    if (status == STATUS_DUPLICATE) {
        return STATUS_OK; /* told */
    }
    if (status == STATUS_OK) {
        status = registry_put_row(desk, reading->import->kind, &row->row, &reading->import->by,
                                  &is_changed);
    }
    if (status == STATUS_DENIED) {
        tell(reading, row->line, desk_reason(desk) + strlen(desk->path) + 2);
        return STATUS_OK;
    }
    reading->import->row_count += status == STATUS_OK;
    reading->import->changed_count += is_changed;
    return status;
}

static enum status write_rows(struct desk *desk, struct reading *reading)
{
    struct registry_import *import = reading->import;
    enum status status = desk_write(
        desk, "CREATE TEMP TABLE IF NOT EXISTS import_key (row_key TEXT PRIMARY KEY, line INTEGER)",
        NULL, 0);
    if (status == STATUS_OK) {
        status = desk_write(desk, "DELETE FROM temp.import_key", NULL, 0);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < reading->count; i++) {
        status = write_one(desk, reading, &reading->rows[i]);
    }
    if (status == STATUS_OK && import->bad_count > 0 && !import->is_skipping_bad) {
        status = STATUS_MALFORMED;
    }
    return status;
}

/* Faults of the database that only writing shows are sought even in a file that is refused. */
static enum status import_rows(struct desk *desk, struct reading *reading)
{
    enum status status = desk_begin(desk);
    if (status != STATUS_OK) {
        return status;
    }
    status = write_rows(desk, reading);
    if (status != STATUS_OK || !reading->import->is_check) {
        return desk_end(desk, status);
    }
    /* Undone: what it would have come to is counted. */
    status = desk_end(desk, STATUS_NOT_READY);
    return status == STATUS_NOT_READY ? STATUS_OK : status;
}

enum status registry_import(struct desk *desk, struct registry_import *import)
{
    REQUIRE(import->by.actor[0] != '\0');
    struct reading reading = {.import = import, .table = registry_table(import->kind)};
    import->row_count = import->changed_count = import->bad_count = 0;
    enum status status = read_text(&reading);
    if (status == STATUS_OK) {
        status = import_rows(desk, &reading);
    }
    if (status != STATUS_OK) {
        import->row_count = import->changed_count = 0;
    }
    if (status == STATUS_MALFORMED) {
        desk_fault(desk, status, "%.200s: %u faults, nothing was taken over", import->file,
                   import->bad_count);
    } else if (status == STATUS_NO_MEMORY) {
        desk_fault(desk, status, "%.200s: no memory for its rows", import->file);
    }
    free(reading.rows);
    return status;
}

/* --- export --------------------------------------------------------------------------------- */

/* A field at most twice its length, with quotes, a mark and a separator. */
#define FIELD_SIZE (2 * CELL_TEXT_SIZE + 5)

/* What stands behind a field, and whether people wrote what is in it: numbers are ours. */
struct field_form {
    char separator;
    bool is_peoples;
};

struct writing {
    const struct cell_table *table;
    const struct registry_export *sink;
    bool is_stopped;
};

/* In quotes where a reader would mistake it, marked where a spreadsheet would. */
static void field_write(struct writing *writing, const char *text, struct field_form form)
{
    char field[FIELD_SIZE];
    uint32_t length = 0;
    bool is_quoted = strpbrk(text, ",\"\r\n") != NULL;
    if (is_quoted) {
        field[length++] = '"';
    }
    if (form.is_peoples && csv_cell_needs_mark(text)) {
        field[length++] = '\'';
    }
    for (const char *at = text; *at != '\0'; at++) {
        REQUIRE(length + 4 < sizeof(field));
        if (*at == '"') {
            field[length++] = '"';
        }
        field[length++] = *at;
    }
    if (is_quoted) {
        field[length++] = '"';
    }
    field[length++] = form.separator;
    writing->is_stopped =
        writing->is_stopped || !writing->sink->write(writing->sink->argument, field, length);
}

static bool row_write(void *argument, const void *row)
{
    struct writing *writing = argument;
    const struct cell_table *table = writing->table;
    for (uint32_t i = 0; i < table->column_count; i++) {
        char text[CELL_TEXT_SIZE];
        cell_text(&table->columns[i], row, text);
        field_write(writing, text,
                    (struct field_form){i + 1 < table->column_count ? ',' : '\n',
                                        table->columns[i].type != CELL_NUMBER});
    }
    return !writing->is_stopped;
}

enum status registry_export(struct desk *desk, enum registry_kind kind,
                            const struct registry_export *sink)
{
    struct writing writing = {.table = registry_table(kind), .sink = sink};
    for (uint32_t i = 0; i < writing.table->column_count; i++) {
        field_write(&writing, writing.table->columns[i].name,
                    (struct field_form){i + 1 < writing.table->column_count ? ',' : '\n', false});
    }
    const struct registry_sink rows = {row_write, &writing};
    enum status status = registry_list(desk, kind, &rows);
    return status == STATUS_OK && writing.is_stopped
               ? desk_fault(desk, STATUS_CLOSED, "the reader of the export went away")
               : status;
}
