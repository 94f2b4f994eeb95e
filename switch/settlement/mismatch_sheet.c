/* See mismatch_sheet.h. */
#include "switch/settlement/mismatch_sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/engine/batch_totals.h"
#include "switch/settlement/day_sheet.h"
#include "switch/store/log_word.h"

#define PAYLOAD_SIZE (RECORD_PAYLOAD_BYTES_MAX + 1)
#define ASKED "asked "
#define OURS "ours "

/* A settlement whose totals were different. */
struct dispute {
    struct settlement_batch batch;
    int64_t position, wall_us;
    char asked[BATCH_FIELD_48_DIGITS + 1], ours[BATCH_FIELD_48_DIGITS + 1];
};

struct search {
    struct settlement_log *log;
    struct dispute *items; /* owner */
    uint32_t count;
};

/* The digits behind `word`; false: they are not there. */
static bool find_digits(const char *payload, const char *word, char digits[])
{
    const char *at = strstr(payload, word);
    if (at == NULL || strnlen(at + strlen(word), BATCH_FIELD_48_DIGITS) < BATCH_FIELD_48_DIGITS) {
        return false;
    }
    memcpy(digits, at + strlen(word), BATCH_FIELD_48_DIGITS);
    digits[BATCH_FIELD_48_DIGITS] = '\0';
    return true;
}

static void take_payload(char payload[PAYLOAD_SIZE], sqlite3_stmt *row, int at)
{
    int length = sqlite3_column_bytes(row, at);
    const void *bytes = sqlite3_column_blob(row, at);
    length = length < PAYLOAD_SIZE ? length : PAYLOAD_SIZE - 1;
    if (length > 0) {
        memcpy(payload, bytes, (size_t)length);
    }
    payload[length] = '\0';
}

static bool on_settlement(void *argument, sqlite3_stmt *row)
{
    struct search *search = argument;
    char payload[PAYLOAD_SIZE];
    struct dispute found = {.position = sqlite3_column_int64(row, 0),
                            .wall_us = sqlite3_column_int64(row, 1)};
    take_payload(payload, row, 5);
    if (!find_digits(payload, ASKED, found.asked) || !find_digits(payload, OURS, found.ours) ||
        found.ours[BATCH_FIELD_48_DIGITS - 1] != '0' + BATCH_DIFFERENT) {
        return true;
    }
    snprintf(found.batch.terminal_id, sizeof(found.batch.terminal_id), "%s",
             (const char *)sqlite3_column_text(row, 2));
    snprintf(found.batch.merchant_id, sizeof(found.batch.merchant_id), "%s",
             (const char *)sqlite3_column_text(row, 3));
    found.batch.batch = (uint32_t)sqlite3_column_int64(row, 4);
    struct dispute *items = realloc(search->items, (search->count + 1) * sizeof(*items));
    if (items == NULL) {
        snprintf(search->log->reason, sizeof(search->log->reason), "no memory");
        return false;
    }
    search->items = items;
    search->items[search->count++] = found;
    return true;
}

/* --- one batch ---------------------------------------------------------------------------- */

struct joining {
    struct settlement_log *log;
    const struct dispute *dispute;
    sqlite3_stmt *add_ours, *undo_ours, *add_theirs;
    bool is_good;
};

static bool run(struct joining *joining, sqlite3_stmt *statement)
{
    int step = sqlite3_step(statement);
    sqlite3_reset(statement);
    joining->is_good = joining->is_good && step == SQLITE_DONE;
    if (step != SQLITE_DONE) {
        settlement_log_broken(joining->log, joining->log->work, "the working database");
    }
    return step == SQLITE_DONE;
}

