/* Rows are found through a hash in memory, filled from the file at start: a random index on disk
 * would cost more than everything else. */
#include "loadtest/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>
#include <uthash.h>

#include "protocols/base/require.h"

#define KEY_SIZE 28 /* STAN 6, time 10, acquirer 11 */

enum row_state { ROW_POSTED, ROW_REVERSED, ROW_DECLINED, ROW_BLOCKED, ROW_TOMBSTONE };
static const char *const STATE_WORDS[] = {"posted", "reversed", "declined", "blocked", "tombstone"};

struct row {
    char key[KEY_SIZE];
    enum row_state state;
    int64_t id, amount;
    uint16_t currency;
    char pan_masked[20], response_code[3], auth_code[7];
    uint32_t repeat_count, reversal_count;
    struct account account;
    struct row *original; /* borrower; NULL: it follows nothing */
    enum account_follow follow;
    UT_hash_handle hh;
};

/* X(NAME, sql) */
#define STATEMENT_MAP(X)                                                                           \
    X(BEGIN, "BEGIN")                                                                              \
    X(COMMIT, "COMMIT")                                                                            \
    X(POST, "INSERT INTO postings (id, mti, terminal_id, merchant_id, stan, sent_at, rrn,"         \
            " acquirer_id, amount, currency, pan_masked, state, response_code, auth_code,"         \
            " arrived_us, kind, follow, original_id, original_stan, original_sent_at,"             \
            " settlement_day) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")                 \
    X(REPEAT, "UPDATE postings SET repeat_count = ? WHERE id = ?")                                 \
    X(REVERSE, "UPDATE postings SET state = ?, reversal_count = ?, reversed_us ="                  \
               " CASE reversed_us WHEN 0 THEN ? ELSE reversed_us END WHERE id = ?")                \
    X(JOURNAL, "INSERT INTO journal (at_us, direction, mti, terminal_id, stan, sent_at, rrn,"      \
               " amount, currency, original_stan, original_sent_at, response_code, note)"          \
               " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)")

enum statement {
#define X(name, sql) STATEMENT_##name,
    STATEMENT_MAP(X)
#undef X
        STATEMENT_COUNT
};

static const char SCHEMA[] =
    "CREATE TABLE IF NOT EXISTS postings (id INTEGER PRIMARY KEY, mti TEXT NOT NULL,"
    " terminal_id TEXT NOT NULL, merchant_id TEXT NOT NULL, stan INTEGER NOT NULL,"
    " sent_at TEXT NOT NULL, rrn TEXT NOT NULL, acquirer_id TEXT NOT NULL,"
    " amount INTEGER NOT NULL, currency INTEGER NOT NULL, pan_masked TEXT NOT NULL,"
    " state TEXT NOT NULL, response_code TEXT NOT NULL, auth_code TEXT NOT NULL,"
    " arrived_us INTEGER NOT NULL, reversed_us INTEGER NOT NULL DEFAULT 0,"
    " repeat_count INTEGER NOT NULL DEFAULT 0, reversal_count INTEGER NOT NULL DEFAULT 0,"
    " kind TEXT NOT NULL DEFAULT '', follow INTEGER NOT NULL DEFAULT 0,"
    " original_id INTEGER NOT NULL DEFAULT 0, original_stan INTEGER NOT NULL DEFAULT 0,"
    " original_sent_at TEXT NOT NULL DEFAULT '', settlement_day INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL,"
    " direction TEXT NOT NULL, mti TEXT NOT NULL, terminal_id TEXT NOT NULL,"
    " stan INTEGER NOT NULL, sent_at TEXT NOT NULL, rrn TEXT NOT NULL, amount INTEGER NOT NULL,"
    " currency INTEGER NOT NULL, original_stan INTEGER NOT NULL, original_sent_at TEXT NOT NULL,"
    " response_code TEXT NOT NULL, note TEXT NOT NULL);";

struct ledger {
    sqlite3 *file;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct row *rows; /* owner, by key */
    int64_t id_last;
    bool is_open; /* a transaction has begun */
    bool has_tombstones;
    struct ledger_counts counts;
};

