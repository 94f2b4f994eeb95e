/* See registry_page.h. A page is found by its key, never by counting: the millionth costs as much
 * as the first. */
#include "switch/desk/registry_page.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/desk/desk_state.h"
#include "switch/desk/registry_table.h"

void registry_query_init(struct registry_query *query, enum registry_kind kind)
{
    memset(query, 0, sizeof(*query));
    query->kind = kind;
    query->limit = REGISTRY_PAGE_ROWS_MAX;
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

enum status registry_query_filter(struct registry_query *query, const char *name, const char *value)
{
    const struct cell_column *column = column_of(registry_table(query->kind), name);
    size_t length = strlen(value);
    if (column == NULL) {
        return STATUS_UNKNOWN;
    }
    if (length >= CELL_TEXT_SIZE) {
        return STATUS_BAD_VALUE;
    }
    if (query->filter_count == REGISTRY_FILTER_COUNT_MAX) {
        return STATUS_NO_ROOM;
    }
    struct registry_filter *filter = &query->filters[query->filter_count++];
    filter->column = column;
    filter->is_beginning = length > 0 && value[length - 1] == '*';
    snprintf(filter->value, sizeof(filter->value), "%.*s", (int)(length - filter->is_beginning),
             value);
    return STATUS_OK;
}

void registry_query_key(struct registry_query *query, const void *row)
{
    const struct cell_table *table = registry_table(query->kind);
    query->filter_count = 0;
    for (uint32_t i = 0; i < table->column_count; i++) {
        if ((table->columns[i].flags & CELL_KEY) != 0) {
            REQUIRE(query->filter_count < REGISTRY_FILTER_COUNT_MAX);
            struct registry_filter *filter = &query->filters[query->filter_count++];
            *filter = (struct registry_filter){.column = &table->columns[i]};
            cell_text(&table->columns[i], row, filter->value);
        }
    }
}

void registry_query_cursor(enum registry_kind kind, const void *row, char *cursor)
{
    const struct cell_table *table = registry_table(kind);
    size_t length = 0;
    cursor[0] = '\0';
    for (uint32_t i = 0; i < table->column_count; i++) {
        char cell[CELL_TEXT_SIZE];
        if ((table->columns[i].flags & CELL_KEY) != 0) {
            cell_text(&table->columns[i], row, cell);
            int added =
                snprintf(cursor + length, CELL_KEY_SIZE - length, "%s%s", i > 0 ? "\t" : "", cell);
            REQUIRE(added >= 0 && (size_t)added < CELL_KEY_SIZE - length);
            length += (size_t)added;
        }
    }
}

enum status registry_query_go_on(struct registry_query *query, const char *cursor)
{
    const struct cell_table *table = registry_table(query->kind);
    char fault[CELL_FAULT_SIZE];
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct cell_column *column = &table->columns[i];
        char cell[CELL_TEXT_SIZE];
        size_t length = strcspn(cursor, "\t");
        if ((column->flags & CELL_KEY) == 0) {
            continue;
        }
        if (length >= sizeof(cell)) {
            return STATUS_BAD_VALUE;
        }
        memcpy(cell, cursor, length);
        cell[length] = '\0';
        if (!cell_parse(column, cell, &query->behind, fault)) {
            return STATUS_BAD_VALUE;
        }
        cursor += length + (cursor[length] == '\t');
    }
    query->has_behind = true;
    return cursor[0] == '\0' ? STATUS_OK : STATUS_BAD_VALUE;
}

/* --- the statement -------------------------------------------------------------------------- */

/* Of a column with several words: the sign that stands between them. */
static const char *separator_of(const struct cell_column *column)
{
    return column->type == CELL_LIST ? "';'" : column->type == CELL_BITS ? "' '" : NULL;
}

static void add_filter(struct cell_sql *sql, const struct registry_filter *filter)
{
    const char *separator = separator_of(filter->column);
    char piece[160];
    const char *name = filter->column->name;
    if (separator != NULL && filter->value[0] != '\0') {
        snprintf(piece, sizeof(piece), "instr(%s || %s || %s, %s || ? || %s) > 0", separator, name,
                 separator, separator, filter->is_beginning ? "''" : separator);
    } else if (filter->is_beginning) {
        snprintf(piece, sizeof(piece), "instr(%s, ?) = 1", name);
    } else {
        snprintf(piece, sizeof(piece), "%s = ?", name);
    }
    cell_sql_add(sql, piece);
}

#define MERCHANTS_BELOW                                                                            \
    "(SELECT m.merchant_id FROM merchant_registration AS m JOIN below ON m.agent_id = below.id)"

/* How rows of a kind come to an agent, and to a merchant; NULL: rows of this kind are nobody's. */
struct belonging {
    const char *to_agent, *to_merchant;
};

