/* See day_sheet.h. */
#include "switch/settlement/day_sheet.h"

#include <stdio.h>
#include <string.h>

#define ID_SIZE 64

/* The order of the first columns is the order of the sheet; the time is that of UTC+8, as on the
 * terminals' receipts. */
#define LINES_SQL(owner)                                                                           \
    "SELECT rrn, original_rrn, merchant, channel, terminal, batch, stan,"                          \
    " strftime('%Y-%m-%dT%H:%M:%S', wall_us / 1000000 + 28800, 'unixepoch') || '+08:00',"          \
    " kind, card, currency, amount, merchant_fee, issuer_fee, scheme_fee, agent_fee"               \
    " FROM line WHERE " owner " = ?1 ORDER BY currency, position"
enum { AT_CURRENCY = 10, AT_AMOUNT, AT_MERCHANT_FEE, AT_ISSUER_FEE, AT_SCHEME_FEE, AT_AGENT_FEE };

static const struct {
    const char *word, *owners, *lines;
} owners[] = {
    [DAY_OWNER_MERCHANT] = {"merchant", "SELECT DISTINCT merchant FROM line ORDER BY merchant",
                            LINES_SQL("merchant")},
    [DAY_OWNER_CHANNEL] = {"channel", "SELECT DISTINCT channel FROM line ORDER BY channel",
                           LINES_SQL("channel")},
};

const char *day_owner_word(enum day_owner owner)
{
    return owners[owner].word;
}

void day_sums_add(struct day_sums *sums, enum day_owner owner, int64_t amount,
                  const struct fees *fees)
{
    const int64_t agent_fee = fees_agent_total(fees);
    bool is_debit = amount >= 0;
    sums->lines++;
    sums->debit_count += is_debit ? 1 : 0;
    sums->debit += is_debit ? amount : 0;
    sums->credit_count += is_debit ? 0 : 1;
    sums->credit += is_debit ? 0 : -amount;
    sums->merchant_fee += fees->merchant;
    sums->issuer_fee += fees->issuer;
    sums->scheme_fee += fees->scheme;
    sums->agent_fee += agent_fee;
    sums->margin += fees->merchant - fees->issuer - fees->scheme - agent_fee;
    sums->net +=
        amount - (owner == DAY_OWNER_MERCHANT ? fees->merchant : fees->issuer + fees->scheme);
}

bool day_sums_are_equal(const struct day_sums *left, const struct day_sums *right)
{
    return memcmp(left, right, sizeof(*left)) == 0; /* numbers of one size, no padding */
}

/* --- one sheet ---------------------------------------------------------------------------- */

static void put_header(struct sheet *sheet, enum day_owner owner, const char *id, uint32_t day)
{
    static const char *const names[] = {
#define X(column) #column,
        DAY_SHEET_COLUMN_MAP(X)
#undef X
    };
    char file_id[ID_SIZE + 32];
    snprintf(file_id, sizeof(file_id), "%u-%s-%s", (unsigned)day, owners[owner].word, id);
    sheet_put_text(sheet, "H");
    sheet_put_text(sheet, file_id);
    sheet_put_number(sheet, day);
    sheet_put_text(sheet, owners[owner].word);
    sheet_put_text(sheet, id);
    sheet_put_number(sheet, DAY_SHEET_VERSION);
    sheet_end_line(sheet);
    sheet_put_text(sheet, "C");
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        sheet_put_text(sheet, names[i]);
    }
    sheet_end_line(sheet);
}

/* Agents together, as one without a name: their own sheets tell them apart. */
static struct fees fees_at(sqlite3_stmt *line)
{
    return (struct fees){.merchant = sqlite3_column_int64(line, AT_MERCHANT_FEE),
                         .issuer = sqlite3_column_int64(line, AT_ISSUER_FEE),
                         .scheme = sqlite3_column_int64(line, AT_SCHEME_FEE),
                         .agents = {{.minor = sqlite3_column_int64(line, AT_AGENT_FEE)}},
                         .agent_count = 1};
}

