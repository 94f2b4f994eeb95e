/* See case_book.h: how cases come to be, move, and are read. Queues stand in case_queue.c. */
#include "switch/desk/case_book.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/pan_text.h"
#include "protocols/base/require.h"
#include "switch/desk/case_list.h"
#include "switch/desk/case_row.h"
#include "switch/desk/desk_state.h"
#include "switch/desk/effect_book.h"
#include "switch/desk/event_note.h"

/* A case with what its row has beside it. */
struct kept_case {
    struct service_case it;
    uint8_t hash[CASE_HASH_BYTES]; /* of its newest event */
};

static int64_t due_of(const struct service_case *it, const struct case_rules *rules)
{
    const struct service_clock *clock =
        service_clock_is_running(&it->repair) ? &it->repair : &it->answer;
    return service_case_is_open(it) ? service_clock_due(clock, &rules->calendar) : 0;
}

static enum status no_case(struct desk *desk, uint64_t case_id)
{
    return desk_fault(desk, STATUS_NOT_FOUND, "no case has the number %llu",
                      (unsigned long long)case_id);
}

static enum status find(struct desk *desk, uint64_t case_id, struct kept_case *kept)
{
    struct cell_sql sql = {0};
    char fault[CELL_FAULT_SIZE];
    cell_sql_add(&sql, "SELECT last_hash, ");
    cell_sql_names(&sql, &CASE_ROW_CASE, CELL_PLAIN);
    cell_sql_add(&sql, " FROM service_case WHERE id = ?");
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(case_id), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = desk_step(desk, statement);
    if (status == STATUS_OK) {
        bool is_whole = sqlite3_column_bytes(statement, 0) == CASE_HASH_BYTES;
        snprintf(fault, sizeof(fault), "column \"last_hash\": expected 32 bytes");
        if (is_whole) {
            memcpy(kept->hash, sqlite3_column_blob(statement, 0), CASE_HASH_BYTES);
        }
        if (!is_whole || !cell_read(statement, 1, &CASE_ROW_CASE, &kept->it, fault)) {
            status = desk_fault(desk, STATUS_MALFORMED, "case %llu: %s",
                                (unsigned long long)case_id, fault);
        }
        kept->it.id = case_id;
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? no_case(desk, case_id) : status;
}

enum status case_book_find(struct desk *desk, uint64_t case_id, struct service_case *service_case)
{
    struct kept_case kept;
    enum status status = find(desk, case_id, &kept);
    if (status == STATUS_OK) {
        *service_case = kept.it;
    }
    return status;
}

enum status case_book_last_hash(struct desk *desk, uint64_t case_id, uint8_t hash[32])
{
    struct kept_case kept;
    enum status status = find(desk, case_id, &kept);
    if (status == STATUS_OK) {
        memcpy(hash, kept.hash, CASE_HASH_BYTES);
    }
    return status;
}

/* --- writing -------------------------------------------------------------------------------- */

static int bind_end(sqlite3_stmt *statement, int at, const struct kept_case *kept,
                    const struct case_rules *rules)
{
    int failed = at == 0;
    failed |= sqlite3_bind_int64(statement, at, service_case_wake_us(&kept->it, rules));
    failed |= sqlite3_bind_int64(statement, at + 1, due_of(&kept->it, rules));
    failed |= sqlite3_bind_blob(statement, at + 2, kept->hash, CASE_HASH_BYTES, SQLITE_TRANSIENT);
    return failed == SQLITE_OK ? at + 3 : 0;
}

static enum status insert_case(struct desk *desk, struct kept_case *kept,
                               const struct case_rules *rules)
{
    struct cell_sql sql = {0};
    cell_sql_add(&sql, "INSERT INTO service_case (");
    cell_sql_names(&sql, &CASE_ROW_CASE, CELL_PLAIN);
    cell_sql_add(&sql, ", wake_us, due_us, last_hash) VALUES (");
    cell_sql_places(&sql, &CASE_ROW_CASE);
    cell_sql_add(&sql, ", ?, ?, ?)");
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    int at = statement == NULL ? 0 : cell_bind(statement, 1, &CASE_ROW_CASE, &kept->it, CELL_PLAIN);
    enum status status =
        desk_run(desk, statement, at != 0 && bind_end(statement, at, kept, rules) != 0);
    kept->it.id = (uint64_t)sqlite3_last_insert_rowid(desk->database);
    return status;
}

static enum status update_case(struct desk *desk, const struct kept_case *kept,
                               const struct case_rules *rules)
{
    struct cell_sql sql = {0};
    cell_sql_add(&sql, "UPDATE service_case SET ");
    cell_sql_values(&sql, &CASE_ROW_CASE);
    cell_sql_add(&sql, ", wake_us = ?, due_us = ?, last_hash = ? WHERE id = ?");
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    int at = statement == NULL ? 0 : cell_bind(statement, 1, &CASE_ROW_CASE, &kept->it, CELL_PLAIN);
    at = at == 0 ? 0 : bind_end(statement, at, kept, rules);
    bool is_bound = at != 0 && sqlite3_bind_int64(statement, at, (int64_t)kept->it.id) == SQLITE_OK;
    return desk_run(desk, statement, is_bound);
}

static enum status insert_entry(struct desk *desk, const struct case_entry *entry,
                                const uint8_t *hash)
{
    struct cell_sql sql = {0};
    cell_sql_add(&sql, "INSERT INTO case_entry VALUES (?, ?, ");
    cell_sql_places(&sql, &CASE_ROW_ENTRY);
    cell_sql_add(&sql, ", ?)");
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    const struct desk_value key[] = {DESK_NUMBER(entry->case_id), DESK_NUMBER(entry->number)};
    int at = statement == NULL || !desk_bind(statement, key, 2)
                 ? 0
                 : cell_bind(statement, 3, &CASE_ROW_ENTRY, entry, CELL_PLAIN);
    bool is_bound = at != 0 && sqlite3_bind_blob(statement, at, hash, CASE_HASH_BYTES,
                                                 SQLITE_TRANSIENT) == SQLITE_OK;
    return desk_run(desk, statement, is_bound);
}

/* What people write may hold a card number, which goes nowhere: not to the file, nor to whom the
 * case's events and effects are told. */
static struct case_event without_cards(const struct case_event *event)
{
    struct case_event said = *event;
    pan_text_mask(said.reason);
    return said;
}

/* What the history keeps of a step; BAD_VALUE before anything is written. */
static enum status make_entry(struct desk *desk, struct kept_case *kept,
                              const struct case_event *event, const struct case_effects *effects,
                              struct case_entry *entry)
{
    char fault[CELL_FAULT_SIZE];
    *entry = (struct case_entry){
        .number = kept->it.event_count, .event = *event, .from = effects->from, .to = effects->to};
    entry->event.kind = effects->record_kind;
    memcpy(entry->event.reason, effects->record_reason, sizeof(entry->event.reason));
    case_row_trim(entry->event.reason);
    if (!cell_check(&CASE_ROW_ENTRY, entry, fault) || !case_list_check(entry, fault) ||
        !cell_check(&CASE_ROW_CASE, &kept->it, fault)) {
        return desk_fault(desk, STATUS_BAD_VALUE, "case %llu, %s: %s",
                          (unsigned long long)kept->it.id, case_event_name(event->kind), fault);
    }
    return STATUS_OK;
}

/* The event behind the chain, the case as it is now, and what is told of it. */
static enum status write_entry(struct desk *desk, struct kept_case *kept, struct case_entry *entry,
                               const struct case_rules *rules)
{
    entry->case_id = kept->it.id;
    if (case_row_hash(entry, kept->hash) != STATUS_OK) {
        return desk_fault(desk, STATUS_BROKEN, "OpenSSL gave no SHA-256");
    }
    enum status status = insert_entry(desk, entry, kept->hash);
    if (status == STATUS_OK) {
        status = case_list_add(desk, entry);
    }
    if (status == STATUS_OK) {
        status = update_case(desk, kept, rules);
    }
    const struct event_note_step step = {&kept->it, entry, due_of(&kept->it, rules)};
    return status == STATUS_OK ? event_note_case(desk, &step) : status;
}

/* The flags of a case were what the case was. */
static enum status judge_flags(struct desk *desk, const struct kept_case *kept,
                               const struct case_entry *entry)
{
    bool is_end = entry->event.kind == CASE_EVENT_CLOSE;
    if (!is_end && entry->event.kind != CASE_EVENT_REOPEN) {
        return STATUS_OK;
    }
    enum case_outcome outcome = is_end ? kept->it.outcome : CASE_OUTCOME_NONE;
    const struct desk_value values[] = {
        DESK_TEXT(case_outcome_word(outcome)), DESK_NUMBER(is_end ? entry->event.wall_us : 0),
        DESK_TEXT(is_end ? entry->event.actor : ""), DESK_NUMBER(kept->it.id)};
    return desk_write(desk,
                      "UPDATE flag SET outcome = ?, judged_us = ?, judged_by = ? WHERE case_id = ?",
                      values, DESK_COUNT_OF(values));
}

static enum status open_case(struct desk *desk, struct kept_case *kept, struct case_entry *entry,
                             const struct case_rules *rules)
{
    enum status status = insert_case(desk, kept, rules);
    return status == STATUS_OK ? write_entry(desk, kept, entry, rules) : status;
}

static enum status open_with_effects(struct desk *desk, struct kept_case *kept,
                                     struct case_entry *entry, const struct case_rules *rules,
                                     const struct case_effects *effects)
{
    enum status status = open_case(desk, kept, entry, rules);
    return status == STATUS_OK ? effect_book_add(desk, kept->it.id, entry->event.wall_us, effects)
                               : status;
}

enum status case_book_open(struct desk *desk, struct service_case *service_case,
                           const struct case_event *event, const struct case_rules *rules,
                           struct case_effects *effects)
{
    REQUIRE(service_case->id == 0 && event->kind == CASE_EVENT_OPEN);
    struct kept_case kept = {.it = *service_case};
    const struct case_event said = without_cards(event);
    struct case_entry entry;
    service_case_step(&kept.it, &said, rules, effects);
    if (!effects->is_permitted) {
        return desk_fault(desk, STATUS_DENIED, "%s", effects->refusal);
    }
    enum status status = make_entry(desk, &kept, &said, effects, &entry);
    if (status != STATUS_OK) {
        return status;
    }
    status = desk_begin(desk);
    if (status == STATUS_OK) {
        status = desk_end(desk, open_with_effects(desk, &kept, &entry, rules, effects));
    }
    if (status == STATUS_OK) {
        *service_case = kept.it;
    }
    return status;
}

static enum status step_case(struct desk *desk, struct kept_case *kept,
                             const struct case_event *event, const struct case_rules *rules,
                             struct case_effects *effects)
{
    struct case_entry entry;
    char refusal[sizeof(effects->refusal)];
    service_case_step(&kept->it, event, rules, effects);
    if (!effects->is_permitted) {
        return STATUS_OK;
    }
    if (!effects->has_record) {
        return update_case(desk, kept, rules); /* its next waking may have moved */
    }
    enum status status = case_list_refuse(desk, &kept->it, event, refusal);
    if (status == STATUS_OK && refusal[0] != '\0') {
        *effects = (struct case_effects){.from = effects->from, .to = effects->from};
        memcpy(effects->refusal, refusal, sizeof(refusal));
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = make_entry(desk, kept, event, effects, &entry);
    }
    if (status == STATUS_OK) {
        status = write_entry(desk, kept, &entry, rules);
    }
    if (status == STATUS_OK) {
        status = effect_book_add(desk, kept->it.id, event->wall_us, effects);
    }
    return status == STATUS_OK ? judge_flags(desk, kept, &entry) : status;
}

enum status case_book_step(struct desk *desk, uint64_t case_id, const struct case_event *event,
                           const struct case_rules *rules, struct case_effects *effects)
{
    struct kept_case kept;
    const struct case_event said = without_cards(event);
    enum status status = desk_begin(desk);
    if (status != STATUS_OK) {
        return status;
    }
    status = find(desk, case_id, &kept);
    return desk_end(desk,
                    status == STATUS_OK ? step_case(desk, &kept, &said, rules, effects) : status);
}

/* --- reading by people ---------------------------------------------------------------------- */

static enum status note_reading(struct desk *desk, uint64_t case_id, const struct desk_actor *by,
                                struct kept_case *kept)
{
    enum status status = find(desk, case_id, kept);
    const struct desk_value values[] = {DESK_NUMBER(by->wall_us), DESK_TEXT(by->actor),
                                        DESK_NUMBER(case_id)};
    return status == STATUS_OK
               ? desk_write(desk, "INSERT INTO reading (wall_us, actor, case_id) VALUES (?, ?, ?)",
                            values, DESK_COUNT_OF(values))
               : status;
}

static enum status give_entries(struct desk *desk, uint64_t case_id, const struct case_sink *sink)
{
    struct cell_sql sql = {0};
    char fault[CELL_FAULT_SIZE];
    cell_sql_add(&sql, "SELECT number, ");
    cell_sql_names(&sql, &CASE_ROW_ENTRY, CELL_PLAIN);
    cell_sql_add(&sql, " FROM case_entry WHERE case_id = ? ORDER BY number");
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(case_id), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status;
    while ((status = desk_step(desk, statement)) == STATUS_OK) {
        struct case_entry entry;
        if (!cell_read(statement, 1, &CASE_ROW_ENTRY, &entry, fault)) {
            status = desk_fault(desk, STATUS_MALFORMED, "case %llu, an event: %s",
                                (unsigned long long)case_id, fault);
            break;
        }
        entry.case_id = case_id;
        entry.number = (uint32_t)sqlite3_column_int64(statement, 0);
        status = case_list_read(desk, &entry);
        if (status != STATUS_OK) {
            break;
        }
        sink->on_entry(sink->argument, &entry);
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status case_book_read(struct desk *desk, uint64_t case_id, const struct desk_actor *by,
                           struct service_case *service_case, const struct case_sink *entries)
{
    REQUIRE(by->actor[0] != '\0');
    struct kept_case kept;
    enum status status = desk_begin(desk);
    if (status == STATUS_OK) {
        status = desk_end(desk, note_reading(desk, case_id, by, &kept));
    }
    if (status != STATUS_OK) {
        return status;
    }
    *service_case = kept.it;
    return entries == NULL ? STATUS_OK : give_entries(desk, case_id, entries);
}

/* --- links and holds ------------------------------------------------------------------------ */

static enum status check_case(struct desk *desk, uint64_t case_id)
{
    int64_t one = 0;
    enum status status = desk_number(desk, "SELECT 1 FROM service_case WHERE id = ?",
                                     &DESK_NUMBER(case_id), 1, &one);
    return status == STATUS_NOT_FOUND ? no_case(desk, case_id) : status;
}

static enum status link_flag(struct desk *desk, uint64_t case_id, uint64_t flag_id)
{
    int64_t other = 0;
    enum status status = check_case(desk, case_id);
    if (status == STATUS_OK) {
        status = desk_number(desk, "SELECT case_id FROM flag WHERE id = ?", &DESK_NUMBER(flag_id),
                             1, &other);
    }
    if (status == STATUS_OK && other != 0 && (uint64_t)other != case_id) {
        return desk_fault(desk, STATUS_DENIED, "flag %llu belongs to case %lld already",
                          (unsigned long long)flag_id, (long long)other);
    }
    const struct desk_value values[] = {DESK_NUMBER(case_id), DESK_NUMBER(flag_id)};
    if (status != STATUS_OK || other != 0) {
        return status;
    }
    status = desk_write(desk, "UPDATE flag SET case_id = ? WHERE id = ?", values, 2);
    return status == STATUS_OK ? event_note_link(desk, flag_id, case_id) : status;
}

enum status case_book_link_flag(struct desk *desk, uint64_t case_id, uint64_t flag_id)
{
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, link_flag(desk, case_id, flag_id)) : status;
}

static enum status link_txn(struct desk *desk, uint64_t case_id, uint64_t position)
{
    enum status status = check_case(desk, case_id);
    const struct desk_value values[] = {DESK_NUMBER(case_id), DESK_NUMBER(position)};
    return status == STATUS_OK
               ? desk_write(desk, "INSERT OR IGNORE INTO case_txn VALUES (?, ?)", values, 2)
               : status;
}

enum status case_book_link_txn(struct desk *desk, uint64_t case_id, uint64_t position)
{
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, link_txn(desk, case_id, position)) : status;
}

static enum status keep(struct desk *desk, uint64_t case_id, const struct desk_actor *by,
                        const char *reason)
{
    int64_t number = 0;
    enum status status = check_case(desk, case_id);
    if (status != STATUS_OK) {
        return status;
    }
    status = desk_number(desk, "SELECT number FROM legal_hold WHERE case_id = ? AND ended_us = 0",
                         &DESK_NUMBER(case_id), 1, &number);
    if (status == STATUS_OK) {
        return desk_fault(desk, STATUS_DENIED, "case %llu is held for a court already",
                          (unsigned long long)case_id);
    }
    char said[CASE_REASON_SIZE];
    snprintf(said, sizeof(said), "%s", reason);
    pan_text_mask(said);
    const struct desk_value values[] = {DESK_NUMBER(case_id), DESK_NUMBER(by->wall_us),
                                        DESK_TEXT(by->actor), DESK_TEXT(said)};
    return status == STATUS_NOT_FOUND
               ? desk_write(desk,
                            "INSERT INTO legal_hold (case_id, begun_us, begun_by, reason, ended_us,"
                            " ended_by) VALUES (?, ?, ?, ?, 0, '')",
                            values, DESK_COUNT_OF(values))
               : status;
}

enum status case_book_keep(struct desk *desk, uint64_t case_id, const struct desk_actor *by,
                           const char *reason)
{
    REQUIRE(by->actor[0] != '\0' && reason[0] != '\0');
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, keep(desk, case_id, by, reason)) : status;
}

