/* See retire.h.
 *
 * Each class says how to find what is old and what to do with one of them; the walk is the same:
 * find one, write down what it is, do it, in one transaction, until none is found.
 */
#include "switch/desk/retire.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocols/base/require.h"
#include "routing/civil_date.h"
#include "switch/desk/desk_state.h"

#define DAY_US CIVIL_DAY_US
#define CHINA_US (INT64_C(8) * 3600 * 1000000)
#define STATEMENT_COUNT_MAX 12
#define IS_HELD(column)                                                                            \
    " IN (SELECT c." column " FROM service_case AS c JOIN legal_hold AS h ON h.case_id = c.id"     \
    " WHERE h.ended_us = 0)"

/* `find` gives a key of up to three columns and what it was; ?1 is the moment in microseconds, ?2
 * the day as text. The statements that follow have the key as ?1 to ?3. */
struct retire_class {
    const char *name, *find;
    bool is_stretch;                             /* keys are the first and last number of many */
    const char *statements[STATEMENT_COUNT_MAX]; /* ends with NULL */
};

static const struct retire_class CASES = {
    "case",
    "SELECT id, '', '', 'events ' || event_count || ', last hash ' || lower(hex(last_hash))"
    " FROM service_case WHERE state = 'CLOSED' AND closed_us < ?1 AND ?2 <> '' AND id NOT IN"
    " (SELECT case_id FROM legal_hold WHERE ended_us = 0) LIMIT 1",
    false,
    /* One statement in two strings. NOLINTNEXTLINE(bugprone-suspicious-missing-comma) */
    {"DELETE FROM flag_evidence WHERE flag_id IN (SELECT id FROM flag WHERE case_id = ?1)"
     " AND ?2 = '' AND ?3 = ''",
     "DELETE FROM flag WHERE case_id = ?1 AND ?2 = '' AND ?3 = ''",
     "DELETE FROM case_txn WHERE case_id = ?1 AND ?2 = '' AND ?3 = ''",
     "DELETE FROM case_effect WHERE case_id = ?1 AND ?2 = '' AND ?3 = ''",
     "DELETE FROM service_case WHERE id = ?1 AND ?2 = '' AND ?3 = ''",
     "DELETE FROM case_part WHERE case_id = ?1 AND ?2 = '' AND ?3 = ''",
     "DELETE FROM case_photo WHERE case_id = ?1 AND ?2 = '' AND ?3 = ''",
     "DELETE FROM case_entry WHERE case_id = ?1 AND ?2 = '' AND ?3 = ''",
     "DELETE FROM reading WHERE case_id = ?1 AND ?2 = '' AND ?3 = ''", NULL}};

static const struct retire_class FLAGS = {
    "flag",
    "SELECT id, signal, subject_id, 'position ' || position FROM flag WHERE case_id = 0"
    " AND window_end_us < ?1 AND ?2 <> '' AND terminal_id NOT" IS_HELD("terminal_id") " LIMIT 1",
    false,
    {"DELETE FROM flag_evidence WHERE flag_id = ?1 AND ?2 <> '' AND ?3 <> ''",
     "DELETE FROM flag WHERE id = ?1 AND signal = ?2 AND subject_id = ?3", NULL}};

/* History tells the place too: of this binding it is emptied with it. */
static const struct retire_class PLACES = {
    "place",
    "SELECT terminal_id, serial, valid_from_day, 'city ' || area_code / 100 * 100"
    " FROM registry_binding WHERE valid_to_day <> '' AND valid_to_day < ?2 AND ?1 > 0"
    " AND (has_place <> 'no' OR latitude_e3 <> 0 OR longitude_e3 <> 0 OR address <> ''"
    " OR radius_m <> 0 OR area_code % 100 <> 0)"
    " AND terminal_id NOT" IS_HELD("terminal_id") " LIMIT 1",
    false,
    {"UPDATE registry_binding SET has_place = 'no', latitude_e3 = 0, longitude_e3 = 0,"
     " address = '', radius_m = 0, area_code = area_code / 100 * 100"
     " WHERE terminal_id = ?1 AND serial = ?2 AND valid_from_day = ?3",
     "UPDATE history SET before = '', after = '' WHERE row_kind = 'registry_binding'"
     " AND row_key = ?1 || ' | ' || ?2 || ' | ' || ?3"
     " AND column_name IN ('latitude_e3', 'longitude_e3', 'address')",
     NULL}};

static const struct retire_class INSPECTIONS = {
    "inspection",
    "SELECT merchant_id, terminal_id, day, verdict || ' by ' || inspector"
    " FROM inspection_entry AS old WHERE day < ?2 AND ?1 > 0 AND (SELECT count(DISTINCT day)"
    " FROM inspection_entry AS newer WHERE newer.merchant_id = old.merchant_id"
    " AND newer.day > old.day) >= 2"
    " AND merchant_id NOT" IS_HELD("merchant_id") " LIMIT 1",
    false,
    {"DELETE FROM inspection_entry WHERE merchant_id = ?1 AND terminal_id = ?2 AND day = ?3",
     NULL}};

