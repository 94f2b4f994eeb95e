/* Rows are found by their number, which the caller keeps: no index but the primary keys. */
#include "loadtest/wallet/book_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "protocols/base/require.h"

#define CURRENCY_CNY 156

/* X(NAME, sql) */
#define STATEMENT_MAP(X)                                                                           \
    X(BEGIN, "BEGIN")                                                                              \
    X(COMMIT, "COMMIT")                                                                            \
    X(ORDER_ADD,                                                                                   \
      "INSERT INTO orders (id, wallet, out_trade_no, trade_no, amount, currency, state, refusal,"  \
      " refunded, code_hash, terminal_id, merchant_id, notify_url, kind, due_state, query_fails,"  \
      " notice_copies, retries_left, created_us, due_us, paid_us, ended_us)"                       \
      " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")                                     \
    X(ORDER_CHANGE, "UPDATE orders SET state = ?, refunded = ?, due_us = ?, paid_us = ?,"          \
                    " ended_us = ?, retries_left = ? WHERE id = ?")                                \
    X(REFUND_ADD, "INSERT INTO refunds (wallet, out_trade_no, refund_no, refund_id, amount,"       \
                  " made_us) VALUES (?,?,?,?,?,?)")                                                \
    X(NOTICE_ADD, "INSERT INTO notices (wallet, out_trade_no, event, url, copies, due_us)"         \
                  " VALUES (?,?,?,?,?,?)")                                                         \
    X(NOTICE_CHANGE, "UPDATE notices SET attempts = ?, due_us = ?, delivered_us = ? WHERE id = ?") \
    X(JOURNAL, "INSERT INTO journal (at_us, wallet, operation, out_trade_no, refund_no, amount,"   \
               " answer, fault) VALUES (?,?,?,?,?,?,?,?)")

enum statement {
#define X(name, sql) STATEMENT_##name,
    STATEMENT_MAP(X)
#undef X
        STATEMENT_COUNT
};

static const char SCHEMA[] =
    "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, wallet TEXT NOT NULL,"
    " out_trade_no TEXT NOT NULL, trade_no TEXT NOT NULL, amount INTEGER NOT NULL,"
    " currency INTEGER NOT NULL, state TEXT NOT NULL, refusal TEXT NOT NULL,"
    " refunded INTEGER NOT NULL, code_hash TEXT NOT NULL, terminal_id TEXT NOT NULL,"
    " merchant_id TEXT NOT NULL, notify_url TEXT NOT NULL, kind TEXT NOT NULL,"
    " due_state TEXT NOT NULL, query_fails INTEGER NOT NULL, notice_copies INTEGER NOT NULL,"
    " retries_left INTEGER NOT NULL, created_us INTEGER NOT NULL, due_us INTEGER NOT NULL,"
    " paid_us INTEGER NOT NULL, ended_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS refunds (id INTEGER PRIMARY KEY, wallet TEXT NOT NULL,"
    " out_trade_no TEXT NOT NULL, refund_no TEXT NOT NULL, refund_id TEXT NOT NULL,"
    " amount INTEGER NOT NULL, made_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS notices (id INTEGER PRIMARY KEY, wallet TEXT NOT NULL,"
    " out_trade_no TEXT NOT NULL, event TEXT NOT NULL, url TEXT NOT NULL,"
    " copies INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due_us INTEGER NOT NULL,"
    " delivered_us INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL,"
    " wallet TEXT NOT NULL, operation TEXT NOT NULL, out_trade_no TEXT NOT NULL,"
    " refund_no TEXT NOT NULL, amount INTEGER NOT NULL, answer TEXT NOT NULL,"
    " fault TEXT NOT NULL);";

struct book_file {
    sqlite3 *file;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    int64_t order_id_last;
    bool is_open; /* a transaction has begun */
};

static enum status statement_run(struct book_file *file, enum statement which)
{
    sqlite3_stmt *statement = file->statements[which];
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    return result == SQLITE_DONE ? STATUS_OK : STATUS_BROKEN;
}

static void bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    REQUIRE(sqlite3_bind_text(statement, place, text == NULL ? "" : text, -1, SQLITE_STATIC) ==
            SQLITE_OK);
}

static void bind_number(sqlite3_stmt *statement, int place, int64_t number)
{
    REQUIRE(sqlite3_bind_int64(statement, place, number) == SQLITE_OK);
}

