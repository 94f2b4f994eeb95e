/* See registry_call.h: kinds, pages, one row, history, CSV out. */
#include "switch/admin/registry_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/case_view.h"
#include "switch/admin/cell_json.h"
#include "switch/admin/desk_call.h"
#include "switch/admin/registry_job.h"
#include "switch/admin/text_json.h"
#include "switch/admin/wall_text.h"
#include "switch/desk/registry_page.h"
#include "switch/desk/registry_table.h"

#define FAULT_COUNT_MAX 100 /* of one row: there are not that many columns */

bool registry_call_is_personal(enum registry_kind kind)
{
    return kind == REGISTRY_MERCHANT || kind == REGISTRY_BINDING;
}

static bool may_see(const struct call *call, enum registry_kind kind)
{
    return !registry_call_is_personal(kind) || call->holder->role == ROLE_AFTER_SALES ||
           call->holder->role == ROLE_RISK;
}

bool registry_call_kind(const struct call *call, enum registry_kind *kind, struct answer *answer)
{
    char detail[400] = "no such kind of rows; expected one of";
    *kind = registry_kind_from_name(call->parameter);
    if (*kind == REGISTRY_KIND_COUNT) {
        for (unsigned i = 0; i < REGISTRY_KIND_COUNT; i++) {
            size_t length = strlen(detail);
            snprintf(detail + length, sizeof(detail) - length, "%s%s", i == 0 ? " " : ", ",
                     registry_kind_name((enum registry_kind)i));
        }
        answer_problem(answer, 404, detail);
        return false;
    }
    if (!may_see(call, *kind)) {
        answer_problem(answer, 403,
                       "rows of merchants and bindings hold personal data: they are for the roles "
                       "after-sales and risk");
        return false;
    }
    /* Which merchants are a service point's changes from case to case. */
    if (call->holder->scope.point_id[0] != '\0' &&
        (registry_call_is_personal(*kind) || *kind == REGISTRY_TERMINAL ||
         *kind == REGISTRY_AGENT)) {
        answer_problem(answer, 403,
                       "a token of a service point sees its cases; of the registry only models, "
                       "scripts, warranties, channels, points and stock");
        return false;
    }
    return true;
}

static void take_scope(const struct call *call, struct registry_query *query)
{
    const struct scope *scope = &call->holder->scope;
    memcpy(query->scope.agent_id, scope->agent_id, sizeof(query->scope.agent_id));
    memcpy(query->scope.merchant_id, scope->merchant_id, sizeof(query->scope.merchant_id));
}
_Static_assert(sizeof(((struct scope *)0)->agent_id) ==
                       sizeof(((struct registry_scope *)0)->agent_id) &&
                   sizeof(((struct scope *)0)->merchant_id) ==
                       sizeof(((struct registry_scope *)0)->merchant_id),
               "a token's scope is copied into a query's");

size_t registry_call_body_max(enum endpoint endpoint)
{
    if (endpoint == ENDPOINT_REGISTRY_IMPORT || endpoint == ENDPOINT_REGISTRY_CHECK) {
        return REGISTRY_JOB_BYTES_MAX;
    }
    bool has_cells = endpoint == ENDPOINT_REGISTRY_PUT || endpoint == ENDPOINT_BIND ||
                     endpoint == ENDPOINT_INSPECTION_RECORD;
    return has_cells ? DESK_CALL_BODY_BYTES_MAX : 0;
}

/* --- kinds ---------------------------------------------------------------------------------- */

/* What a cell of the column may be. */
static json_t *takes_json(const struct cell_column *column)
{
    static const char *const SHAPES[] = {[CELL_TEXT] = "text",
                                         [CELL_NUMBER] = "number",
                                         [CELL_FLAG] = "yes or no",
                                         [CELL_DAY] = "day, as 2026-01-31",
                                         [CELL_MINUTE] = "time, as 09:30",
                                         [CELL_WORD] = "one of words",
                                         [CELL_BITS] = "words with a blank between",
                                         [CELL_LIST] = "texts with a semicolon between"};
    if (column->type == CELL_NUMBER) {
        return json_sprintf("number from %lld to %lld", (long long)column->min,
                            (long long)column->max);
    }
    return json_string(SHAPES[column->type]);
}

