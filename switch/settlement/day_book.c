/* See day_book.h. */
#include "switch/settlement/day_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "switch/store/log_word.h"

#define DAY_US INT64_C(86400000000)
#define ZONE_US                                                                                    \
    (8 * INT64_C(3600000000)) /* where no day is named, the wall clock of UTC+8 counts */
#define ROOT_STEPS_MAX 8      /* reversal of a void of a completion: three */

#define LINE_TABLE                                                                                 \
    "CREATE TABLE line (position INTEGER PRIMARY KEY, merchant, channel, currency, terminal,"      \
    " batch, stan, rrn, original_rrn, wall_us, kind, card, amount, merchant_fee, issuer_fee,"      \
    " scheme_fee, agent_fee, row_kind, row_amount);"                                               \
    "CREATE TABLE share (position INTEGER, agent, minor, PRIMARY KEY (agent, position))"           \
    " WITHOUT ROWID;"                                                                              \
    "CREATE INDEX line_merchant ON line (merchant, currency, position);"                           \
    "CREATE INDEX line_channel ON line (channel, currency, position)"

struct day_book {
    struct settlement_log *log;
    sqlite3_stmt *insert, *insert_share;
    uint64_t count;
    enum status status;
    struct settlement_rows rows; /* of the story under way */
    struct story_event events[SETTLEMENT_STORY_ROWS_MAX];
    struct story_line lines[SETTLEMENT_STORY_ROWS_MAX];
};