static void key_make(char key[KEY_SIZE], uint32_t stan, const char *sent_at,
                     const char *acquirer_id)
{
    snprintf(key, KEY_SIZE, "%06u%-10.10s%-11.11s", (unsigned)(stan % 1000000), sent_at,
             acquirer_id);
}

static struct row *row_find(struct ledger *ledger, const char key[KEY_SIZE])
{
    struct row *row = NULL;
    HASH_FIND(hh, ledger->rows, key, KEY_SIZE - 1, row);
    return row;
}

static struct row *row_add(struct ledger *ledger, const char key[KEY_SIZE])
{
    struct row *row = calloc(1, sizeof *row);
    if (row == NULL) {
        return NULL;
    }
    memcpy(row->key, key, KEY_SIZE);
    HASH_ADD(hh, ledger->rows, key, KEY_SIZE - 1, row);
    return row;
}

static void state_count(struct ledger *ledger, enum row_state state)
{
    struct ledger_counts *counts = &ledger->counts;
    uint64_t *const places[] = {&counts->posted, &counts->reversed, &counts->declined,
                                &counts->blocked, &counts->tombstones};
    (*places[state])++;
}

static enum status statement_run(struct ledger *ledger, enum statement which)
{
    sqlite3_stmt *statement = ledger->statements[which];
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    return result == SQLITE_DONE ? STATUS_OK : STATUS_BROKEN;
}

static enum status transaction_need(struct ledger *ledger)
{
    if (ledger->is_open) {
        return STATUS_OK;
    }
    ledger->is_open = true;
    return statement_run(ledger, STATEMENT_BEGIN);
}

static void bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    REQUIRE(sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC) == SQLITE_OK);
}

static void bind_number(sqlite3_stmt *statement, int place, int64_t number)
{
    REQUIRE(sqlite3_bind_int64(statement, place, number) == SQLITE_OK);
}

static enum row_state state_of_word(const char *word)
{
    for (unsigned i = 0; i < sizeof STATE_WORDS / sizeof STATE_WORDS[0]; i++) {
        if (strcmp(STATE_WORDS[i], word) == 0) {
            return (enum row_state)i;
        }
    }
    return ROW_DECLINED;
}

static const char *column_text(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

/* What a posting does to the one it follows. A voided completion gives its pre-authorisation free
 * again. */
static void row_apply(struct row *row, int sign)
{
    struct row *original = row->original;
    if (original == NULL) {
        return;
    }
    account_apply(&original->account, row->follow, row->amount, sign);
    if (row->follow == ACCOUNT_VOID && original->follow == ACCOUNT_CAPTURE &&
        original->original != NULL) {
        account_apply(&original->original->account, ACCOUNT_CAPTURE, original->amount, -sign);
    }
}

static enum status rows_read_back(struct ledger *ledger)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(ledger->file,
                           "SELECT id, stan, sent_at, acquirer_id, amount, currency, pan_masked,"
                           " state, response_code, auth_code, repeat_count, reversal_count,"
                           " follow, original_stan, original_sent_at"
                           " FROM postings ORDER BY id",
                           -1, &statement, NULL) != SQLITE_OK) {
        return STATUS_BROKEN;
    }
    enum status status = STATUS_OK;
    int result = SQLITE_ROW;
    while (status == STATUS_OK && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        char key[KEY_SIZE];
        key_make(key, (uint32_t)sqlite3_column_int(statement, 1), column_text(statement, 2),
                 column_text(statement, 3));
        struct row *row = row_find(ledger, key); /* a tombstone's block has the same key */
        row = row != NULL ? row : row_add(ledger, key);
        if (row == NULL) {
            status = STATUS_NO_MEMORY;
            break;
        }
        row->id = ledger->id_last = sqlite3_column_int64(statement, 0);
        row->amount = sqlite3_column_int64(statement, 4);
        row->currency = (uint16_t)sqlite3_column_int(statement, 5);
        snprintf(row->pan_masked, sizeof row->pan_masked, "%s", column_text(statement, 6));
        row->state = state_of_word(column_text(statement, 7));
        snprintf(row->response_code, sizeof row->response_code, "%s", column_text(statement, 8));
        snprintf(row->auth_code, sizeof row->auth_code, "%s", column_text(statement, 9));
        row->repeat_count = (uint32_t)sqlite3_column_int(statement, 10);
        row->reversal_count = (uint32_t)sqlite3_column_int(statement, 11);
        row->account.in_force = row->amount;
        row->follow = (enum account_follow)sqlite3_column_int(statement, 12);
        key_make(key, (uint32_t)sqlite3_column_int(statement, 13), column_text(statement, 14),
                 column_text(statement, 3));
        row->original = row->follow == ACCOUNT_NOTHING ? NULL : row_find(ledger, key);
        if (row->state == ROW_POSTED) {
            row_apply(row, 1);
        }
        state_count(ledger, row->state);
    }
    sqlite3_finalize(statement);
    return status != STATUS_OK ? status : result == SQLITE_DONE ? STATUS_OK : STATUS_BROKEN;
}

