/* See settlement_log.h. */
#include "switch/settlement/settlement_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/store/log_word.h"

#define STRETCH_ROWS 20000 /* of one read of what is being written */
#define BUSY_MS 5000
#define SQL_SIZE 4096
#define DAY_US INT64_C(86400000000)

/* What `tail` keeps: all that any statement of a settlement asks for. */
#define TAIL_FRONT                                                                                 \
    "position, wall_us, kind, payment_kind, reason, epoch, seq, original_epoch, original_seq, "    \
    "terminal_id, merchant_id, channel, batch, stan, amount_minor, currency, pan_masked, rrn, "    \
    "response_code, settlement_day, merchant_fee, issuer_fee, scheme_fee, agent_fee, "             \
    "agent_shares, fee_basis, "
#define TAIL_COLUMNS TAIL_FRONT "payload"
/* Of an order's row all that is in force behind it. */
#define TAIL_SELECT TAIL_FRONT "iif(kind LIKE 'order%', answer, payload)"
#define TAIL_KINDS                                                                                 \
    "kind IN ('intent', 'result', 'reversal', 'reversal_done', 'reversal_case', 'advice', "        \
    "'advice_done', 'advice_case', 'settlement', 'batch_detail', 'order', 'order_done', "          \
    "'order_over')"
/* A sign-on's payload is keys: those rows are not copied at all. */
#define TAIL_TABLE                                                                                 \
    "CREATE TABLE tail (" TAIL_COLUMNS ", is_carried, PRIMARY KEY (position)) WITHOUT ROWID;"      \
    "CREATE INDEX tail_reference ON tail (epoch, seq);"                                            \
    "CREATE INDEX tail_original ON tail (original_epoch, original_seq);"                           \
    "CREATE INDEX tail_batch ON tail (terminal_id, merchant_id, batch);"                           \
    "CREATE VIEW tail_own AS SELECT * FROM tail WHERE NOT is_carried"

enum status settlement_log_broken(struct settlement_log *log, sqlite3 *database, const char *what)
{
    snprintf(log->reason, sizeof(log->reason), "%s: %s", what, sqlite3_errmsg(database));
    return STATUS_BROKEN;
}

enum status settlement_log_do(struct settlement_log *log, const char *sql)
{
    return sqlite3_exec(log->work, sql, NULL, NULL, NULL) == SQLITE_OK
               ? STATUS_OK
               : settlement_log_broken(log, log->work, "the working database");
}

sqlite3_stmt *settlement_log_prepare(struct settlement_log *log, const char *sql)
{
    sqlite3_stmt *made = NULL;
    if (sqlite3_prepare_v2(log->work, sql, -1, &made, NULL) != SQLITE_OK) {
        settlement_log_broken(log, log->work, "the working database");
        return NULL;
    }
    return made;
}

/* --- rows --------------------------------------------------------------------------------- */

static void take_text(char *to, size_t size, sqlite3_stmt *from, int at)
{
    const char *text = (const char *)sqlite3_column_text(from, at);
    snprintf(to, size, "%s", text == NULL ? "" : text);
}

static int take_word(sqlite3_stmt *from, int at, enum log_words words)
{
    const char *text = (const char *)sqlite3_column_text(from, at);
    return text == NULL ? -1 : log_word_find(words, text, (uint32_t)sqlite3_column_bytes(from, at));
}

static bool take_agents(struct settlement_row *row, sqlite3_stmt *from)
{
    char text[FEE_SHARES_SIZE];
    struct fee_noted_shares shares;
    take_text(text, sizeof(text), from, 23);
    if (!fee_shares_read(&shares, text) || shares.total != sqlite3_column_int64(from, 22)) {
        return false;
    }
    for (uint32_t i = 0; i < shares.count; i++) {
        struct fees_agent *agent = &row->fees.agents[row->fees.agent_count++];
        memcpy(agent->agent_id, shares.agents[i].agent_id, AGENT_ID_SIZE);
        agent->minor = shares.minor[i];
    }
    return true;
}

/* What was not priced gives nothing back, whatever the policy. */
static bool take_policy(struct settlement_row *row, sqlite3_stmt *from)
{
    char text[FEE_BASIS_SIZE];
    char plan[FEE_PLAN_NAME_SIZE];
    struct fee_basis basis;
    take_text(text, sizeof(text), from, 24);
    if (text[0] == '\0') {
        row->refund = FEE_REFUND_PROPORTIONAL;
        return true;
    }
    bool is_read = fee_basis_read(&basis, plan, text);
    row->refund = basis.refund;
    return is_read;
}