static json_t *words_json(const struct cell_column *column)
{
    bool has_words = column->type == CELL_WORD || column->type == CELL_BITS;
    json_t *words = json_array();
    for (uint32_t i = 0; has_words && i < column->words->count; i++) {
        json_array_append_new(words, json_string(column->words->word(i)));
    }
    return words;
}

static json_t *column_json(const struct cell_column *column)
{
    return json_pack("{s:s, s:b, s:b, s:o, s:o, s:o}", "name", column->name, "is_key",
                     (column->flags & CELL_KEY) != 0, "is_needed",
                     (column->flags & CELL_NEEDED) != 0, "takes", takes_json(column), "words",
                     words_json(column), "text", text_json(column->sentence));
}

static json_t *columns_json(enum registry_kind kind)
{
    const struct cell_table *table = registry_table(kind);
    json_t *columns = json_array();
    for (uint32_t i = 0; i < table->column_count; i++) {
        json_array_append_new(columns, column_json(&table->columns[i]));
    }
    return columns;
}

static void serve_kinds(struct answer *answer)
{
    json_t *kinds = json_array();
    for (unsigned i = 0; i < REGISTRY_KIND_COUNT; i++) {
        enum registry_kind kind = (enum registry_kind)i;
        json_array_append_new(kinds, json_pack("{s:s, s:b, s:o}", "kind", registry_kind_name(kind),
                                               "is_personal", registry_call_is_personal(kind),
                                               "columns", columns_json(kind)));
    }
    answer_json(answer, 200, json_pack("{s:o}", "items", kinds));
}

/* --- pages ---------------------------------------------------------------------------------- */

static json_t *row_json(enum registry_kind kind, const void *row)
{
    const struct cell_table *table = registry_table(kind);
    json_t *json = json_object();
    for (uint32_t i = 0; i < table->column_count; i++) {
        char text[CELL_TEXT_SIZE];
        cell_text(&table->columns[i], row, text);
        json_object_set_new(json, table->columns[i].name, text_json(text));
    }
    return json;
}

struct listing {
    enum registry_kind kind;
    unsigned hidden_columns; /* from a scoped token */
    json_t *items;
    char cursor[CELL_KEY_SIZE]; /* behind the last row */
};

static bool on_row(void *argument, const void *row)
{
    struct listing *listing = argument;
    json_t *json = row_json(listing->kind, row);
    cell_json_hide(json, listing->hidden_columns);
    json_array_append_new(listing->items, json);
    registry_query_cursor(listing->kind, row, listing->cursor);
    return true;
}

/* Each column that a parameter names; what is left over is no column, and what is hidden from a
 * scoped token is none for it: a filter would tell it piece by piece. */
static bool take_filters(const struct call *call, struct registry_query *query,
                         struct answer *answer)
{
    const struct cell_table *table = registry_table(query->kind);
    const char *cursor = call->option(call->connection, "cursor");
    bool has_limit = call->option(call->connection, "limit") != NULL;
    unsigned hidden = case_view_hidden_columns(call->holder);
    unsigned taken = (has_limit ? 1U : 0U) + (cursor != NULL ? 1U : 0U);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < table->column_count; i++) {
        const char *value = call->option(call->connection, table->columns[i].name);
        if (value != NULL && !cell_json_is_hidden(table->columns[i].name, hidden)) {
            taken++;
            status = registry_query_filter(query, table->columns[i].name, value);
        }
    }
    if (status != STATUS_OK || taken != call->option_count) {
        answer_problem(answer, 400,
                       status == STATUS_NO_ROOM ? "expected at most 8 filters"
                       : status != STATUS_OK
                           ? "a filter is longer than any cell"
                           : "expected limit, cursor, or each filter once under the name of a "
                             "column (GET /api/v1/registry names them)");
        return false;
    }
    if (cursor != NULL && registry_query_go_on(query, cursor) != STATUS_OK) {
        answer_problem(answer, 400, "cursor: expected the cursor of the page before");
        return false;
    }
    return desk_call_number(call, "limit", (struct desk_call_range){1, REGISTRY_LIST_LIMIT_MAX},
                            &query->limit, answer);
}

