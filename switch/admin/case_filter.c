/* See case_filter.h. */
#include "switch/admin/case_filter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "switch/admin/txn_query.h"

static bool take_number(uint64_t *number, const char *text, struct number_range range)
{
    size_t length = strlen(text);
    return length > 0 && length < 20 &&
           digits_parse(number, text, (uint32_t)length, range) == STATUS_OK;
}

static bool take_text(char *to, size_t size, const char *value)
{
    if (value[0] == '\0' || strlen(value) >= size) {
        return false;
    }
    snprintf(to, size, "%s", value);
    return true;
}

static bool put_kind(struct case_filter *filter, const char *value)
{
    enum case_kind kind = case_kind_from_name(value);
    filter->query.has_kind = kind <= CASE_FEE;
    filter->query.kind = filter->query.has_kind ? kind : CASE_FAULT;
    return filter->query.has_kind;
}

static bool put_severity(struct case_filter *filter, const char *value)
{
    uint64_t severity = 0;
    bool is_good = take_number(&severity, value, (struct number_range){1, 4});
    filter->query.severity_min = (uint8_t)severity;
    return is_good;
}

static bool put_due_before(struct case_filter *filter, const char *value)
{
    return txn_query_time(value, &filter->query.due_before_us) == STATUS_OK;
}

static bool put_terminal(struct case_filter *filter, const char *value)
{
    return strlen(value) == 8 &&
           take_text(filter->query.terminal_id, sizeof(filter->query.terminal_id), value);
}

static bool put_merchant(struct case_filter *filter, const char *value)
{
    return take_text(filter->query.merchant_id, sizeof(filter->query.merchant_id), value);
}

static bool put_agent(struct case_filter *filter, const char *value)
{
    return take_text(filter->query.agent_id, sizeof(filter->query.agent_id), value);
}

static bool put_point(struct case_filter *filter, const char *value)
{
    return take_text(filter->query.point_id, sizeof(filter->query.point_id), value);
}

static bool put_state(struct case_filter *filter, const char *value)
{
    filter->query.is_closed_only = strcmp(value, "closed") == 0;
    filter->query.is_closed_too = strcmp(value, "all") == 0;
    return filter->query.is_closed_only || filter->query.is_closed_too ||
           strcmp(value, "open") == 0;
}

static bool put_limit(struct case_filter *filter, const char *value)
{
    uint64_t limit = 0;
    bool is_good = take_number(&limit, value, (struct number_range){1, CASE_FILTER_LIMIT_MAX});
    filter->limit = is_good ? (uint32_t)limit : filter->limit;
    return is_good;
}

/* "2.1772450000000000.17": severity, due, number. */
static bool put_cursor(struct case_filter *filter, const char *value)
{
    char copy[CASE_FILTER_CURSOR_SIZE];
    uint64_t severity = 0, due = 0, id = 0;
    if (!take_text(copy, sizeof(copy), value)) {
        return false;
    }
    char *first = strchr(copy, '.');
    char *second = first == NULL ? NULL : strchr(first + 1, '.');
    if (second == NULL) {
        return false;
    }
    *first = *second = '\0';
    bool is_good = take_number(&severity, copy, (struct number_range){1, 4}) &&
                   take_number(&due, first + 1, (struct number_range){0, INT64_MAX}) &&
                   take_number(&id, second + 1, (struct number_range){1, INT64_MAX});
    filter->query.after = (struct case_mark){(uint8_t)severity, (int64_t)due, id};
    return is_good;
}

static const struct filter_row {
    const char *name, *expected;
    bool (*put)(struct case_filter *filter, const char *value);
} ROWS[] = {
#define X(name, expected) {#name, expected, put_##name},
    CASE_FILTER_MAP(X)
#undef X
};
enum { ROW_COUNT = sizeof(ROWS) / sizeof(ROWS[0]) };

void case_filter_init(struct case_filter *filter)
{
    *filter = (struct case_filter){.limit = CASE_FILTER_LIMIT};
}

bool case_filter_put(struct case_filter *filter, const char *name, const char *value,
                     char reason[CASE_FILTER_REASON_SIZE])
{
    const struct filter_row *row = NULL;
    for (uint32_t i = 0; i < ROW_COUNT && row == NULL; i++) {
        row = strcmp(ROWS[i].name, name) == 0 ? &ROWS[i] : NULL;
    }
    REQUIRE(row != NULL);
    if (row->put(filter, value)) {
        return true;
    }
    snprintf(reason, CASE_FILTER_REASON_SIZE, "%s: expected %s, got \"%.60s\"", name, row->expected,
             value);
    return false;
}

void case_filter_cursor(char text[CASE_FILTER_CURSOR_SIZE], const struct case_line *last)
{
    snprintf(text, CASE_FILTER_CURSOR_SIZE, "%u.%" PRId64 ".%" PRIu64, last->severity, last->due_us,
             last->id);
}

const char *case_filter_name(uint32_t index)
{
    return index < ROW_COUNT ? ROWS[index].name : NULL;
}
