/* See log_gather.h. */
#include "switch/store/log_gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

#define POSITIONS_MAX 256
/* Segments before the one where a transaction was found that may hold its first row: what is in
 * flight outlives one change of segments, and in a small test a few. */
#define BEFORE_COUNT 3

void log_scope_trim(struct log_scope *scope, const struct log_place *place)
{
    char path[LOG_PATH_SIZE];
    while (scope->sealed_first > 0 && scope->sealed_first < scope->sealed_last) {
        log_folder_segment_path(path, place->folder, scope->sealed_first);
        if (log_disk_is_there(path)) {
            return;
        }
        log_shelf_drop(scope->shelf, scope->sealed_first);
        scope->sealed_first++;
    }
}

static enum status read_fault(uint32_t ordinal, sqlite3_stmt *statement, const char *what,
                              char *reason)
{
    snprintf(reason, LOG_REASON_SIZE, "log segment %u: %s", ordinal,
             what != NULL ? what : sqlite3_errmsg(sqlite3_db_handle(statement)));
    return STATUS_BROKEN;
}

static enum status read_record(sqlite3_stmt *statement, uint32_t ordinal, struct record *record,
                               struct log_hash *hash, char *reason)
{
    struct log_hash unused;
    const char *column = "";
    if (log_read(statement, record, hash == NULL ? &unused : hash, &column) != STATUS_OK) {
        return read_fault(ordinal, statement, "a row holds what no record holds", reason);
    }
    return STATUS_OK;
}

/* --- what a query means ------------------------------------------------------------------- */

static bool record_fits(const struct record *record, const struct lookup_query *query)
{
    switch (query->kind) {
    case LOOKUP_BY_KEY:
        return tail_record_begins(record) && record->batch == query->batch &&
               record->stan == query->stan &&
               strcmp(record->terminal_id, query->terminal_id) == 0 &&
               strcmp(record->merchant_id, query->merchant_id) == 0;
    case LOOKUP_BY_RRN:
        return tail_record_begins(record) && strcmp(record->rrn, query->rrn) == 0;
    case LOOKUP_BY_CARD:
        return tail_record_is_preauth(record) &&
               strcmp(record->merchant_id, query->merchant_id) == 0 &&
               strcmp(record->auth_code, query->auth_code) == 0 &&
               memcmp(&record->pan_hash, &query->pan_hash, sizeof(query->pan_hash)) == 0;
    }
    return false;
}

/* Takes a record into the finding, if it is meant and nothing better was found before. */
static void consider(struct log_finding *finding, const struct record *record,
                     const struct lookup_query *query, uint32_t ordinal)
{
    if (!record_fits(record, query)) {
        return;
    }
    bool is_certain = query->kind != LOOKUP_BY_KEY || !record_is_blind_refusal(record);
    if (is_certain || finding->txn.seq == 0) {
        *finding = (struct log_finding){record->txn, ordinal, is_certain};
    }
}

