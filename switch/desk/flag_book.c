/* See flag_book.h. */
#include "switch/desk/flag_book.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/desk/case_row.h"
#include "switch/desk/desk_state.h"
#include "switch/desk/event_note.h"

/* Two flags are the same by these. */
#define SAME                                                                                       \
    "signal = ? AND subject = ? AND subject_id = ? AND position = ?"                               \
    " AND iif(position = 0, window_end_us, 0) = ?"

static enum status find_same(struct desk *desk, const struct flag *flag, int64_t *id)
{
    sqlite3_stmt *statement = desk_prepare(desk, "SELECT id FROM flag WHERE " SAME);
    int at = statement == NULL ? 0 : cell_bind(statement, 1, &CASE_ROW_FLAG, flag, CELL_KEY);
    int64_t moment = flag->position == 0 ? flag->window_end_us : 0;
    if (at == 0 || sqlite3_bind_int64(statement, at, moment) != SQLITE_OK) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = desk_step(desk, statement);
    if (status == STATUS_OK) {
        *id = sqlite3_column_int64(statement, 0);
    }
    desk_release(desk, statement);
    return status;
}

static enum status insert(struct desk *desk, const struct flag *flag, int64_t *id)
{
    struct cell_sql sql = {0};
    cell_sql_add(&sql, "INSERT INTO flag (");
    cell_sql_names(&sql, &CASE_ROW_FLAG, CELL_PLAIN);
    cell_sql_add(&sql, ") VALUES (");
    cell_sql_places(&sql, &CASE_ROW_FLAG);
    cell_sql_add(&sql, ")");
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    bool is_bound =
        statement != NULL && cell_bind(statement, 1, &CASE_ROW_FLAG, flag, CELL_PLAIN) != 0;
    enum status status = desk_run(desk, statement, is_bound);
    *id = sqlite3_last_insert_rowid(desk->database);
    for (uint32_t i = 0; status == STATUS_OK && i < flag->evidence_count; i++) {
        const struct desk_value values[] = {DESK_NUMBER(*id), DESK_NUMBER(i),
                                            DESK_NUMBER(flag->evidence[i])};
        status = desk_write(desk, "INSERT INTO flag_evidence VALUES (?, ?, ?)", values, 3);
    }
    return status;
}

static enum status add(struct desk *desk, const struct flag *flag, uint64_t *id, bool *is_new)
{
    int64_t number = 0;
    enum status status = find_same(desk, flag, &number);
    *is_new = status == STATUS_NOT_FOUND;
    if (*is_new) {
        status = insert(desk, flag, &number);
        if (status == STATUS_OK) {
            status = event_note_flag(desk, (uint64_t)number, flag);
        }
    }
    *id = (uint64_t)number;
    return status;
}

enum status flag_book_add(struct desk *desk, const struct flag *flag, uint64_t *id, bool *is_new)
{
    char fault[CELL_FAULT_SIZE];
    REQUIRE(flag->evidence_count <= FLAG_EVIDENCE_COUNT_MAX);
    if (!cell_check(&CASE_ROW_FLAG, flag, fault)) {
        return desk_fault(desk, STATUS_BAD_VALUE, "flag: %s", fault);
    }
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, add(desk, flag, id, is_new)) : status;
}

/* --- reading -------------------------------------------------------------------------------- */