/* A transaction counts from its approval, an advice from its acceptance, to what undoes it. */
static bool take_ours(struct joining *joining, const struct settlement_row *row)
{
    bool is_approval =
        row->kind == RECORD_RESULT && row->is_answered && payment_is_approval(row->response_code);
    if (row->kind == RECORD_REVERSAL_DONE) {
        sqlite3_bind_int64(joining->undo_ours, 1, row->original.epoch);
        sqlite3_bind_int64(joining->undo_ours, 2, row->original.seq);
        return run(joining, joining->undo_ours);
    }
    if ((!is_approval && row->kind != RECORD_ADVICE) ||
        payment_rule_of(row->payment_kind)->side == BATCH_NEITHER) {
        return true;
    }
    sqlite3_bind_int64(joining->add_ours, 1, row->txn.epoch);
    sqlite3_bind_int64(joining->add_ours, 2, row->txn.seq);
    sqlite3_bind_int64(joining->add_ours, 3, row->stan);
    sqlite3_bind_int64(joining->add_ours, 4, row->amount.minor);
    sqlite3_bind_int(joining->add_ours, 5, (int)row->payment_kind);
    sqlite3_bind_text(joining->add_ours, 6, row->rrn, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(joining->add_ours, 7, row->pan_masked, -1, SQLITE_TRANSIENT);
    return run(joining, joining->add_ours);
}

/* Lines of "trace amount class card", as the engine keeps an upload. */
static bool take_theirs(struct joining *joining, char *payload)
{
    char *rest = payload;
    for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL;) {
        char stan[7], amount[13], card[PAN_MASKED_SIZE];
        if (sscanf(line, "%6[0-9] %12[0-9] %*2[0-9] %19s", stan, amount, card) != 3) {
            continue;
        }
        sqlite3_bind_int64(joining->add_theirs, 1, strtoll(stan, NULL, 10));
        sqlite3_bind_int64(joining->add_theirs, 2, strtoll(amount, NULL, 10));
        sqlite3_bind_text(joining->add_theirs, 3, card, -1, SQLITE_TRANSIENT);
        if (!run(joining, joining->add_theirs)) {
            return false;
        }
    }
    return true;
}
_Static_assert(PAN_MASKED_SIZE >= 20, "the card of a detail is read as 19 characters");

static bool on_row(void *argument, sqlite3_stmt *from)
{
    struct joining *joining = argument;
    struct settlement_row row;
    char payload[PAYLOAD_SIZE];
    if (!settlement_row_read(&row, from)) {
        return true;
    }
    if (row.kind == RECORD_BATCH_DETAIL) {
        take_payload(payload, from, sqlite3_column_count(from) - 1);
        return row.position < joining->dispute->position || take_theirs(joining, payload);
    }
    return row.position > joining->dispute->position || take_ours(joining, &row);
}

#define SIDES_TABLES                                                                               \
    "DROP TABLE IF EXISTS ours; DROP TABLE IF EXISTS theirs;"                                      \
    "CREATE TABLE ours (epoch, seq, stan, amount, kind, rrn, card, PRIMARY KEY (epoch, seq));"     \
    "CREATE TABLE theirs (stan, amount, card); CREATE INDEX theirs_stan ON theirs (stan)"

static enum status fill_sides(struct settlement_log *log, const struct dispute *dispute)
{
    static const char sql[] =
        "SELECT " SETTLEMENT_ROW_COLUMNS ", iif(kind = 'batch_detail', payload, x'') FROM $log"
        " WHERE terminal_id = ?1 AND merchant_id = ?2 AND batch = ?3 AND kind IN"
        " ('result', 'advice', 'reversal_done', 'batch_detail') ORDER BY position";
    enum status status = settlement_log_do(log, SIDES_TABLES);
    struct joining joining = {
        .log = log,
        .dispute = dispute,
        .add_ours =
            settlement_log_prepare(log, "INSERT OR IGNORE INTO ours VALUES (?,?,?,?,?,?,?)"),
        .undo_ours = settlement_log_prepare(log, "DELETE FROM ours WHERE epoch = ? AND seq = ?"),
        .add_theirs = settlement_log_prepare(log, "INSERT INTO theirs VALUES (?,?,?)"),
        .is_good = true};
    if (joining.add_ours == NULL || joining.undo_ours == NULL || joining.add_theirs == NULL) {
        status = STATUS_BROKEN;
    }
    if (status == STATUS_OK) {
        struct settlement_visitor visitor = {on_row, &joining};
        status = settlement_log_visit_batch(log, sql, &dispute->batch, &visitor);
    }
    sqlite3_finalize(joining.add_ours);
    sqlite3_finalize(joining.undo_ours);
    sqlite3_finalize(joining.add_theirs);
    return status;
}

static void put_batch(struct sheet *sheet, const char *letter, const struct dispute *dispute)
{
    sheet_put_text(sheet, letter);
    sheet_put_text(sheet, dispute->batch.terminal_id);
    sheet_put_text(sheet, dispute->batch.merchant_id);
    sheet_put_number(sheet, dispute->batch.batch);
}