static enum status find_in_tail(const struct log_scope *scope, uint32_t at,
                                const struct lookup_query *query, struct log_finding *finding,
                                char *reason)
{
    uint64_t positions[POSITIONS_MAX];
    struct record record;
    uint32_t ordinal = scope->tails[at].ordinal;
    uint32_t count =
        tail_index_find(scope->tails[at].index, tail_hash_query(query), positions, POSITIONS_MAX);
    for (uint32_t i = 0; i < count && i < POSITIONS_MAX && !finding->is_certain; i++) {
        sqlite3_stmt *row = log_shelf_search(scope->shelf, ordinal, LOG_SEARCH_POSITION, reason);
        if (row == NULL) {
            return STATUS_BROKEN;
        }
        sqlite3_bind_int64(row, 1, (int64_t)positions[i]);
        int step = sqlite3_step(row);
        enum status status =
            step == SQLITE_ROW
                ? read_record(row, ordinal, &record, NULL, reason)
                : read_fault(ordinal, row, step == SQLITE_DONE ? "a row is gone" : NULL, reason);
        sqlite3_reset(row);
        if (status != STATUS_OK) {
            return status;
        }
        consider(finding, &record, query, ordinal);
    }
    return STATUS_OK;
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

static sqlite3_stmt *search_of(const struct log_scope *scope, uint32_t ordinal,
                               const struct lookup_query *query, char *reason)
{
    static const enum log_search searches[] = {[LOOKUP_BY_KEY] = LOG_SEARCH_KEY,
                                               [LOOKUP_BY_RRN] = LOG_SEARCH_RRN,
                                               [LOOKUP_BY_CARD] = LOG_SEARCH_CARD};
    sqlite3_stmt *rows = log_shelf_search(scope->shelf, ordinal, searches[query->kind], reason);
    if (rows == NULL) {
        return NULL;
    }
    if (query->kind == LOOKUP_BY_KEY) {
        bind_text(rows, 1, query->terminal_id);
        bind_text(rows, 2, query->merchant_id);
        sqlite3_bind_int64(rows, 3, query->batch);
        sqlite3_bind_int64(rows, 4, query->stan);
    } else if (query->kind == LOOKUP_BY_RRN) {
        bind_text(rows, 1, query->rrn);
    } else {
        bind_text(rows, 1, query->merchant_id);
        sqlite3_bind_blob(rows, 2, query->pan_hash.bytes, sizeof(query->pan_hash.bytes),
                          SQLITE_STATIC);
        bind_text(rows, 3, query->auth_code);
    }
    return rows;
}

static enum status find_in_sealed(const struct log_scope *scope, uint32_t ordinal,
                                  const struct lookup_query *query, struct log_finding *finding,
                                  char *reason)
{
    struct record record;
    int step = SQLITE_DONE;
    enum status status = STATUS_OK;
    sqlite3_stmt *rows = search_of(scope, ordinal, query, reason);
    if (rows == NULL) {
        return STATUS_BROKEN;
    }
    while (status == STATUS_OK && !finding->is_certain &&
           (step = sqlite3_step(rows)) == SQLITE_ROW) {
        status = read_record(rows, ordinal, &record, NULL, reason);
        if (status == STATUS_OK) {
            consider(finding, &record, query, ordinal);
        }
    }
    if (status == STATUS_OK && step != SQLITE_DONE && step != SQLITE_ROW) {
        status = read_fault(ordinal, rows, NULL, reason);
    }
    sqlite3_reset(rows);
    return status;
}

enum status log_gather_find(const struct log_scope *scope, const struct lookup_query *query,
                            struct log_finding *finding, char *reason)
{
    enum status status = STATUS_OK;
    *finding = (struct log_finding){0};
    for (uint32_t i = scope->tail_count; status == STATUS_OK && !finding->is_certain && i > 0;
         i--) {
        status = find_in_tail(scope, i - 1, query, finding, reason);
    }
    for (uint32_t ordinal = scope->sealed_last; status == STATUS_OK && !finding->is_certain &&
                                                ordinal >= scope->sealed_first && ordinal > 0;
         ordinal--) {
        status = find_in_sealed(scope, ordinal, query, finding, reason);
    }
    return status;
}

enum status log_gather_locate(const struct log_scope *scope, struct txn_reference txn,
                              struct log_finding *finding, char *reason)
{
    *finding = (struct log_finding){.txn = txn};
    for (uint32_t ordinal = scope->sealed_last;
         finding->ordinal == 0 && ordinal >= scope->sealed_first && ordinal > 0; ordinal--) {
        struct record record;
        sqlite3_stmt *rows = log_shelf_search(scope->shelf, ordinal, LOG_SEARCH_REFERENCE, reason);
        if (rows == NULL) {
            return STATUS_BROKEN;
        }
        sqlite3_bind_int64(rows, 1, txn.epoch);
        sqlite3_bind_int64(rows, 2, txn.seq);
        int step = sqlite3_step(rows);
        enum status status = step == SQLITE_ROW ? read_record(rows, ordinal, &record, NULL, reason)
                             : step == SQLITE_DONE ? STATUS_OK
                                                   : read_fault(ordinal, rows, NULL, reason);
        sqlite3_reset(rows);
        if (status != STATUS_OK) {
            return status;
        }
        if (step == SQLITE_ROW && tail_record_begins(&record)) {
            finding->ordinal = ordinal;
        }
    }
    return STATUS_OK;
}

/* --- a story ------------------------------------------------------------------------------ */

struct gathering {
    const struct log_scope *scope;
    uint32_t first; /* segment from which on is searched */
    struct log_found *found;
    struct txn_reference wanted[POSITIONS_MAX]; /* in the order they became known */
    uint32_t wanted_count;
    bool leaves_attempts;
    char *reason;
};

static void want(struct gathering *gathering, struct txn_reference txn)
{
    for (uint32_t i = 0; i < gathering->wanted_count; i++) {
        if (gathering->wanted[i].epoch == txn.epoch && gathering->wanted[i].seq == txn.seq) {
            return;
        }
    }
    /* More than there is room for rows: then there is no room for theirs either. */
    if (gathering->wanted_count < POSITIONS_MAX) {
        gathering->wanted[gathering->wanted_count++] = txn;
    }
}

static bool has_position(const struct log_found *found, uint64_t position)
{
    for (uint32_t i = 0; i < found->count; i++) {
        if (found->records[i].position == position) {
            return true;
        }
    }
    return false;
}

static bool tells_only_an_attempt(const struct record *record)
{
    return record->kind == RECORD_REVERSAL_SENT || record->kind == RECORD_ANOMALY;
}

/* Takes the row that `rows` stands on, if it is one of the transaction's or names it. */
static enum status take_row(struct gathering *gathering, sqlite3_stmt *rows, uint32_t ordinal,
                            struct txn_reference txn)
{
    struct log_found *found = gathering->found;
    struct record record;
    struct log_hash hash;
    enum status status = read_record(rows, ordinal, &record, &hash, gathering->reason);
    if (status != STATUS_OK) {
        return status;
    }
    bool is_own = record.txn.epoch == txn.epoch && record.txn.seq == txn.seq;
    bool is_follower = record.original.epoch == txn.epoch && record.original.seq == txn.seq;
    if (!is_own && !is_follower) {
        return STATUS_OK; /* another one of the same hash */
    }
    if (is_follower) {
        want(gathering, record.txn);
    }
    if (has_position(found, record.position) ||
        (gathering->leaves_attempts && tells_only_an_attempt(&record))) {
        return STATUS_OK;
    }
    if (found->count == found->room || gathering->wanted_count == POSITIONS_MAX) {
        snprintf(gathering->reason, LOG_REASON_SIZE,
                 "the log holds more than %u rows of transaction %u/%u and what followed it",
                 found->room, txn.epoch, txn.seq);
        return STATUS_NO_ROOM;
    }
    if (found->hashes != NULL) {
        found->hashes[found->count] = hash;
    }
    found->records[found->count++] = record;
    return STATUS_OK;
}

static enum status take_sealed(struct gathering *gathering, uint32_t ordinal,
                               enum log_search search, struct txn_reference txn)
{
    sqlite3_stmt *rows =
        log_shelf_search(gathering->scope->shelf, ordinal, search, gathering->reason);
    enum status status = STATUS_OK;
    int step = SQLITE_DONE;
    if (rows == NULL) {
        return STATUS_BROKEN;
    }
    sqlite3_bind_int64(rows, 1, txn.epoch);
    sqlite3_bind_int64(rows, 2, txn.seq);
    while (status == STATUS_OK && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        status = take_row(gathering, rows, ordinal, txn);
    }
    if (status == STATUS_OK && step != SQLITE_DONE) {
        status = read_fault(ordinal, rows, NULL, gathering->reason);
    }
    sqlite3_reset(rows);
    return status;
}

static enum status take_tail(struct gathering *gathering, uint32_t at, uint64_t hash,
                             struct txn_reference txn)
{
    uint64_t positions[POSITIONS_MAX];
    uint32_t ordinal = gathering->scope->tails[at].ordinal;
    enum status status = STATUS_OK;
    uint32_t count =
        tail_index_find(gathering->scope->tails[at].index, hash, positions, POSITIONS_MAX);
    if (count > POSITIONS_MAX) {
        snprintf(gathering->reason, LOG_REASON_SIZE,
                 "the log holds more than %d rows of transaction %u/%u", POSITIONS_MAX, txn.epoch,
                 txn.seq);
        return STATUS_NO_ROOM;
    }
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        sqlite3_stmt *row = log_shelf_search(gathering->scope->shelf, ordinal, LOG_SEARCH_POSITION,
                                             gathering->reason);
        if (row == NULL) {
            return STATUS_BROKEN;
        }
        sqlite3_bind_int64(row, 1, (int64_t)positions[i]);
        status = sqlite3_step(row) == SQLITE_ROW
                     ? take_row(gathering, row, ordinal, txn)
                     : read_fault(ordinal, row, "a row cannot be read", gathering->reason);
        sqlite3_reset(row);
    }
    return status;
}