static enum status read_evidence(struct desk *desk, struct flag_entry *entry)
{
    sqlite3_stmt *statement =
        desk_prepare(desk, "SELECT position FROM flag_evidence WHERE flag_id = ? ORDER BY ordinal");
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(entry->id), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = STATUS_OK;
    struct flag *flag = &entry->flag;
    while (flag->evidence_count < FLAG_EVIDENCE_COUNT_MAX &&
           (status = desk_step(desk, statement)) == STATUS_OK) {
        flag->evidence[flag->evidence_count++] = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Rows of a statement that begins as select_flags() does. */
static enum status read_flags(struct desk *desk, sqlite3_stmt *statement,
                              struct flag_entry *entries, uint32_t room, uint32_t *count)
{
    enum status status = STATUS_OK;
    char fault[CELL_FAULT_SIZE];
    for (*count = 0; *count < room; ++*count) {
        struct flag_entry *entry = &entries[*count];
        status = desk_step(desk, statement);
        if (status != STATUS_OK) {
            break;
        }
        entry->id = (uint64_t)sqlite3_column_int64(statement, 0);
        entry->case_id = (uint64_t)sqlite3_column_int64(statement, 1);
        entry->outcome = case_outcome_from_word((const char *)sqlite3_column_text(statement, 2));
        if (entry->outcome > CASE_OUTCOME_BENIGN ||
            !cell_read(statement, 3, &CASE_ROW_FLAG, &entry->flag, fault)) {
            status =
                desk_fault(desk, STATUS_MALFORMED, "flag %llu: %s", (unsigned long long)entry->id,
                           entry->outcome > CASE_OUTCOME_BENIGN ? "outcome" : fault);
            break;
        }
        status = read_evidence(desk, entry);
        if (status != STATUS_OK) {
            break;
        }
    }
    return status;
}

static sqlite3_stmt *select_flags(struct desk *desk, const char *rest)
{
    struct cell_sql sql = {0};
    cell_sql_add(&sql, "SELECT id, case_id, outcome, ");
    cell_sql_names(&sql, &CASE_ROW_FLAG, CELL_PLAIN);
    cell_sql_add(&sql, " FROM flag ");
    cell_sql_add(&sql, rest);
    return desk_prepare(desk, sql.text);
}

enum status flag_book_find(struct desk *desk, uint64_t id, struct flag_entry *entry)
{
    uint32_t count = 0;
    sqlite3_stmt *statement = select_flags(desk, "WHERE id = ?");
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(id), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = read_flags(desk, statement, entry, 1, &count);
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND
               ? desk_fault(desk, status, "no flag has the number %llu", (unsigned long long)id)
               : status;
}

/* Takes the statement. */
static enum status list_flags(struct desk *desk, sqlite3_stmt *statement,
                              const struct desk_value values[2], struct flag_entry *entries,
                              uint32_t *count)
{
    uint32_t room = (uint32_t)values[0].number;
    if (statement == NULL || !desk_bind(statement, values, 2)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = read_flags(desk, statement, entries, room, count);
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status flag_book_list(struct desk *desk, const char *subject_id, struct flag_entry *entries,
                           uint32_t room, uint32_t *count)
{
    const struct desk_value values[2] = {DESK_NUMBER(room),
                                         DESK_TEXT(subject_id != NULL ? subject_id : "")};
    return list_flags(desk,
                      select_flags(desk, subject_id == NULL
                                             ? "WHERE ?2 = '' ORDER BY id DESC LIMIT ?1"
                                             : "WHERE subject_id = ?2 ORDER BY id DESC LIMIT ?1"),
                      values, entries, count);
}

enum status flag_book_of_case(struct desk *desk, uint64_t case_id, struct flag_entry *entries,
                              uint32_t room, uint32_t *count)
{
    const struct desk_value values[2] = {DESK_NUMBER(room), DESK_NUMBER(case_id)};
    return list_flags(desk, select_flags(desk, "WHERE case_id = ?2 ORDER BY id DESC LIMIT ?1"),
                      values, entries, count);
}

#define WITHIN_SQL                                                                                 \
    "WHERE case_id IN (SELECT c.id FROM service_case AS c WHERE (?2 = '' OR c.merchant_id IN"      \
    " (WITH RECURSIVE below(id) AS (SELECT ?2 UNION SELECT agent.agent_id FROM agent"              \
    " JOIN below ON agent.parent_id = below.id AND below.id <> '')"                                \
    " SELECT m.merchant_id FROM merchant_registration AS m JOIN below ON m.agent_id = below.id))"  \
    " AND (?3 = '' OR c.merchant_id = ?3) AND (?4 = '' OR c.point_id = ?4))"                       \
    " ORDER BY id DESC LIMIT ?1"

enum status flag_book_within(struct desk *desk, const struct flag_scope *scope,
                             struct flag_entry *entries, uint32_t room, uint32_t *count)
{
    const struct desk_value values[] = {DESK_NUMBER(room), DESK_TEXT(scope->agent_id),
                                        DESK_TEXT(scope->merchant_id), DESK_TEXT(scope->point_id)};
    sqlite3_stmt *statement = select_flags(desk, WITHIN_SQL);
    if (statement == NULL || !desk_bind(statement, values, DESK_COUNT_OF(values))) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = read_flags(desk, statement, entries, room, count);
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status flag_book_cohorts(struct desk *desk, int64_t since_us, struct flag_entry *entries,
                              uint32_t room, uint32_t *count)
{
    const struct desk_value values[2] = {DESK_NUMBER(room), DESK_NUMBER(since_us)};
    return list_flags(desk,
                      select_flags(desk, "WHERE subject = 'cohort' AND window_end_us >= ?2"
                                         " AND outcome <> 'benign' AND NOT EXISTS (SELECT 1 FROM"
                                         " service_case AS c WHERE c.id = flag.case_id"
                                         " AND c.state = 'CLOSED') ORDER BY id DESC LIMIT ?1"),
                      values, entries, count);
}

/* --- outcomes ------------------------------------------------------------------------------- */

static enum status judge(struct desk *desk, uint64_t id, enum case_outcome outcome,
                         const struct desk_actor *by)
{
    int64_t case_id = 0;
    enum status status =
        desk_number(desk, "SELECT case_id FROM flag WHERE id = ?", &DESK_NUMBER(id), 1, &case_id);
    if (status == STATUS_OK && case_id != 0) {
        return desk_fault(desk, STATUS_DENIED,
                          "flag %llu belongs to case %lld: close the case with an outcome",
                          (unsigned long long)id, (long long)case_id);
    }
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND
                   ? desk_fault(desk, status, "no flag has the number %llu", (unsigned long long)id)
                   : status;
    }
    const struct desk_value values[] = {DESK_TEXT(case_outcome_word(outcome)),
                                        DESK_NUMBER(by->wall_us), DESK_TEXT(by->actor),
                                        DESK_NUMBER(id)};
    status =
        desk_write(desk, "UPDATE flag SET outcome = ?, judged_us = ?, judged_by = ? WHERE id = ?",
                   values, DESK_COUNT_OF(values));
    return status == STATUS_OK ? event_note_judgement(desk, id, outcome, by) : status;
}

enum status flag_book_judge(struct desk *desk, uint64_t id, enum case_outcome outcome,
                            const struct desk_actor *by)
{
    REQUIRE(by->actor[0] != '\0');
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, judge(desk, id, outcome, by)) : status;
}

#define PRECISION_SQL                                                                              \
    "SELECT signal, sum(outcome = 'confirmed'), sum(outcome = 'benign') FROM ("                    \
    "SELECT DISTINCT flag.signal, service_case.id, service_case.outcome FROM service_case"         \
    " JOIN flag ON flag.case_id = service_case.id WHERE service_case.state = 'CLOSED'"             \
    " AND service_case.closed_us >= ?1 AND service_case.closed_us < ?2"                            \
    " UNION ALL SELECT signal, -id, outcome FROM flag WHERE case_id = 0"                           \
    " AND judged_us >= ?1 AND judged_us < ?2) WHERE outcome <> 'none' GROUP BY signal"

static void set_precision(struct flag_precision *precision)
{
    uint32_t sum = precision->confirmed + precision->benign;
    precision->per_mille = sum == 0 ? 0 : (uint32_t)((uint64_t)precision->confirmed * 1000 / sum);
    precision->is_watch_suggested =
        sum >= FLAG_WATCH_COUNT_MIN && precision->per_mille < FLAG_WATCH_PERCENT * 10;
}

enum status flag_book_precision(struct desk *desk, const struct flag_window *window,
                                struct flag_precision *precisions, uint32_t *count)
{
    struct flag_precision all[SIGNAL_COUNT] = {0};
    sqlite3_stmt *statement = desk_prepare(desk, PRECISION_SQL);
    const struct desk_value values[] = {DESK_NUMBER(window->begin_us), DESK_NUMBER(window->end_us)};
    if (statement == NULL || !desk_bind(statement, values, 2)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status;
    while ((status = desk_step(desk, statement)) == STATUS_OK) {
        enum signal_code signal = signal_from_code((const char *)sqlite3_column_text(statement, 0));
        if (signal < SIGNAL_COUNT) { /* else: of a rule that is no more */
            all[signal].confirmed = (uint32_t)sqlite3_column_int64(statement, 1);
            all[signal].benign = (uint32_t)sqlite3_column_int64(statement, 2);
        }
    }
    desk_release(desk, statement);
    *count = 0;
    for (uint32_t i = 0; i < SIGNAL_COUNT; i++) {
        all[i].signal = (enum signal_code)i;
        set_precision(&all[i]);
        if (all[i].confirmed + all[i].benign > 0) {
            precisions[(*count)++] = all[i];
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