static enum status file_prepare(struct ledger *ledger, const struct ledger_setup *setup)
{
    static const char *const sql[] = {
#define X(name, text) text,
        STATEMENT_MAP(X)
#undef X
    };
    const char *sync =
        setup->is_full_sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL";
    if (sqlite3_open(setup->path, &ledger->file) != SQLITE_OK ||
        sqlite3_exec(ledger->file, "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=8000", NULL,
                     NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(ledger->file, sync, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(ledger->file, SCHEMA, NULL, NULL, NULL) != SQLITE_OK) {
        return STATUS_BROKEN;
    }
    for (unsigned i = 0; i < STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v3(ledger->file, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &ledger->statements[i], NULL) != SQLITE_OK) {
            return STATUS_BROKEN;
        }
    }
    return rows_read_back(ledger);
}

struct ledger *ledger_open(const struct ledger_setup *setup, char reason[LEDGER_REASON_SIZE])
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL) {
        snprintf(reason, LEDGER_REASON_SIZE, "no memory for the ledger");
        return NULL;
    }
    ledger->has_tombstones = setup->has_tombstones;
    if (file_prepare(ledger, setup) != STATUS_OK) {
        snprintf(reason, LEDGER_REASON_SIZE, "ledger %s: %s; give a path that can be written",
                 setup->path, ledger->file == NULL ? "no memory" : sqlite3_errmsg(ledger->file));
        ledger_close(ledger);
        return NULL;
    }
    return ledger;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    if (ledger->is_open && ledger_commit(ledger) != STATUS_OK) {
        fprintf(stderr, "tillway-bank: the last commit failed: %s\n", sqlite3_errmsg(ledger->file));
    }
    for (unsigned i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(ledger->statements[i]);
    }
    sqlite3_close(ledger->file);
    struct row *row, *next;
    HASH_ITER(hh, ledger->rows, row, next)
    {
        HASH_DEL(ledger->rows, row);
        free(row);
    }
    free(ledger);
}

static enum status row_insert(struct ledger *ledger, const struct row *row,
                              const struct ledger_request *request)
{
    sqlite3_stmt *statement = ledger->statements[STATEMENT_POST];
    bool is_tombstone = row->state == ROW_TOMBSTONE;
    bind_number(statement, 1, row->id);
    bind_text(statement, 2, request->mti);
    bind_text(statement, 3, request->terminal_id);
    bind_text(statement, 4, request->merchant_id);
    bind_number(statement, 5, is_tombstone ? request->original_stan : request->stan);
    bind_text(statement, 6, is_tombstone ? request->original_sent_at : request->sent_at);
    bind_text(statement, 7, request->rrn);
    bind_text(statement, 8, request->acquirer_id);
    bind_number(statement, 9, request->amount);
    bind_number(statement, 10, request->currency);
    bind_text(statement, 11, request->pan_masked);
    bind_text(statement, 12, STATE_WORDS[row->state]);
    bind_text(statement, 13, row->response_code);
    bind_text(statement, 14, row->auth_code);
    bind_number(statement, 15, request->arrived_us);
    bind_text(statement, 16, request->kind == NULL ? "" : request->kind);
    bind_number(statement, 17, row->follow);
    bind_number(statement, 18, row->original == NULL ? 0 : row->original->id);
    bind_number(statement, 19, is_tombstone ? 0 : request->original_stan);
    bind_text(statement, 20, is_tombstone ? "" : request->original_sent_at);
    bind_number(statement, 21, request->settlement_day);
    return statement_run(ledger, STATEMENT_POST);
}

