/* Two walks over few segments. The first reads the rows that were named and learns their reference
 * numbers, the second finds all rows of these by the index that every segment has. */
#include "switch/evidence/row_gather.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "switch/evidence/bundle_line.h"
#include "switch/store/log_segment.h"
#include "switch/store/log_word.h"

struct found_row {
    uint64_t position;
    uint32_t ordinal;
};

struct gather {
    struct log_place place;
    struct log_span span;
    struct bundle_writer *writer;
    struct gathered_rows *gathered;
    char *reason;
    struct log_segment segment;
    uint32_t ordinal;     /* of the open one; 0: none */
    uint32_t first, last; /* segments of the rows that were named; 0: none yet */
    struct found_row rows[ROW_GATHER_ROW_COUNT_MAX];
    uint32_t row_count;
    json_t *stories, *segments; /* owner: by RRN; list */
};

/* --- segments ------------------------------------------------------------------------------- */

static enum status open_segment(struct gather *gather, uint32_t ordinal)
{
    if (gather->ordinal == ordinal) {
        return STATUS_OK;
    }
    if (gather->ordinal != 0) {
        log_segment_close(&gather->segment);
    }
    gather->ordinal = 0;
    enum status status =
        log_segment_open(&gather->segment, &gather->place, ordinal, SEGMENT_READ, gather->reason);
    gather->ordinal = status == STATUS_OK ? ordinal : 0;
    return status;
}

/* The segment that holds a position, by halves. NOT_FOUND: it was purged, or never was. */
static enum status find_segment(struct gather *gather, uint64_t position)
{
    uint32_t low = gather->span.first;
    uint32_t high = gather->span.last;
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        enum status status = open_segment(gather, middle);
        if (status != STATUS_OK) {
            return status;
        }
        if (gather->segment.has_row && gather->segment.row.first_position <= position) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    uint64_t last = 0;
    enum status status = open_segment(gather, low);
    if (status == STATUS_OK) {
        status = log_segment_last(&gather->segment, &last, gather->reason);
    }
    bool is_there = status == STATUS_OK && gather->segment.has_row &&
                    gather->segment.row.first_position <= position && position <= last;
    return status == STATUS_OK && !is_there ? STATUS_NOT_FOUND : status;
}

/* --- which rows ----------------------------------------------------------------------------- */

static void note_row(struct gather *gather, uint64_t position)
{
    if (gather->row_count == ROW_GATHER_ROW_COUNT_MAX) {
        gather->gathered->left_out_count++;
        return;
    }
    gather->rows[gather->row_count++] = (struct found_row){position, gather->ordinal};
}

static void note_rrn(struct gathered_rows *gathered, const char *rrn, uint64_t position)
{
    for (uint32_t i = 0; i < gathered->txn_count; i++) {
        if (strcmp(gathered->rrns[i], rrn) == 0) {
            return;
        }
    }
    if (gathered->txn_count == ROW_GATHER_TXN_COUNT_MAX) {
        gathered->left_out_count++;
        return;
    }
    gathered->positions[gathered->txn_count] = position;
    snprintf(gathered->rrns[gathered->txn_count++], sizeof(gathered->rrns[0]), "%s", rrn);
}

static enum status look_at_named(struct gather *gather, uint64_t position)
{
    struct record record;
    enum status status = find_segment(gather, position);
    if (status == STATUS_NOT_FOUND) {
        gather->gathered->purged_count++;
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = log_segment_read_block(&gather->segment, position, &record, 1, gather->reason);
    }
    if (status != STATUS_OK) {
        return status;
    }
    gather->first = gather->first == 0 ? gather->ordinal : gather->first;
    gather->last = gather->ordinal;
    note_row(gather, position);
    if (record.rrn[0] != '\0') {
        note_rrn(gather->gathered, record.rrn, position);
    }
    return STATUS_OK;
}

static enum status broken(struct gather *gather)
{
    snprintf(gather->reason, LOG_REASON_SIZE, "log %s: %s", gather->segment.path,
             log_segment_fault(&gather->segment));
    return STATUS_BROKEN;
}

static enum status find_story(struct gather *gather, const char *rrn)
{
    sqlite3_stmt *rows = NULL;
    int step = SQLITE_ERROR;
    if (sqlite3_prepare_v2(gather->segment.database,
                           "SELECT position FROM log WHERE rrn = ?1 AND rrn <> ''", -1, &rows,
                           NULL) == SQLITE_OK &&
        sqlite3_bind_text(rows, 1, rrn, -1, SQLITE_STATIC) == SQLITE_OK) {
        while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
            note_row(gather, (uint64_t)sqlite3_column_int64(rows, 0));
        }
    }
    sqlite3_finalize(rows);
    return step == SQLITE_DONE ? STATUS_OK : broken(gather);
}