/* The statement, within a transaction; NULL: none could be begun. */
static sqlite3_stmt *statement_take(struct book_file *file, enum statement which)
{
    if (!file->is_open) {
        if (statement_run(file, STATEMENT_BEGIN) != STATUS_OK) {
            return NULL;
        }
        file->is_open = true;
    }
    return file->statements[which];
}

int64_t book_file_order_number(struct book_file *file)
{
    return ++file->order_id_last;
}

enum status book_file_order_add(struct book_file *file, const struct order *order, const char *hash)
{
    sqlite3_stmt *statement = statement_take(file, STATEMENT_ORDER_ADD);
    if (statement == NULL) {
        return STATUS_BROKEN;
    }
    const char *const texts[] = {order->terminal_id, order->merchant_id, order->notify_url,
                                 order->wallet == WALLET_ALIPAY ? "alipay"
                                 : order->is_v2                 ? "v2"
                                                                : "v3",
                                 order_state_word(order->due_state)};
    bind_number(statement, 1, order->id);
    bind_text(statement, 2, wallet_word(order->wallet));
    bind_text(statement, 3, order->number);
    bind_text(statement, 4, order->trade_number);
    bind_number(statement, 5, order->amount);
    bind_number(statement, 6, CURRENCY_CNY);
    bind_text(statement, 7, order_state_word(order->state));
    bind_text(statement, 8, refusal_word(order->refusal));
    bind_number(statement, 9, order->refunded);
    bind_text(statement, 10, hash);
    for (int i = 0; i < 5; i++) {
        bind_text(statement, 11 + i, texts[i]);
    }
    bind_number(statement, 16, order->query_fails);
    bind_number(statement, 17, order->notice_copies);
    bind_number(statement, 18, order->retries_left);
    bind_number(statement, 19, order->created_us);
    bind_number(statement, 20, order->due_us);
    bind_number(statement, 21, order->paid_us);
    bind_number(statement, 22, order->ended_us);
    return statement_run(file, STATEMENT_ORDER_ADD);
}

enum status book_file_order_change(struct book_file *file, const struct order *order)
{
    sqlite3_stmt *statement = statement_take(file, STATEMENT_ORDER_CHANGE);
    if (statement == NULL) {
        return STATUS_BROKEN;
    }
    bind_text(statement, 1, order_state_word(order->state));
    bind_number(statement, 2, order->refunded);
    bind_number(statement, 3, order->due_us);
    bind_number(statement, 4, order->paid_us);
    bind_number(statement, 5, order->ended_us);
    bind_number(statement, 6, order->retries_left);
    bind_number(statement, 7, order->id);
    return statement_run(file, STATEMENT_ORDER_CHANGE);
}

enum status book_file_refund_add(struct book_file *file, const struct order *order,
                                 const struct refund *refund)
{
    sqlite3_stmt *statement = statement_take(file, STATEMENT_REFUND_ADD);
    if (statement == NULL) {
        return STATUS_BROKEN;
    }
    bind_text(statement, 1, wallet_word(order->wallet));
    bind_text(statement, 2, order->number);
    bind_text(statement, 3, refund->number);
    bind_text(statement, 4, refund->id);
    bind_number(statement, 5, refund->amount);
    bind_number(statement, 6, refund->made_us);
    return statement_run(file, STATEMENT_REFUND_ADD);
}

enum status book_file_notice_add(struct book_file *file, const struct notice *notice,
                                 int64_t due_us, int64_t *id)
{
    sqlite3_stmt *statement = statement_take(file, STATEMENT_NOTICE_ADD);
    if (statement == NULL) {
        return STATUS_BROKEN;
    }
    bind_text(statement, 1, wallet_word(notice->wallet));
    bind_text(statement, 2, notice->number);
    bind_text(statement, 3, "paid");
    bind_text(statement, 4, notice->url);
    bind_number(statement, 5, notice->is_twice ? 2 : 1);
    bind_number(statement, 6, due_us);
    enum status status = statement_run(file, STATEMENT_NOTICE_ADD);
    *id = sqlite3_last_insert_rowid(file->file);
    return status;
}

