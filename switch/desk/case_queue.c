/* See case_book.h: lists of cases, what merging asks for, and the look at every chain. */
#include "switch/desk/case_book.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/desk/case_list.h"
#include "switch/desk/case_row.h"
#include "switch/desk/desk_state.h"

#define DAY_US INT64_C(86400000000)

static void take_text(sqlite3_stmt *statement, int at, char *to, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    snprintf(to, size, "%s", text != NULL ? text : "");
}

static const char *text_of(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return text != NULL ? text : "";
}

/* Numbers of the first column. */
static enum status take_numbers(struct desk *desk, sqlite3_stmt *statement, uint64_t *numbers,
                                uint32_t room, uint32_t *count)
{
    enum status status = STATUS_OK;
    for (*count = 0; *count < room; ++*count) {
        status = desk_step(desk, statement);
        if (status != STATUS_OK) {
            break;
        }
        numbers[*count] = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* --- queues --------------------------------------------------------------------------------- */

static enum status take_line(struct desk *desk, sqlite3_stmt *statement, struct case_line *line)
{
    *line = (struct case_line){.id = (uint64_t)sqlite3_column_int64(statement, 0),
                               .kind = case_kind_from_name(text_of(statement, 1)),
                               .state = case_state_from_name(text_of(statement, 2)),
                               .severity = (uint8_t)sqlite3_column_int64(statement, 3),
                               .opened_us = sqlite3_column_int64(statement, 4),
                               .due_us = sqlite3_column_int64(statement, 5)};
    take_text(statement, 6, line->subject_id, sizeof(line->subject_id));
    take_text(statement, 7, line->terminal_id, sizeof(line->terminal_id));
    take_text(statement, 8, line->merchant_id, sizeof(line->merchant_id));
    take_text(statement, 9, line->fault, sizeof(line->fault));
    bool is_known = line->kind <= CASE_FEE && line->state < CASE_STATE_COUNT;
    return is_known ? STATUS_OK
                    : desk_fault(desk, STATUS_MALFORMED, "case %llu: kind or state is no word",
                                 (unsigned long long)line->id);
}

/* ?1: 0 open ones, 1 all, 2 closed ones. ?8: kinds that are left out, each between blanks. One
 * case is found by its number, not by a look at all: who sees which flag is asked for each flag. */
#define QUEUE_SQL(of_number)                                                                       \
    "WITH RECURSIVE below(id) AS (SELECT ?9 UNION SELECT agent.agent_id FROM agent"                \
    " JOIN below ON agent.parent_id = below.id AND below.id <> '')"                                \
    " SELECT id, kind, state, severity, opened_us, due_us, subject_id, terminal_id, merchant_id,"  \
    " fault FROM service_case WHERE (?1 = 1 OR (state = 'CLOSED') = (?1 = 2))"                     \
    " AND (?2 = '' OR kind = ?2)"                                                                  \
    " AND severity >= ?3 AND (?4 = 0 OR (due_us > 0 AND due_us < ?4))"                             \
    " AND (?5 = '' OR terminal_id = ?5) AND (?6 = '' OR merchant_id = ?6)"                         \
    " AND instr(?8, ' ' || kind || ' ') = 0"                                                       \
    " AND (?9 = '' OR merchant_id IN (SELECT m.merchant_id FROM merchant_registration AS m"        \
    " JOIN below ON m.agent_id = below.id))"                                                       \
    " AND (?10 = '' OR point_id = ?10) AND " of_number                                             \
    " AND (?12 = 0 OR (-severity, due_us = 0, due_us, id) > (-?12, ?13 = 0, ?13, ?14))"            \
    " ORDER BY severity DESC, due_us = 0, due_us, id LIMIT ?7"

/* Every kind between blanks. */
#define HIDDEN_SIZE 64
static void hidden_text(char text[HIDDEN_SIZE], uint32_t hidden_kinds)
{
    size_t length = (size_t)snprintf(text, HIDDEN_SIZE, " ");
    for (unsigned kind = 0; kind <= CASE_FEE; kind++) {
        if ((hidden_kinds >> kind & 1) != 0) {
            length += (size_t)snprintf(text + length, HIDDEN_SIZE - length, "%s ",
                                       case_kind_name((enum case_kind)kind));
        }
    }
    REQUIRE(length < HIDDEN_SIZE);
}

enum status case_book_queue(struct desk *desk, const struct case_query *query,
                            struct case_line *lines, uint32_t room, uint32_t *count)
{
    char hidden[HIDDEN_SIZE];
    hidden_text(hidden, query->hidden_kinds);
    const struct desk_value values[] = {
        DESK_NUMBER(query->is_closed_only ? 2 : query->is_closed_too),
        DESK_TEXT(query->has_kind ? case_kind_name(query->kind) : ""),
        DESK_NUMBER(query->severity_min),
        DESK_NUMBER(query->due_before_us),
        DESK_TEXT(query->terminal_id),
        DESK_TEXT(query->merchant_id),
        DESK_NUMBER(room),
        DESK_TEXT(hidden),
        DESK_TEXT(query->agent_id),
        DESK_TEXT(query->point_id),
        DESK_NUMBER(query->case_id),
        DESK_NUMBER(query->after.severity),
        DESK_NUMBER(query->after.due_us),
        DESK_NUMBER(query->after.id)};
    sqlite3_stmt *statement =
        desk_prepare(desk, query->case_id == 0 ? QUEUE_SQL("?11 = 0") : QUEUE_SQL("id = ?11"));
    if (statement == NULL || !desk_bind(statement, values, DESK_COUNT_OF(values))) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = STATUS_OK;
    for (*count = 0; status == STATUS_OK && *count < room; *count += status == STATUS_OK) {
        status = desk_step(desk, statement);
        if (status == STATUS_OK) {
            status = take_line(desk, statement, &lines[*count]);
        }
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status case_book_readings(struct desk *desk, uint64_t case_id, struct case_reading *readings,
                               uint32_t room, uint32_t *count)
{
    const struct desk_value values[] = {DESK_NUMBER(case_id), DESK_NUMBER(room)};
    sqlite3_stmt *statement =
        desk_prepare(desk, "SELECT wall_us, actor FROM reading WHERE case_id = ?"
                           " ORDER BY number DESC LIMIT ?");
    if (statement == NULL || !desk_bind(statement, values, 2)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = STATUS_OK;
    for (*count = 0; *count < room; ++*count) {
        status = desk_step(desk, statement);
        if (status != STATUS_OK) {
            break;
        }
        readings[*count].wall_us = sqlite3_column_int64(statement, 0);
        take_text(statement, 1, readings[*count].actor, sizeof(readings[*count].actor));
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ?1 the case, ?2 who, ?3 and ?4 from when until when. A reading of later than now, before the
 * clock was set back, spares nothing. */
#define IS_UNREAD                                                                                  \
    " FROM service_case WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM reading WHERE case_id = ?1"    \
    " AND actor = ?2 AND wall_us > ?3 AND wall_us <= ?4)"

/* `*index`: the first of them that must be noted; `count`: none. */
static enum status find_unread(struct desk *desk, const struct desk_actor *by,
                               const uint64_t *case_ids, uint32_t count, uint32_t *index)
{
    for (*index = 0; *index < count; ++*index) {
        int64_t one = 0;
        const struct desk_value values[] = {DESK_NUMBER(case_ids[*index]), DESK_TEXT(by->actor),
                                            DESK_NUMBER(by->wall_us - CASE_LINE_READ_US),
                                            DESK_NUMBER(by->wall_us)};
        enum status status =
            desk_number(desk, "SELECT 1" IS_UNREAD, values, DESK_COUNT_OF(values), &one);
        if (status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return STATUS_OK;
}

static enum status note_lines(struct desk *desk, const struct desk_actor *by,
                              const uint64_t *case_ids, uint32_t count)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        const struct desk_value values[] = {DESK_NUMBER(case_ids[i]), DESK_TEXT(by->actor),
                                            DESK_NUMBER(by->wall_us - CASE_LINE_READ_US),
                                            DESK_NUMBER(by->wall_us)};
        status = desk_write(desk,
                            "INSERT INTO reading (wall_us, actor, case_id)"
                            " SELECT ?4, ?2, id" IS_UNREAD,
                            values, DESK_COUNT_OF(values));
    }
    return status;
}

enum status case_book_note_lines(struct desk *desk, const struct desk_actor *by,
                                 const uint64_t *case_ids, uint32_t count)
{
    uint32_t index = 0;
    REQUIRE(by->actor[0] != '\0');
    enum status status = find_unread(desk, by, case_ids, count, &index);
    if (status != STATUS_OK || index == count) {
        return status;
    }
    status = desk_begin(desk);
    return status == STATUS_OK
               ? desk_end(desk, note_lines(desk, by, case_ids + index, count - index))
               : status;
}

enum status case_book_next_wake(struct desk *desk, int64_t *wake_us)
{
    *wake_us = 0;
    return desk_number(desk, "SELECT coalesce(min(wake_us), 0) FROM service_case WHERE wake_us > 0",
                       NULL, 0, wake_us);
}

enum status case_book_waking(struct desk *desk, int64_t now_us, uint64_t *ids, uint32_t room,
                             uint32_t *count)
{
    const struct desk_value values[] = {DESK_NUMBER(now_us), DESK_NUMBER(room)};
    sqlite3_stmt *statement =
        desk_prepare(desk, "SELECT id FROM service_case WHERE wake_us > 0 AND wake_us <= ?"
                           " ORDER BY wake_us, id LIMIT ?");
    if (statement == NULL || !desk_bind(statement, values, 2)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    return take_numbers(desk, statement, ids, room, count);
}

static bool take_wait(sqlite3_stmt *statement, const struct case_wait_sink *sink)
{
    struct case_wait wait = {.id = (uint64_t)sqlite3_column_int64(statement, 0),
                             .state = case_state_from_name(text_of(statement, 1))};
    bool is_repaired = wait.state == CASE_STATE_FIXED || wait.state == CASE_STATE_SWAPPED;
    take_text(statement, 2, wait.terminal_id, sizeof(wait.terminal_id));
    take_text(statement, 3, wait.serial, sizeof(wait.serial));
    wait.since_us = sqlite3_column_int64(statement, is_repaired ? 4 : 5);
    return sink->on_wait(sink->argument, &wait);
}

#define WAIT_SQL                                                                                   \
    "SELECT id, state, terminal_id, serial, repaired_us, opened_us FROM service_case "             \
    "WHERE " CASE_ROW_WAITS

enum status case_book_waits(struct desk *desk, const char *terminal_id,
                            const struct case_wait_sink *sink)
{
    sqlite3_stmt *statement =
        desk_prepare(desk, terminal_id == NULL ? WAIT_SQL : WAIT_SQL " AND terminal_id = ?");
    if (statement == NULL ||
        !desk_bind(statement, &DESK_TEXT(terminal_id), terminal_id == NULL ? 0 : 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status;
    while ((status = desk_step(desk, statement)) == STATUS_OK) {
        if (!take_wait(statement, sink)) {
            status = desk_fault(desk, STATUS_NO_MEMORY, "no memory for the cases that wait");
            break;
        }
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* A case without a terminal orders of the merchant; a hold is always the merchant's. */
#define STANDING_SQL                                                                               \
    "SELECT (SELECT coalesce(max(id), 0) FROM service_case WHERE is_stopped = 'yes' AND id <> ?1"  \
    " AND terminal_id = ?2 AND (?2 <> '' OR merchant_id = ?3)),"                                   \
    " coalesce(max(id), 0), coalesce(max(hold_until_us), 0) FROM service_case"                     \
    " WHERE is_held = 'yes' AND id <> ?1 AND merchant_id = ?3 AND ?3 <> ''"

enum status case_book_standing(struct desk *desk, const struct service_case *it,
                               struct case_standing *standing)
{
    const struct desk_value values[] = {DESK_NUMBER(it->id), DESK_TEXT(it->terminal_id),
                                        DESK_TEXT(it->merchant_id)};
    sqlite3_stmt *statement = desk_prepare(desk, STANDING_SQL);
    if (statement == NULL || !desk_bind(statement, values, DESK_COUNT_OF(values))) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = desk_step(desk, statement);
    if (status == STATUS_OK) {
        *standing = (struct case_standing){.stop_id = (uint64_t)sqlite3_column_int64(statement, 0),
                                           .hold_id = (uint64_t)sqlite3_column_int64(statement, 1),
                                           .hold_until_us = sqlite3_column_int64(statement, 2)};
    }
    desk_release(desk, statement);
    return status;
}

#define CALM_SQL                                                                                   \
    "SELECT id FROM service_case AS it WHERE state <> 'CLOSED' AND state = 'FIXED'"                \
    " AND subject = 'cohort' AND repaired_us <= ?1 AND NOT EXISTS (SELECT 1 FROM flag"             \
    " WHERE flag.case_id = it.id AND flag.window_end_us > ?1) ORDER BY id LIMIT ?2"

enum status case_book_calm(struct desk *desk, int64_t since_us, uint64_t *ids, uint32_t room,
                           uint32_t *count)
{
    const struct desk_value values[] = {DESK_NUMBER(since_us), DESK_NUMBER(room)};
    sqlite3_stmt *statement = desk_prepare(desk, CALM_SQL);
    if (statement == NULL || !desk_bind(statement, values, 2)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    return take_numbers(desk, statement, ids, room, count);
}

enum status case_book_txns(struct desk *desk, uint64_t case_id, uint64_t *positions, uint32_t room,
                           uint32_t *count)
{
    sqlite3_stmt *statement =
        desk_prepare(desk, "SELECT position FROM case_txn WHERE case_id = ? ORDER BY position");
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(case_id), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    return take_numbers(desk, statement, positions, room, count);
}

/* --- what merging asks for ------------------------------------------------------------------ */

/* Whether a cohort may explain what a terminal does: by its value, as switch/aftersales/
 * cohort_watch.c makes it. Which channel or software a terminal has changes, and of one that is not
 * registered nothing is known: there the flag's own mark says that one of them does. */
#define COHORT_SQL                                                                                 \
    "(it.cause = 'CHANNEL' OR NOT EXISTS (SELECT 1 FROM terminal_registration WHERE"               \
    " terminal_id = ?3) OR EXISTS (SELECT 1 FROM terminal_registration AS t"                       \
    " LEFT JOIN registry_binding AS b ON b.terminal_id = t.terminal_id AND b.valid_to_day = ''"    \
    " LEFT JOIN merchant_registration AS m ON m.merchant_id = b.merchant_id"                       \
    " WHERE t.terminal_id = ?3 AND CASE it.cause WHEN 'BRAND' THEN it.subject_id = t.brand"        \
    " WHEN 'MODEL' THEN it.subject_id = t.brand || ' ' || t.model"                                 \
    " WHEN 'FIRMWARE' THEN instr(it.subject_id || ' ', t.brand || ' ' || t.model || ' ') = 1"      \
    " WHEN 'AGENT' THEN it.subject_id = m.agent_id"                                                \
    " WHEN 'REGION' THEN it.subject_id = CAST(coalesce(nullif(b.area_code, 0), m.area_code) / 100" \
    " AS TEXT) ELSE 0 END))"

/* Each part by an index of its own. Cases of money are left out: each is of one row and no flag
 * ever joins it, and a terminal may have more of them than there is room. */
#define BRIEF_SQL                                                                                  \
    "SELECT id, kind, subject, subject_id, cause, terminal_id, state, closed_us"                   \
    " FROM service_case WHERE id IN (SELECT id FROM service_case WHERE subject_id = ?2"            \
    " AND subject = ?1 UNION SELECT id FROM service_case WHERE terminal_id = ?3 AND ?3 <> ''"      \
    " UNION SELECT it.id FROM service_case AS it WHERE it.subject = 'cohort'"                      \
    " AND it.state <> 'CLOSED' AND ?3 <> '' AND " COHORT_SQL ")"                                   \
    " AND cause NOT GLOB 'M[0-9]*:*'"                                                              \
    " AND (state <> 'CLOSED' OR closed_us > ?4) ORDER BY state = 'CLOSED', id DESC LIMIT ?5"

#define BRIEF_FLAG_SQL                                                                             \
    "SELECT signal, severity, position, max(id) AS newest FROM flag WHERE case_id = ?"             \
    " GROUP BY signal ORDER BY severity = 4 DESC, newest DESC LIMIT ?"

static const char *subject_word(enum flag_subject subject)
{
    return subject == FLAG_OF_TERMINAL   ? "terminal"
           : subject == FLAG_OF_MERCHANT ? "merchant"
                                         : "cohort";
}

static enum flag_subject subject_from(const char *word)
{
    return strcmp(word, "terminal") == 0   ? FLAG_OF_TERMINAL
           : strcmp(word, "merchant") == 0 ? FLAG_OF_MERCHANT
                                           : FLAG_OF_COHORT;
}

static enum status take_brief_flags(struct desk *desk, struct case_brief *brief)
{
    const struct desk_value values[] = {DESK_NUMBER(brief->id),
                                        DESK_NUMBER(CASE_BRIEF_FLAG_COUNT_MAX)};
    sqlite3_stmt *statement = desk_prepare(desk, BRIEF_FLAG_SQL);
    if (statement == NULL || !desk_bind(statement, values, 2)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status;
    while ((status = desk_step(desk, statement)) == STATUS_OK) {
        struct case_brief_flag flag = {signal_from_code(text_of(statement, 0)),
                                       (uint8_t)sqlite3_column_int64(statement, 1),
                                       (uint64_t)sqlite3_column_int64(statement, 2)};
        if (flag.signal < SIGNAL_COUNT) { /* else: of a rule that is no more */
            brief->flags[brief->flag_count++] = flag;
        }
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status take_brief(struct desk *desk, sqlite3_stmt *statement, struct case_brief *brief)
{
    *brief = (struct case_brief){.id = (uint64_t)sqlite3_column_int64(statement, 0),
                                 .kind = case_kind_from_name(text_of(statement, 1)),
                                 .subject = subject_from(text_of(statement, 2)),
                                 .is_open = case_state_from_name(text_of(statement, 6)) !=
                                            CASE_STATE_CLOSED,
                                 .closed_us = sqlite3_column_int64(statement, 7)};
    take_text(statement, 3, brief->subject_id, sizeof(brief->subject_id));
    take_text(statement, 4, brief->cause, sizeof(brief->cause));
    take_text(statement, 5, brief->terminal_id, sizeof(brief->terminal_id));
    if (brief->kind > CASE_FEE) {
        return desk_fault(desk, STATUS_MALFORMED, "case %llu: kind is no word",
                          (unsigned long long)brief->id);
    }
    return take_brief_flags(desk, brief);
}

enum status case_book_briefs(struct desk *desk, const struct flag *flag,
                             const struct case_rules *rules, struct case_briefs *briefs)
{
    int64_t quiet_since = flag->window_end_us - rules->quiet_days * DAY_US;
    const struct desk_value values[] = {DESK_TEXT(subject_word(flag->subject)),
                                        DESK_TEXT(flag->subject_id), DESK_TEXT(flag->terminal_id),
                                        DESK_NUMBER(quiet_since), DESK_NUMBER(briefs->room)};
    sqlite3_stmt *statement = desk_prepare(desk, BRIEF_SQL);
    if (statement == NULL || !desk_bind(statement, values, DESK_COUNT_OF(values))) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = STATUS_OK;
    briefs->count = 0;
    while (status == STATUS_OK && briefs->count < briefs->room) {
        status = desk_step(desk, statement);
        if (status == STATUS_OK) {
            status = take_brief(desk, statement, &briefs->items[briefs->count]);
            briefs->count += status == STATUS_OK;
        }
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* --- the chains ----------------------------------------------------------------------------- */

/* What a case says about its chain, and what was found so far. */
struct chain {
    uint64_t case_id;
    uint32_t wanted, count;
    char state[24];
    uint8_t last_hash[CASE_HASH_BYTES], hash[CASE_HASH_BYTES];
    enum case_state to;
};

static enum status broken_chain(struct desk *desk, const struct chain *chain, const char *what)
{
    return desk_fault(desk, STATUS_MALFORMED,
                      "case %llu, event %u: %s; compare with a copy of the file",
                      (unsigned long long)chain->case_id, chain->count, what);
}

static enum status check_entry(struct desk *desk, sqlite3_stmt *statement, struct chain *chain)
{
    struct case_entry entry;
    char fault[CELL_FAULT_SIZE];
    chain->count++;
    if (sqlite3_column_int64(statement, 0) != chain->count) {
        return broken_chain(desk, chain, "it is missing");
    }
    if (!cell_read(statement, 2, &CASE_ROW_ENTRY, &entry, fault)) {
        return broken_chain(desk, chain, fault);
    }
    entry.case_id = chain->case_id;
    entry.number = chain->count;
    enum status status = case_list_read(desk, &entry);
    if (status != STATUS_OK) {
        return status;
    }
    if (case_row_hash(&entry, chain->hash) != STATUS_OK) {
        return desk_fault(desk, STATUS_BROKEN, "OpenSSL gave no SHA-256");
    }
    if (sqlite3_column_bytes(statement, 1) != CASE_HASH_BYTES ||
        memcmp(sqlite3_column_blob(statement, 1), chain->hash, CASE_HASH_BYTES) != 0) {
        return broken_chain(desk, chain, "what it says, or its hash, was changed");
    }
    chain->to = entry.to;
    return STATUS_OK;
}

static enum status check_end(struct desk *desk, struct chain *chain)
{
    if (chain->count != chain->wanted) {
        chain->count = chain->count < chain->wanted ? chain->count + 1 : chain->count;
        return broken_chain(desk, chain, "the case does not count as many events as there are");
    }
    if (memcmp(chain->hash, chain->last_hash, CASE_HASH_BYTES) != 0) {
        return broken_chain(desk, chain, "the case ends with another hash");
    }
    return strcmp(case_state_name(chain->to), chain->state) == 0
               ? STATUS_OK
               : broken_chain(desk, chain, "the case is in another state than it led to");
}

static enum status check_chain(struct desk *desk, struct chain *chain)
{
    struct cell_sql sql = {0};
    cell_sql_add(&sql, "SELECT number, hash, ");
    cell_sql_names(&sql, &CASE_ROW_ENTRY, CELL_PLAIN);
    cell_sql_add(&sql, " FROM case_entry WHERE case_id = ? ORDER BY number");
    sqlite3_stmt *statement = desk_prepare(desk, sql.text);
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(chain->case_id), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = desk_step(desk, statement);
        if (status == STATUS_OK) {
            status = check_entry(desk, statement, chain);
        }
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? check_end(desk, chain) : status;
}

/* Events of a case that is not there: whoever took the case out left them. */
static enum status check_strays(struct desk *desk)
{
    int64_t stray = 0;
    enum status status = desk_number(desk,
                                     "SELECT case_id FROM case_entry WHERE case_id NOT IN"
                                     " (SELECT id FROM service_case) LIMIT 1",
                                     NULL, 0, &stray);
    if (status == STATUS_NOT_FOUND) {
        return case_list_strays(desk);
    }
    return status == STATUS_OK
               ? desk_fault(desk, STATUS_MALFORMED,
                            "case %lld: it is missing, its events are there", (long long)stray)
               : status;
}

/* The next case behind chain->case_id. */
static enum status next_chain(struct desk *desk, struct chain *chain)
{
    uint64_t behind = chain->case_id;
    *chain = (struct chain){.case_id = behind};
    sqlite3_stmt *statement =
        desk_prepare(desk, "SELECT id, event_count, last_hash, state FROM service_case"
                           " WHERE id > ? ORDER BY id LIMIT 1");
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(behind), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = desk_step(desk, statement);
    if (status == STATUS_OK) {
        chain->case_id = (uint64_t)sqlite3_column_int64(statement, 0);
        chain->wanted = (uint32_t)sqlite3_column_int64(statement, 1);
        if (sqlite3_column_bytes(statement, 2) == CASE_HASH_BYTES) {
            memcpy(chain->last_hash, sqlite3_column_blob(statement, 2), CASE_HASH_BYTES);
        }
        take_text(statement, 3, chain->state, sizeof(chain->state));
    }
    desk_release(desk, statement);
    return status;
}

/* One case and its chain in one reading transaction: another writer may step it meanwhile. */
static enum status verify_next(struct desk *desk, struct chain *chain)
{
    enum status status = next_chain(desk, chain);
    return status == STATUS_OK ? check_chain(desk, chain) : status;
}

enum status case_book_verify(struct desk *desk, uint64_t *event_count)
{
    REQUIRE(desk->depth == 0);
    struct chain chain = {0};
    enum status status = STATUS_OK;
    *event_count = 0;
    while (status == STATUS_OK) {
        if (sqlite3_exec(desk->database, "BEGIN", NULL, NULL, NULL) != SQLITE_OK) {
            return desk_broken(desk, "reading");
        }
        status = verify_next(desk, &chain);
        *event_count += chain.count;
        sqlite3_exec(desk->database, "ROLLBACK", NULL, NULL, NULL);
    }
    status = status == STATUS_NOT_FOUND ? check_strays(desk) : status;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