static enum status put_sides(struct settlement_log *log, struct sheet *sheet,
                             const struct dispute *dispute)
{
    static const char sql[] =
        "SELECT ours.stan, iif(theirs.stan IS NULL, 'log', iif(theirs.amount = ours.amount, 'both',"
        " 'amount')), kind, rrn, ours.amount, theirs.amount,"
        " coalesce(theirs.amount, 0) - ours.amount, ours.card, theirs.card"
        " FROM ours LEFT JOIN theirs ON theirs.stan = ours.stan UNION ALL"
        " SELECT theirs.stan, 'terminal', -1, '', NULL, theirs.amount, theirs.amount, '',"
        " theirs.card FROM theirs WHERE theirs.stan NOT IN (SELECT stan FROM ours) ORDER BY 1, 2";
    enum { AT_KIND = 2 };
    int step = SQLITE_ERROR;
    sqlite3_stmt *rows = settlement_log_prepare(log, sql);
    while (rows != NULL && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        put_batch(sheet, "L", dispute);
        for (int at = 0; at < sqlite3_column_count(rows); at++) {
            const char *text = (const char *)sqlite3_column_text(rows, at);
            int kind = sqlite3_column_int(rows, AT_KIND);
            if (at == AT_KIND) {
                text = kind < 0 ? "" : log_word(LOG_WORDS_payment_kind, (uint32_t)kind).text;
            }
            sheet_put_text(sheet, text == NULL ? "" : text);
        }
        sheet_end_line(sheet);
    }
    if (rows != NULL && step != SQLITE_DONE) {
        settlement_log_broken(log, log->work, "the working database");
    }
    sqlite3_finalize(rows);
    return step == SQLITE_DONE ? STATUS_OK : STATUS_BROKEN;
}

static enum status put_dispute(struct settlement_log *log, struct sheet *sheet,
                               const struct dispute *dispute)
{
    put_batch(sheet, "B", dispute);
    sheet_put_number(sheet, dispute->position);
    sheet_put_text(sheet, dispute->asked);
    sheet_put_text(sheet, dispute->ours);
    sheet_end_line(sheet);
    enum status status = fill_sides(log, dispute);
    return status == STATUS_OK ? put_sides(log, sheet, dispute) : status;
}

static void put_words(struct sheet *sheet, const char *const *words)
{
    for (; *words != NULL; words++) {
        sheet_put_text(sheet, *words);
    }
    sheet_end_line(sheet);
}

static enum status put_all(struct settlement_log *log, struct sheet *sheet,
                           const struct search *search, uint32_t day)
{
    static const char *const columns[] = {
        "C",   "terminal",   "merchant",        "batch",      "stan",     "found",         "kind",
        "rrn", "log_amount", "terminal_amount", "difference", "log_card", "terminal_card", NULL};
    char file_id[32];
    enum status status = STATUS_OK;
    snprintf(file_id, sizeof(file_id), "%u-mismatch", (unsigned)day);
    sheet_put_text(sheet, "H");
    sheet_put_text(sheet, file_id);
    sheet_put_number(sheet, day);
    sheet_put_text(sheet, "mismatch");
    sheet_put_number(sheet, search->count);
    sheet_put_number(sheet, DAY_SHEET_VERSION);
    sheet_end_line(sheet);
    put_words(sheet, columns);
    for (uint32_t i = 0; status == STATUS_OK && i < search->count; i++) {
        status = put_dispute(log, sheet, &search->items[i]);
    }
    return status;
}

enum status mismatch_sheet_write(struct settlement_log *log, struct sheet_set *set,
                                 const struct settlement_span *span, uint32_t *count)
{
    static const char sql[] = "SELECT position, wall_us, terminal_id, merchant_id, batch, payload"
                              " FROM $log WHERE $day AND kind = 'settlement' ORDER BY position";
    struct search search = {.log = log};
    struct settlement_visitor visitor = {on_settlement, &search};
    struct sheet sheet;
    enum status status = settlement_log_visit(log, sql, span, &visitor);
    if (status == STATUS_OK) {
        status = sheet_begin(set, &sheet, "mismatch", NULL);
    }
    if (status == STATUS_OK) {
        status = put_all(log, &sheet, &search, span->day);
        enum status ended = sheet_end(&sheet);
        status = status == STATUS_OK ? ended : status;
    }
    *count = search.count;
    free(search.items);
    return status;
}