static void serve_list(const struct call *call, enum registry_kind kind, struct answer *answer)
{
    struct registry_query query;
    struct listing listing = {.kind = kind,
                              .hidden_columns = case_view_hidden_columns(call->holder)};
    const struct registry_sink sink = {on_row, &listing};
    bool has_more = false;
    registry_query_init(&query, kind);
    take_scope(call, &query);
    query.limit = REGISTRY_LIST_LIMIT;
    if (!take_filters(call, &query, answer)) {
        return;
    }
    struct desk *desk = desk_call_open(call, answer);
    if (desk == NULL) {
        return;
    }
    listing.items = json_array();
    enum status status = registry_page(desk, &query, &sink, &has_more);
    if (status != STATUS_OK) {
        json_decref(listing.items);
        desk_call_failed(desk, status, answer);
    } else {
        answer_json(answer, 200,
                    json_pack("{s:s, s:o, s:o, s:o}", "kind", registry_kind_name(kind), "columns",
                              columns_json(kind), "items", listing.items, "cursor",
                              has_more ? text_json(listing.cursor) : json_null()));
    }
    desk_close(desk);
}

/* --- one row -------------------------------------------------------------------------------- */

static void on_fault(void *argument, const char *sentence)
{
    json_t *faults = argument;
    if (json_array_size(faults) < FAULT_COUNT_MAX) {
        json_array_append_new(faults, text_json(sentence));
    }
}

/* The cells of the key, from the parameters. */
static void take_key(const struct call *call, struct registry_edit *edit)
{
    const struct cell_table *table = registry_table(edit->kind);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const char *name = table->columns[i].name;
        const char *value = call->option(call->connection, name);
        if (value != NULL && (table->columns[i].flags & CELL_KEY) != 0) {
            edit->cells[edit->cell_count++] = (struct registry_cell){name, value};
        }
    }
}

static bool on_found(void *argument, const void *row)
{
    (void)row;
    *(bool *)argument = true;
    return true;
}

/* NOT_FOUND: the row is not there, or not in the scope of who asks. */
static enum status find_in_scope(const struct call *call, struct desk *desk,
                                 const struct registry_edit *edit)
{
    struct registry_query query;
    bool is_found = false;
    bool has_more = false;
    const struct registry_sink sink = {on_found, &is_found};
    if (!scope_is_narrow(&call->holder->scope)) {
        return STATUS_OK;
    }
    registry_query_init(&query, edit->kind);
    take_scope(call, &query);
    registry_query_key(&query, &edit->row);
    enum status status = registry_page(desk, &query, &sink, &has_more);
    return status == STATUS_OK && !is_found ? STATUS_NOT_FOUND : status;
}

static json_t *edit_json(const struct registry_edit *edit)
{
    return json_pack("{s:s, s:I, s:o}", "kind", registry_kind_name(edit->kind), "version",
                     (json_int_t)edit->version_after, "row", row_json(edit->kind, &edit->row));
}

/* Takes over `faults`. */
static void answer_edit(const struct desk *desk, const struct registry_edit *edit,
                        enum status status, json_t *faults, struct answer *answer)
{
    if (edit->fault_count > 0) {
        char detail[80];
        snprintf(detail, sizeof(detail), "%u faults in the cells; nothing was changed",
                 edit->fault_count);
        desk_call_faults(422, detail, faults, answer);
        return;
    }
    json_decref(faults);
    if (status != STATUS_OK) {
        desk_call_failed(desk, status, answer);
        return;
    }
    json_t *json = edit_json(edit);
    char key[CELL_KEY_SIZE];
    json_object_set_new(json, "is_new", json_boolean(edit->is_new));
    json_object_set_new(json, "is_changed", json_boolean(edit->is_changed));
    answer_json(answer, edit->is_new ? 201 : 200, json);
    cell_key_text(registry_table(edit->kind), &edit->row, key);
    snprintf(answer->detail, sizeof(answer->detail), "%s: version %llu", key,
             (unsigned long long)edit->version_after);
}

