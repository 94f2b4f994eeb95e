/* See summary_sheet.h. */
#include "switch/settlement/summary_sheet.h"

#include <stdio.h>
#include <stdlib.h>

#include "switch/store/log_word.h"

#define SUMS_SQL                                                                                   \
    " currency, count(*), sum(amount >= 0), sum(iif(amount >= 0, amount, 0)), sum(amount < 0),"    \
    " sum(iif(amount < 0, -amount, 0)), sum(merchant_fee), sum(issuer_fee), sum(scheme_fee),"      \
    " sum(agent_fee), sum(merchant_fee - issuer_fee - scheme_fee - agent_fee),"                    \
    " sum(amount - merchant_fee),"                                                                 \
    " sum(amount - issuer_fee - scheme_fee) FROM line GROUP BY "

/* Puts each row of a statement as a line of the sheet, behind a letter. */
static enum status put_rows(struct settlement_log *log, struct sheet *sheet, const char *letter,
                            const char *sql)
{
    int step = SQLITE_ERROR;
    sqlite3_stmt *rows = settlement_log_prepare(log, sql);
    while (rows != NULL && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        sheet_put_text(sheet, letter);
        for (int at = 0; at < sqlite3_column_count(rows); at++) {
            const char *text = (const char *)sqlite3_column_text(rows, at);
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

static void put_words(struct sheet *sheet, const char *const *words)
{
    for (; *words != NULL; words++) {
        sheet_put_text(sheet, *words);
    }
    sheet_end_line(sheet);
}

static void put_head(struct sheet *sheet, const char *kind, uint32_t day, int64_t last_position)
{
    char file_id[64];
    snprintf(file_id, sizeof(file_id), "%u-%s", (unsigned)day, kind);
    sheet_put_text(sheet, "H");
    sheet_put_text(sheet, file_id);
    sheet_put_number(sheet, day);
    sheet_put_text(sheet, kind);
    sheet_put_number(sheet, last_position);
    sheet_put_number(sheet, DAY_SHEET_VERSION);
    sheet_end_line(sheet);
}

enum status summary_sheet_write(struct settlement_log *log, struct sheet_set *set, uint32_t day)
{
    static const char *const columns[] = {
        "C",         "scope",    "merchant",     "channel",     "terminal",
        "batch",     "currency", "lines",        "debits",      "debit",
        "credits",   "credit",   "merchant_fee", "issuer_fee",  "scheme_fee",
        "agent_fee", "margin",   "merchant_net", "channel_net", NULL};
    static const char *const scopes[] = {
        "SELECT 'day', '', '', '', ''," SUMS_SQL "currency ORDER BY currency",
        "SELECT 'merchant', merchant, '', '', ''," SUMS_SQL "merchant, currency ORDER BY 2, 6",
        "SELECT 'channel', '', channel, '', ''," SUMS_SQL "channel, currency ORDER BY 3, 6",
        "SELECT 'batch', merchant, channel, terminal, batch," SUMS_SQL
        "merchant, channel, terminal, batch, currency ORDER BY 2, 3, 4, 5, 6"};
    struct sheet sheet;
    uint32_t sheets = set->count;
    enum status status = sheet_begin(set, &sheet, "summary", NULL);
    if (status != STATUS_OK) {
        return status;
    }
    /* The position is left out: the same lines give the same file, however far the log has grown.
     */
    put_head(&sheet, "summary", day, 0);
    put_words(&sheet, columns);
    for (uint32_t i = 0; status == STATUS_OK && i < sizeof(scopes) / sizeof(scopes[0]); i++) {
        status = put_rows(log, &sheet, "S", scopes[i]);
    }
    sheet_put_text(&sheet, "T");
    sheet_put_number(&sheet, sheets);
    sheet_end_line(&sheet);
    enum status ended = sheet_end(&sheet);
    return status == STATUS_OK ? ended : status;
}

/* Each transaction's last word, by what its rows are; a reversal's rows count for what it undoes.
 */
#define JUDGED_SQL                                                                                 \
    "WITH story AS (SELECT"                                                                        \
    " iif(kind LIKE 'reversal%', original_epoch, epoch) AS e,"                                     \
    " iif(kind LIKE 'reversal%', original_seq, seq) AS s,"                                         \
    " min(iif(kind IN ('intent', 'advice'), position, NULL)) AS began, min(position) AS first,"    \
    " max(iif(kind = 'intent', position, 0)) AS intent,"                                           \
    " max(iif(kind = 'result', position, 0)) AS result,"                                           \
    " max(iif(kind = 'reversal', position, 0)) AS reversal,"                                       \
    " max(iif(kind = 'reversal_done', position, 0)) AS reversed,"                                  \
    " max(iif(kind = 'reversal_case', position, 0)) AS reversal_case,"                             \
    " max(iif(kind = 'advice', position, 0)) AS advice,"                                           \
    " max(iif(kind = 'advice_done', position, 0)) AS delivered,"                                   \
    " max(iif(kind = 'advice_case', position, 0)) AS advice_case"                                  \
    " FROM tail GROUP BY 1, 2),"                                                                   \
    " judged AS (SELECT e, s, coalesce(began, first) AS at, CASE"                                  \
    " WHEN reversal_case > reversed OR advice_case > delivered THEN 'case'"                        \
    " WHEN reversal > reversed THEN 'reversing'"                                                   \
    " WHEN advice > delivered THEN 'advice'"                                                       \
    " WHEN intent > 0 AND result = 0 AND reversal = 0 AND reversed = 0 AND delivered = 0"          \
    " THEN 'forwarded' END AS what FROM story WHERE s <> 0)"
#define OPEN_SQL                                                                                   \
    JUDGED_SQL                                                                                     \
    " SELECT what, rrn, merchant_id, channel, terminal_id, batch, stan,"                           \
    " strftime('%Y-%m-%dT%H:%M:%S', wall_us / 1000000 + 28800, 'unixepoch') || '+08:00',"          \
    " payment_kind, pan_masked, currency, amount_minor"                                            \
    " FROM judged JOIN tail ON tail.position = judged.at WHERE what IS NOT NULL ORDER BY at"

static bool add_row(sqlite3_stmt *insert, const struct settlement_row *row)
{
    const int64_t numbers[] = {
        row->position,     row->wall_us, row->txn.epoch, row->txn.seq,      row->original.epoch,
        row->original.seq, row->batch,   row->stan,      row->amount.minor, row->amount.currency};
    const char *const texts[] = {
        log_word(LOG_WORDS_record_kind, row->kind).text,
        log_word(LOG_WORDS_payment_kind, row->payment_kind).text,
        row->terminal_id,
        row->merchant_id,
        row->channel,
        row->pan_masked,
        row->rrn,
    };
    int at = 1;
    for (uint32_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        sqlite3_bind_int64(insert, at++, numbers[i]);
    }
    for (uint32_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        sqlite3_bind_text(insert, at++, texts[i], -1, SQLITE_TRANSIENT);
    }
    int step = sqlite3_step(insert);
    sqlite3_reset(insert);
    return step == SQLITE_DONE;
}

/* What the log has of the transaction and of its reversals. */
static enum status complete_one(struct settlement_log *log, struct txn_reference reference,
                                struct settlement_rows *rows, sqlite3_stmt *insert)
{
    rows->count = 0;
    enum status status = settlement_log_find(log, reference, false, rows);
    uint32_t own = rows->count;
    if (status == STATUS_OK) {
        status = settlement_log_find(log, reference, true, rows);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < rows->count; i++) {
        enum record_kind kind = rows->items[i].kind;
        bool is_reversal =
            kind == RECORD_REVERSAL || kind == RECORD_REVERSAL_DONE || kind == RECORD_REVERSAL_CASE;
        if ((i < own || is_reversal) && !add_row(insert, &rows->items[i])) {
            status = settlement_log_broken(log, log->work, "the working database");
        }
    }
    return status;
}

/* A sealed segment carries rows for more than one purpose: one of a transaction that has long ended
 * may stand there without its end. So what looks open is completed from the log before it is told.
 */
static enum status complete(struct settlement_log *log)
{
    static const char insert_sql[] =
        "INSERT OR IGNORE INTO tail (is_carried, position, wall_us, epoch, seq, original_epoch,"
        " original_seq, batch, stan, amount_minor, currency, kind, payment_kind, terminal_id,"
        " merchant_id, channel, pan_masked, rrn) VALUES (1,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
    struct settlement_rows *rows = malloc(sizeof(*rows));
    enum status status = settlement_log_do(log, "CREATE TABLE doubt AS " JUDGED_SQL
                                                " SELECT e, s FROM judged WHERE what IS NOT NULL");
    sqlite3_stmt *doubts = NULL, *insert = NULL;
    int step = SQLITE_ERROR;
    if (rows != NULL && status == STATUS_OK) {
        doubts = settlement_log_prepare(log, "SELECT e, s FROM doubt");
        insert = settlement_log_prepare(log, insert_sql);
    }
    while (doubts != NULL && insert != NULL && status == STATUS_OK &&
           (step = sqlite3_step(doubts)) == SQLITE_ROW) {
        struct txn_reference reference = {(uint32_t)sqlite3_column_int64(doubts, 0),
                                          (uint32_t)sqlite3_column_int64(doubts, 1)};
        status = complete_one(log, reference, rows, insert);
    }
    sqlite3_finalize(doubts);
    sqlite3_finalize(insert);
    free(rows);
    return status == STATUS_OK && step != SQLITE_DONE ? STATUS_BROKEN : status;
}

enum status open_sheet_write(struct settlement_log *log, struct sheet_set *set, uint32_t day)
{
    static const char *const columns[] = {"C",        "what",     "rrn",    "merchant", "channel",
                                          "terminal", "batch",    "stan",   "since",    "kind",
                                          "card",     "currency", "amount", NULL};
    struct sheet sheet;
    enum status status = complete(log);
    if (status == STATUS_OK) {
        status = sheet_begin(set, &sheet, "open", NULL);
    }
    if (status != STATUS_OK) {
        return status;
    }
    put_head(&sheet, "open", day, log->last_position);
    put_words(&sheet, columns);
    status = put_rows(log, &sheet, "L", OPEN_SQL);
    enum status ended = sheet_end(&sheet);
    return status == STATUS_OK ? ended : status;
}
