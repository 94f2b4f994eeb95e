/* See agent_sheet.h. */
#include "switch/settlement/agent_sheet.h"

#include <stdio.h>

#include "switch/settlement/day_sheet.h"

#define LINES_SQL                                                                                  \
    "SELECT rrn, original_rrn, merchant, terminal,"                                                \
    " strftime('%Y-%m-%dT%H:%M:%S', wall_us / 1000000 + 28800, 'unixepoch') || '+08:00',"          \
    " kind, currency, amount, merchant_fee, minor"                                                 \
    " FROM share JOIN line USING (position) WHERE agent = ?1 ORDER BY currency, position"
enum { AT_CURRENCY = 6, AT_AMOUNT, AT_MERCHANT_FEE, AT_SHARE };

static void put_header(struct sheet *sheet, const char *id, uint32_t day)
{
    static const char *const names[] = {
#define X(column) #column,
        AGENT_SHEET_COLUMN_MAP(X)
#undef X
    };
    char file_id[AGENT_ID_SIZE + 32];
    snprintf(file_id, sizeof(file_id), "%u-agent-%s", (unsigned)day, id);
    sheet_put_text(sheet, "H");
    sheet_put_text(sheet, file_id);
    sheet_put_number(sheet, day);
    sheet_put_text(sheet, "agent");
    sheet_put_text(sheet, id);
    sheet_put_number(sheet, DAY_SHEET_VERSION);
    sheet_end_line(sheet);
    sheet_put_text(sheet, "C");
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        sheet_put_text(sheet, names[i]);
    }
    sheet_end_line(sheet);
}

static void put_trailer(struct sheet *sheet, int64_t currency, const struct agent_sums *sums)
{
    sheet_put_text(sheet, "T");
    sheet_put_number(sheet, currency);
#define X(sum) sheet_put_number(sheet, sums->sum);
    AGENT_SUM_MAP(X)
#undef X
    sheet_end_line(sheet);
}

static int put_lines(struct sheet *sheet, sqlite3_stmt *lines)
{
    struct agent_sums sums = {0};
    int64_t currency = -1;
    int step;
    while ((step = sqlite3_step(lines)) == SQLITE_ROW) {
        int64_t next = sqlite3_column_int64(lines, AT_CURRENCY);
        if (sums.lines > 0 && next != currency) { /* two currencies are never added (I17) */
            put_trailer(sheet, currency, &sums);
            sums = (struct agent_sums){0};
        }
        currency = next;
        sheet_put_text(sheet, "L");
        for (int at = 0; at <= AT_SHARE; at++) {
            const char *text = (const char *)sqlite3_column_text(lines, at);
            sheet_put_text(sheet, text == NULL ? "" : text);
        }
        sheet_end_line(sheet);
        sums.lines++;
        sums.amount += sqlite3_column_int64(lines, AT_AMOUNT);
        sums.merchant_fee += sqlite3_column_int64(lines, AT_MERCHANT_FEE);
        sums.share += sqlite3_column_int64(lines, AT_SHARE);
    }
    put_trailer(sheet, currency, &sums);
    return step;
}

static enum status write_one(struct settlement_log *log, struct sheet_set *set, const char *id,
                             uint32_t day)
{
    struct sheet sheet;
    sqlite3_stmt *lines = settlement_log_prepare(log, LINES_SQL);
    if (lines == NULL) {
        return STATUS_BROKEN;
    }
    enum status status = sheet_begin(set, &sheet, "agent", id);
    if (status == STATUS_OK) {
        sqlite3_bind_text(lines, 1, id, -1, SQLITE_STATIC);
        put_header(&sheet, id, day);
        if (put_lines(&sheet, lines) != SQLITE_DONE) {
            status = settlement_log_broken(log, log->work, "the working database");
        }
        enum status ended = sheet_end(&sheet);
        status = status == STATUS_OK ? ended : status;
    }
    sqlite3_finalize(lines);
    return status;
}

enum status agent_sheets_write(struct settlement_log *log, struct sheet_set *set, uint32_t day)
{
    enum status status = STATUS_OK;
    int step = SQLITE_DONE;
    sqlite3_stmt *ids =
        settlement_log_prepare(log, "SELECT DISTINCT agent FROM share ORDER BY agent");
    if (ids == NULL) {
        return STATUS_BROKEN;
    }
    while (status == STATUS_OK && (step = sqlite3_step(ids)) == SQLITE_ROW) {
        char id[AGENT_ID_SIZE];
        snprintf(id, sizeof(id), "%s", (const char *)sqlite3_column_text(ids, 0));
        status = write_one(log, set, id, day);
    }
    sqlite3_finalize(ids);
    if (status == STATUS_OK && step != SQLITE_DONE) {
        status = settlement_log_broken(log, log->work, "the working database");
    }
    return status;
}
