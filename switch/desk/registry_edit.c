/* See registry_edit.h. */
#include "switch/desk/registry_edit.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/desk/desk_state.h"
#include "switch/desk/registry_table.h"

static void tell(struct registry_edit *edit, const char *sentence)
{
    edit->fault_count++;
    if (edit->on_fault != NULL) {
        edit->on_fault(edit->argument, sentence);
    }
}

static const struct cell_column *column_of(const struct cell_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            return &table->columns[i];
        }
    }
    return NULL;
}

static const char *value_of(const struct registry_edit *edit, const char *name)
{
    for (uint32_t i = 0; i < edit->cell_count; i++) {
        if (strcmp(edit->cells[i].name, name) == 0) {
            return edit->cells[i].value;
        }
    }
    return NULL;
}

/* Puts the cells that are given into the row: those of the key, or all others. */
static void apply(struct registry_edit *edit, bool is_key)
{
    const struct cell_table *table = registry_table(edit->kind);
    char fault[CELL_FAULT_SIZE];
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct cell_column *column = &table->columns[i];
        const char *value = value_of(edit, column->name);
        bool is_of_key = (column->flags & CELL_KEY) != 0;
        if (is_of_key != is_key || (value == NULL && !is_key)) {
            continue;
        }
        if (!cell_parse(column, value != NULL ? value : "", &edit->row, fault)) {
            tell(edit, fault);
        }
    }
}

static void check_names(struct registry_edit *edit)
{
    const struct cell_table *table = registry_table(edit->kind);
    char sentence[CELL_FAULT_SIZE];
    for (uint32_t i = 0; i < edit->cell_count; i++) {
        if (column_of(table, edit->cells[i].name) == NULL) {
            snprintf(sentence, sizeof(sentence), "column \"%.60s\": %s has no such column",
                     edit->cells[i].name, table->name);
            tell(edit, sentence);
        }
    }
}

enum status registry_edit_key(struct registry_edit *edit)
{
    REQUIRE(edit->cell_count <= REGISTRY_CELL_COUNT_MAX);
    memset(&edit->row, 0, sizeof(edit->row));
    edit->fault_count = 0;
    edit->version_after = 0;
    edit->is_new = edit->is_changed = false;
    check_names(edit);
    apply(edit, true);
    return edit->fault_count == 0 ? STATUS_OK : STATUS_BAD_VALUE;
}

static enum status read_version(struct desk *desk, struct registry_edit *edit)
{
    const struct cell_table *table = registry_table(edit->kind);
    char key[CELL_KEY_SIZE];
    int64_t number = 0;
    cell_key_text(table, &edit->row, key);
    const struct desk_value values[] = {DESK_TEXT(table->name), DESK_TEXT(key)};
    enum status status = desk_number(desk,
                                     "SELECT coalesce(max(number), 0) FROM history"
                                     " WHERE row_kind = ? AND row_key = ?",
                                     values, 2, &number);
    edit->version_after = (uint64_t)number;
    return status;
}

enum status registry_edit_find(struct desk *desk, struct registry_edit *edit)
{
    enum status status = registry_edit_key(edit);
    if (status == STATUS_OK) {
        status = registry_find(desk, edit->kind, &edit->row);
    }
    return status == STATUS_OK ? read_version(desk, edit) : status;
}

/* Every cell of a new row that may not be empty, and what no row may be. */
static void check_row(struct registry_edit *edit)
{
    const struct cell_table *table = registry_table(edit->kind);
    char fault[CELL_FAULT_SIZE];
    for (uint32_t i = 0; i < table->column_count; i++) {
        char text[CELL_TEXT_SIZE];
        union registry_row copy = edit->row;
        cell_text(&table->columns[i], &edit->row, text);
        if (!cell_parse(&table->columns[i], text, &copy, fault)) {
            tell(edit, fault);
        }
    }
    const char *together = registry_row_fault(edit->kind, &edit->row);
    if (together != NULL && edit->fault_count == 0) {
        tell(edit, together);
    }
}

enum status registry_edit_read(struct registry_edit *edit)
{
    enum status status = registry_edit_key(edit);
    if (status == STATUS_OK) {
        apply(edit, false);
    }
    if (edit->fault_count == 0) {
        check_row(edit);
    }
    return edit->fault_count == 0 ? STATUS_OK : STATUS_BAD_VALUE;
}