static enum status find_stories(struct gather *gather)
{
    uint32_t first = gather->first > gather->span.first ? gather->first - 1 : gather->first;
    uint32_t last = gather->last + ROW_GATHER_SEGMENTS_BEHIND;
    last = last < gather->span.last ? last : gather->span.last;
    for (uint32_t ordinal = first; gather->first != 0 && ordinal <= last; ordinal++) {
        enum status status = open_segment(gather, ordinal);
        for (uint32_t i = 0; status == STATUS_OK && i < gather->gathered->txn_count; i++) {
            status = find_story(gather, gather->gathered->rrns[i]);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static int compare_rows(const void *left, const void *right)
{
    const struct found_row *a = left;
    const struct found_row *b = right;
    return (a->position > b->position) - (a->position < b->position);
}

static void sort_rows(struct gather *gather)
{
    uint32_t kept = 0;
    qsort(gather->rows, gather->row_count, sizeof(gather->rows[0]), compare_rows);
    for (uint32_t i = 0; i < gather->row_count; i++) {
        if (kept == 0 || gather->rows[i].position != gather->rows[kept - 1].position) {
            gather->rows[kept++] = gather->rows[i];
        }
    }
    gather->row_count = kept;
}

/* --- what rows say of decisions and time ----------------------------------------------------- */

static json_t *route_json(const struct record *record)
{
    return json_pack("{s:I, s:I, s:s}", "ruleset_version", (json_int_t)record->ruleset_version,
                     "route_rule", (json_int_t)record->route_rule, "channel", record->channel);
}

static json_t *limits_json(const struct record *record)
{
    return json_pack("{s:I, s:I, s:I}", "usage_day", (json_int_t)record->usage_day, "usage_count",
                     (json_int_t)record->usage_count, "usage_minor",
                     (json_int_t)record->usage_minor);
}

static json_t *price_json(const struct record *record)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "fee_rule",
                     (json_int_t)record->fee_rule, "cost_rule", (json_int_t)record->cost_rule,
                     "discount_rule", (json_int_t)record->discount_rule, "merchant_fee",
                     (json_int_t)record->merchant_fee, "issuer_fee", (json_int_t)record->issuer_fee,
                     "scheme_fee", (json_int_t)record->scheme_fee, "agent_fee",
                     (json_int_t)record->agent_fee, "fee_basis", record->fee_basis);
}

/* The first row that says something of it decides. */
static void note_decision(json_t *story, const char *name, bool is_said, json_t *decision)
{
    json_t *decisions = json_object_get(story, "decisions");
    if (is_said && json_object_get(decisions, name) == NULL) {
        json_object_set_new(decisions, name, decision);
    } else {
        json_decref(decision);
    }
}

static json_t *timing_json(const struct record *record, int64_t begun_us)
{
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:I, s:s, s:I, s:I}", "position", (json_int_t)record->position,
        "kind", log_word(LOG_WORDS_record_kind, record->kind).text, "state",
        log_word(LOG_WORDS_txn_state, record->state).text, "reason",
        log_word(LOG_WORDS_txn_reason, record->reason).text, "attempt", (json_int_t)record->attempt,
        "response_code", record->response_code, "wall_us", (json_int_t)record->wall_us, "after_us",
        (json_int_t)(record->wall_us - begun_us));
}

static void tell_story(struct gather *gather, const struct record *record)
{
    if (record->rrn[0] == '\0') {
        return;
    }
    json_t *story = json_object_get(gather->stories, record->rrn);
    if (story == NULL) {
        story = json_pack("{s:s, s:I, s:{}, s:[]}", "rrn", record->rrn, "begun_us",
                          (json_int_t)record->wall_us, "decisions", "timings");
        json_object_set_new(gather->stories, record->rrn, story);
    }
    json_int_t begun_us = json_integer_value(json_object_get(story, "begun_us"));
    json_array_append_new(json_object_get(story, "timings"), timing_json(record, begun_us));
    note_decision(story, "route", record->route_rule != 0 || record->channel[0] != '\0',
                  route_json(record));
    note_decision(story, "limits", record->usage_day != 0, limits_json(record));
    note_decision(story, "price", record->fee_basis[0] != '\0', price_json(record));
    note_decision(story, "refusal", record->kind == RECORD_REFUSED,
                  json_string(log_word(LOG_WORDS_txn_reason, record->reason).text));
}

/* --- putting them in -------------------------------------------------------------------------- */