static int64_t days_in_month(uint64_t year, int64_t month)
{
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

bool settlement_span_set(struct settlement_span *span, const char *text)
{
    uint64_t day = 0;
    if (strlen(text) != 8 ||
        digits_parse(&day, text, 8, (struct number_range){19700101, 99991231}) != STATUS_OK) {
        return false;
    }
    int64_t month = (int64_t)(day / 100 % 100), date = (int64_t)(day % 100);
    int64_t year = (int64_t)(day / 10000) - (month <= 2);
    if (month < 1 || month > 12 || date < 1 || date > days_in_month(day / 10000, month)) {
        return false;
    }
    /* Days since 1970 of a date of the proleptic Gregorian calendar (H. Hinnant). */
    int64_t era = year / 400, year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + date - 1;
    int64_t days = era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
                   day_of_year - 719468;
    *span = (struct settlement_span){(uint32_t)day, days * DAY_US - ZONE_US,
                                     (days + 1) * DAY_US - ZONE_US};
    return true;
}

static bool is_final(const struct settlement_row *row)
{
    bool is_approval = payment_is_approval(row->response_code);
    return row->kind == RECORD_REVERSAL_DONE || (row->kind == RECORD_ADVICE_DONE && is_approval) ||
           (row->kind == RECORD_RESULT && row->is_answered && is_approval);
}

/* --- lines -------------------------------------------------------------------------------- */

static const char *line_kind(const struct settlement_row *row)
{
    if (row->kind == RECORD_REVERSAL_DONE) {
        return "reversal";
    }
    if (story_is_follow_up(row->payment_kind, row->original) &&
        payment_rule_of(row->payment_kind)->amount == PAYMENT_AMOUNT_TOTAL) {
        return "adjustment";
    }
    return log_word(LOG_WORDS_payment_kind, row->payment_kind).text;
}

static bool insert_shares(struct day_book *book, int64_t position, const struct fees *fees)
{
    for (uint32_t i = 0; i < fees->agent_count; i++) {
        sqlite3_bind_int64(book->insert_share, 1, position);
        sqlite3_bind_text(book->insert_share, 2, fees->agents[i].agent_id, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(book->insert_share, 3, fees->agents[i].minor);
        int step = sqlite3_step(book->insert_share);
        sqlite3_reset(book->insert_share);
        if (step != SQLITE_DONE) {
            book->status =
                settlement_log_broken(book->log, book->log->work, "the working database");
            return false;
        }
    }
    return true;
}

static bool insert_line(struct day_book *book, const struct settlement_row *row,
                        const struct story_line *line, const char *original_rrn)
{
    const char *const texts[] = {row->merchant_id, row->channel,   row->terminal_id, row->rrn,
                                 original_rrn,     line_kind(row), row->pan_masked};
    static const int text_places[] = {2, 3, 5, 8, 9, 11, 12};
    const int64_t numbers[] = {row->position,       row->amount.currency,
                               row->batch,          row->stan,
                               row->wall_us,        line->amount,
                               line->fees.merchant, line->fees.issuer,
                               line->fees.scheme,   fees_agent_total(&line->fees)};
    static const int number_places[] = {1, 4, 6, 7, 10, 13, 14, 15, 16, 17};
    bool is_reversal = row->kind == RECORD_REVERSAL_DONE;
    for (uint32_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        sqlite3_bind_text(book->insert, text_places[i], texts[i], -1, SQLITE_TRANSIENT);
    }
    for (uint32_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        sqlite3_bind_int64(book->insert, number_places[i], numbers[i]);
    }
    sqlite3_bind_text(book->insert, 18,
                      is_reversal ? "" : log_word(LOG_WORDS_payment_kind, row->payment_kind).text,
                      -1, SQLITE_STATIC);
    sqlite3_bind_int64(book->insert, 19, is_reversal ? 0 : row->amount.minor);
    int step = sqlite3_step(book->insert);
    sqlite3_reset(book->insert);
    book->count++;
    if (step != SQLITE_DONE) {
        book->status = settlement_log_broken(book->log, book->log->work, "the working database");
    }
    return step == SQLITE_DONE && insert_shares(book, row->position, &line->fees);
}

/* --- stories ------------------------------------------------------------------------------ */

/* The transaction that all is about in the end: what `row` follows or undoes, and what that
 * follows. `rrn`: of the nearest one. */
static enum status find_root(struct day_book *book, const struct settlement_row *row,
                             struct txn_reference *root, char rrn[13])
{
    *root = row->original;
    rrn[0] = '\0';
    for (uint32_t i = 0; i < ROOT_STEPS_MAX; i++) {
        book->rows.count = 0;
        enum status status = settlement_log_find(book->log, *root, false, &book->rows);
        if (status != STATUS_OK || book->rows.count == 0) {
            return status;
        }
        const struct settlement_row *found = &book->rows.items[0];
        if (rrn[0] == '\0') {
            memcpy(rrn, found->rrn, sizeof(found->rrn));
        }
        if (!story_is_follow_up(found->payment_kind, found->original)) {
            return STATUS_OK;
        }
        *root = found->original;
    }
    return STATUS_OK;
}

static bool is_new_follow_up(const struct settlement_rows *rows, uint32_t at)
{
    const struct settlement_row *row = &rows->items[at];
    if (!is_final(row) || row->kind == RECORD_REVERSAL_DONE) {
        return false;
    }
    for (uint32_t i = 0; i < at; i++) {
        if (is_final(&rows->items[i]) && rows->items[i].txn.epoch == row->txn.epoch &&
            rows->items[i].txn.seq == row->txn.seq) {
            return false;
        }
    }
    return true;
}

static enum status gather(struct day_book *book, struct txn_reference root)
{
    struct settlement_rows *rows = &book->rows;
    rows->count = 0;
    enum status status = settlement_log_find(book->log, root, false, rows);
    uint32_t followers = rows->count;
    if (status == STATUS_OK) {
        status = settlement_log_find(book->log, root, true, rows);
    }
    /* Rows are added while they are walked: what follows a follower comes too. */
    for (uint32_t i = followers; status == STATUS_OK && i < rows->count; i++) {
        if (is_new_follow_up(rows, i)) {
            status = settlement_log_find(book->log, rows->items[i].txn, true, rows);
        }
    }
    return status;
}

static int compare_events(const void *left, const void *right)
{
    const struct story_event *a = left, *b = right;
    return a->position < b->position ? -1 : a->position > b->position;
}

static uint32_t make_events(struct day_book *book)
{
    uint32_t count = 0, kept = 0;
    for (uint32_t i = 0; i < book->rows.count; i++) {
        const struct settlement_row *row = &book->rows.items[i];
        if (is_final(row)) {
            book->events[count++] = (struct story_event){
                .position = (uint64_t)row->position,
                .kind = row->kind,
                .payment_kind = row->payment_kind,
                .txn = row->txn,
                .original = row->original,
                .amount = row->amount.minor,
                .fees = row->fees,
                .refund = row->refund,
            };
        }
    }
    qsort(book->events, count, sizeof(book->events[0]), compare_events);
    for (uint32_t i = 0; i < count; i++) { /* a row may have been met by two ways */
        if (kept == 0 || book->events[kept - 1].position != book->events[i].position) {
            book->events[kept++] = book->events[i];
        }
    }
    return kept;
}

static enum status fold(struct day_book *book, uint32_t count)
{
    uint32_t at = 0;
    enum status status = story_fold(book->events, count, book->lines, &at);
    if (status != STATUS_OK) {
        const struct story_event *event = &book->events[at];
        snprintf(
            book->log->reason, sizeof(book->log->reason),
            "log position %llu: transaction %u/%u pays back more than its original %u/%u took, "
            "or changes one that the log does not hold (I13); nothing can be settled before "
            "this is looked into",
            (unsigned long long)event->position, event->txn.epoch, event->txn.seq,
            event->original.epoch, event->original.seq);
    }
    return status;
}

static bool take_story(struct day_book *book, const struct settlement_row *row)
{
    struct txn_reference root;
    char rrn[13];
    book->status = find_root(book, row, &root, rrn);
    if (book->status == STATUS_OK) {
        book->status = gather(book, root);
    }
    uint32_t count = book->status == STATUS_OK ? make_events(book) : 0;
    if (book->status == STATUS_OK) {
        book->status = fold(book, count);
    }
    for (uint32_t i = 0; book->status == STATUS_OK && i < count; i++) {
        if (book->events[i].position == (uint64_t)row->position && book->lines[i].is_counted) {
            return insert_line(book, row, &book->lines[i], rrn);
        }
    }
    return book->status == STATUS_OK;
}

static bool on_row(void *argument, sqlite3_stmt *from)
{
    struct day_book *book = argument;
    struct settlement_row row;
    if (!settlement_row_read(&row, from)) {
        snprintf(
            book->log->reason, sizeof(book->log->reason),
            "log position %lld: a kind that this version does not know, or agents' shares that do "
            "not add up (I16); use the version that wrote it",
            (long long)row.position);
        book->status = STATUS_UNSUPPORTED;
        return false;
    }
    if (!is_final(&row)) {
        return true;
    }
    if (row.kind == RECORD_REVERSAL_DONE || story_is_follow_up(row.payment_kind, row.original)) {
        return take_story(book, &row);
    }
    if (payment_rule_of(row.payment_kind)->side == BATCH_NEITHER) {
        return true;
    }
    int64_t sign = payment_rule_of(row.payment_kind)->side == BATCH_CREDIT ? -1 : 1;
    struct story_line line = {true, sign * row.amount.minor, row.fees};
    return insert_line(book, &row, &line, "");
}

enum status day_book_fill(struct settlement_log *log, const struct settlement_span *span,
                          uint64_t *count)
{
    static const char sql[] = "SELECT " SETTLEMENT_ROW_COLUMNS " FROM $log WHERE $day AND kind IN"
                              " ('result', 'reversal_done', 'advice_done') ORDER BY position";
    static const char insert[] = "INSERT INTO line VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
    struct day_book *book = calloc(1, sizeof(*book));
    *count = 0;
    if (book == NULL) {
        snprintf(log->reason, sizeof(log->reason), "no memory");
        return STATUS_NO_MEMORY;
    }
    book->log = log;
    enum status status = settlement_log_do(log, LINE_TABLE);
    book->insert = status == STATUS_OK ? settlement_log_prepare(log, insert) : NULL;
    book->insert_share = status == STATUS_OK
                             ? settlement_log_prepare(log, "INSERT INTO share VALUES (?,?,?)")
                             : NULL;
    if (book->insert != NULL && book->insert_share != NULL) {
        struct settlement_visitor visitor = {on_row, book};
        status = settlement_log_visit(log, sql, span, &visitor);
        status = book->status != STATUS_OK ? book->status : status;
        *count = book->count;
    } else {
        status = STATUS_BROKEN;
    }
    sqlite3_finalize(book->insert);
    sqlite3_finalize(book->insert_share);
    free(book);
    return status;
}
