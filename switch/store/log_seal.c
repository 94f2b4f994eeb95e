/* See log_seal.h. */
#include "switch/store/log_seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocols/base/require.h"
#include "switch/store/log_carry.h"
#include "switch/store/log_usage.h"
#include "switch/store/log_word.h"
#include "switch/store/planted_log_bug.h"

#define STEPS_A_PAUSE 20000
#define PUSH_EVERY_NS 50000000
#define STORY_ROWS_MAX 4096 /* of one transaction that is carried */
#define BUSY_TIMEOUT_MS 200

/* What of each row carry_take wants. */
#define CARRY_COLUMNS                                                                              \
    "SELECT position, kind, payment_kind, state, wall_us, epoch, seq, original_epoch,"             \
    " original_seq, terminal_id, merchant_id, channel, batch, stan, channel_stan, totals <> '',"   \
    " kind = 'reversal_done' AND response_code = '25', attempt FROM "

struct sealing {
    const struct seal_setup *setup;
    const struct log_scope *earlier;
    struct log_segment segment;
    struct log_segment before; /* the one sealed before, whose `carried` goes on */
    struct carry *carry;
    sqlite3_stmt *insert; /* into `carried` */
    char wal[LOG_PATH_SIZE + 8];
    uint64_t pushed_ns;
    char *reason;
};

/* What SQLite said of the segment at hand. */
static enum status broken(const struct sealing *sealing)
{
    snprintf(sealing->reason, LOG_REASON_SIZE, "log %s: %s", sealing->segment.path,
             log_segment_fault(&sealing->segment));
    int failed = sqlite3_errcode(sealing->segment.database);
    return failed == SQLITE_INTERRUPT ? STATUS_CLOSED : STATUS_BROKEN;
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* What the sealing writes goes to the disk in small pieces: a sync of it all at once would hold up
 * the commits of the open segment. */
static int on_progress(void *argument)
{
    struct sealing *sealing = argument;
    uint64_t now_ns = clock_ns();
    if (now_ns - sealing->pushed_ns >= PUSH_EVERY_NS) {
        log_disk_push(sealing->wal);
        sealing->pushed_ns = clock_ns();
    }
    return sealing->setup->must_stop != NULL && sealing->setup->must_stop(sealing->setup->argument);
}

static enum status execute(struct sealing *sealing, const char *sql)
{
    return sqlite3_exec(sealing->segment.database, sql, NULL, NULL, NULL) == SQLITE_OK
               ? STATUS_OK
               : broken(sealing);
}

/* --- indexes ------------------------------------------------------------------------------ */

static enum status make_indexes(struct sealing *sealing)
{
    static const char *const indexes[] = {
#define X(name, text) "CREATE INDEX IF NOT EXISTS " text,
        LOG_INDEX_MAP(X)
#undef X
    };
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < sizeof(indexes) / sizeof(indexes[0]); i++) {
        status = execute(sealing, indexes[i]);
        /* What readers hold up is folded at the end. */
        sqlite3_wal_checkpoint_v2(sealing->segment.database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
                                  NULL);
    }
    return status;
}

/* --- carried ------------------------------------------------------------------------------ */

static int word_of(sqlite3_stmt *row, int at, enum log_words words)
{
    const char *text = (const char *)sqlite3_column_text(row, at);
    return text == NULL ? -1 : log_word_find(words, text, (uint32_t)sqlite3_column_bytes(row, at));
}

static struct txn_reference reference_of(sqlite3_stmt *row, int at)
{
    return (struct txn_reference){(uint32_t)sqlite3_column_int64(row, at),
                                  (uint32_t)sqlite3_column_int64(row, at + 1)};
}

static const char *text_of(sqlite3_stmt *row, int at)
{
    const char *text = (const char *)sqlite3_column_text(row, at);
    return text == NULL ? "" : text;
}