static enum status note_segment(struct gather *gather)
{
    const struct segment_row *row = &gather->segment.row;
    char hex[2][BUNDLE_HEX_SIZE];
    const json_t *before = json_array_get(gather->segments, json_array_size(gather->segments) - 1);
    if (json_integer_value(json_object_get(before, "ordinal")) == (json_int_t)row->ordinal) {
        return STATUS_OK;
    }
    bundle_hex(hex[0], row->previous_hash.bytes, LOG_HASH_BYTES);
    bundle_hex(hex[1], row->last_hash.bytes, LOG_HASH_BYTES);
    json_t *segment =
        json_pack("{s:I, s:I, s:s}", "ordinal", (json_int_t)row->ordinal, "first_position",
                  (json_int_t)row->first_position, "previous_hash", hex[0]);
    if (row->sealed_us != 0) {
        json_object_set_new(segment, "last_position", json_integer((json_int_t)row->last_position));
        json_object_set_new(segment, "last_hash", json_string(hex[1]));
    }
    return json_array_append_new(gather->segments, segment) == 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status read_previous(struct gather *gather, uint64_t position, struct log_hash *hash)
{
    sqlite3_stmt *row = NULL;
    if (position == gather->segment.row.first_position) {
        *hash = gather->segment.row.previous_hash;
        return STATUS_OK;
    }
    bool is_read =
        sqlite3_prepare_v2(gather->segment.database, "SELECT hash FROM log WHERE position = ?1", -1,
                           &row, NULL) == SQLITE_OK &&
        sqlite3_bind_int64(row, 1, (int64_t)position - 1) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW && sqlite3_column_bytes(row, 0) == LOG_HASH_BYTES;
    if (is_read) {
        memcpy(hash->bytes, sqlite3_column_blob(row, 0), LOG_HASH_BYTES);
    }
    sqlite3_finalize(row);
    return is_read ? STATUS_OK : broken(gather);
}

static enum status put_row(struct gather *gather, const struct found_row *found)
{
    struct record record;
    struct bundle_row hashes;
    enum status status = open_segment(gather, found->ordinal);
    if (status == STATUS_OK) {
        status = note_segment(gather);
    }
    if (status == STATUS_OK) { /* which verifies its hash */
        status =
            log_segment_read_block(&gather->segment, found->position, &record, 1, gather->reason);
    }
    hashes.hash = gather->segment.chain;
    if (status == STATUS_OK) {
        status = read_previous(gather, found->position, &hashes.previous);
    }
    if (status == STATUS_OK) {
        status =
            log_hash_secrets(&gather->segment.hasher, &hashes.previous, &record, &hashes.secrets);
    }
    if (status != STATUS_OK) {
        return status;
    }
    tell_story(gather, &record);
    return bundle_writer_add_line(gather->writer, BUNDLE_ROWS, bundle_row_line(&record, &hashes));
}

static json_t *decisions_json(const struct gather *gather, const struct gathered_case *named)
{
    json_t *list = json_array();
    const char *rrn;
    json_t *story;
    json_object_foreach(gather->stories, rrn, story)
    {
        json_array_append(list, story);
    }
    return json_pack("{s:o, s:{s:I, s:I}}", "transactions", list, "left_out", "purged_rows",
                     (json_int_t)gather->gathered->purged_count, "for_want_of_room",
                     (json_int_t)gather->gathered->left_out_count +
                         (json_int_t)named->left_out_count);
}

static enum status put_all(struct gather *gather, const struct gathered_case *named)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < gather->row_count; i++) {
        status = put_row(gather, &gather->rows[i]);
    }
    gather->gathered->row_count = gather->row_count;
    if (status == STATUS_OK) {
        status =
            bundle_writer_add_json(gather->writer, BUNDLE_SEGMENTS, json_incref(gather->segments));
    }
    if (status == STATUS_OK) {
        status =
            bundle_writer_add_json(gather->writer, BUNDLE_DECISIONS, decisions_json(gather, named));
    }
    if (status == STATUS_NO_ROOM) {
        snprintf(gather->reason, LOG_REASON_SIZE, "the case's rows are more than %s takes",
                 bundle_member_name(bundle_writer_full(gather->writer)));
    }
    return status;
}

static enum status gather_all(struct gather *gather, const struct gathered_case *named)
{
    enum status status = log_folder_span(gather->place.folder, &gather->span, gather->reason);
    if (status == STATUS_OK && gather->span.last == 0) {
        snprintf(gather->reason, LOG_REASON_SIZE,
                 "log %s: expected segment-000001.db or a later one in it", gather->place.folder);
        return STATUS_BROKEN;
    }
    for (uint32_t i = 0; status == STATUS_OK && i < named->position_count; i++) {
        status = look_at_named(gather, named->positions[i]);
    }
    if (status == STATUS_OK) {
        status = find_stories(gather);
    }
    sort_rows(gather);
    return status == STATUS_OK ? put_all(gather, named) : status;
}

enum status row_gather(const char *log, const struct gathered_case *named,
                       struct bundle_writer *writer, struct gathered_rows *gathered, char *reason)
{
    struct gather *gather = calloc(1, sizeof(*gather));
    *gathered = (struct gathered_rows){.txn_count = 0};
    snprintf(reason, LOG_REASON_SIZE, "no memory");
    if (gather == NULL) {
        return STATUS_NO_MEMORY;
    }
    *gather = (struct gather){.place = {log, NULL},
                              .writer = writer,
                              .gathered = gathered,
                              .reason = reason,
                              .stories = json_object(),
                              .segments = json_array()};
    enum status status = gather_all(gather, named);
    if (gather->ordinal != 0) {
        log_segment_close(&gather->segment);
    }
    json_decref(gather->stories);
    json_decref(gather->segments);
    free(gather);
    return status;
}