/* From the old end, a thousand at a time: what is behind one that stays stays too. A webhook that
 * has not delivered them by then, be it stopped or its other side dead, goes on behind them, and it
 * is counted what it never got: else one ticket system that is forgotten fills the disk. */
static const struct retire_class EVENTS = {
    "event",
    "SELECT min(number), max(number), '', 'events of the outbox' FROM (SELECT number FROM event_out"
    " WHERE number < ifnull((SELECT min(number) FROM event_out WHERE wall_us >= ?1 OR ?2 = ''),"
    " 9223372036854775807) ORDER BY number LIMIT 1000) HAVING count(*) > 0",
    true,
    /* One statement in several strings. NOLINTNEXTLINE(bugprone-suspicious-missing-comma) */
    {"UPDATE webhook_position SET position = CAST(?2 AS INTEGER), given_up = given_up"
     " + CAST(?2 AS INTEGER) - max(position, CAST(?1 AS INTEGER) - 1)"
     " WHERE state <> 'absent' AND position < CAST(?2 AS INTEGER) AND ?3 = ''",
     "DELETE FROM event_out WHERE number >= ?1 AND number <= ?2 AND ?3 = ''", NULL}};

static const struct retire_class DEAD_LETTERS = {
    "dead_letter",
    "SELECT name, number, '', kind || ' of ' || subject || ', given up after ' || attempts ||"
    " ' attempts' FROM webhook_dead WHERE died_us < ?1 AND ?2 <> '' LIMIT 1",
    false,
    {"DELETE FROM webhook_dead WHERE name = ?1 AND number = ?2 AND ?3 = ''", NULL}};

/* A merchant's file: its row, its bindings with all that they were, what was changed of both, and
 * its inspections. The triggers let these go once the line in `retired` is there. */
static const struct retire_class MERCHANTS = {
    "merchant",
    "SELECT merchant_id, '', '', 'contract ended ' || contract_to_day"
    " FROM merchant_registration AS m WHERE state = 'left' AND contract_to_day <> ''"
    " AND contract_to_day < ?2 AND ?1 > 0 AND NOT EXISTS (SELECT 1 FROM registry_binding AS b"
    " WHERE b.merchant_id = m.merchant_id AND (b.valid_to_day = '' OR b.valid_to_day >= ?2))"
    " AND NOT EXISTS (SELECT 1 FROM service_case AS c WHERE c.merchant_id = m.merchant_id"
    " AND c.state <> 'CLOSED') AND merchant_id NOT" IS_HELD("merchant_id") " LIMIT 1",
    false,
    /* One statement in several strings. NOLINTNEXTLINE(bugprone-suspicious-missing-comma) */
    {"DELETE FROM history WHERE row_kind = 'registry_binding' AND row_key IN"
     " (SELECT terminal_id || ' | ' || serial || ' | ' || valid_from_day FROM registry_binding"
     " WHERE merchant_id = ?1) AND ?2 = '' AND ?3 = ''",
     "DELETE FROM registry_binding WHERE merchant_id = ?1 AND ?2 = '' AND ?3 = ''",
     "DELETE FROM history WHERE row_kind = 'merchant_registration' AND row_key = ?1 AND ?2 = ''"
     " AND ?3 = ''",
     "DELETE FROM inspection_entry WHERE merchant_id = ?1 AND ?2 = '' AND ?3 = ''",
     "DELETE FROM merchant_registration WHERE merchant_id = ?1 AND ?2 = '' AND ?3 = ''", NULL}};

void retire_rules_default(struct retire_rules *rules)
{
    *rules = (struct retire_rules){.case_days = 1096,
                                   .place_days = 365,
                                   .inspection_days = 1096,
                                   .event_days = 90,
                                   .dead_days = 1096,
                                   .merchant_days = 1096};
}

struct retire_item {
    char keys[3][128];
    char detail[256];
};

