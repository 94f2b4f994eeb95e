/* See held_sheet.h. */
#include "switch/settlement/held_sheet.h"

#include <stdio.h>
#include <string.h>

#include "switch/engine/order.h"

/* The last word on each merchant: such a row carries all that is in force of it. */
#define LAST_ORDERS_SQL                                                                            \
    "SELECT merchant_id, payload FROM tail WHERE position IN (SELECT max(position) FROM tail"      \
    " WHERE kind LIKE 'order%' AND terminal_id = '' GROUP BY merchant_id) ORDER BY merchant_id"
#define SUMS_SQL                                                                                   \
    "SELECT currency, count(*), sum(amount), sum(amount - merchant_fee) FROM line"                 \
    " WHERE merchant = ?1 GROUP BY currency ORDER BY currency"

#define TIME_SQL                                                                                   \
    "SELECT strftime('%Y-%m-%dT%H:%M:%S', ?1 / 1000000 + 28800, 'unixepoch') || '+08:00'"
#define TIME_SIZE 32

static bool is_longer(const struct order *order, const struct order *than)
{
    return than->until_us != 0 && (order->until_us == 0 || order->until_us > than->until_us);
}

/* Whether money is held; the order is then in `held`: of what people and what a case ordered the
 * one that holds it longer. STATUS_MALFORMED: no version of ours wrote that row. */
static enum status find_hold(sqlite3_stmt *row, struct order_standing *held, bool *is_held)
{
    struct byte_reader reader;
    struct order_standing standing;
    byte_reader_init(&reader, sqlite3_column_blob(row, 1), (uint32_t)sqlite3_column_bytes(row, 1));
    *is_held = false;
    while (byte_reader_left(&reader) > 0) {
        enum status status = order_note_read(&reader, &standing);
        if (status != STATUS_OK) {
            return status;
        }
        if (standing.order.kind == ORDER_HOLD &&
            (!*is_held || is_longer(&standing.order, &held->order))) {
            *held = standing;
            *is_held = true;
        }
    }
    return STATUS_OK;
}

static enum status put_time(struct settlement_log *log, struct sheet *sheet, int64_t wall_us)
{
    char text[TIME_SIZE] = "";
    sqlite3_stmt *asked = wall_us == 0 ? NULL : settlement_log_prepare(log, TIME_SQL);
    if (wall_us != 0 && asked == NULL) {
        return STATUS_BROKEN;
    }
    if (asked != NULL) {
        sqlite3_bind_int64(asked, 1, wall_us);
        if (sqlite3_step(asked) == SQLITE_ROW) {
            snprintf(text, sizeof(text), "%s", (const char *)sqlite3_column_text(asked, 0));
        }
        sqlite3_finalize(asked);
    }
    sheet_put_text(sheet, text);
    return STATUS_OK;
}

/* What a line begins with. */
static enum status put_front(struct settlement_log *log, struct sheet *sheet, const char *merchant,
                             const struct order_standing *held)
{
    sheet_put_text(sheet, "L");
    sheet_put_text(sheet, merchant);
    enum status status = put_time(log, sheet, held->since_us);
    if (status == STATUS_OK) {
        status = put_time(log, sheet, held->order.until_us);
    }
    sheet_put_number(sheet, (int64_t)held->order.case_id);
    sheet_put_text(sheet, held->order.actor);
    return status;
}

static enum status put_merchant(struct settlement_log *log, struct sheet *sheet,
                                const char *merchant, const struct order_standing *held)
{
    sqlite3_stmt *sums = settlement_log_prepare(log, SUMS_SQL);
    enum status status = sums == NULL ? STATUS_BROKEN : STATUS_OK;
    bool is_without = true;
    if (status == STATUS_OK) {
        sqlite3_bind_text(sums, 1, merchant, -1, SQLITE_STATIC);
    }
    while (status == STATUS_OK && sqlite3_step(sums) == SQLITE_ROW) {
        is_without = false;
        status = put_front(log, sheet, merchant, held);
        for (int at = 0; at < 4; at++) {
            sheet_put_number(sheet, sqlite3_column_int64(sums, at));
        }
        sheet_end_line(sheet);
    }
    if (status == STATUS_OK && is_without) {
        status = put_front(log, sheet, merchant, held);
        sheet_put_text(sheet, "");
        for (int at = 0; at < 3; at++) {
            sheet_put_number(sheet, 0);
        }
        sheet_end_line(sheet);
    }
    sqlite3_finalize(sums);
    return status;
}

static enum status put_all(struct settlement_log *log, struct sheet *sheet)
{
    sqlite3_stmt *orders = settlement_log_prepare(log, LAST_ORDERS_SQL);
    enum status status = orders == NULL ? STATUS_BROKEN : STATUS_OK;
    int step = SQLITE_DONE;
    while (status == STATUS_OK && (step = sqlite3_step(orders)) == SQLITE_ROW) {
        struct order_standing held;
        const char *merchant = (const char *)sqlite3_column_text(orders, 0);
        bool is_held = false;
        status = find_hold(orders, &held, &is_held);
        if (status != STATUS_OK) {
            snprintf(log->reason, sizeof(log->reason),
                     "the last order about merchant %.15s in the log cannot be read; expected what "
                     "the log's README.md says of an order",
                     merchant);
            status = STATUS_BAD_VALUE;
        } else if (is_held) {
            status = put_merchant(log, sheet, merchant, &held);
        }
    }
    if (status == STATUS_OK && step != SQLITE_DONE) {
        status = settlement_log_broken(log, log->work, "the working database");
    }
    sqlite3_finalize(orders);
    return status;
}

enum status held_sheet_write(struct settlement_log *log, struct sheet_set *set, uint32_t day)
{
    static const char *const COLUMNS[] = {"C",  "merchant", "since", "until",  "case",
                                          "by", "currency", "lines", "amount", "net"};
    char file_id[32];
    struct sheet sheet;
    enum status status = sheet_begin(set, &sheet, "held", NULL);
    if (status != STATUS_OK) {
        return status;
    }
    snprintf(file_id, sizeof(file_id), "%u-held", (unsigned)day);
    sheet_put_text(&sheet, "H");
    sheet_put_text(&sheet, file_id);
    sheet_put_number(&sheet, day);
    sheet_put_text(&sheet, "held");
    sheet_put_number(&sheet, log->last_position);
    sheet_put_number(&sheet, DAY_SHEET_VERSION);
    sheet_end_line(&sheet);
    for (size_t i = 0; i < sizeof(COLUMNS) / sizeof(COLUMNS[0]); i++) {
        sheet_put_text(&sheet, COLUMNS[i]);
    }
    sheet_end_line(&sheet);
    status = put_all(log, &sheet);
    enum status ended = sheet_end(&sheet);
    return status == STATUS_OK ? ended : status;
}
