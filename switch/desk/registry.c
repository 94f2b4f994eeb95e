/* See registry.h: finding, listing, putting, history. */
#include "switch/desk/registry.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/desk/desk_state.h"
#include "switch/desk/registry_table.h"

static enum status row_fault(struct desk *desk, const struct cell_table *table, const char *fault)
{
    return desk_fault(desk, STATUS_MALFORMED,
                      "table %s: %s; restore the file from a copy, or mend the row by SQL",
                      table->name, fault);
}

/* The first row that a statement gives, which is given back. */
static enum status take_row(struct desk *desk, sqlite3_stmt *statement,
                            const struct cell_table *table, void *row)
{
    char fault[CELL_FAULT_SIZE];
    enum status status = desk_step(desk, statement);
    if (status == STATUS_OK && !cell_read(statement, 0, table, row, fault)) {
        status = row_fault(desk, table, fault);
    } else if (status == STATUS_NOT_FOUND) {
        desk_fault(desk, status, "no such row in table %s", table->name);
    }
    desk_release(desk, statement);
    return status;
}

static void select_sql(struct cell_sql *sql, const struct cell_table *table, const char *rest)
{
    cell_sql_add(sql, "SELECT ");
    cell_sql_names(sql, table, CELL_PLAIN);
    cell_sql_add(sql, " FROM ");
    cell_sql_add(sql, table->name);
    cell_sql_add(sql, rest);
}

/* The row of the key of `key_row`, into `row`; they may be the same. */
static enum status find_row(struct desk *desk, const struct cell_table *table, const void *key_row,
                            void *row)
{
    struct cell_sql sql = {0};
    select_sql(&sql, table, " WHERE ");
    cell_sql_key(&sql, table);
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    if (statement == NULL || cell_bind(statement, 1, table, key_row, CELL_KEY) == 0) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    return take_row(desk, statement, table, row);
}