static void answer_fill(struct ledger_answer *answer, const struct row *row, bool is_known)
{
    memcpy(answer->response_code, row->response_code, sizeof answer->response_code);
    memcpy(answer->auth_code, row->auth_code, sizeof answer->auth_code);
    answer->is_known = is_known;
}

static void answer_code(struct ledger_answer *answer, const char *code, bool is_known)
{
    *answer = (struct ledger_answer){.is_known = is_known};
    memcpy(answer->response_code, code, 2);
}

/* A request that was decided before: the stored answer, if it says the same. */
static enum status post_again(struct ledger *ledger, struct row *row,
                              const struct ledger_request *request, struct ledger_answer *answer)
{
    ledger->counts.repeats++;
    bool is_same = row->amount == request->amount && row->currency == request->currency &&
                   strcmp(row->pan_masked, request->pan_masked) == 0;
    if (!is_same) {
        answer_code(answer, "94", true);
        return STATUS_OK;
    }
    answer_fill(answer, row, true);
    sqlite3_stmt *statement = ledger->statements[STATEMENT_REPEAT];
    bind_number(statement, 1, ++row->repeat_count);
    bind_number(statement, 2, row->id);
    return statement_run(ledger, STATEMENT_REPEAT);
}

static void row_decide(struct ledger *ledger, struct row *row, const struct ledger_request *request,
                       const char code[3])
{
    row->id = ++ledger->id_last;
    row->amount = request->amount;
    row->currency = request->currency;
    memcpy(row->pan_masked, request->pan_masked, sizeof row->pan_masked);
    memcpy(row->response_code, code, 2);
    if (row->state == ROW_POSTED) {
        snprintf(row->auth_code, sizeof row->auth_code, "%06u", (unsigned)(row->id % 1000000));
    }
    row->account.in_force = row->amount;
    if (row->state == ROW_POSTED) {
        row_apply(row, 1);
    }
    state_count(ledger, row->state);
}

/* What the books say to a follow-up; `row` learns its original. */
static const char *follow_up_code(struct ledger *ledger, struct row *row,
                                  const struct ledger_request *request)
{
    char key[KEY_SIZE];
    if (request->follow == ACCOUNT_NOTHING) {
        return "00";
    }
    row->follow = request->follow;
    key_make(key, request->original_stan, request->original_sent_at, request->acquirer_id);
    row->original = row_find(ledger, key);
    if (row->original == NULL) {
        return "25";
    }
    return row->original->state != ROW_POSTED
               ? "22"
               : account_check(&row->original->account, request->follow, request->amount);
}

enum status ledger_post(struct ledger *ledger, const struct ledger_request *request,
                        const char wanted_code[3], struct ledger_answer *answer)
{
    char key[KEY_SIZE];
    key_make(key, request->stan, request->sent_at, request->acquirer_id);
    enum status status = transaction_need(ledger);
    if (status != STATUS_OK) {
        return status;
    }
    struct row *row = row_find(ledger, key);
    bool is_blocked = row != NULL && row->state == ROW_TOMBSTONE;
    if (row != NULL && !is_blocked) {
        return post_again(ledger, row, request, answer);
    }
    row = is_blocked ? row : row_add(ledger, key);
    if (row == NULL) {
        return STATUS_NO_MEMORY;
    }
    const char *code = is_blocked ? "22" : wanted_code;
    if (!is_blocked && strcmp(code, "00") == 0) {
        code = follow_up_code(ledger, row, request);
    }
    row->state = is_blocked ? ROW_BLOCKED : strcmp(code, "00") == 0 ? ROW_POSTED : ROW_DECLINED;
    row_decide(ledger, row, request, code);
    answer_fill(answer, row, false);
    return row_insert(ledger, row, request);
}