static enum status take_row(struct sealing *sealing, sqlite3_stmt *row)
{
    int kind = word_of(row, 1, LOG_WORDS_record_kind);
    int payment_kind = word_of(row, 2, LOG_WORDS_payment_kind);
    int state = word_of(row, 3, LOG_WORDS_txn_state);
    if (kind < 0 || payment_kind < 0 || state < 0) {
        snprintf(sealing->reason, LOG_REASON_SIZE,
                 "log %s: position %lld: a word that this program does not know",
                 sealing->segment.path, (long long)sqlite3_column_int64(row, 0));
        return STATUS_MALFORMED;
    }
    struct carry_row taken = {.position = (uint64_t)sqlite3_column_int64(row, 0),
                              .kind = (enum record_kind)kind,
                              .payment_kind = (enum payment_kind)payment_kind,
                              .state = (uint8_t)state,
                              .wall_us = sqlite3_column_int64(row, 4),
                              .txn = reference_of(row, 5),
                              .original = reference_of(row, 7),
                              .terminal_id = text_of(row, 9),
                              .merchant_id = text_of(row, 10),
                              .channel = text_of(row, 11),
                              .batch = (uint32_t)sqlite3_column_int64(row, 12),
                              .stan = (uint32_t)sqlite3_column_int64(row, 13),
                              .channel_stan = (uint32_t)sqlite3_column_int64(row, 14),
                              .has_totals = sqlite3_column_int(row, 15) != 0,
                              .is_closed_by_25 = sqlite3_column_int(row, 16) != 0,
                              .attempt = (uint16_t)sqlite3_column_int(row, 17)};
    enum status status = carry_take(sealing->carry, &taken);
    if (status != STATUS_OK) {
        snprintf(sealing->reason, LOG_REASON_SIZE, "log %s: position %llu: %s",
                 sealing->segment.path, (unsigned long long)taken.position, status_text(status));
    }
    return status;
}

static enum status each_row(struct sealing *sealing, sqlite3 *database, const char *sql,
                            enum status (*on_row)(struct sealing *sealing, sqlite3_stmt *row))
{
    sqlite3_stmt *rows = NULL;
    int step = SQLITE_DONE;
    enum status status = STATUS_OK;
    if (sqlite3_prepare_v2(database, sql, -1, &rows, NULL) != SQLITE_OK) {
        return broken(sealing);
    }
    while (status == STATUS_OK && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        status = on_row(sealing, rows);
    }
    if (status == STATUS_OK && step != SQLITE_DONE) {
        status = broken(sealing);
    }
    sqlite3_finalize(rows);
    return status;
}

static enum status insert_bound(struct sealing *sealing)
{
    int step = sqlite3_step(sealing->insert);
    return sqlite3_reset(sealing->insert) == SQLITE_OK && step == SQLITE_DONE ? STATUS_OK
                                                                              : broken(sealing);
}

/* Column by column as it stands: a carried row is the row itself. */
static enum status copy_row(struct sealing *sealing, sqlite3_stmt *row)
{
    /* Epoch and seq follow position, kind and wall_us, see log_column.def. */
    if (!carry_keeps(sealing->carry, (uint64_t)sqlite3_column_int64(row, 0),
                     reference_of(row, 3))) {
        return STATUS_OK;
    }
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        if (sqlite3_bind_value(sealing->insert, i + 1, sqlite3_column_value(row, i)) != SQLITE_OK) {
            return broken(sealing);
        }
    }
    return insert_bound(sealing);
}

static enum status insert_story(struct sealing *sealing, const struct log_found *found)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < found->count; i++) {
        status = log_bind(sealing->insert, &found->records[i], &found->hashes[i]) == SQLITE_OK
                     ? insert_bound(sealing)
                     : broken(sealing);
    }
    return status;
}

/* Stories that began in segments before, and were over by then: read back whole. */
static enum status carry_originals(struct sealing *sealing)
{
    struct log_found found = {.room = STORY_ROWS_MAX};
    struct txn_reference missing;
    struct log_finding finding;
    enum status status = STATUS_OK;
    uint32_t at = 0;
    found.records = malloc(STORY_ROWS_MAX * sizeof(found.records[0]));
    found.hashes = malloc(STORY_ROWS_MAX * sizeof(found.hashes[0]));
    if (found.records == NULL || found.hashes == NULL) {
        snprintf(sealing->reason, LOG_REASON_SIZE, "log %s: no memory", sealing->segment.path);
        status = STATUS_NO_MEMORY;
    }
    while (status == STATUS_OK && carry_next_missing(sealing->carry, &at, &missing)) {
        status = log_gather_locate(sealing->earlier, missing, &finding, sealing->reason);
        if (status == STATUS_OK && finding.ordinal != 0) { /* else it was purged */
            status = log_gather_story(sealing->earlier, &finding, &found, sealing->reason);
            status = status == STATUS_OK ? insert_story(sealing, &found) : status;
        }
    }
    free(found.records);
    free(found.hashes);
    return status;
}

