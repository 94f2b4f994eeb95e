/* See case_gather.h. */
#include "switch/evidence/case_gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "switch/desk/case_row.h"
#include "switch/desk/flag_book.h"
#include "switch/desk/retire.h"
#include "switch/evidence/bundle_line.h"

#define FLAG_COUNT_MAX 1024

static json_t *columns_json(const struct cell_table *table, const void *row)
{
    json_t *columns = json_object();
    for (uint32_t i = 0; i < table->column_count; i++) {
        char text[CELL_TEXT_SIZE];
        cell_text(&table->columns[i], row, text);
        json_object_set_new(columns, table->columns[i].name, json_string(text));
    }
    return columns;
}

/* --- positions ------------------------------------------------------------------------------ */

static void add_position(struct gathered_case *gathered, uint64_t position)
{
    for (uint32_t i = 0; i < gathered->position_count; i++) {
        if (gathered->positions[i] == position) {
            return;
        }
    }
    if (position == 0) { /* of a flag that time alone raised */
        return;
    }
    if (gathered->position_count == CASE_GATHER_POSITION_COUNT_MAX) {
        gathered->left_out_count++;
        return;
    }
    gathered->positions[gathered->position_count++] = position;
}

static int compare_positions(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* --- parts ---------------------------------------------------------------------------------- */

struct event_sink {
    struct bundle_writer *writer;
    uint8_t chain[BUNDLE_HASH_BYTES];
    enum status status;
};

static void on_entry(void *argument, const struct case_entry *entry)
{
    struct event_sink *sink = argument;
    if (sink->status == STATUS_OK) {
        sink->status = bundle_writer_add_line(sink->writer, BUNDLE_EVENTS,
                                              bundle_event_line(entry, sink->chain));
    }
}

static enum status read_case(struct desk *desk, uint64_t case_id, const struct desk_actor *by,
                             struct bundle_writer *writer, struct gathered_case *gathered)
{
    struct event_sink events = {.writer = writer};
    const struct case_sink sink = {on_entry, &events};
    enum status status = case_book_read(desk, case_id, by, &gathered->it, &sink);
    if (status == STATUS_OK) {
        status = events.status;
    }
    if (status == STATUS_OK) {
        status = case_book_last_hash(desk, case_id, gathered->last_hash);
    }
    if (status == STATUS_OK &&
        memcmp(events.chain, gathered->last_hash, sizeof(events.chain)) != 0) {
        status = STATUS_MALFORMED;
    }
    return status == STATUS_OK ? bundle_writer_add_json(
                                     writer, BUNDLE_CASE,
                                     json_pack("{s:I, s:o}", "id", (json_int_t)case_id, "columns",
                                               columns_json(&CASE_ROW_CASE, &gathered->it)))
                               : status;
}

static json_t *flag_json(const struct flag_entry *entry)
{
    json_t *evidence = json_array();
    for (uint32_t i = 0; i < entry->flag.evidence_count; i++) {
        json_array_append_new(evidence, json_integer((json_int_t)entry->flag.evidence[i]));
    }
    return json_pack("{s:I, s:s, s:s, s:s, s:o, s:o}", "id", (json_int_t)entry->id, "name",
                     signal_name(entry->flag.signal), "sentence",
                     signal_text(entry->flag.signal, false), "outcome",
                     case_outcome_word(entry->outcome), "columns",
                     columns_json(&CASE_ROW_FLAG, &entry->flag), "evidence", evidence);
}

static enum status add_flags(struct desk *desk, uint64_t case_id, struct bundle_writer *writer,
                             struct gathered_case *gathered)
{
    uint32_t count = 0;
    struct flag_entry *entries = calloc(FLAG_COUNT_MAX + 1, sizeof(*entries));
    if (entries == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = flag_book_of_case(desk, case_id, entries, FLAG_COUNT_MAX + 1, &count);
    if (count > FLAG_COUNT_MAX) { /* the oldest, and perhaps more of them */
        gathered->left_out_count++;
        count = FLAG_COUNT_MAX;
    }
    for (uint32_t i = count; status == STATUS_OK && i > 0; i--) { /* the oldest first */
        const struct flag *flag = &entries[i - 1].flag;
        status = bundle_writer_add_line(writer, BUNDLE_FLAGS, flag_json(&entries[i - 1]));
        add_position(gathered, flag->position);
        for (uint32_t k = 0; k < flag->evidence_count; k++) {
            add_position(gathered, flag->evidence[k]);
        }
    }
    free(entries);
    return status;
}

static enum status add_txns(struct desk *desk, uint64_t case_id, struct gathered_case *gathered)
{
    uint32_t count = 0;
    const uint32_t room = CASE_GATHER_POSITION_COUNT_MAX + 1; /* one too many is counted */
    uint64_t *positions = calloc(room, sizeof(*positions));
    enum status status = positions == NULL ? STATUS_NO_MEMORY
                                           : case_book_txns(desk, case_id, positions, room, &count);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        add_position(gathered, positions[i]);
    }
    free(positions);
    return status;
}

/* --- whole ---------------------------------------------------------------------------------- */

/* Whether there never was such a case, or it was erased. */
static void tell_absent(struct desk *desk, uint64_t case_id, char *reason)
{
    struct retired_case retired;
    struct tm day;
    snprintf(reason, CASE_GATHER_REASON_SIZE, "no case has the number %llu",
             (unsigned long long)case_id);
    if (desk_find_retired_case(desk, case_id, &retired) != STATUS_OK) {
        return;
    }
    time_t seconds = (time_t)(retired.wall_us / 1000000);
    gmtime_r(&seconds, &day);
    snprintf(reason, CASE_GATHER_REASON_SIZE,
             "case %llu was erased on %04d-%02d-%02d by %s, when its time to be kept was over "
             "(class case; %s): there is nothing left to export",
             (unsigned long long)case_id, day.tm_year + 1900, day.tm_mon + 1, day.tm_mday,
             retired.actor, retired.detail);
}

static void tell(struct desk *desk, uint64_t case_id, enum status status,
                 const struct bundle_writer *writer, char *reason)
{
    if (status == STATUS_NOT_FOUND) {
        tell_absent(desk, case_id, reason);
    } else if (status == STATUS_NO_ROOM) {
        snprintf(reason, CASE_GATHER_REASON_SIZE, "case %llu holds more than %s of a bundle takes",
                 (unsigned long long)case_id, bundle_member_name(bundle_writer_full(writer)));
    } else if (status == STATUS_MALFORMED) {
        snprintf(reason, CASE_GATHER_REASON_SIZE,
                 "case %llu: its events do not come to the hash that the case keeps: one was "
                 "changed, put in or taken out; compare with a copy of the file",
                 (unsigned long long)case_id);
    } else {
        snprintf(reason, CASE_GATHER_REASON_SIZE, "case %llu: %.500s", (unsigned long long)case_id,
                 desk_reason(desk));
    }
}

enum status case_gather(struct desk *desk, uint64_t case_id, const struct desk_actor *by,
                        struct bundle_writer *writer, struct gathered_case *gathered,
                        char reason[CASE_GATHER_REASON_SIZE])
{
    gathered->position_count = gathered->left_out_count = 0;
    enum status status = desk_begin(desk);
    if (status == STATUS_OK) {
        enum status done = read_case(desk, case_id, by, writer, gathered);
        if (done == STATUS_OK) {
            done = add_flags(desk, case_id, writer, gathered);
        }
        if (done == STATUS_OK) {
            done = add_txns(desk, case_id, gathered);
        }
        status = desk_end(desk, done);
    }
    if (status != STATUS_OK) {
        tell(desk, case_id, status, writer, reason);
        return status;
    }
    qsort(gathered->positions, gathered->position_count, sizeof(gathered->positions[0]),
          compare_positions);
    return STATUS_OK;
}