static enum status find_item(struct desk *desk, const struct retire_class *class, int64_t before_us,
                             struct retire_item *item)
{
    char day[16];
    struct civil_date date = civil_date_of((int32_t)((before_us + CHINA_US) / DAY_US));
    snprintf(day, sizeof(day), "%04d-%02u-%02u", (int)date.year % 10000, date.month % 100,
             date.day % 100);
    const struct desk_value values[] = {DESK_NUMBER(before_us), DESK_TEXT(day)};
    sqlite3_stmt *statement = desk_prepare(desk, class->find);
    if (statement == NULL || !desk_bind(statement, values, 2)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = desk_step(desk, statement);
    for (int i = 0; status == STATUS_OK && i < 4; i++) {
        const char *text = (const char *)sqlite3_column_text(statement, i);
        snprintf(i < 3 ? item->keys[i] : item->detail,
                 i < 3 ? sizeof(item->keys[0]) : sizeof(item->detail), "%s",
                 text != NULL ? text : "");
    }
    desk_release(desk, statement);
    return status;
}

static enum status retire_item(struct desk *desk, const struct retire_class *class,
                               const struct retire_item *item, const struct desk_actor *by)
{
    const struct desk_value said[] = {DESK_NUMBER(by->wall_us), DESK_TEXT(by->actor),
                                      DESK_TEXT(class->name),   DESK_TEXT(item->keys[0]),
                                      DESK_TEXT(item->keys[1]), DESK_TEXT(item->keys[2]),
                                      DESK_TEXT(item->detail)};
    const struct desk_value key[] = {DESK_TEXT(item->keys[0]), DESK_TEXT(item->keys[1]),
                                     DESK_TEXT(item->keys[2])};
    enum status status =
        desk_write(desk,
                   "INSERT INTO retired (wall_us, actor, class, key_1, key_2, key_3, detail)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?)",
                   said, DESK_COUNT_OF(said));
    for (uint32_t i = 0; status == STATUS_OK && class->statements[i] != NULL; i++) {
        REQUIRE(i < STATEMENT_COUNT_MAX);
        status = desk_write(desk, class->statements[i], key, DESK_COUNT_OF(key));
    }
    return status;
}

/* NOT_FOUND: nothing is old any more, which ends the transaction well. */
static enum status retire_one(struct desk *desk, const struct retire_class *class,
                              int64_t before_us, const struct desk_actor *by,
                              struct retire_item *item)
{
    enum status status = desk_begin(desk);
    if (status != STATUS_OK) {
        return status;
    }
    enum status found = find_item(desk, class, before_us, item);
    status = found == STATUS_OK ? retire_item(desk, class, item, by) : found;
    status = desk_end(desk, status == STATUS_NOT_FOUND ? STATUS_OK : status);
    return status == STATUS_OK ? found : status;
}

static uint32_t stretch_length(const struct retire_item *item)
{
    return (uint32_t)(strtoull(item->keys[1], NULL, 10) - strtoull(item->keys[0], NULL, 10) + 1);
}

/* A class with its age and its count. */
struct retire_turn {
    const struct retire_class *class;
    int32_t days;
    uint32_t *count;
};

static enum status retire_class(struct desk *desk, const struct retire_turn *turn,
                                const struct desk_actor *by, uint32_t *left)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && *left > 0) {
        struct retire_item item;
        status = retire_one(desk, turn->class, by->wall_us - turn->days * DAY_US, by, &item);
        if (status == STATUS_OK) {
            *turn->count += turn->class->is_stretch ? stretch_length(&item) : 1;
            --*left;
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status desk_retire(struct desk *desk, const struct retire_rules *rules,
                        const struct desk_actor *by, struct retire_counts *counts, bool *has_more)
{
    REQUIRE(by->actor[0] != '\0' && desk->depth == 0);
    *counts = (struct retire_counts){0};
    const struct retire_turn turns[] = {
        {&CASES, rules->case_days, &counts->cases},
        {&FLAGS, rules->case_days, &counts->flags},
        {&PLACES, rules->place_days, &counts->places},
        {&INSPECTIONS, rules->inspection_days, &counts->inspections},
        {&EVENTS, rules->event_days, &counts->events},
        {&DEAD_LETTERS, rules->dead_days, &counts->dead_letters},
        {&MERCHANTS, rules->merchant_days, &counts->merchants}};
    uint32_t left = rules->count_max > 0 ? rules->count_max : UINT32_MAX;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < DESK_COUNT_OF(turns); i++) {
        status = retire_class(desk, &turns[i], by, &left);
    }
    *has_more = status == STATUS_OK && left == 0;
    return status;
}

enum status desk_find_retired_case(struct desk *desk, uint64_t case_id,
                                   struct retired_case *retired)
{
    sqlite3_stmt *statement =
        desk_prepare(desk, "SELECT wall_us, actor, detail FROM retired WHERE class = 'case'"
                           " AND key_1 = CAST(? AS TEXT)");
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(case_id), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = desk_step(desk, statement);
    if (status == STATUS_OK) {
        retired->wall_us = sqlite3_column_int64(statement, 0);
        snprintf(retired->actor, sizeof(retired->actor), "%s",
                 (const char *)sqlite3_column_text(statement, 1));
        snprintf(retired->detail, sizeof(retired->detail), "%s",
                 (const char *)sqlite3_column_text(statement, 2));
    }
    desk_release(desk, statement);
    return status;
}