/* The original never came, or has not come yet. */
static enum status reverse_unknown(struct ledger *ledger, const char key[KEY_SIZE],
                                   const struct ledger_request *request,
                                   struct ledger_answer *answer)
{
    answer_code(answer, "25", false);
    if (!ledger->has_tombstones) {
        return STATUS_OK;
    }
    struct row *row = row_add(ledger, key);
    if (row == NULL) {
        return STATUS_NO_MEMORY;
    }
    row->state = ROW_TOMBSTONE;
    row_decide(ledger, row, request, "25");
    return row_insert(ledger, row, request);
}

static enum status reverse_row(struct ledger *ledger, struct row *row,
                               const struct ledger_request *request)
{
    bool is_first = row->state == ROW_POSTED;
    if (is_first) {
        row->state = ROW_REVERSED;
        row_apply(row, -1);
        ledger->counts.posted--;
        ledger->counts.reversed++;
    } else {
        ledger->counts.reversal_repeats++;
    }
    sqlite3_stmt *statement = ledger->statements[STATEMENT_REVERSE];
    bind_text(statement, 1, STATE_WORDS[row->state]);
    bind_number(statement, 2, ++row->reversal_count);
    bind_number(statement, 3, is_first ? request->arrived_us : 0);
    bind_number(statement, 4, row->id);
    return statement_run(ledger, STATEMENT_REVERSE);
}

enum status ledger_reverse(struct ledger *ledger, const struct ledger_request *request,
                           struct ledger_answer *answer)
{
    char key[KEY_SIZE];
    key_make(key, request->original_stan, request->original_sent_at, request->acquirer_id);
    enum status status = transaction_need(ledger);
    if (status != STATUS_OK) {
        return status;
    }
    struct row *row = row_find(ledger, key);
    if (row == NULL) {
        return reverse_unknown(ledger, key, request, answer);
    }
    if (row->state == ROW_TOMBSTONE) {
        answer_code(answer, "25", true);
        return reverse_row(ledger, row, request);
    }
    if (row->amount != request->amount || row->currency != request->currency) {
        answer_code(answer, "64", true);
        return STATUS_OK;
    }
    answer_code(answer, "00", row->state != ROW_POSTED);
    return reverse_row(ledger, row, request);
}

enum status ledger_journal(struct ledger *ledger, const struct ledger_request *request,
                           const struct ledger_entry *entry)
{
    enum status status = transaction_need(ledger);
    if (status != STATUS_OK) {
        return status;
    }
    sqlite3_stmt *statement = ledger->statements[STATEMENT_JOURNAL];
    bind_number(statement, 1, entry->at_us);
    bind_text(statement, 2, entry->direction);
    bind_text(statement, 3, request->mti);
    bind_text(statement, 4, request->terminal_id);
    bind_number(statement, 5, request->stan);
    bind_text(statement, 6, request->sent_at);
    bind_text(statement, 7, request->rrn);
    bind_number(statement, 8, request->amount);
    bind_number(statement, 9, request->currency);
    bind_number(statement, 10, request->original_stan);
    bind_text(statement, 11, request->original_sent_at);
    bind_text(statement, 12, entry->response_code);
    bind_text(statement, 13, entry->note);
    return statement_run(ledger, STATEMENT_JOURNAL);
}

enum status ledger_commit(struct ledger *ledger)
{
    if (!ledger->is_open) {
        return STATUS_OK;
    }
    ledger->is_open = false;
    return statement_run(ledger, STATEMENT_COMMIT);
}

void ledger_count(const struct ledger *ledger, struct ledger_counts *counts)
{
    *counts = ledger->counts;
}