static enum status fill_carried(struct sealing *sealing)
{
    char all_carried[LOG_SELECT_SIZE];
    char all_log[LOG_SELECT_SIZE];
    sqlite3 *own = sealing->segment.database;
    sqlite3 *before = sealing->before.database; /* NULL: this is the first */
    snprintf(all_carried, sizeof(all_carried), "%scarried ORDER BY position", log_select_sql());
    snprintf(all_log, sizeof(all_log), "%slog ORDER BY position", log_select_sql());
    enum status status = STATUS_OK;
    if (before != NULL) {
        status = each_row(sealing, before, CARRY_COLUMNS "carried ORDER BY position", take_row);
    }
    if (status == STATUS_OK) {
        status = each_row(sealing, own, CARRY_COLUMNS "log ORDER BY position", take_row);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (carry_settle(sealing->carry) != STATUS_OK) {
        snprintf(sealing->reason, LOG_REASON_SIZE, "log %s: no memory", sealing->segment.path);
        return STATUS_NO_MEMORY;
    }
    status = execute(sealing, log_carried_schema_sql());
    if (status == STATUS_OK && sqlite3_prepare_v2(own, log_insert_carried_sql(), -1,
                                                  &sealing->insert, NULL) != SQLITE_OK) {
        status = broken(sealing);
    }
    if (status == STATUS_OK && before != NULL) {
        status = each_row(sealing, before, all_carried, copy_row);
    }
    if (status == STATUS_OK) {
        status = each_row(sealing, own, all_log, copy_row);
    }
    return status == STATUS_OK ? carry_originals(sealing) : status;
}

/* --- the whole ---------------------------------------------------------------------------- */

static enum status mark_sealed(struct sealing *sealing)
{
    struct log_segment *segment = &sealing->segment;
    struct timespec now;
    sqlite3_stmt *update = NULL;
    clock_gettime(CLOCK_REALTIME, &now);
    if (sqlite3_prepare_v2(segment->database,
                           "UPDATE segment SET sealed_us = ?1, last_position = ?2, last_hash = ?3,"
                           " row_count = ?4",
                           -1, &update, NULL) != SQLITE_OK) {
        return broken(sealing);
    }
    sqlite3_bind_int64(update, 1, (int64_t)now.tv_sec * 1000000 + (int64_t)now.tv_nsec / 1000);
    sqlite3_bind_int64(update, 2, (int64_t)segment->position);
    sqlite3_bind_blob(update, 3, segment->chain.bytes, LOG_HASH_BYTES, SQLITE_STATIC);
    sqlite3_bind_int64(update, 4, (int64_t)(segment->position - segment->row.first_position + 1));
    enum status status = sqlite3_step(update) == SQLITE_DONE ? STATUS_OK : broken(sealing);
    sqlite3_finalize(update);
    return status;
}

static enum status check_room(struct sealing *sealing)
{
    sqlite3_stmt *select = NULL;
    int64_t bytes = 0;
    if (sqlite3_prepare_v2(sealing->segment.database,
                           "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                           -1, &select, NULL) != SQLITE_OK) {
        return broken(sealing);
    }
    if (sqlite3_step(select) == SQLITE_ROW) {
        bytes = sqlite3_column_int64(select, 0);
    }
    sqlite3_finalize(select);
    int64_t free_bytes = log_disk_free_bytes(sealing->setup->place.folder);
    if (free_bytes >= 0 && free_bytes < bytes + (int64_t)sealing->setup->spare_bytes) {
        snprintf(sealing->reason, LOG_REASON_SIZE,
                 "log %s: sealing wants %lld bytes of disk beside the reserve of %llu, %lld are "
                 "free; make room",
                 sealing->segment.path, (long long)bytes,
                 (unsigned long long)sealing->setup->spare_bytes, (long long)free_bytes);
        return STATUS_NO_ROOM;
    }
    return STATUS_OK;
}

static enum status fill(struct sealing *sealing)
{
    sqlite3 *database = sealing->segment.database;
    enum status status = log_segment_find_end(&sealing->segment, sealing->reason);
    if (status == STATUS_OK) {
        status = check_room(sealing);
    }
    sqlite3_progress_handler(database, STEPS_A_PAUSE, on_progress, sealing);
    if (status == STATUS_OK) {
        status = execute(sealing, "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192");
    }
    if (status == STATUS_OK) {
        status = make_indexes(sealing);
    }
    if (PLANTED_BUG(104) && status == STATUS_OK) {
        status = mark_sealed(sealing);
    }
    if (status == STATUS_OK) {
        status = execute(sealing, "BEGIN IMMEDIATE");
    }
    if (status == STATUS_OK) {
        status = fill_carried(sealing);
    }
    if (status == STATUS_OK &&
        log_usage_fill(sealing->segment.database, sealing->before.database) != STATUS_OK) {
        status = broken(sealing);
    }
    if (status == STATUS_OK) {
        status = mark_sealed(sealing);
    }
    return status == STATUS_OK ? execute(sealing, "COMMIT") : status;
}

enum status log_seal_fill(const struct seal_setup *setup, uint32_t ordinal,
                          const struct log_scope *earlier, char *reason)
{
    struct sealing sealing = {.setup = setup, .earlier = earlier, .reason = reason};
    enum status status =
        log_segment_open(&sealing.segment, &setup->place, ordinal, SEGMENT_WRITE, reason);
    if (status == STATUS_OK && sealing.segment.row.sealed_us == 0) {
        REQUIRE(sealing.segment.has_row);
        snprintf(sealing.wal, sizeof(sealing.wal), "%s-wal", sealing.segment.path);
        if (earlier->sealed_last >= earlier->sealed_first && earlier->sealed_last > 0) {
            status = log_segment_open(&sealing.before, &setup->place, earlier->sealed_last,
                                      SEGMENT_READ, reason);
        }
        sealing.carry = carry_create(setup->carry_window_us);
        if (status == STATUS_OK && sealing.carry == NULL) {
            snprintf(reason, LOG_REASON_SIZE, "log %s: no memory", sealing.segment.path);
            status = STATUS_NO_MEMORY;
        }
        status = status == STATUS_OK ? fill(&sealing) : status;
    }
    carry_destroy(sealing.carry);
    sqlite3_finalize(sealing.insert);
    log_segment_close(&sealing.before);
    log_segment_close(&sealing.segment); /* what is not committed is undone */
    return status;
}

static int on_text(void *argument, int count, char **values, char **names)
{
    (void)names;
    snprintf(argument, 16, "%s", count > 0 && values[0] != NULL ? values[0] : "");
    return 0;
}

enum status log_seal_close(const struct seal_setup *setup, uint32_t ordinal, char *reason)
{
    char mode[16] = "";
    struct log_segment segment;
    enum status status = log_segment_open(&segment, &setup->place, ordinal, SEGMENT_WRITE, reason);
    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_busy_timeout(segment.database, BUSY_TIMEOUT_MS);
    int failed =
        sqlite3_wal_checkpoint_v2(segment.database, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (failed == SQLITE_OK) {
        failed =
            sqlite3_exec(segment.database, "PRAGMA journal_mode = DELETE", on_text, mode, NULL);
    }
    if (failed != SQLITE_OK || strcmp(mode, "delete") != 0) {
        bool is_busy = failed == SQLITE_OK || (failed & 0xFF) == SQLITE_BUSY;
        snprintf(reason, LOG_REASON_SIZE, "log %s: %s", segment.path,
                 is_busy ? "somebody reads it" : log_segment_fault(&segment));
        log_segment_close(&segment);
        return is_busy ? STATUS_NOT_READY : STATUS_BROKEN;
    }
    char path[LOG_PATH_SIZE];
    memcpy(path, segment.path, sizeof(path));
    log_segment_close(&segment);
    /* Were the name of the rollback journal to come back after a power cut, SQLite would want to
     * write: it must be gone for good before the file is read-only. */
    status = PLANTED_BUG(108) ? STATUS_OK : log_disk_sync_folder(setup->place.folder, reason);
    return status == STATUS_OK ? log_disk_make_readonly(path, reason) : status;
}
