/* See event_out.h. */
#include "switch/desk/event_out.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/aftersales/service_case.h"
#include "switch/desk/desk_state.h"

static const char *const WORDS[EVENT_OUT_COUNT] = {
#define X(name, word, sentence) word,
    EVENT_OUT_MAP(X)
#undef X
};

const char *event_out_word(enum event_out_kind kind)
{
    REQUIRE(kind < EVENT_OUT_COUNT);
    return WORDS[kind];
}

enum event_out_kind event_out_from_word(const char *word)
{
    uint32_t i = 0;
    while (i < EVENT_OUT_COUNT && strcmp(WORDS[i], word) != 0) {
        i++;
    }
    return (enum event_out_kind)i;
}

enum status event_out_line(struct desk *desk, sqlite3_stmt *statement, struct event_line *line)
{
    line->number = (uint64_t)sqlite3_column_int64(statement, 0);
    line->wall_us = sqlite3_column_int64(statement, 1);
    line->kind = event_out_from_word((const char *)sqlite3_column_text(statement, 2));
    line->case_kind = case_kind_from_name((const char *)sqlite3_column_text(statement, 3));
    line->subject = (const char *)sqlite3_column_text(statement, 4);
    line->payload = sqlite3_column_blob(statement, 5);
    line->length = (size_t)sqlite3_column_bytes(statement, 5);
    return line->kind < EVENT_OUT_COUNT && line->case_kind <= CASE_FEE && line->payload != NULL &&
                   line->length <= EVENT_OUT_BYTES_MAX
               ? STATUS_OK
               : desk_fault(desk, STATUS_MALFORMED,
                            "event %llu: its kind, or its length, is of another version of Tillway",
                            (unsigned long long)line->number);
}

enum status event_out_read(struct desk *desk, uint64_t after, uint32_t room,
                           const struct event_sink *sink, uint32_t *count)
{
    sqlite3_stmt *statement = desk_prepare(
        desk, "SELECT number, wall_us, kind, case_kind, subject, payload FROM event_out"
              " WHERE number > ? ORDER BY number LIMIT ?");
    const struct desk_value values[] = {
        DESK_NUMBER(after > INT64_MAX ? (uint64_t)INT64_MAX : after), DESK_NUMBER(room)};
    *count = 0;
    if (statement == NULL || !desk_bind(statement, values, 2)) {
        desk_release(desk, statement);
        return desk_broken(desk, "reading");
    }
    enum status status;
    while ((status = desk_step(desk, statement)) == STATUS_OK) {
        struct event_line line;
        status = event_out_line(desk, statement, &line);
        if (status != STATUS_OK || !sink->on_line(sink->argument, &line)) {
            break;
        }
        ++*count;
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status note_readings(struct desk *desk, const struct desk_actor *by,
                                 const uint64_t *case_ids, uint32_t count)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        const struct desk_value values[] = {DESK_NUMBER(by->wall_us), DESK_TEXT(by->actor),
                                            DESK_NUMBER(case_ids[i])};
        status = desk_write(desk,
                            "INSERT INTO reading (wall_us, actor, case_id)"
                            " SELECT ?, ?, id FROM service_case WHERE id = ?",
                            values, DESK_COUNT_OF(values));
    }
    return status;
}

enum status event_out_note_reading(struct desk *desk, const struct desk_actor *by,
                                   const uint64_t *case_ids, uint32_t count)
{
    REQUIRE(by->actor[0] != '\0');
    enum status status = desk_begin(desk);
    return status == STATUS_OK ? desk_end(desk, note_readings(desk, by, case_ids, count)) : status;
}

enum status event_out_range(struct desk *desk, struct event_out_range *range)
{
    int64_t first = 0;
    int64_t last = 0;
    enum status status = desk_number(
        desk, "SELECT seq FROM sqlite_sequence WHERE name = 'event_out'", NULL, 0, &last);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        status = desk_number(desk, "SELECT ifnull(min(number), 0) FROM event_out", NULL, 0, &first);
    }
    range->last = (uint64_t)last;
    range->first = first > 0 ? (uint64_t)first : range->last + 1;
    return status;
}
