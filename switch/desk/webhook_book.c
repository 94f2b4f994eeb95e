/* See webhook_book.h. */
#include "switch/desk/webhook_book.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/aftersales/service_case.h"
#include "switch/desk/desk_state.h"

static const char *const WORDS[WEBHOOK_STATE_COUNT] = {
#define X(name, word, sentence) word,
    WEBHOOK_STATE_MAP(X)
#undef X
};

const char *webhook_state_word(enum webhook_state state)
{
    REQUIRE(state < WEBHOOK_STATE_COUNT);
    return WORDS[state];
}

/* --- the configuration ---------------------------------------------------------------------- */

static enum status enroll_one(struct desk *desk, const char *name, const struct event_out_range *at)
{
    const struct desk_value fresh[] = {DESK_TEXT(name), DESK_NUMBER(at->last)};
    const struct desk_value back[] = {DESK_NUMBER(at->first - 1), DESK_TEXT(name)};
    enum status status = desk_write(
        desk, "INSERT OR IGNORE INTO webhook_position VALUES (?, ?, 'going', 0, 0, 0, 0, '', 0)",
        fresh, DESK_COUNT_OF(fresh));
    return status == STATUS_OK
               ? desk_write(desk,
                            "UPDATE webhook_position SET state = 'going', attempts = 0,"
                            " failing_since_us = 0, next_try_us = 0, fault = '',"
                            " position = max(position, ?) WHERE name = ? AND state = 'absent'",
                            back, DESK_COUNT_OF(back))
               : status;
}

/* Those that are not named: all are set aside first, and the named ones brought back. */
static enum status enroll(struct desk *desk, const char (*names)[WEBHOOK_NAME_SIZE], uint32_t count)
{
    struct event_out_range at;
    char list[32 * (WEBHOOK_NAME_SIZE + 1) + 2] = "|";
    size_t length = 1;
    enum status status = event_out_range(desk, &at);
    for (uint32_t i = 0; i < count; i++) {
        length += (size_t)snprintf(list + length, sizeof(list) - length, "%s|", names[i]);
        REQUIRE(length < sizeof(list));
    }
    if (status == STATUS_OK) {
        status = desk_write(desk,
                            "UPDATE webhook_position SET state = 'absent'"
                            " WHERE instr(?, '|' || name || '|') = 0",
                            &DESK_TEXT(list), 1);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status = enroll_one(desk, names[i], &at);
    }
    return status;
}

enum status webhook_book_enroll(struct desk *desk, const char (*names)[WEBHOOK_NAME_SIZE],
                                uint32_t count)
{
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, enroll(desk, names, count)) : status;
}

/* --- reading -------------------------------------------------------------------------------- */

#define SELECT_ROWS                                                                                \
    "SELECT name, state, position, attempts, failing_since_us, next_try_us, delivered_us, fault,"  \
    " ifnull((SELECT seq FROM sqlite_sequence WHERE sqlite_sequence.name = 'event_out'), 0) - "    \
    "position,"                                                                                    \
    " (SELECT count(*) FROM webhook_dead AS d WHERE d.name = p.name), given_up"                    \
    " FROM webhook_position AS p"

static void take_text(sqlite3_stmt *statement, int column, char *text, size_t size)
{
    snprintf(text, size, "%s", (const char *)sqlite3_column_text(statement, column));
}

static enum status take_row(struct desk *desk, sqlite3_stmt *statement, struct webhook_row *row)
{
    *row = (struct webhook_row){.position = (uint64_t)sqlite3_column_int64(statement, 2),
                                .attempts = (uint32_t)sqlite3_column_int64(statement, 3),
                                .failing_since_us = sqlite3_column_int64(statement, 4),
                                .next_try_us = sqlite3_column_int64(statement, 5),
                                .delivered_us = sqlite3_column_int64(statement, 6),
                                .waiting = (uint64_t)sqlite3_column_int64(statement, 8),
                                .letter_count = (uint32_t)sqlite3_column_int64(statement, 9),
                                .given_up = (uint64_t)sqlite3_column_int64(statement, 10)};
    take_text(statement, 0, row->name, sizeof(row->name));
    take_text(statement, 7, row->fault, sizeof(row->fault));
    const char *word = (const char *)sqlite3_column_text(statement, 1);
    uint32_t state = 0;
    while (state < WEBHOOK_STATE_COUNT && strcmp(WORDS[state], word) != 0) {
        state++;
    }
    row->state = (enum webhook_state)state;
    return state < WEBHOOK_STATE_COUNT
               ? STATUS_OK
               : desk_fault(desk, STATUS_MALFORMED, "webhook %s: no state is called \"%.20s\"",
                            row->name, word);
}

