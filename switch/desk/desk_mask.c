/* See desk_mask.h. Triggers keep bindings and history from change; while this runs they rest, for
 * this connection alone. */
#include "switch/desk/desk_mask.h"

#include "protocols/base/pan_text.h"
#include "switch/desk/desk_state.h"
#include "switch/desk/inspection_row.h"
#include "switch/desk/registry_table.h"

static void mask(sqlite3_context *answer, int count, sqlite3_value **values)
{
    const char *text = (const char *)sqlite3_value_text(values[0]);
    char *copy = count == 1 && text != NULL ? sqlite3_mprintf("%s", text) : NULL;
    if (copy == NULL) {
        sqlite3_result_error_nomem(answer);
        return;
    }
    pan_text_mask(copy);
    sqlite3_result_text(answer, copy, -1, sqlite3_free);
}

/* Pieces up to NULL. Not among the statements that are kept: none of them is run again. */
static enum status run(struct desk *desk, const char *const *pieces)
{
    struct cell_sql sql = {0};
    for (; *pieces != NULL; pieces++) {
        cell_sql_add(&sql, *pieces);
    }
    return sqlite3_exec(desk->database, sql.text, NULL, NULL, NULL) == SQLITE_OK
               ? STATUS_OK
               : desk_broken(desk, "masking");
}

static enum status mask_column(struct desk *desk, const char *table, const char *column)
{
    return run(desk, (const char *const[]){"UPDATE ", table, " SET ", column, " = masked(", column,
                                           ") WHERE ", column, " <> masked(", column, ")", NULL});
}

/* What the column was and became at each change. */
static enum status mask_history(struct desk *desk, const char *table, const char *column)
{
    static const char *const both = "UPDATE history SET before = masked(before),"
                                    " after = masked(after) WHERE row_kind = '";
    static const char *const changed = "' AND (before <> masked(before) OR after <> masked(after))";
    return run(desk,
               (const char *const[]){both, table, "' AND column_name = '", column, changed, NULL});
}

static enum status mask_table(struct desk *desk, const struct cell_table *table)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < table->column_count; i++) {
        const struct cell_column *column = &table->columns[i];
        if ((column->flags & CELL_FREE) != 0) {
            status = mask_column(desk, table->name, column->name);
        }
        if ((column->flags & CELL_FREE) != 0 && status == STATUS_OK) {
            status = mask_history(desk, table->name, column->name);
        }
    }
    return status;
}

static enum status mask_all(struct desk *desk)
{
    enum status status = mask_table(desk, &INSPECTION_ROW);
    for (uint32_t i = 0; status == STATUS_OK && i < REGISTRY_KIND_COUNT; i++) {
        status = mask_table(desk, registry_table((enum registry_kind)i));
    }
    return status == STATUS_OK ? mask_column(desk, "legal_hold", "reason") : status;
}

static bool let_triggers(struct desk *desk, bool are_on)
{
    return sqlite3_db_config(desk->database, SQLITE_DBCONFIG_ENABLE_TRIGGER, (int)are_on, NULL) ==
           SQLITE_OK;
}

enum status desk_mask_free_texts(struct desk *desk)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    bool is_ready = sqlite3_create_function_v2(desk->database, "masked", 1, flags, NULL, mask, NULL,
                                               NULL, NULL) == SQLITE_OK &&
                    let_triggers(desk, false);
    enum status status = is_ready ? mask_all(desk) : desk_broken(desk, "masking");
    bool is_guarded = let_triggers(desk, true);
    return is_guarded || status != STATUS_OK ? status : desk_broken(desk, "masking");
}