enum status registry_binding_in_force(struct desk *desk, const char *terminal_id,
                                      struct registry_binding *binding)
{
    const struct cell_table *table = registry_table(REGISTRY_BINDING);
    struct cell_sql sql = {0};
    select_sql(&sql, table, " WHERE terminal_id = ? AND valid_to_day = ''");
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    if (statement == NULL || !desk_bind(statement, &DESK_TEXT(terminal_id), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    return take_row(desk, statement, table, binding);
}

enum status registry_find(struct desk *desk, enum registry_kind kind, void *row)
{
    enum status status = find_row(desk, registry_table(kind), row, row);
    if (status == STATUS_OK && kind == REGISTRY_TERMINAL) {
        struct terminal_registration *terminal = row;
        struct registry_binding in_force;
        status = registry_binding_in_force(desk, terminal->terminal_id, &in_force);
        if (status == STATUS_OK) {
            terminal->binding = in_force.binding;
        }
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    return status;
}

enum status registry_list(struct desk *desk, enum registry_kind kind,
                          const struct registry_sink *sink)
{
    const struct cell_table *table = registry_table(kind);
    struct cell_sql sql = {0};
    select_sql(&sql, table, " ORDER BY ");
    cell_sql_names(&sql, table, CELL_KEY);
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    enum status status = statement == NULL ? desk_broken(desk, "reading") : STATUS_OK;
    bool is_wanted = true;
    while (status == STATUS_OK && is_wanted) {
        union registry_row row;
        char fault[CELL_FAULT_SIZE];
        status = desk_step(desk, statement);
        if (status == STATUS_OK && !cell_read(statement, 0, table, &row, fault)) {
            status = row_fault(desk, table, fault);
        } else if (status == STATUS_OK) {
            is_wanted = sink->on_row(sink->argument, &row);
        }
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* --- putting -------------------------------------------------------------------------------- */

enum status registry_check_row(struct desk *desk, enum registry_kind kind, const void *row)
{
    const struct cell_table *table = registry_table(kind);
    char fault[CELL_FAULT_SIZE];
    if (!cell_check(table, row, fault)) {
        return desk_fault(desk, STATUS_BAD_VALUE, "table %s: %s", table->name, fault);
    }
    const char *together = registry_row_fault(kind, row);
    return together == NULL
               ? STATUS_OK
               : desk_fault(desk, STATUS_BAD_VALUE, "table %s: %s", table->name, together);
}

/* One line of history for each column that changes; `*count` of them. Before and after; of a row
 * that is new the first is NULL, of one that goes the second. */
static enum status write_history(struct desk *desk, const struct cell_table *table,
                                 const void *rows[2], const struct desk_actor *by, uint32_t *count)
{
    char key[CELL_KEY_SIZE];
    cell_key_text(table, rows[1] != NULL ? rows[1] : rows[0], key);
    enum status status = STATUS_OK;
    *count = 0;
    for (uint32_t i = 0; status == STATUS_OK && i < table->column_count; i++) {
        char before[CELL_TEXT_SIZE] = "";
        char after[CELL_TEXT_SIZE] = "";
        if (rows[0] != NULL) {
            cell_text(&table->columns[i], rows[0], before);
        }
        if (rows[1] != NULL) {
            cell_text(&table->columns[i], rows[1], after);
        }
        if (strcmp(before, after) == 0) {
            continue;
        }
        ++*count;
        const struct desk_value values[] = {DESK_NUMBER(by->wall_us),
                                            DESK_TEXT(by->actor),
                                            DESK_TEXT(table->name),
                                            DESK_TEXT(key),
                                            DESK_TEXT(table->columns[i].name),
                                            DESK_TEXT(before),
                                            DESK_TEXT(after)};
        status = desk_write(desk,
                            "INSERT INTO history (wall_us, actor, row_kind, row_key, column_name,"
                            " before, after) VALUES (?, ?, ?, ?, ?, ?, ?)",
                            values, DESK_COUNT_OF(values));
    }
    return status;
}

static enum status write_row(struct desk *desk, const struct cell_table *table, const void *row,
                             bool is_there)
{
    struct cell_sql sql = {0};
    cell_sql_add(&sql, is_there ? "UPDATE " : "INSERT INTO ");
    cell_sql_add(&sql, table->name);
    if (is_there) {
        cell_sql_add(&sql, " SET ");
        cell_sql_values(&sql, table);
        cell_sql_add(&sql, " WHERE ");
        cell_sql_key(&sql, table);
    } else {
        cell_sql_add(&sql, " VALUES (");
        cell_sql_places(&sql, table);
        cell_sql_add(&sql, ")");
    }
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    int at = statement == NULL ? 0 : cell_bind(statement, 1, table, row, CELL_PLAIN);
    if (at != 0 && is_there) {
        at = cell_bind(statement, at, table, row, CELL_KEY);
    }
    return desk_run(desk, statement, at != 0);
}

/* Rows of bindings are only ended and reported, and there is one in force of each end. */
static enum status check_binding(struct desk *desk, const struct registry_binding *before,
                                 const struct registry_binding *after)
{
    if (before != NULL) {
        struct registry_binding ended = *after;
        ended.binding.valid_to_day = before->binding.valid_to_day;
        ended.binding.reported_at_us = before->binding.reported_at_us;
        bool is_reopened = before->binding.valid_to_day != 0 &&
                           after->binding.valid_to_day != before->binding.valid_to_day;
        const struct cell_table *table = registry_table(REGISTRY_BINDING);
        for (uint32_t i = 0; i < table->column_count; i++) {
            char texts[2][CELL_TEXT_SIZE];
            cell_text(&table->columns[i], before, texts[0]);
            cell_text(&table->columns[i], &ended, texts[1]);
            if (strcmp(texts[0], texts[1]) != 0 || is_reopened) {
                return desk_fault(desk, STATUS_DENIED,
                                  "binding of terminal %s: %s cannot be changed: end the binding "
                                  "and make a new one",
                                  after->terminal_id,
                                  is_reopened ? "its end" : table->columns[i].name);
            }
        }
    }
    if (after->binding.valid_to_day != 0 || before != NULL) {
        return STATUS_OK;
    }
    int64_t count = 0;
    const struct desk_value values[] = {DESK_TEXT(after->terminal_id), DESK_TEXT(after->serial)};
    enum status status = desk_number(desk,
                                     "SELECT count(*) FROM registry_binding WHERE valid_to_day = ''"
                                     " AND (terminal_id = ? OR serial = ?)",
                                     values, 2, &count);
    return status == STATUS_OK && count > 0
               ? desk_fault(desk, STATUS_DENIED,
                            "terminal %s or serial number %s has a binding in force: end it first",
                            after->terminal_id, after->serial)
               : status;
}

enum status registry_put_row(struct desk *desk, enum registry_kind kind, const void *row,
                             const struct desk_actor *by, bool *is_changed)
{
    const struct cell_table *table = registry_table(kind);
    union registry_row before;
    uint32_t change_count = 0;
    memset(&before, 0, sizeof(before));
    enum status found = find_row(desk, table, row, &before);
    if (found != STATUS_OK && found != STATUS_NOT_FOUND) {
        return found;
    }
    const void *rows[2] = {found == STATUS_OK ? &before : NULL, row};
    enum status status = kind == REGISTRY_BINDING ? check_binding(desk, rows[0], row) : STATUS_OK;
    if (status == STATUS_OK) {
        status = write_history(desk, table, rows, by, &change_count);
    }
    *is_changed = change_count > 0;
    return status == STATUS_OK && *is_changed ? write_row(desk, table, row, found == STATUS_OK)
                                              : status;
}

enum status registry_put(struct desk *desk, enum registry_kind kind, const void *row,
                         const struct desk_actor *by)
{
    REQUIRE(by->actor[0] != '\0');
    enum status status = registry_check_row(desk, kind, row);
    if (status != STATUS_OK) {
        return status;
    }
    bool is_changed;
    status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, registry_put_row(desk, kind, row, by, &is_changed))
                               : status;
}

static enum status delete_row(struct desk *desk, const struct cell_table *table, const void *row)
{
    struct cell_sql sql = {0};
    cell_sql_add(&sql, "DELETE FROM ");
    cell_sql_add(&sql, table->name);
    cell_sql_add(&sql, " WHERE ");
    cell_sql_key(&sql, table);
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    bool is_bound = statement != NULL && cell_bind(statement, 1, table, row, CELL_KEY) != 0;
    return desk_run(desk, statement, is_bound);
}

static enum status remove_row(struct desk *desk, enum registry_kind kind, const void *key_row,
                              const struct desk_actor *by)
{
    const struct cell_table *table = registry_table(kind);
    union registry_row before;
    uint32_t change_count = 0;
    enum status status = find_row(desk, table, key_row, &before);
    if (status == STATUS_OK) {
        status = write_history(desk, table, (const void *[2]){&before, NULL}, by, &change_count);
    }
    return status == STATUS_OK ? delete_row(desk, table, &before) : status;
}

enum status registry_remove(struct desk *desk, enum registry_kind kind, const void *key_row,
                            const struct desk_actor *by)
{
    REQUIRE(by->actor[0] != '\0');
    if (kind == REGISTRY_TERMINAL || kind == REGISTRY_BINDING || kind == REGISTRY_MERCHANT) {
        return desk_fault(desk, STATUS_DENIED,
                          "rows of %s are kept: put its state, or end the binding",
                          registry_kind_name(kind));
    }
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, remove_row(desk, kind, key_row, by)) : status;
}

enum status registry_history(struct desk *desk, enum registry_kind kind, const void *key_row,
                             void (*on_change)(void *argument,
                                               const struct registry_change *change),
                             void *argument)
{
    const struct cell_table *table = registry_table(kind);
    char key[CELL_KEY_SIZE];
    cell_key_text(table, key_row, key);
    sqlite3_stmt *statement =
        desk_prepare(desk, "SELECT number, wall_us, actor, column_name, before, after FROM history"
                           " WHERE row_kind = ? AND row_key = ? ORDER BY number");
    const struct desk_value values[] = {DESK_TEXT(table->name), DESK_TEXT(key)};
    if (statement == NULL || !desk_bind(statement, values, 2)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status;
    while ((status = desk_step(desk, statement)) == STATUS_OK) {
        const struct registry_change change = {
            .number = (uint64_t)sqlite3_column_int64(statement, 0),
            .wall_us = sqlite3_column_int64(statement, 1),
            .actor = (const char *)sqlite3_column_text(statement, 2),
            .row_kind = table->name,
            .row_key = key,
            .column = (const char *)sqlite3_column_text(statement, 3),
            .before = (const char *)sqlite3_column_text(statement, 4),
            .after = (const char *)sqlite3_column_text(statement, 5)};
        on_change(argument, &change);
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status registry_version(struct desk *desk, int64_t *number)
{
    return desk_number(desk, "SELECT coalesce(max(number), 0) FROM history", NULL, 0, number);
}