enum status webhook_book_find(struct desk *desk, const char *name, struct webhook_row *row)
{
    sqlite3_stmt *statement = desk_prepare(desk, SELECT_ROWS " WHERE name = ?");
    if (statement == NULL || !desk_bind(statement, &DESK_TEXT(name), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status = desk_step(desk, statement);
    if (status == STATUS_OK) {
        status = take_row(desk, statement, row);
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND
               ? desk_fault(desk, status, "no webhook is called \"%.40s\"", name)
               : status;
}

enum status webhook_book_list(struct desk *desk, struct webhook_row *rows, uint32_t room,
                              uint32_t *count)
{
    sqlite3_stmt *statement = desk_prepare(desk, SELECT_ROWS " ORDER BY name LIMIT ?");
    *count = 0;
    if (statement == NULL || !desk_bind(statement, &DESK_NUMBER(room), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status;
    while ((status = desk_step(desk, statement)) == STATUS_OK &&
           (status = take_row(desk, statement, &rows[*count])) == STATUS_OK) {
        ++*count;
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* --- attempts ------------------------------------------------------------------------------- */

enum status webhook_book_advance(struct desk *desk, const char *name, uint64_t number,
                                 int64_t now_us)
{
    const struct desk_value sent[] = {DESK_NUMBER(number), DESK_NUMBER(now_us), DESK_TEXT(name)};
    const struct desk_value passed[] = {DESK_NUMBER(number), DESK_TEXT(name)};
    return now_us > 0
               ? desk_write(desk,
                            "UPDATE webhook_position SET position = max(position, ?),"
                            " delivered_us = ?, attempts = 0, failing_since_us = 0,"
                            " next_try_us = 0, fault = '' WHERE name = ?",
                            sent, DESK_COUNT_OF(sent))
               : desk_write(
                     desk, "UPDATE webhook_position SET position = max(position, ?) WHERE name = ?",
                     passed, DESK_COUNT_OF(passed));
}

enum status webhook_book_fail(struct desk *desk, const char *name,
                              const struct webhook_failure *failure)
{
    const struct desk_value values[] = {DESK_NUMBER(failure->now_us),
                                        DESK_NUMBER(failure->next_try_us),
                                        DESK_TEXT(failure->fault), DESK_TEXT(name)};
    return desk_write(desk,
                      "UPDATE webhook_position SET attempts = attempts + 1, failing_since_us ="
                      " iif(failing_since_us = 0, ?, failing_since_us), next_try_us = ?, fault = ?"
                      " WHERE name = ?",
                      values, DESK_COUNT_OF(values));
}

enum status webhook_book_stop(struct desk *desk, const char *name,
                              const struct webhook_failure *failure)
{
    const struct desk_value values[] = {DESK_NUMBER(failure->now_us), DESK_TEXT(failure->fault),
                                        DESK_TEXT(name)};
    return desk_write(desk,
                      "UPDATE webhook_position SET state = 'stopped', attempts = attempts + 1,"
                      " failing_since_us = iif(failing_since_us = 0, ?, failing_since_us),"
                      " next_try_us = 0, fault = ? WHERE name = ?",
                      values, DESK_COUNT_OF(values));
}

/* The oldest letters that there is no room for. */
static enum status give_up(struct desk *desk, const char *name)
{
    const struct desk_value letters[] = {DESK_TEXT(name), DESK_NUMBER(WEBHOOK_LETTER_COUNT_MAX)};
    enum status status = desk_write(
        desk,
        "DELETE FROM webhook_dead WHERE name = ?1 AND number <= (SELECT number FROM webhook_dead"
        " WHERE name = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
        letters, DESK_COUNT_OF(letters));
    const struct desk_value lost[] = {DESK_NUMBER(sqlite3_changes(desk->database)),
                                      DESK_TEXT(name)};
    return status == STATUS_OK
               ? desk_write(desk,
                            "UPDATE webhook_position SET given_up = given_up + ? WHERE name = ?",
                            lost, DESK_COUNT_OF(lost))
               : status;
}

static enum status bury(struct desk *desk, const char *name, uint64_t number,
                        const struct webhook_failure *failure)
{
    const struct desk_value letter[] = {DESK_NUMBER(failure->now_us), DESK_TEXT(failure->fault),
                                        DESK_TEXT(name), DESK_NUMBER(number)};
    enum status status =
        desk_write(desk,
                   "INSERT OR REPLACE INTO webhook_dead SELECT p.name, e.number, e.wall_us, e.kind,"
                   " e.case_kind, e.subject, e.payload, p.attempts, ?, ?, 0"
                   " FROM event_out AS e JOIN webhook_position AS p ON p.name = ?"
                   " WHERE e.number = ?",
                   letter, DESK_COUNT_OF(letter));
    if (status == STATUS_OK && sqlite3_changes(desk->database) == 0) {
        return desk_fault(desk, STATUS_NOT_FOUND, "webhook %s: no event has the number %llu", name,
                          (unsigned long long)number);
    }
    if (status == STATUS_OK) {
        status = give_up(desk, name);
    }
    return status == STATUS_OK ? webhook_book_advance(desk, name, number, 0) : status;
}

enum status webhook_book_bury(struct desk *desk, const char *name, uint64_t number,
                              const struct webhook_failure *failure)
{
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, bury(desk, name, number, failure)) : status;
}

/* --- letters -------------------------------------------------------------------------------- */

enum status webhook_book_letters(struct desk *desk, const char *name,
                                 struct webhook_letter *letters, uint32_t room, uint32_t *count)
{
    sqlite3_stmt *statement =
        desk_prepare(desk, "SELECT number, wall_us, kind, attempts, died_us, is_again, fault"
                           " FROM webhook_dead WHERE name = ? ORDER BY number LIMIT ?");
    const struct desk_value values[] = {DESK_TEXT(name), DESK_NUMBER(room)};
    *count = 0;
    if (statement == NULL || !desk_bind(statement, values, 2)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status;
    while ((status = desk_step(desk, statement)) == STATUS_OK) {
        struct webhook_letter *letter = &letters[(*count)++];
        *letter = (struct webhook_letter){
            .number = (uint64_t)sqlite3_column_int64(statement, 0),
            .wall_us = sqlite3_column_int64(statement, 1),
            .kind = event_out_from_word((const char *)sqlite3_column_text(statement, 2)),
            .attempts = (uint32_t)sqlite3_column_int64(statement, 3),
            .died_us = sqlite3_column_int64(statement, 4),
            .is_again = sqlite3_column_int64(statement, 5) != 0};
        take_text(statement, 6, letter->fault, sizeof(letter->fault));
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status retry(struct desk *desk, const char *name, uint32_t *count)
{
    struct webhook_row row = {.state = WEBHOOK_ABSENT};
    enum status status = webhook_book_find(desk, name, &row);
    if (status != STATUS_OK) {
        return status;
    }
    if (row.state == WEBHOOK_ABSENT) {
        return desk_fault(desk, STATUS_DENIED,
                          "webhook %s is not in the configuration: put it back and have "
                          "tillway-admin reload (SIGHUP)",
                          name);
    }
    *count = row.letter_count;
    status = desk_write(desk, "UPDATE webhook_dead SET is_again = 1 WHERE name = ?",
                        &DESK_TEXT(name), 1);
    return status == STATUS_OK
               ? desk_write(desk,
                            "UPDATE webhook_position SET state = 'going', next_try_us = 0"
                            " WHERE name = ?",
                            &DESK_TEXT(name), 1)
               : status;
}

enum status webhook_book_retry(struct desk *desk, const char *name, uint32_t *count)
{
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, retry(desk, name, count)) : status;
}

enum status webhook_book_next_letter(struct desk *desk, const char *name,
                                     const struct event_sink *sink)
{
    sqlite3_stmt *statement =
        desk_prepare(desk, "SELECT number, wall_us, kind, case_kind, subject, payload"
                           " FROM webhook_dead WHERE name = ? AND is_again = 1"
                           " ORDER BY number LIMIT 1");
    if (statement == NULL || !desk_bind(statement, &DESK_TEXT(name), 1)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    struct event_line line;
    enum status status = desk_step(desk, statement);
    if (status == STATUS_OK) {
        status = event_out_line(desk, statement, &line);
    }
    if (status == STATUS_OK) {
        sink->on_line(sink->argument, &line);
    }
    desk_release(desk, statement);
    return status;
}

enum status webhook_book_letter_sent(struct desk *desk, const char *name, uint64_t number)
{
    const struct desk_value values[] = {DESK_TEXT(name), DESK_NUMBER(number)};
    return desk_write(desk, "DELETE FROM webhook_dead WHERE name = ? AND number = ?", values, 2);
}

enum status webhook_book_letter_failed(struct desk *desk, const char *name, uint64_t number,
                                       const struct webhook_failure *failure)
{
    const struct desk_value values[] = {DESK_TEXT(failure->fault), DESK_TEXT(name),
                                        DESK_NUMBER(number)};
    return desk_write(desk,
                      "UPDATE webhook_dead SET is_again = 0, attempts = attempts + 1, fault = ?"
                      " WHERE name = ? AND number = ?",
                      values, DESK_COUNT_OF(values));
}
