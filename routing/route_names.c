/* Names in route rules against the tables that operations edit: a rule for a merchant that is not
 * there never fits, and nobody would notice. See ruleset.h. */
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/ruleset.h"
#include "routing/ruleset_parts.h"

struct name_seen {
    const char *name; /* a rule's */
    uint32_t line;
    bool is_seen;
};

/* The names that rules list for one part. */
struct name_list {
    struct name_seen *items; /* owner */
    uint32_t count;
};

/* A table as names alone. */
struct name_rows {
    const struct ruleset *ruleset;
    enum condition_part part;
    bool is_of_limits; /* names are those of limit rules, not of route rules */
};

static uint32_t rows_count(const struct name_rows *rows)
{
    const struct agent_table *agents = rows->ruleset->agents;
    if (rows->part == CONDITION_AGENT) {
        return agents == NULL ? 0 : agent_table_count(agents);
    }
    return rows->part == CONDITION_MERCHANT ? merchant_table_count(rows->ruleset->merchants)
                                            : terminal_table_count(rows->ruleset->terminals);
}

static const char *rows_name(const struct name_rows *rows, uint32_t at)
{
    const struct ruleset *ruleset = rows->ruleset;
    if (rows->part == CONDITION_MERCHANT) {
        return merchant_table_at(ruleset->merchants, at)->merchant_id;
    }
    if (rows->part == CONDITION_AGENT) {
        return agent_table_at(ruleset->agents, at)->agent_id;
    }
    const struct terminal_row *row = terminal_table_at(ruleset->terminals, at);
    return rows->part == CONDITION_BRAND ? row->brand : row->model;
}

static int seen_compare(const void *left, const void *right)
{
    const struct name_seen *a = left;
    const struct name_seen *b = right;
    return strcmp(a->name, b->name);
}

static uint32_t rules_count(const struct name_rows *rows)
{
    const struct limit_rules *limits = rows->ruleset->limits;
    if (rows->is_of_limits) {
        return limits == NULL ? 0 : limit_rules_count(limits);
    }
    return route_rules_count(rows->ruleset->routes);
}

static const struct condition *rules_at(const struct name_rows *rows, uint32_t at, uint32_t *line)
{
    if (rows->is_of_limits) {
        const struct limit_rule *limit = limit_rules_at(rows->ruleset->limits, at);
        *line = limit->line;
        return &limit->condition;
    }
    const struct route_rule *rule = route_rules_at(rows->ruleset->routes, at);
    *line = rule->line;
    return &rule->condition;
}

static uint32_t names_put(struct name_seen *items, const struct name_rows *rows)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rules_count(rows); i++) {
        uint32_t line = 0;
        const struct condition *condition = rules_at(rows, i, &line);
        const struct condition_names *names = condition_names_of(condition, rows->part);
        for (uint32_t k = 0; k < names->count; k++, count++) {
            if (items != NULL) {
                items[count] = (struct name_seen){names->items[k], line, false};
            }
        }
    }
    return count;
}

/* Several rules may list one name: bsearch gives any of its entries, so all around it are marked.
 */
static void mark(struct name_list *list, const char *name)
{
    const struct name_seen wanted = {.name = name};
    struct name_seen *found =
        bsearch(&wanted, list->items, list->count, sizeof(wanted), seen_compare);
    if (found == NULL || found->is_seen) {
        return;
    }
    struct name_seen *first = found;
    while (first > list->items && strcmp(first[-1].name, name) == 0) {
        first--;
    }
    for (; first < list->items + list->count && strcmp(first->name, name) == 0; first++) {
        first->is_seen = true;
    }
}

static void tell(const struct name_rows *rows, const struct name_seen *item,
                 const struct ruleset_name_sink *sink)
{
    uint32_t count = rows_count(rows);
    const char **names = calloc((size_t)count + 1, sizeof(names[0]));
    for (uint32_t i = 0; names != NULL && i < count; i++) {
        names[i] = rows_name(rows, i);
    }
    const struct ruleset_stranger stranger = {
        .line = item->line,
        .part = condition_part_name(rows->part),
        .name = item->name,
        .nearest = names == NULL ? NULL : document_nearest(item->name, names),
    };
    sink->on_stranger(sink->argument, &stranger);
    free(names);
}

static enum status part_check(const struct name_rows *rows, const struct ruleset_name_sink *sink)
{
    struct name_list list = {NULL, names_put(NULL, rows)};
    if (list.count == 0) {
        return STATUS_OK;
    }
    list.items = calloc(list.count, sizeof(list.items[0]));
    if (list.items == NULL) {
        return STATUS_NO_MEMORY;
    }
    names_put(list.items, rows);
    qsort(list.items, list.count, sizeof(list.items[0]), seen_compare);
    for (uint32_t i = 0; i < rows_count(rows); i++) {
        mark(&list, rows_name(rows, i));
    }
    for (uint32_t i = 0; i < list.count; i++) {
        if (!list.items[i].is_seen) {
            tell(rows, &list.items[i], sink);
        }
    }
    free(list.items);
    return STATUS_OK;
}

static enum status names_check(const struct ruleset *ruleset, bool is_of_limits,
                               const struct ruleset_name_sink *sink)
{
    static const enum condition_part PARTS[] = {CONDITION_MERCHANT, CONDITION_AGENT,
                                                CONDITION_BRAND, CONDITION_MODEL};
    REQUIRE(ruleset->is_frozen);
    for (unsigned i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++) {
        const struct name_rows rows = {ruleset, PARTS[i], is_of_limits};
        enum status status = part_check(&rows, sink);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status ruleset_check_names(const struct ruleset *ruleset, const struct ruleset_name_sink *sink)
{
    return names_check(ruleset, false, sink);
}

enum status ruleset_check_limit_names(const struct ruleset *ruleset,
                                      const struct ruleset_name_sink *sink)
{
    return names_check(ruleset, true, sink);
}