static enum status take_all_of(struct gathering *gathering, struct txn_reference txn)
{
    const struct log_scope *scope = gathering->scope;
    enum status status = STATUS_OK;
    for (uint32_t ordinal = gathering->first; status == STATUS_OK && ordinal <= scope->sealed_last;
         ordinal++) {
        status = take_sealed(gathering, ordinal, LOG_SEARCH_REFERENCE, txn);
        if (status == STATUS_OK) {
            status = take_sealed(gathering, ordinal, LOG_SEARCH_ORIGINAL, txn);
        }
    }
    for (uint32_t i = 0; status == STATUS_OK && i < scope->tail_count; i++) {
        status = take_tail(gathering, i, tail_hash_reference(txn), txn);
        if (status == STATUS_OK) {
            status = take_tail(gathering, i, tail_hash_original(txn), txn);
        }
    }
    return status;
}

static int compare_positions(const void *left, const void *right)
{
    const struct record *a = left;
    const struct record *b = right;
    return a->position < b->position ? -1 : a->position > b->position;
}

static enum status gather(struct gathering *gathering, struct txn_reference txn)
{
    enum status status = STATUS_OK;
    gathering->found->count = 0;
    gathering->wanted_count = 0;
    want(gathering, txn);
    for (uint32_t i = 0; status == STATUS_OK && i < gathering->wanted_count; i++) {
        status = take_all_of(gathering, gathering->wanted[i]);
    }
    return status;
}

enum status log_gather_story(const struct log_scope *scope, const struct log_finding *finding,
                             struct log_found *found, char *reason)
{
    REQUIRE(finding->txn.seq != 0);
    uint32_t first = finding->ordinal > BEFORE_COUNT ? finding->ordinal - BEFORE_COUNT : 1;
    struct gathering gathering = {.scope = scope,
                                  .first =
                                      first > scope->sealed_first ? first : scope->sealed_first,
                                  .found = found,
                                  .reason = reason};
    if (gathering.first == 0) {
        gathering.first = 1;
    }
    enum status status = gather(&gathering, finding->txn);
    if (status == STATUS_NO_ROOM) {
        gathering.leaves_attempts = true;
        status = gather(&gathering, finding->txn);
    }
    if (status == STATUS_OK && found->hashes == NULL) { /* else the caller sorts by inserting */
        qsort(found->records, found->count, sizeof(found->records[0]), compare_positions);
    }
    return status;
}