enum status book_file_notice_change(struct book_file *file, const struct notice *notice,
                                    int64_t due_us, int64_t delivered_us)
{
    sqlite3_stmt *statement = statement_take(file, STATEMENT_NOTICE_CHANGE);
    if (statement == NULL) {
        return STATUS_BROKEN;
    }
    bind_number(statement, 1, notice->attempts);
    bind_number(statement, 2, due_us);
    bind_number(statement, 3, delivered_us);
    bind_number(statement, 4, notice->id);
    return statement_run(file, STATEMENT_NOTICE_CHANGE);
}

enum status book_file_journal(struct book_file *file, const struct book_entry *entry, int64_t at_us)
{
    sqlite3_stmt *statement = statement_take(file, STATEMENT_JOURNAL);
    if (statement == NULL) {
        return STATUS_BROKEN;
    }
    bind_number(statement, 1, at_us);
    bind_text(statement, 2, wallet_word(entry->wallet));
    bind_text(statement, 3, entry->operation);
    bind_text(statement, 4, entry->number);
    bind_text(statement, 5, entry->refund_number);
    bind_number(statement, 6, entry->amount);
    bind_text(statement, 7, entry->answer);
    bind_text(statement, 8, entry->fault);
    return statement_run(file, STATEMENT_JOURNAL);
}

enum status book_file_commit(struct book_file *file)
{
    if (!file->is_open) {
        return STATUS_OK;
    }
    file->is_open = false;
    return statement_run(file, STATEMENT_COMMIT);
}

/* ---- reading back ---- */

static void column_copy(sqlite3_stmt *statement, int column, char *text, size_t size)
{
    const char *value = (const char *)sqlite3_column_text(statement, column);
    snprintf(text, size, "%s", value == NULL ? "" : value);
}

static enum order_state state_of(sqlite3_stmt *statement, int column)
{
    char word[16];
    column_copy(statement, column, word, sizeof word);
    for (unsigned i = 0; i < ORDER_STATE_COUNT; i++) {
        if (strcmp(order_state_word((enum order_state)i), word) == 0) {
            return (enum order_state)i;
        }
    }
    return ORDER_CLOSED;
}

static enum wallet wallet_of(sqlite3_stmt *statement, int column)
{
    char word[16];
    column_copy(statement, column, word, sizeof word);
    return strcmp(word, wallet_word(WALLET_ALIPAY)) == 0 ? WALLET_ALIPAY : WALLET_WECHAT;
}

static enum status order_read(struct book_file *file, sqlite3_stmt *row,
                              const struct book_reader *reader)
{
    struct order order = {.id = sqlite3_column_int64(row, 0), .wallet = wallet_of(row, 1)};
    char hash[BOOK_HASH_SIZE], word[16];
    column_copy(row, 2, order.number, sizeof order.number);
    column_copy(row, 3, order.trade_number, sizeof order.trade_number);
    order.amount = sqlite3_column_int64(row, 4);
    order.state = state_of(row, 5);
    column_copy(row, 6, word, sizeof word);
    order.refusal =
        refusal_from_word(word) == REFUSAL_COUNT ? REFUSAL_NONE : refusal_from_word(word);
    order.refunded = sqlite3_column_int64(row, 7);
    column_copy(row, 8, hash, sizeof hash);
    column_copy(row, 9, order.terminal_id, sizeof order.terminal_id);
    column_copy(row, 10, order.merchant_id, sizeof order.merchant_id);
    column_copy(row, 11, order.notify_url, sizeof order.notify_url);
    column_copy(row, 12, word, sizeof word);
    order.is_v2 = strcmp(word, "v2") == 0;
    order.due_state = state_of(row, 13);
    order.query_fails = sqlite3_column_int(row, 14) != 0;
    order.notice_copies = (uint32_t)sqlite3_column_int(row, 15);
    order.retries_left = (uint32_t)sqlite3_column_int(row, 16);
    order.created_us = sqlite3_column_int64(row, 17);
    order.due_us = sqlite3_column_int64(row, 18);
    order.paid_us = sqlite3_column_int64(row, 19);
    order.ended_us = sqlite3_column_int64(row, 20);
    file->order_id_last = order.id > file->order_id_last ? order.id : file->order_id_last;
    return reader->on_order(reader->argument, &order, hash);
}

static enum status refund_read(struct book_file *file, sqlite3_stmt *row,
                               const struct book_reader *reader)
{
    struct refund refund = {.amount = sqlite3_column_int64(row, 4),
                            .made_us = sqlite3_column_int64(row, 5)};
    char number[BOOK_NUMBER_SIZE];
    (void)file;
    column_copy(row, 1, number, sizeof number);
    column_copy(row, 2, refund.number, sizeof refund.number);
    column_copy(row, 3, refund.id, sizeof refund.id);
    return reader->on_refund(reader->argument, wallet_of(row, 0), number, &refund);
}

