/* See case_list.h. */
#include "switch/desk/case_list.h"

#include <stdio.h>
#include <string.h>

#include "switch/desk/case_row.h"
#include "switch/desk/desk_state.h"
#include "switch/desk/registry.h"

#define REFUSAL_SIZE 320
/* A device has itself, and what is used up in it. */
#define ALWAYS (1U << PART_WHOLE | 1U << PART_CONSUMABLE)

bool case_list_check(const struct case_entry *entry, char *fault)
{
    for (uint32_t i = 0; i < CASE_ROW_LIST_COUNT; i++) {
        const struct case_row_list *list = &CASE_ROW_LISTS[i];
        for (uint32_t k = 0; k < case_row_count(list, entry); k++) {
            if (!cell_check(list->table, case_row_of(list, entry, k), fault)) {
                return false;
            }
        }
    }
    return true;
}

static enum status add_row(struct desk *desk, const struct case_row_list *list,
                           const struct case_entry *entry, uint32_t index)
{
    struct cell_sql sql = {0};
    cell_sql_add(&sql, "INSERT INTO ");
    cell_sql_add(&sql, list->table->name);
    cell_sql_add(&sql, " (case_id, number, ordinal, ");
    cell_sql_names(&sql, list->table, CELL_PLAIN);
    cell_sql_add(&sql, ") VALUES (?, ?, ?, ");
    cell_sql_places(&sql, list->table);
    cell_sql_add(&sql, ")");
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    const struct desk_value key[] = {DESK_NUMBER(entry->case_id), DESK_NUMBER(entry->number),
                                     DESK_NUMBER(index + 1)};
    bool is_bound =
        statement != NULL && desk_bind(statement, key, DESK_COUNT_OF(key)) &&
        cell_bind(statement, 4, list->table, case_row_of(list, entry, index), CELL_PLAIN) != 0;
    return desk_run(desk, statement, is_bound);
}

enum status case_list_add(struct desk *desk, const struct case_entry *entry)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < CASE_ROW_LIST_COUNT; i++) {
        const struct case_row_list *list = &CASE_ROW_LISTS[i];
        for (uint32_t k = 0; k < case_row_count(list, entry) && status == STATUS_OK; k++) {
            status = add_row(desk, list, entry, k);
        }
    }
    return status;
}

static enum status read_rows(struct desk *desk, const struct case_row_list *list,
                             sqlite3_stmt *statement, struct case_entry *entry)
{
    char fault[CELL_FAULT_SIZE] = "more than an event may have";
    uint32_t count = 0;
    enum status status;
    while ((status = desk_step(desk, statement)) == STATUS_OK) {
        if (count == list->count_max ||
            !cell_read(statement, 0, list->table, case_row_at(list, entry, count), fault)) {
            return desk_fault(desk, STATUS_MALFORMED, "case %llu, event %u, its %s: %s",
                              (unsigned long long)entry->case_id, entry->number, list->member,
                              fault);
        }
        count++;
    }
    case_row_set_count(list, entry, count);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status read_list(struct desk *desk, const struct case_row_list *list,
                             struct case_entry *entry)
{
    struct cell_sql sql = {0};
    cell_sql_add(&sql, "SELECT ");
    cell_sql_names(&sql, list->table, CELL_PLAIN);
    cell_sql_add(&sql, " FROM ");
    cell_sql_add(&sql, list->table->name);
    cell_sql_add(&sql, " WHERE case_id = ? AND number = ? ORDER BY ordinal");
    const struct desk_value key[] = {DESK_NUMBER(entry->case_id), DESK_NUMBER(entry->number)};
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    enum status status = statement == NULL || !desk_bind(statement, key, DESK_COUNT_OF(key))
                             ? desk_broken(desk, "reading")
                             : read_rows(desk, list, statement, entry);
    desk_release(desk, statement);
    return status;
}

enum status case_list_read(struct desk *desk, struct case_entry *entry)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < CASE_ROW_LIST_COUNT && status == STATUS_OK; i++) {
        status = read_list(desk, &CASE_ROW_LISTS[i], entry);
    }
    return status;
}