static void serve_show(const struct call *call, enum registry_kind kind, struct answer *answer)
{
    json_t *faults = json_array();
    struct registry_edit edit = {.kind = kind, .on_fault = on_fault, .argument = faults};
    struct desk *desk = desk_call_open(call, answer);
    if (desk == NULL) {
        json_decref(faults);
        return;
    }
    take_key(call, &edit);
    enum status status = registry_edit_find(desk, &edit);
    if (status == STATUS_OK) {
        status = find_in_scope(call, desk, &edit);
    }
    if (status == STATUS_NOT_FOUND) {
        json_decref(faults);
        answer_problem(answer, 404, "no such row");
    } else if (status == STATUS_OK) {
        json_t *json = edit_json(&edit);
        cell_json_hide(json_object_get(json, "row"), case_view_hidden_columns(call->holder));
        json_decref(faults);
        answer_json(answer, 200, json);
    } else if (status == STATUS_BAD_VALUE) {
        desk_call_faults(400, "expected each column of the key as a parameter", faults, answer);
    } else {
        json_decref(faults);
        desk_call_failed(desk, status, answer);
    }
    desk_close(desk);
}

/* Cells of a body; numbers and truths become texts in `texts`. False: a problem was put into
 * `answer`. */
static bool take_cells(const json_t *body, struct registry_edit *edit,
                       char texts[REGISTRY_CELL_COUNT_MAX][CELL_TEXT_SIZE], struct answer *answer)
{
    json_t *cells = json_object_get(body, "cells");
    const char *name;
    json_t *value;
    if (json_object_size(cells) > REGISTRY_CELL_COUNT_MAX) {
        answer_problem(answer, 400, "more cells than any row has");
        return false;
    }
    json_object_foreach(cells, name, value)
    {
        const char *text = desk_call_cell(value, texts[edit->cell_count]);
        if (text == NULL) {
            answer_problem(answer, 400, "expected each cell as a text, a number, true or false");
            return false;
        }
        edit->cells[edit->cell_count++] = (struct registry_cell){name, text};
    }
    const json_t *version = json_object_get(body, "version");
    edit->has_version = version != NULL;
    edit->version = (uint64_t)json_integer_value(version);
    if (version != NULL && (!json_is_integer(version) || json_integer_value(version) < 0)) {
        answer_problem(answer, 400, "version: expected the number that the row was shown with");
        return false;
    }
    return true;
}

static void serve_put(const struct call *call, enum registry_kind kind, struct answer *answer)
{
    char texts[REGISTRY_CELL_COUNT_MAX][CELL_TEXT_SIZE];
    struct registry_edit edit = {.kind = kind, .on_fault = on_fault};
    json_t *body = desk_call_body(call, answer);
    if (body == NULL) {
        return;
    }
    if (take_cells(body, &edit, texts, answer)) {
        struct desk *desk = desk_call_open(call, answer);
        if (desk != NULL) {
            json_t *faults = json_array();
            edit.argument = faults;
            desk_call_actor(call, &edit.by);
            answer_edit(desk, &edit, registry_edit(desk, &edit), faults, answer);
            desk_close(desk);
        }
    }
    json_decref(body);
}

static void serve_remove(const struct call *call, enum registry_kind kind, struct answer *answer)
{
    json_t *faults = json_array();
    struct registry_edit edit = {.kind = kind, .on_fault = on_fault, .argument = faults};
    char key[CELL_KEY_SIZE];
    take_key(call, &edit);
    if (registry_edit_key(&edit) != STATUS_OK) {
        desk_call_faults(400, "expected each column of the key as a parameter", faults, answer);
        return;
    }
    json_decref(faults);
    struct desk *desk = desk_call_open(call, answer);
    if (desk == NULL) {
        return;
    }
    desk_call_actor(call, &edit.by);
    enum status status = registry_remove(desk, kind, &edit.row, &edit.by);
    if (status == STATUS_OK) {
        cell_key_text(registry_table(kind), &edit.row, key);
        answer_json(answer, 200,
                    json_pack("{s:s, s:o}", "result", "removed", "text", text_json(key)));
        snprintf(answer->detail, sizeof(answer->detail), "%s", key);
    } else {
        desk_call_failed(desk, status, answer);
    }
    desk_close(desk);
}