bool settlement_row_read(struct settlement_row *row, sqlite3_stmt *from)
{
    int kind = take_word(from, 2, LOG_WORDS_record_kind);
    int payment_kind = take_word(from, 3, LOG_WORDS_payment_kind);
    *row = (struct settlement_row){
        .position = sqlite3_column_int64(from, 0),
        .wall_us = sqlite3_column_int64(from, 1),
        .kind = (enum record_kind)kind,
        .payment_kind = (enum payment_kind)payment_kind,
        .txn = {(uint32_t)sqlite3_column_int64(from, 4), (uint32_t)sqlite3_column_int64(from, 5)},
        .original = {(uint32_t)sqlite3_column_int64(from, 6),
                     (uint32_t)sqlite3_column_int64(from, 7)},
        .batch = (uint32_t)sqlite3_column_int64(from, 11),
        .stan = (uint32_t)sqlite3_column_int64(from, 12),
        .amount = {sqlite3_column_int64(from, 13), (uint16_t)sqlite3_column_int64(from, 14)},
        .is_answered = sqlite3_column_int(from, 18) != 0,
        .fees = {.merchant = sqlite3_column_int64(from, 19),
                 .issuer = sqlite3_column_int64(from, 20),
                 .scheme = sqlite3_column_int64(from, 21)}};
    take_text(row->terminal_id, sizeof(row->terminal_id), from, 8);
    take_text(row->merchant_id, sizeof(row->merchant_id), from, 9);
    take_text(row->channel, sizeof(row->channel), from, 10);
    take_text(row->pan_masked, sizeof(row->pan_masked), from, 15);
    take_text(row->rrn, sizeof(row->rrn), from, 16);
    take_text(row->response_code, sizeof(row->response_code), from, 17);
    return kind >= 0 && payment_kind >= 0 && take_agents(row, from) && take_policy(row, from);
}

/* --- sealed segments ---------------------------------------------------------------------- */

static sqlite3 *open_segment(struct settlement_log *log, const char *path)
{
    sqlite3 *database = NULL;
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &database, flags, NULL) != SQLITE_OK) {
        settlement_log_broken(log, database, path);
        sqlite3_close(database);
        return NULL;
    }
    sqlite3_busy_timeout(database, BUSY_MS);
    return database;
}

#define BY_REFERENCE_SQL(table)                                                                    \
    "SELECT " SETTLEMENT_ROW_COLUMNS " FROM " table " WHERE epoch = ?1 AND seq = ?2"
#define BY_ORIGINAL_SQL(table)                                                                     \
    "SELECT " SETTLEMENT_ROW_COLUMNS " FROM " table                                                \
    " WHERE original_epoch = ?1 AND original_seq = ?2 AND original_seq <> 0"