static void put_line(struct sheet *sheet, enum day_owner owner, sqlite3_stmt *line)
{
    int64_t amount = sqlite3_column_int64(line, AT_AMOUNT);
    struct fees fees = fees_at(line);
    struct day_sums sums = {0};
    day_sums_add(&sums, owner, amount, &fees);
    sheet_put_text(sheet, "L");
    for (int at = 0; at <= AT_CURRENCY; at++) {
        const char *text = (const char *)sqlite3_column_text(line, at);
        sheet_put_text(sheet, text == NULL ? "" : text);
    }
    sheet_put_number(sheet, amount < 0 ? -amount : amount);
    sheet_put_text(sheet, amount < 0 ? "-" : "+");
    sheet_put_number(sheet, fees.merchant);
    sheet_put_number(sheet, fees.issuer);
    sheet_put_number(sheet, fees.scheme);
    sheet_put_number(sheet, sums.agent_fee);
    sheet_put_number(sheet, sums.margin);
    sheet_put_number(sheet, sums.net);
    sheet_end_line(sheet);
}

static void put_trailer(struct sheet *sheet, int64_t currency, const struct day_sums *sums)
{
    sheet_put_text(sheet, "T");
    sheet_put_number(sheet, currency);
#define X(sum) sheet_put_number(sheet, sums->sum);
    DAY_SUM_MAP(X)
#undef X
    sheet_end_line(sheet);
}

/* Amounts of two currencies are never added: each has a trailer behind its lines (I17). */
static int put_lines(struct sheet *sheet, enum day_owner owner, sqlite3_stmt *lines)
{
    struct day_sums sums = {0};
    int64_t currency = -1;
    int step;
    while ((step = sqlite3_step(lines)) == SQLITE_ROW) {
        int64_t next = sqlite3_column_int64(lines, AT_CURRENCY);
        if (sums.lines > 0 && next != currency) {
            put_trailer(sheet, currency, &sums);
            sums = (struct day_sums){0};
        }
        currency = next;
        put_line(sheet, owner, lines);
        const struct fees fees = fees_at(lines);
        day_sums_add(&sums, owner, sqlite3_column_int64(lines, AT_AMOUNT), &fees);
    }
    put_trailer(sheet, currency, &sums);
    return step;
}

static enum status write_one(struct settlement_log *log, struct sheet_set *set,
                             enum day_owner owner, const char *id, uint32_t day)
{
    struct sheet sheet;
    sqlite3_stmt *lines = settlement_log_prepare(log, owners[owner].lines);
    if (lines == NULL) {
        return STATUS_BROKEN;
    }
    enum status status = sheet_begin(set, &sheet, owners[owner].word, id);
    if (status == STATUS_OK) {
        sqlite3_bind_text(lines, 1, id, -1, SQLITE_STATIC);
        put_header(&sheet, owner, id, day);
        if (put_lines(&sheet, owner, lines) != SQLITE_DONE) {
            status = settlement_log_broken(log, log->work, "the working database");
        }
        enum status ended = sheet_end(&sheet);
        status = status == STATUS_OK ? ended : status;
    }
    sqlite3_finalize(lines);
    return status;
}

enum status day_sheets_write(struct settlement_log *log, struct sheet_set *set,
                             enum day_owner owner, uint32_t day)
{
    enum status status = STATUS_OK;
    int step = SQLITE_DONE;
    sqlite3_stmt *ids = settlement_log_prepare(log, owners[owner].owners);
    if (ids == NULL) {
        return STATUS_BROKEN;
    }
    while (status == STATUS_OK && (step = sqlite3_step(ids)) == SQLITE_ROW) {
        char id[ID_SIZE];
        snprintf(id, sizeof(id), "%s", (const char *)sqlite3_column_text(ids, 0));
        status = write_one(log, set, owner, id, day);
    }
    sqlite3_finalize(ids);
    if (status == STATUS_OK && step != SQLITE_DONE) {
        status = settlement_log_broken(log, log->work, "the working database");
    }
    return status;
}