static enum status unkeep(struct desk *desk, uint64_t case_id, const struct desk_actor *by)
{
    const struct desk_value values[] = {DESK_NUMBER(by->wall_us), DESK_TEXT(by->actor),
                                        DESK_NUMBER(case_id)};
    enum status status =
        desk_write(desk,
                   "UPDATE legal_hold SET ended_us = ?, ended_by = ? WHERE case_id = ?"
                   " AND ended_us = 0",
                   values, DESK_COUNT_OF(values));
    return status == STATUS_OK && sqlite3_changes(desk->database) == 0
               ? desk_fault(desk, STATUS_DENIED, "case %llu is not held for a court",
                            (unsigned long long)case_id)
               : status;
}

enum status case_book_unkeep(struct desk *desk, uint64_t case_id, const struct desk_actor *by)
{
    REQUIRE(by->actor[0] != '\0' && by->wall_us > 0);
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, unkeep(desk, case_id, by)) : status;
}

enum status case_book_is_kept(struct desk *desk, uint64_t case_id, bool *is_kept)
{
    int64_t number = 0;
    enum status status =
        desk_number(desk, "SELECT number FROM legal_hold WHERE case_id = ? AND ended_us = 0",
                    &DESK_NUMBER(case_id), 1, &number);
    *is_kept = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