static enum status add_sealed(struct settlement_log *log, const struct settlement_segment *found)
{
    size_t size = (log->sealed_count + 1) * sizeof(*found);
    struct settlement_segment *sealed = realloc(log->sealed, size);
    if (sealed == NULL) {
        snprintf(log->reason, sizeof(log->reason), "no memory");
        return STATUS_NO_MEMORY;
    }
    log->sealed = sealed;
    sealed[log->sealed_count] = *found;
    struct settlement_segment *segment = &sealed[log->sealed_count++];
    if (sqlite3_prepare_v2(segment->database, BY_REFERENCE_SQL("log"), -1, &segment->by_reference,
                           NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(segment->database, BY_ORIGINAL_SQL("log"), -1, &segment->by_original,
                           NULL) != SQLITE_OK) {
        return settlement_log_broken(log, segment->database, "a sealed segment");
    }
    return STATUS_OK;
}

/* --- what is being written ----------------------------------------------------------------- */

/* Copies what `from` answers into `tail`. */
static enum status copy_rows(struct settlement_log *log, sqlite3_stmt *from, bool is_carried)
{
    static const char sql[] = "INSERT OR IGNORE INTO tail VALUES"
                              " (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
    sqlite3_stmt *insert = settlement_log_prepare(log, sql);
    int step = SQLITE_DONE;
    if (insert == NULL) {
        return STATUS_BROKEN;
    }
    while ((step = sqlite3_step(from)) == SQLITE_ROW) {
        int count = sqlite3_column_count(from);
        for (int at = 0; at < count; at++) {
            sqlite3_bind_value(insert, at + 1, sqlite3_column_value(from, at));
        }
        sqlite3_bind_int(insert, count + 1, is_carried);
        int stored = sqlite3_step(insert);
        sqlite3_reset(insert);
        if (stored != SQLITE_DONE) {
            settlement_log_broken(log, log->work, "the working database");
            break;
        }
    }
    sqlite3_finalize(insert);
    if (step != SQLITE_DONE && step != SQLITE_ROW) {
        return settlement_log_broken(log, sqlite3_db_handle(from), "the log");
    }
    return step == SQLITE_DONE ? STATUS_OK : STATUS_BROKEN;
}

static enum status copy_stretch(struct settlement_log *log, sqlite3 *database, int64_t first)
{
    static const char sql[] =
        "SELECT " TAIL_SELECT " FROM log WHERE position BETWEEN ?1 AND ?2 AND " TAIL_KINDS;
    sqlite3_stmt *from = NULL;
    if (sqlite3_prepare_v2(database, sql, -1, &from, NULL) != SQLITE_OK) {
        return settlement_log_broken(log, database, "the log");
    }
    sqlite3_bind_int64(from, 1, first);
    sqlite3_bind_int64(from, 2, first + STRETCH_ROWS - 1);
    enum status status = copy_rows(log, from, false);
    sqlite3_finalize(from);
    return status;
}

static int64_t number_of(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *asked = NULL;
    int64_t number = -1;
    if (sqlite3_prepare_v2(database, sql, -1, &asked, NULL) == SQLITE_OK &&
        sqlite3_step(asked) == SQLITE_ROW) {
        number = sqlite3_column_int64(asked, 0);
    }
    sqlite3_finalize(asked);
    return number;
}

/* What is appended meanwhile is left for the next settlement. */
static enum status copy_open(struct settlement_log *log, sqlite3 *database)
{
    int64_t first = number_of(database, "SELECT coalesce(min(position), 0) FROM log");
    int64_t last = number_of(database, "SELECT coalesce(max(position), 0) FROM log");
    if (first < 0 || last < 0) {
        return settlement_log_broken(log, database, "a segment that is being written");
    }
    for (; first > 0 && first <= last; first += STRETCH_ROWS) {
        enum status status = copy_stretch(log, database, first);
        if (status != STATUS_OK) {
            return status;
        }
    }
    log->last_position = last > log->last_position ? last : log->last_position;
    return STATUS_OK;
}

/* A segment that was sealed before it could carry anything has no such table. */
static enum status copy_carried(struct settlement_log *log)
{
    sqlite3_stmt *from = NULL;
    sqlite3 *newest = log->sealed_count == 0 ? NULL : log->sealed[log->sealed_count - 1].database;
    if (newest == NULL ||
        number_of(newest, "SELECT count(*) FROM sqlite_master WHERE name = 'carried'") < 1) {
        return STATUS_OK;
    }
    if (sqlite3_prepare_v2(newest, "SELECT " TAIL_SELECT " FROM carried WHERE " TAIL_KINDS, -1,
                           &from, NULL) != SQLITE_OK) {
        return settlement_log_broken(log, newest,
                                     "the rows that the newest sealed segment carries");
    }
    enum status status = copy_rows(log, from, true);
    sqlite3_finalize(from);
    return status;
}

/* --- opening ------------------------------------------------------------------------------ */

static enum status take_segment(struct settlement_log *log, const char *folder, uint32_t ordinal)
{
    char path[LOG_PATH_SIZE];
    log_folder_segment_path(path, folder, ordinal);
    struct settlement_segment segment = {.database = open_segment(log, path), .ordinal = ordinal};
    if (segment.database == NULL) {
        return STATUS_BROKEN;
    }
    segment.sealed_us =
        number_of(segment.database, "SELECT coalesce(max(sealed_us), 0) FROM segment");
    segment.opened_us = number_of(segment.database, "SELECT max(opened_us) FROM segment");
    if (segment.sealed_us < 0) {
        settlement_log_broken(log, segment.database, path);
        sqlite3_close(segment.database);
        return STATUS_BROKEN;
    }
    if (segment.sealed_us > 0) {
        log->last_position = number_of(segment.database, "SELECT last_position FROM segment");
        return add_sealed(log, &segment);
    }
    enum status status = copy_open(log, segment.database);
    sqlite3_close(segment.database);
    return status;
}

static enum status open_work(struct settlement_log *log)
{
    if (sqlite3_open("", &log->work) != SQLITE_OK) {
        return settlement_log_broken(log, log->work, "the working database");
    }
    enum status status = settlement_log_do(log, "PRAGMA synchronous = OFF; BEGIN;" TAIL_TABLE);
    return status;
}

static enum status take_all(struct settlement_log *log, const char *folder,
                            const struct log_span *span)
{
    enum status status = open_work(log);
    for (uint32_t ordinal = span->first; status == STATUS_OK && ordinal <= span->last; ordinal++) {
        status = take_segment(log, folder, ordinal);
    }
    if (status == STATUS_OK) {
        status = copy_carried(log);
    }
    if (status != STATUS_OK) {
        return status;
    }
    log->by_reference = settlement_log_prepare(log, BY_REFERENCE_SQL("tail_own"));
    log->by_original = settlement_log_prepare(log, BY_ORIGINAL_SQL("tail_own"));
    return log->by_reference != NULL && log->by_original != NULL ? STATUS_OK : STATUS_BROKEN;
}

enum status settlement_log_open(struct settlement_log *log, const char *folder)
{
    struct log_span span;
    *log = (struct settlement_log){0};
    if (strlen(folder) >= LOG_PATH_SIZE - 32) {
        snprintf(log->reason, sizeof(log->reason), "log %.80s...: the path is too long", folder);
        return STATUS_UNSUPPORTED;
    }
    enum status status = log_folder_span(folder, &span, log->reason);
    if (status != STATUS_OK) {
        return status;
    }
    if (span.last == 0) {
        snprintf(log->reason, sizeof(log->reason),
                 "log %s: expected segment-000001.db or a later one in this folder", folder);
        return STATUS_UNSUPPORTED;
    }
    status = take_all(log, folder, &span);
    if (status != STATUS_OK) {
        settlement_log_close(log);
    }
    return status;
}

void settlement_log_close(struct settlement_log *log)
{
    for (uint32_t i = 0; i < log->sealed_count; i++) {
        sqlite3_finalize(log->sealed[i].by_reference);
        sqlite3_finalize(log->sealed[i].by_original);
        sqlite3_close(log->sealed[i].database);
    }
    free(log->sealed);
    sqlite3_finalize(log->by_reference);
    sqlite3_finalize(log->by_original);
    sqlite3_close(log->work);
    log->sealed = NULL;
    log->sealed_count = 0;
    log->by_reference = log->by_original = NULL;
    log->work = NULL;
}

/* --- asking ------------------------------------------------------------------------------- */

static enum status visit_rows(struct settlement_log *log, sqlite3_stmt *rows,
                              const struct settlement_visitor *visitor)
{
    int step;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        if (!visitor->on_row(visitor->argument, rows)) {
            return STATUS_BROKEN;
        }
    }
    return step == SQLITE_DONE ? STATUS_OK
                               : settlement_log_broken(log, sqlite3_db_handle(rows), "the log");
}