enum status case_list_strays(struct desk *desk)
{
    for (uint32_t i = 0; i < CASE_ROW_LIST_COUNT; i++) {
        struct cell_sql sql = {0};
        int64_t stray = 0;
        cell_sql_add(&sql, "SELECT case_id FROM ");
        cell_sql_add(&sql, CASE_ROW_LISTS[i].table->name);
        cell_sql_add(&sql, " AS l WHERE NOT EXISTS (SELECT 1 FROM case_entry AS e"
                           " WHERE e.case_id = l.case_id AND e.number = l.number) LIMIT 1");
        enum status status = desk_number(desk, sql.text, NULL, 0, &stray);
        if (status != STATUS_NOT_FOUND) {
            return status == STATUS_OK
                       ? desk_fault(desk, STATUS_MALFORMED,
                                    "case %lld: an event is missing, its %s are there",
                                    (long long)stray, CASE_ROW_LISTS[i].member)
                       : status;
        }
    }
    return STATUS_OK;
}

/* ---- what the model has ---- */

static void write_refusal(char *refusal, const struct device_model *model,
                          const struct case_event *event, enum part_class part)
{
    int used =
        snprintf(refusal, REFUSAL_SIZE, "%s names a part that %s %s does not have: %s; it has",
                 case_event_name(event->kind), model->brand, model->model, part_word(part));
    for (unsigned i = 0; i < PART_COUNT && used > 0 && used < REFUSAL_SIZE; i++) {
        if (((model->parts | ALWAYS) >> i & 1) != 0) {
            used += snprintf(refusal + used, (size_t)(REFUSAL_SIZE - used), " %s",
                             part_word((enum part_class)i));
        }
    }
}

static enum status check_model(struct desk *desk, const struct service_case *it,
                               const struct case_event *event, char *refusal)
{
    struct device_model model = {.parts = 0};
    if (it->brand[0] == '\0' || it->model[0] == '\0') {
        return STATUS_OK;
    }
    memcpy(model.brand, it->brand, sizeof(model.brand));
    memcpy(model.model, it->model, sizeof(model.model));
    enum status status = registry_find(desk, REGISTRY_DEVICE_MODEL, &model);
    if (status != STATUS_OK || model.parts == 0) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    for (uint32_t i = 0; i < event->part_count && refusal[0] == '\0'; i++) {
        enum part_class part = event->parts[i].part;
        if (((model.parts | ALWAYS) >> part & 1) == 0) {
            write_refusal(refusal, &model, event, part);
        }
    }
    return STATUS_OK;
}

/* One price is paid once, in however many repairs. */
static enum status check_price(struct desk *desk, const struct service_case *it,
                               const struct case_event *event, char *refusal)
{
    const struct desk_value id = DESK_NUMBER(it->id);
    int64_t before = 0, now = 0;
    for (uint32_t i = 0; i < event->part_count; i++) {
        bool is_merchants = event->parts[i].paid_by == CASE_PART_PAID_BY_MERCHANT;
        now += is_merchants ? event->parts[i].cost_minor : 0;
    }
    enum status status =
        now == 0 ? STATUS_OK
                 : desk_number(desk,
                               "SELECT coalesce(sum(cost_minor), 0) FROM case_part WHERE"
                               " case_id = ?1 AND paid_by = 'merchant' AND number >"
                               " (SELECT max(number) FROM case_entry WHERE case_id = ?1"
                               " AND kind = 'QUOTE')",
                               &id, 1, &before);
    if (status == STATUS_OK && before + now > it->cost_minor) {
        snprintf(refusal, REFUSAL_SIZE,
                 "%s has parts for %lld fen from the merchant, and of the accepted price %lld are "
                 "left; QUOTE anew, and QUOTE_ACCEPT by the merchant",
                 case_event_name(event->kind), (long long)now,
                 (long long)(it->cost_minor - before));
    }
    return status;
}

enum status case_list_refuse(struct desk *desk, const struct service_case *it,
                             const struct case_event *event, char refusal[320])
{
    refusal[0] = '\0';
    enum status status = event->part_count == 0 ? STATUS_OK : check_model(desk, it, event, refusal);
    return status == STATUS_OK && refusal[0] == '\0' && event->part_count > 0
               ? check_price(desk, it, event, refusal)
               : status;
}