static enum status notice_read(struct book_file *file, sqlite3_stmt *row,
                               const struct book_reader *reader)
{
    struct notice notice = {.id = sqlite3_column_int64(row, 0),
                            .wallet = wallet_of(row, 1),
                            .is_twice = sqlite3_column_int(row, 4) > 1,
                            .attempts = (uint32_t)sqlite3_column_int(row, 5)};
    (void)file;
    column_copy(row, 2, notice.number, sizeof notice.number);
    column_copy(row, 3, notice.url, sizeof notice.url);
    return reader->on_notice(reader->argument, &notice, sqlite3_column_int64(row, 6));
}

static enum status
rows_read(struct book_file *file, const char *sql, const struct book_reader *reader,
          enum status (*read)(struct book_file *, sqlite3_stmt *, const struct book_reader *))
{
    sqlite3_stmt *row = NULL;
    if (sqlite3_prepare_v2(file->file, sql, -1, &row, NULL) != SQLITE_OK) {
        return STATUS_BROKEN;
    }
    enum status status = STATUS_OK;
    int result = SQLITE_ROW;
    while (status == STATUS_OK && (result = sqlite3_step(row)) == SQLITE_ROW) {
        status = read(file, row, reader);
    }
    sqlite3_finalize(row);
    return status != STATUS_OK ? status : result == SQLITE_DONE ? STATUS_OK : STATUS_BROKEN;
}

static enum status file_prepare(struct book_file *file, const struct book_setup *setup,
                                const struct book_reader *reader)
{
    static const char *const sql[] = {
#define X(name, text) text,
        STATEMENT_MAP(X)
#undef X
    };
    const char *sync =
        setup->is_full_sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL";
    if (sqlite3_open(setup->path, &file->file) != SQLITE_OK ||
        sqlite3_exec(file->file, "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=8000", NULL,
                     NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(file->file, sync, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(file->file, SCHEMA, NULL, NULL, NULL) != SQLITE_OK) {
        return STATUS_BROKEN;
    }
    for (unsigned i = 0; i < STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v3(file->file, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &file->statements[i], NULL) != SQLITE_OK) {
            return STATUS_BROKEN;
        }
    }
    enum status status =
        rows_read(file,
                  "SELECT id, wallet, out_trade_no, trade_no, amount, state, refusal, refunded,"
                  " code_hash, terminal_id, merchant_id, notify_url, kind, due_state, query_fails,"
                  " notice_copies, retries_left, created_us, due_us, paid_us, ended_us FROM orders"
                  " ORDER BY id",
                  reader, order_read);
    if (status == STATUS_OK) {
        status = rows_read(file,
                           "SELECT wallet, out_trade_no, refund_no, refund_id, amount, made_us"
                           " FROM refunds ORDER BY id",
                           reader, refund_read);
    }
    return status != STATUS_OK
               ? status
               : rows_read(file,
                           "SELECT id, wallet, out_trade_no, url, copies, attempts, due_us FROM"
                           " notices WHERE delivered_us = 0 AND due_us > 0 ORDER BY id",
                           reader, notice_read);
}

struct book_file *book_file_open(const struct book_setup *setup, const struct book_reader *reader,
                                 char reason[BOOK_REASON_SIZE])
{
    struct book_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        snprintf(reason, BOOK_REASON_SIZE, "no memory for the ledger");
        return NULL;
    }
    if (file_prepare(file, setup, reader) != STATUS_OK) {
        snprintf(reason, BOOK_REASON_SIZE, "ledger %s: %s; give a path that can be written",
                 setup->path, file->file == NULL ? "no memory" : sqlite3_errmsg(file->file));
        book_file_close(file);
        return NULL;
    }
    return file;
}

void book_file_close(struct book_file *file)
{
    if (file == NULL) {
        return;
    }
    if (book_file_commit(file) != STATUS_OK) {
        fprintf(stderr, "tillway-wallet: the last commit failed: %s\n", sqlite3_errmsg(file->file));
    }
    for (unsigned i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(file->statements[i]);
    }
    sqlite3_close(file->file);
    free(file);
}