/* One part of the log: a sealed segment, or the tail. */
struct part {
    sqlite3 *database;
    const char *table, *day; /* what stands for $log and $day */
};

static struct part tail_part(const struct settlement_log *log)
{
    return (struct part){.database = log->work, .table = "tail_own"};
}

/* Writes `form` with its words replaced. False: too long. */
static bool write_sql(char sql[SQL_SIZE], const char *form, const struct part *part)
{
    const struct {
        const char *word, *text;
    } words[] = {{"$log", part->table}, {"$day", part->day}};
    size_t length = 0;
    while (*form != '\0' && length + 1 < SQL_SIZE) {
        const char *text = NULL;
        for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            text = strncmp(form, words[i].word, 4) == 0 ? words[i].text : text;
        }
        if (text == NULL) {
            sql[length++] = *form++;
            continue;
        }
        length += (size_t)snprintf(sql + length, SQL_SIZE - length, "%s", text);
        form += 4;
    }
    sql[length < SQL_SIZE ? length : SQL_SIZE - 1] = '\0';
    return length + 1 < SQL_SIZE;
}

typedef void bind_question(sqlite3_stmt *rows, const void *question);

static enum status visit_part(struct settlement_log *log, const struct part *part, const char *form,
                              bind_question *bind, const void *question,
                              const struct settlement_visitor *visitor)
{
    char sql[SQL_SIZE];
    sqlite3_stmt *rows = NULL;
    if (!write_sql(sql, form, part) ||
        sqlite3_prepare_v2(part->database, sql, -1, &rows, NULL) != SQLITE_OK) {
        return settlement_log_broken(log, part->database, "the log");
    }
    bind(rows, question);
    enum status status = visit_rows(log, rows, visitor);
    sqlite3_finalize(rows);
    return status;
}