/* --- history -------------------------------------------------------------------------------- */

static void on_change(void *argument, const struct registry_change *change)
{
    char when[WALL_TEXT_SIZE];
    wall_text_format(when, change->wall_us);
    json_array_append_new((json_t *)argument,
                          json_pack("{s:I, s:s, s:o, s:s, s:o, s:o}", "version",
                                    (json_int_t)change->number, "time", when, "actor",
                                    text_json(change->actor), "column", change->column, "before",
                                    text_json(change->before), "after", text_json(change->after)));
}

/* What changed in hidden columns, out of the list. */
static void hide_changes(json_t *items, unsigned hidden)
{
    for (size_t i = json_array_size(items); i > 0; i--) {
        const json_t *column = json_object_get(json_array_get(items, i - 1), "column");
        if (cell_json_is_hidden(json_string_value(column), hidden)) {
            json_array_remove(items, i - 1);
        }
    }
}

static void serve_history(const struct call *call, enum registry_kind kind, struct answer *answer)
{
    json_t *faults = json_array();
    json_t *items = json_array();
    struct registry_edit edit = {.kind = kind, .on_fault = on_fault, .argument = faults};
    struct desk *desk = desk_call_open(call, answer);
    take_key(call, &edit);
    if (desk != NULL && registry_edit_key(&edit) != STATUS_OK) {
        desk_call_faults(400, "expected each column of the key as a parameter", json_incref(faults),
                         answer);
    } else if (desk != NULL) {
        enum status status = find_in_scope(call, desk, &edit);
        if (status == STATUS_OK) {
            status = registry_history(desk, kind, &edit.row, on_change, items);
        }
        hide_changes(items, case_view_hidden_columns(call->holder));
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            desk_call_failed(desk, status, answer);
        } else if (json_array_size(items) == 0) {
            answer_problem(answer, 404, "nothing was ever written of such a row");
        } else {
            answer_json(answer, 200,
                        json_pack("{s:s, s:O}", "kind", registry_kind_name(kind), "items", items));
        }
    }
    json_decref(items);
    json_decref(faults);
    desk_close(desk);
}

/* --- CSV out -------------------------------------------------------------------------------- */

static bool on_bytes(void *argument, const char *bytes, uint32_t length)
{
    return fwrite(bytes, 1, length, (FILE *)argument) == length;
}

static void serve_export(const struct call *call, enum registry_kind kind, struct answer *answer)
{
    char *text = NULL;
    size_t length = 0;
    struct desk *desk = desk_call_open(call, answer);
    if (desk == NULL) {
        return;
    }
    FILE *to = open_memstream(&text, &length);
    const struct registry_export sink = {on_bytes, to};
    enum status status = to == NULL ? STATUS_NO_MEMORY : registry_export(desk, kind, &sink);
    bool is_whole = to != NULL && fclose(to) == 0;
    if (status == STATUS_OK && is_whole) {
        answer_text(answer, 200, "text/csv; charset=utf-8", text, length);
    } else if (to == NULL || status == STATUS_OK) {
        free(text);
        answer_problem(answer, 503, "no memory for so many rows");
    } else {
        free(text);
        desk_call_failed(desk, status, answer);
    }
    desk_close(desk);
}

/* --- calls ---------------------------------------------------------------------------------- */

void registry_call_serve(const struct call *call, struct answer *answer)
{
    enum registry_kind kind;
    if (call->endpoint == ENDPOINT_REGISTRY_KINDS) {
        serve_kinds(answer);
        return;
    }
    if (!registry_call_kind(call, &kind, answer)) {
        return;
    }
    if (call->endpoint == ENDPOINT_REGISTRY_LIST) {
        serve_list(call, kind, answer);
    } else if (call->endpoint == ENDPOINT_REGISTRY_SHOW) {
        serve_show(call, kind, answer);
    } else if (call->endpoint == ENDPOINT_REGISTRY_PUT) {
        serve_put(call, kind, answer);
    } else if (call->endpoint == ENDPOINT_REGISTRY_REMOVE) {
        serve_remove(call, kind, answer);
    } else if (call->endpoint == ENDPOINT_REGISTRY_HISTORY) {
        serve_history(call, kind, answer);
    } else {
        serve_export(call, kind, answer);
    }
}

