/* See inspection_book.h. */
#include "switch/desk/inspection_book.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/pan_text.h"
#include "protocols/base/require.h"
#include "protocols/firmware_order.h"
#include "routing/civil_date.h"
#include "switch/desk/desk_state.h"
#include "switch/desk/inspection_row.h"
#include "switch/desk/registry.h"

static const char *text_of(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return text != NULL ? text : "";
}

/* --- what took place ------------------------------------------------------------------------ */

static enum status judge(struct desk *desk, struct inspection_entry *entry)
{
    struct merchant_registration merchant = {0};
    struct terminal_registration terminal = {0};
    const struct inspection *it = &entry->inspection;
    memcpy(merchant.merchant_id, it->merchant_id, sizeof(merchant.merchant_id));
    memcpy(terminal.terminal_id, it->terminal_id, sizeof(terminal.terminal_id));
    enum status status = registry_find(desk, REGISTRY_MERCHANT, &merchant);
    if (status == STATUS_OK && it->terminal_id[0] != '\0') {
        status = registry_find(desk, REGISTRY_TERMINAL, &terminal);
    }
    if (status == STATUS_OK) {
        inspection_judge(it, &merchant, it->terminal_id[0] != '\0' ? &terminal : NULL,
                         &entry->result);
    }
    return status;
}

static enum status insert(struct desk *desk, const struct inspection_entry *entry)
{
    struct cell_sql sql = {0};
    cell_sql_add(&sql, "INSERT OR IGNORE INTO inspection_entry VALUES (");
    cell_sql_places(&sql, &INSPECTION_ROW);
    cell_sql_add(&sql, ")");
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    bool is_bound =
        statement != NULL && cell_bind(statement, 1, &INSPECTION_ROW, entry, CELL_PLAIN) != 0;
    enum status status = desk_run(desk, statement, is_bound);
    return status == STATUS_OK && sqlite3_changes(desk->database) == 0
               ? desk_fault(desk, STATUS_DUPLICATE,
                            "an inspection of merchant %s, terminal \"%s\" is there for this day",
                            entry->inspection.merchant_id, entry->inspection.terminal_id)
               : status;
}

static enum status add(struct desk *desk, struct inspection_entry *entry)
{
    enum status status = judge(desk, entry);
    return status == STATUS_OK ? insert(desk, entry) : status;
}

enum status inspection_book_add(struct desk *desk, const struct inspection *inspection,
                                struct inspection_result *result)
{
    struct inspection_entry entry = {.inspection = *inspection};
    char fault[CELL_FAULT_SIZE];
    pan_text_mask(entry.inspection.remark); /* what people write is kept for years */
    if (!cell_check(&INSPECTION_ROW, &entry, fault)) {
        return desk_fault(desk, STATUS_BAD_VALUE, "inspection: %s", fault);
    }
    enum status status = desk_begin(desk);
    if (status == STATUS_OK) {
        status = desk_end(desk, add(desk, &entry));
    }
    if (status == STATUS_OK) {
        *result = entry.result;
    }
    return status;
}