static void bind_span(sqlite3_stmt *rows, const void *question)
{
    const struct settlement_span *span = question;
    sqlite3_bind_int64(rows, 1, span->day);
    sqlite3_bind_int64(rows, 2, span->from_us);
    sqlite3_bind_int64(rows, 3, span->to_us);
}

/* The indexes of originals and days leave zeros out, and SQLite takes them only where the statement
 * does so too. Rows that name no day are looked for only in segments of that time, by no index. The
 * wall clock may step: a day more on both sides of what the segment says. */
static const char *day_condition(const struct settlement_segment *segment,
                                 const struct settlement_span *span)
{
    bool is_of_the_time = segment == NULL || (segment->opened_us - DAY_US < span->to_us &&
                                              segment->sealed_us + DAY_US > span->from_us);
    return is_of_the_time
               ? "(settlement_day = ?1 OR (settlement_day = 0 AND wall_us >= ?2 AND wall_us < ?3))"
               : "(settlement_day = ?1 AND settlement_day <> 0)";
}

enum status settlement_log_visit(struct settlement_log *log, const char *sql,
                                 const struct settlement_span *span,
                                 const struct settlement_visitor *visitor)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < log->sealed_count; i++) {
        const struct settlement_segment *segment = &log->sealed[i];
        struct part part = {segment->database, "log", day_condition(segment, span)};
        status = visit_part(log, &part, sql, bind_span, span, visitor);
    }
    struct part tail = tail_part(log);
    tail.day = day_condition(NULL, span);
    return status == STATUS_OK ? visit_part(log, &tail, sql, bind_span, span, visitor) : status;
}

static void bind_batch(sqlite3_stmt *rows, const void *question)
{
    const struct settlement_batch *batch = question;
    sqlite3_bind_text(rows, 1, batch->terminal_id, -1, SQLITE_STATIC);
    sqlite3_bind_text(rows, 2, batch->merchant_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(rows, 3, batch->batch);
}

enum status settlement_log_visit_batch(struct settlement_log *log, const char *sql,
                                       const struct settlement_batch *batch,
                                       const struct settlement_visitor *visitor)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < log->sealed_count; i++) {
        struct part part = {log->sealed[i].database, "log", NULL};
        status = visit_part(log, &part, sql, bind_batch, batch, visitor);
    }
    struct part tail = tail_part(log);
    return status == STATUS_OK ? visit_part(log, &tail, sql, bind_batch, batch, visitor) : status;
}

static enum status find_part(struct settlement_log *log, sqlite3_stmt *asked,
                             struct txn_reference reference, struct settlement_rows *rows)
{
    int step;
    enum status status = STATUS_OK;
    sqlite3_bind_int64(asked, 1, reference.epoch);
    sqlite3_bind_int64(asked, 2, reference.seq);
    while ((step = sqlite3_step(asked)) == SQLITE_ROW && status == STATUS_OK) {
        if (rows->count == SETTLEMENT_STORY_ROWS_MAX) {
            snprintf(log->reason, sizeof(log->reason),
                     "transaction %u/%u: more than %d rows belong to it", reference.epoch,
                     reference.seq, SETTLEMENT_STORY_ROWS_MAX);
            status = STATUS_NO_ROOM;
        } else if (settlement_row_read(&rows->items[rows->count], asked)) {
            rows->count++;
        }
    }
    if (status == STATUS_OK && step != SQLITE_DONE) {
        status = settlement_log_broken(log, sqlite3_db_handle(asked), "the log");
    }
    sqlite3_reset(asked);
    return status;
}

enum status settlement_log_find(struct settlement_log *log, struct txn_reference reference,
                                bool is_original, struct settlement_rows *rows)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < log->sealed_count; i++) {
        struct settlement_segment *segment = &log->sealed[i];
        status = find_part(log, is_original ? segment->by_original : segment->by_reference,
                           reference, rows);
    }
    return status == STATUS_OK
               ? find_part(log, is_original ? log->by_original : log->by_reference, reference, rows)
               : status;
}