static enum status change(struct desk *desk, struct registry_edit *edit)
{
    const union registry_row key = edit->row;
    enum status status = registry_find(desk, edit->kind, &edit->row);
    edit->is_new = status == STATUS_NOT_FOUND;
    if (edit->is_new) {
        edit->row = key;
    } else if (status != STATUS_OK) {
        return status;
    }
    status = read_version(desk, edit);
    if (status == STATUS_OK && edit->has_version &&
        (edit->version != edit->version_after || (edit->version == 0 && !edit->is_new))) {
        return desk_fault(desk, STATUS_DUPLICATE,
                          "the row has version %llu now, not %llu: somebody has changed it since",
                          (unsigned long long)edit->version_after,
                          (unsigned long long)edit->version);
    }
    apply(edit, false);
    if (edit->fault_count == 0) {
        check_row(edit);
    }
    if (status == STATUS_OK && edit->fault_count > 0) {
        return desk_fault(desk, STATUS_BAD_VALUE, "%u faults, nothing was changed",
                          edit->fault_count);
    }
    if (status == STATUS_OK) {
        status = registry_put_row(desk, edit->kind, &edit->row, &edit->by, &edit->is_changed);
    }
    return status == STATUS_OK ? read_version(desk, edit) : status;
}

enum status registry_edit(struct desk *desk, struct registry_edit *edit)
{
    REQUIRE(edit->by.actor[0] != '\0');
    enum status status = registry_edit_key(edit);
    if (status != STATUS_OK) {
        return desk_fault(desk, status, "%u faults, nothing was changed", edit->fault_count);
    }
    status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, change(desk, edit)) : status;
}

/* --- bindings ------------------------------------------------------------------------------- */

static enum status put_checked(struct desk *desk, const struct registry_binding *binding,
                               const struct desk_actor *by)
{
    bool is_changed = false;
    enum status status = registry_check_row(desk, REGISTRY_BINDING, binding);
    return status == STATUS_OK ? registry_put_row(desk, REGISTRY_BINDING, binding, by, &is_changed)
                               : status;
}

static enum status end_in_force(struct desk *desk, int32_t day, const struct desk_actor *by,
                                struct registry_binding *binding)
{
    char terminal_id[sizeof(binding->terminal_id)];
    memcpy(terminal_id, binding->terminal_id, sizeof(terminal_id));
    enum status status = registry_binding_in_force(desk, terminal_id, binding);
    if (status == STATUS_OK) {
        binding->binding.valid_to_day = day;
        status = put_checked(desk, binding, by);
    }
    return status;
}

enum status registry_unbind(struct desk *desk, int32_t day, const struct desk_actor *by,
                            struct registry_binding *binding)
{
    REQUIRE(by->actor[0] != '\0' && day > 0);
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, end_in_force(desk, day, by, binding)) : status;
}

/* What is registered of the device that stands there follows. */
static enum status tell_serial(struct desk *desk, const struct registry_binding *binding,
                               const struct desk_actor *by)
{
    struct terminal_registration terminal = {0};
    bool is_changed = false;
    memcpy(terminal.terminal_id, binding->terminal_id, sizeof(terminal.terminal_id));
    enum status status = registry_find(desk, REGISTRY_TERMINAL, &terminal);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    memcpy(terminal.serial, binding->serial, sizeof(terminal.serial));
    return registry_put_row(desk, REGISTRY_TERMINAL, &terminal, by, &is_changed);
}

static enum status bind_anew(struct desk *desk, const struct registry_binding *binding,
                             const struct desk_actor *by, struct registry_binding *ended)
{
    memcpy(ended->terminal_id, binding->terminal_id, sizeof(ended->terminal_id));
    enum status status = end_in_force(desk, binding->binding.valid_from_day, by, ended);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        status = put_checked(desk, binding, by);
    }
    return status == STATUS_OK ? tell_serial(desk, binding, by) : status;
}

enum status registry_bind(struct desk *desk, const struct registry_binding *binding,
                          const struct desk_actor *by, struct registry_binding *ended,
                          bool *was_bound)
{
    REQUIRE(by->actor[0] != '\0');
    memset(ended, 0, sizeof(*ended));
    if (binding->binding.valid_to_day != 0) {
        return desk_fault(desk, STATUS_BAD_VALUE,
                          "valid_to_day: expected nothing, a binding "
                          "begins in force");
    }
    enum status status = desk_begin(desk);
    if (status == STATUS_OK) {
        status = desk_end(desk, bind_anew(desk, binding, by, ended));
    }
    *was_bound = status == STATUS_OK && ended->serial[0] != '\0';
    return status;
}