enum status inspection_book_list(struct desk *desk, const char *merchant_id,
                                 struct inspection_entry *entries, uint32_t room, uint32_t *count)
{
    struct cell_sql sql = {0};
    char fault[CELL_FAULT_SIZE];
    cell_sql_add(&sql, "SELECT ");
    cell_sql_names(&sql, &INSPECTION_ROW, CELL_PLAIN);
    cell_sql_add(&sql,
                 " FROM inspection_entry WHERE merchant_id = ? ORDER BY day DESC, terminal_id");
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    if (statement == NULL || !desk_bind(statement, &DESK_TEXT(merchant_id), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = STATUS_OK;
    *count = 0;
    while (status == STATUS_OK && *count < room) {
        status = desk_step(desk, statement);
        if (status == STATUS_OK &&
            !cell_read(statement, 0, &INSPECTION_ROW, &entries[*count], fault)) {
            status = desk_fault(desk, STATUS_MALFORMED, "inspection of %s: %s", merchant_id, fault);
        }
        *count += status == STATUS_OK;
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* --- what is due ---------------------------------------------------------------------------- */

struct due_walk {
    struct desk *desk;
    const struct inspection_rules *rules;
    const struct inspection_sink *sink;
    int32_t today;
    enum status status;
};

/* Inspections that passed since the contract began: how many, and the last one's day. */
static enum status passed_since(struct desk *desk, const struct merchant_registration *merchant,
                                uint32_t *count, int32_t *day)
{
    char since[16] = "";
    if (merchant->contract_from_day != 0) {
        struct civil_date date = civil_date_of(merchant->contract_from_day);
        snprintf(since, sizeof(since), "%04d-%02u-%02u", (int)date.year % 10000, date.month % 100,
                 date.day % 100);
    }
    const struct desk_value values[] = {DESK_TEXT(merchant->merchant_id), DESK_TEXT(since)};
    sqlite3_stmt *statement = desk_prepare(
        desk, "SELECT count(DISTINCT day), coalesce(max(day), '') FROM inspection_entry"
              " WHERE merchant_id = ? AND verdict = 'passed' AND day >= ?");
    if (statement == NULL || !desk_bind(statement, values, 2)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    int64_t last = 0;
    enum status status = desk_step(desk, statement);
    if (status == STATUS_OK) {
        *count = (uint32_t)sqlite3_column_int64(statement, 0);
        if (*count > 0 && !civil_date_parse(&last, text_of(statement, 1))) {
            status = desk_fault(desk, STATUS_MALFORMED, "inspection of %s: day is none",
                                merchant->merchant_id);
        }
        *day = (int32_t)last;
    }
    desk_release(desk, statement);
    return status;
}

enum status inspection_book_next(struct desk *desk, const struct inspection_rules *rules,
                                 int32_t today, struct merchant_registration *merchant,
                                 struct inspection_due *due)
{
    uint32_t count = 0;
    int32_t day = 0;
    enum status status = registry_find(desk, REGISTRY_MERCHANT, merchant);
    if (status == STATUS_OK) {
        status = passed_since(desk, merchant, &count, &day);
    }
    if (status == STATUS_OK) {
        inspection_next(rules, merchant, count, day, today, due);
    }
    return status;
}

static bool on_merchant(void *argument, const void *row)
{
    struct due_walk *walk = argument;
    const struct merchant_registration *merchant = row;
    uint32_t count = 0;
    int32_t day = 0;
    struct inspection_due due;
    if (merchant->state != MERCHANT_STATE_ACTIVE) {
        return true;
    }
    walk->status = passed_since(walk->desk, merchant, &count, &day);
    if (walk->status == STATUS_OK) {
        inspection_next(walk->rules, merchant, count, day, walk->today, &due);
        if (due.is_near || due.is_overdue) {
            walk->sink->on_due(walk->sink->argument, merchant, &due);
        }
    }
    return walk->status == STATUS_OK;
}

enum status inspection_book_due(struct desk *desk, const struct inspection_rules *rules,
                                int32_t today, const struct inspection_sink *sink)
{
    struct due_walk walk = {desk, rules, sink, today, STATUS_OK};
    const struct registry_sink rows = {on_merchant, &walk};
    enum status status = registry_list(desk, REGISTRY_MERCHANT, &rows);
    return status == STATUS_OK ? walk.status : status;
}

/* --- terminals ------------------------------------------------------------------------------ */

static enum status write_seen(struct desk *desk, const struct terminal_sighting *sightings,
                              uint32_t count)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        const struct desk_value values[] = {DESK_TEXT(sightings[i].terminal_id),
                                            DESK_NUMBER(sightings[i].seen_us),
                                            DESK_TEXT(sightings[i].firmware)};
        status = desk_write(desk,
                            "INSERT INTO terminal_seen VALUES (?, ?, ?) ON CONFLICT (terminal_id)"
                            " DO UPDATE SET seen_us = excluded.seen_us,"
                            " firmware = iif(excluded.firmware = '', firmware, excluded.firmware)"
                            " WHERE excluded.seen_us >= seen_us",
                            values, DESK_COUNT_OF(values));
    }
    return status;
}

enum status inspection_book_seen(struct desk *desk, const struct terminal_sighting *sightings,
                                 uint32_t count)
{
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, write_seen(desk, sightings, count)) : status;
}

enum status inspection_book_sighting(struct desk *desk, const char *terminal_id,
                                     struct terminal_sighting *sighting)
{
    sqlite3_stmt *statement = desk_prepare(
        desk, "SELECT terminal_id, seen_us, firmware FROM terminal_seen WHERE terminal_id = ?");
    if (statement == NULL || !desk_bind(statement, &DESK_TEXT(terminal_id), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = desk_step(desk, statement);
    if (status == STATUS_OK) {
        *sighting = (struct terminal_sighting){.seen_us = sqlite3_column_int64(statement, 1)};
        snprintf(sighting->terminal_id, sizeof(sighting->terminal_id), "%s", text_of(statement, 0));
        snprintf(sighting->firmware, sizeof(sighting->firmware), "%s", text_of(statement, 2));
    }
    desk_release(desk, statement);
    return status;
}

const char *terminal_lack_name(enum terminal_lack lack)
{
    static const char *const NAMES[TERMINAL_LACK_COUNT] = {
#define X(name, text) [TERMINAL_LACK_##name] = #name,
        TERMINAL_LACK_MAP(X)
#undef X
    };
    REQUIRE((unsigned)lack < TERMINAL_LACK_COUNT);
    return NAMES[lack];
}

#define LACK_SQL                                                                                   \
    "SELECT t.terminal_id, coalesce(b.merchant_id, ''), coalesce(nullif(s.firmware, ''),"          \
    " t.firmware), coalesce(s.seen_us, 0), coalesce(m.firmware_min, ''),"                          \
    " coalesce(m.firmware_latest, ''), t.certificate_ends_day, coalesce(m.end_of_support_day, '')" \
    " FROM terminal_registration AS t"                                                             \
    " LEFT JOIN device_model AS m ON m.brand = t.brand AND m.model = t.model"                      \
    " LEFT JOIN terminal_seen AS s ON s.terminal_id = t.terminal_id"                               \
    " LEFT JOIN registry_binding AS b ON b.terminal_id = t.terminal_id AND b.valid_to_day = ''"    \
    " WHERE t.state = 'active' ORDER BY t.terminal_id"

static bool is_below(const char *firmware, const char *wanted)
{
    return firmware[0] != '\0' && wanted[0] != '\0' && firmware_order(firmware, wanted) < 0;
}

/* A day that is not known never comes. */
static bool ends_before(const char *day_text, int32_t day)
{
    int64_t ends = 0;
    return day_text[0] != '\0' && civil_date_parse(&ends, day_text) && ends < day;
}

static bool has_lack(sqlite3_stmt *statement, const struct terminal_lack_query *query,
                     const struct terminal_lack_line *line)
{
    bool is_low = is_below(line->firmware, text_of(statement, 4));
    switch (line->lack) {
    case TERMINAL_LACK_SILENT:
        return query->silent_since_us != 0 && line->seen_us < query->silent_since_us;
    case TERMINAL_LACK_FIRMWARE_MIN:
        return is_low;
    case TERMINAL_LACK_FIRMWARE_LATEST:
        return query->has_latest && !is_low && is_below(line->firmware, text_of(statement, 5));
    case TERMINAL_LACK_CERTIFICATE:
        return ends_before(text_of(statement, 6), query->ends_before_day);
    case TERMINAL_LACK_SUPPORT:
        return ends_before(text_of(statement, 7), query->ends_before_day);
    case TERMINAL_LACK_COUNT:
        break;
    }
    return false;
}

static void give_lacks(sqlite3_stmt *statement, const struct terminal_lack_query *query,
                       const struct terminal_lack_sink *sink)
{
    struct terminal_lack_line line = {.seen_us = sqlite3_column_int64(statement, 3)};
    snprintf(line.terminal_id, sizeof(line.terminal_id), "%s", text_of(statement, 0));
    snprintf(line.merchant_id, sizeof(line.merchant_id), "%s", text_of(statement, 1));
    snprintf(line.firmware, sizeof(line.firmware), "%s", text_of(statement, 2));
    for (unsigned i = 0; i < TERMINAL_LACK_COUNT; i++) {
        line.lack = (enum terminal_lack)i;
        if (has_lack(statement, query, &line)) {
            sink->on_line(sink->argument, &line);
        }
    }
}

enum status inspection_book_lacks(struct desk *desk, const struct terminal_lack_query *query,
                                  const struct terminal_lack_sink *sink)
{
    sqlite3_stmt *statement = desk_prepare(desk, LACK_SQL);
    enum status status = statement == NULL ? desk_broken(desk, "reading") : STATUS_OK;
    while (status == STATUS_OK) {
        status = desk_step(desk, statement);
        if (status == STATUS_OK) {
            give_lacks(statement, query, sink);
        }
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