static struct belonging belonging_of(enum registry_kind kind)
{
    if (kind == REGISTRY_MERCHANT) {
        return (struct belonging){"agent_id IN (SELECT id FROM below)", "merchant_id = ?"};
    }
    if (kind == REGISTRY_BINDING) {
        return (struct belonging){"merchant_id IN " MERCHANTS_BELOW, "merchant_id = ?"};
    }
    if (kind == REGISTRY_TERMINAL) {
        return (struct belonging){"terminal_id IN (SELECT b.terminal_id FROM registry_binding AS b"
                                  " WHERE b.valid_to_day = '' AND b.merchant_id IN " MERCHANTS_BELOW
                                  ")",
                                  "terminal_id IN (SELECT b.terminal_id FROM registry_binding AS b"
                                  " WHERE b.valid_to_day = '' AND b.merchant_id = ?)"};
    }
    if (kind == REGISTRY_AGENT) {
        return (struct belonging){"agent_id IN (SELECT id FROM below)", "? = ''"};
    }
    return (struct belonging){NULL, NULL};
}

static bool has_agent(const struct registry_query *query)
{
    return query->scope.agent_id[0] != '\0' && belonging_of(query->kind).to_agent != NULL;
}

static bool has_merchant(const struct registry_query *query)
{
    return query->scope.merchant_id[0] != '\0' && belonging_of(query->kind).to_merchant != NULL;
}

static void add_scope(struct cell_sql *sql, const struct registry_query *query)
{
    if (has_agent(query)) {
        cell_sql_add(sql, belonging_of(query->kind).to_agent);
        cell_sql_add(sql, " AND ");
    }
    if (has_merchant(query)) {
        cell_sql_add(sql, belonging_of(query->kind).to_merchant);
        cell_sql_add(sql, " AND ");
    }
}

static void page_sql(struct cell_sql *sql, const struct registry_query *query)
{
    const struct cell_table *table = registry_table(query->kind);
    if (has_agent(query)) {
        cell_sql_add(sql, "WITH RECURSIVE below(id) AS (SELECT ? UNION SELECT a.agent_id FROM agent"
                          " AS a JOIN below ON a.parent_id = below.id) ");
    }
    cell_sql_add(sql, "SELECT ");
    cell_sql_names(sql, table, CELL_PLAIN);
    cell_sql_add(sql, " FROM ");
    cell_sql_add(sql, table->name);
    cell_sql_add(sql, " WHERE ");
    add_scope(sql, query);
    for (uint32_t i = 0; i < query->filter_count; i++) {
        add_filter(sql, &query->filters[i]);
        cell_sql_add(sql, " AND ");
    }
    if (query->has_behind) {
        const char *between = "(";
        cell_sql_add(sql, "(");
        cell_sql_names(sql, table, CELL_KEY);
        cell_sql_add(sql, ") > ");
        for (uint32_t i = 0; i < table->column_count; i++) {
            if ((table->columns[i].flags & CELL_KEY) != 0) {
                cell_sql_add(sql, between);
                cell_sql_add(sql, "?");
                between = ", ";
            }
        }
        cell_sql_add(sql, ") AND ");
    }
    cell_sql_add(sql, "true ORDER BY ");
    cell_sql_names(sql, table, CELL_KEY);
    cell_sql_add(sql, " LIMIT ?");
}

static bool page_bind(sqlite3_stmt *statement, const struct registry_query *query)
{
    int at = 1;
    int failed = SQLITE_OK;
    if (has_agent(query)) {
        failed |= sqlite3_bind_text(statement, at++, query->scope.agent_id, -1, SQLITE_TRANSIENT);
    }
    if (has_merchant(query)) {
        failed |=
            sqlite3_bind_text(statement, at++, query->scope.merchant_id, -1, SQLITE_TRANSIENT);
    }
    for (uint32_t i = 0; i < query->filter_count; i++) {
        failed |= sqlite3_bind_text(statement, at++, query->filters[i].value, -1, SQLITE_TRANSIENT);
    }
    if (failed != SQLITE_OK) {
        return false;
    }
    if (query->has_behind) {
        at = cell_bind(statement, at, registry_table(query->kind), &query->behind, CELL_KEY);
    }
    return at != 0 && sqlite3_bind_int64(statement, at, (int64_t)query->limit + 1) == SQLITE_OK;
}

enum status registry_page(struct desk *desk, const struct registry_query *query,
                          const struct registry_sink *sink, bool *has_more)
{
    const struct cell_table *table = registry_table(query->kind);
    struct cell_sql sql = {0};
    REQUIRE(query->limit > 0 && query->limit <= REGISTRY_PAGE_ROWS_MAX);
    page_sql(&sql, query);
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    enum status status = STATUS_OK;
    if (statement == NULL || !page_bind(statement, query)) {
        status = desk_broken(desk, "reading");
    }
    bool is_wanted = true;
    *has_more = false;
    for (uint32_t count = 0; status == STATUS_OK && is_wanted && !*has_more; count++) {
        union registry_row row;
        char fault[CELL_FAULT_SIZE];
        status = desk_step(desk, statement);
        *has_more = status == STATUS_OK && count == query->limit;
        if (status != STATUS_OK || *has_more) {
            continue;
        }
        if (!cell_read(statement, 0, table, &row, fault)) {
            status = desk_fault(desk, STATUS_MALFORMED, "table %s: %s", table->name, fault);
        } else {
            is_wanted = sink->on_row(sink->argument, &row);
        }
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