/* --- bindings ------------------------------------------------------------------------------- */

static void answer_binding(const struct registry_binding *bound,
                           const struct registry_binding *ended, struct answer *answer)
{
    answer_json(answer, 200,
                json_pack("{s:o, s:o}", "bound",
                          bound != NULL ? row_json(REGISTRY_BINDING, bound) : json_null(), "ended",
                          ended != NULL ? row_json(REGISTRY_BINDING, ended) : json_null()));
    snprintf(answer->detail, sizeof(answer->detail), "serial number %s bound, %s unbound",
             bound != NULL ? bound->serial : "none", ended != NULL ? ended->serial : "none");
}

static void unbind(const struct call *call, struct answer *answer)
{
    struct registry_binding ended = {0};
    struct desk_actor by;
    int32_t day = desk_call_today();
    if (!desk_call_day(call, "day", &day, answer)) {
        return;
    }
    struct desk *desk = desk_call_open(call, answer);
    if (desk == NULL) {
        return;
    }
    desk_call_actor(call, &by);
    snprintf(ended.terminal_id, sizeof(ended.terminal_id), "%s", call->parameter);
    enum status status = registry_unbind(desk, day, &by, &ended);
    if (status == STATUS_NOT_FOUND) {
        answer_problem(answer, 404, "no binding of this terminal is in force");
    } else if (status != STATUS_OK) {
        desk_call_failed(desk, status, answer);
    } else {
        answer_binding(NULL, &ended, answer);
    }
    desk_close(desk);
}

static void bind_row(const struct call *call, struct registry_edit *edit, struct answer *answer)
{
    struct registry_binding ended;
    bool was_bound = false;
    json_t *faults = json_array();
    edit->argument = faults;
    if (registry_edit_read(edit) != STATUS_OK) {
        desk_call_faults(422, "the binding is faulty; nothing was bound", faults, answer);
        return;
    }
    json_decref(faults);
    struct desk *desk = desk_call_open(call, answer);
    if (desk == NULL) {
        return;
    }
    desk_call_actor(call, &edit->by);
    enum status status =
        registry_bind(desk, &edit->row.registry_binding, &edit->by, &ended, &was_bound);
    if (status == STATUS_OK) {
        answer_binding(&edit->row.registry_binding, was_bound ? &ended : NULL, answer);
    } else {
        desk_call_failed(desk, status, answer);
    }
    desk_close(desk);
}

static bool has_cell(const struct registry_edit *edit, const char *name)
{
    for (uint32_t i = 0; i < edit->cell_count; i++) {
        if (strcmp(edit->cells[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

void registry_call_bind(const struct call *call, struct answer *answer)
{
    char texts[REGISTRY_CELL_COUNT_MAX][CELL_TEXT_SIZE];
    char today[DESK_CALL_DAY_SIZE];
    struct registry_edit edit = {.kind = REGISTRY_BINDING, .on_fault = on_fault};
    if (strlen(call->parameter) != sizeof(edit.row.registry_binding.terminal_id) - 1) {
        answer_problem(answer, 400, "expected the 8 characters of a terminal id in the path");
        return;
    }
    if (call->endpoint == ENDPOINT_UNBIND) {
        unbind(call, answer);
        return;
    }
    json_t *body = desk_call_body(call, answer);
    if (body == NULL) {
        return;
    }
    if (take_cells(body, &edit, texts, answer)) {
        desk_call_day_text(desk_call_today(), today);
        if (has_cell(&edit, "terminal_id")) {
            answer_problem(answer, 400, "terminal_id: it stands in the path");
        } else if (edit.cell_count + 2 > REGISTRY_CELL_COUNT_MAX) {
            answer_problem(answer, 400, "more cells than any row has");
        } else {
            edit.cells[edit.cell_count++] = (struct registry_cell){"terminal_id", call->parameter};
            if (!has_cell(&edit, "valid_from_day")) {
                edit.cells[edit.cell_count++] = (struct registry_cell){"valid_from_day", today};
            }
            bind_row(call, &edit, answer);
        }
    }
    json_decref(body);
}
