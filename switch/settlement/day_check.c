/* See day_check.h. */
#include "switch/settlement/day_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/settlement/agent_sheet.h"
#include "switch/store/log_word.h"

#define SQL_SIZE 3000
#define KINDS_SIZE 800
#define LINE_SIZE 1024
#define CURRENCY_COUNT_MAX 16

/* --- the book against the log ------------------------------------------------------------- */

/* "'purchase', 'void', …": the kinds that move money. */
static void write_kinds(char text[KINDS_SIZE])
{
    int length = 0;
    for (int kind = 0; kind < PAYMENT_KIND_COUNT; kind++) {
        if (payment_rule_of((enum payment_kind)kind)->side != BATCH_NEITHER) {
            length += snprintf(text + length, (size_t)(KINDS_SIZE - length), "%s'%s'",
                               length == 0 ? "" : ", ",
                               log_word(LOG_WORDS_payment_kind, (uint32_t)kind).text);
        }
    }
}

#define FINAL_SQL                                                                                  \
    "((kind = 'advice_done' OR (kind = 'result' AND reason = 'channel_answered'))"                 \
    " AND response_code IN ('00', '10', '11', 'A2', 'A4', 'A5', 'A6'))"
/* A sale carries the fees of its own row; what follows one, those of a part of it. */
#define IS_SALE_SQL "(original_seq = 0 OR payment_kind IN ('capture', 'capture_advice'))"

struct summing {
    struct settlement_log *log;
    sqlite3_stmt *insert;
};

static bool on_sum(void *argument, sqlite3_stmt *row)
{
    struct summing *summing = argument;
    for (int at = 0; at < sqlite3_column_count(row); at++) {
        sqlite3_bind_value(summing->insert, at + 1, sqlite3_column_value(row, at));
    }
    int step = sqlite3_step(summing->insert);
    sqlite3_reset(summing->insert);
    if (step != SQLITE_DONE) {
        settlement_log_broken(summing->log, summing->log->work, "the working database");
    }
    return step == SQLITE_DONE;
}

static enum status sum_log(struct settlement_log *log, const struct settlement_span *span)
{
    char kinds[KINDS_SIZE];
    char sql[SQL_SIZE];
    write_kinds(kinds);
    snprintf(sql, sizeof(sql),
             "SELECT merchant_id, channel, currency, payment_kind, count(*), sum(amount_minor),"
             " sum(iif(" IS_SALE_SQL ", merchant_fee, 0)),"
             " sum(iif(" IS_SALE_SQL ", issuer_fee, 0)),"
             " sum(iif(" IS_SALE_SQL ", scheme_fee, 0)), sum(iif(" IS_SALE_SQL ", agent_fee, 0))"
             " FROM $log WHERE $day AND " FINAL_SQL " AND payment_kind IN (%s)"
             " GROUP BY merchant_id, channel, currency, payment_kind",
             kinds);
    struct summing summing = {
        log, settlement_log_prepare(log, "INSERT INTO log_sum VALUES (?,?,?,?,?,?,?,?,?,?)")};
    if (summing.insert == NULL) {
        return STATUS_BROKEN;
    }
    struct settlement_visitor visitor = {on_sum, &summing};
    enum status status = settlement_log_visit(log, sql, span, &visitor);
    sqlite3_finalize(summing.insert);
    return status;
}

/* Both sides with the same columns; what one has and the other has not is a difference. */
#define LOG_SIDE                                                                                   \
    "SELECT merchant, channel, currency, kind, sum(count), sum(amount), sum(merchant_fee),"        \
    " sum(issuer_fee), sum(scheme_fee), sum(agent_fee) FROM log_sum GROUP BY 1, 2, 3, 4"
#define BOOK_SIDE                                                                                  \
    "SELECT merchant, channel, currency, row_kind, count(*), sum(row_amount),"                     \
    " sum(iif(kind = row_kind AND amount > 0, merchant_fee, 0)),"                                  \
    " sum(iif(kind = row_kind AND amount > 0, issuer_fee, 0)),"                                    \
    " sum(iif(kind = row_kind AND amount > 0, scheme_fee, 0)),"                                    \
    " sum(iif(kind = row_kind AND amount > 0, agent_fee, 0))"                                      \
    " FROM line WHERE row_kind <> '' GROUP BY 1, 2, 3, 4"

static enum status compare_book(struct settlement_log *log)
{
    static const char sql[] =
        "SELECT 'the log' AS side, * FROM (" LOG_SIDE " EXCEPT " BOOK_SIDE ") UNION ALL"
        " SELECT 'the book', * FROM (" BOOK_SIDE " EXCEPT " LOG_SIDE ") LIMIT 1";
    sqlite3_stmt *difference = settlement_log_prepare(log, sql);
    enum status status = STATUS_BROKEN;
    int step = difference == NULL ? SQLITE_ERROR : sqlite3_step(difference);
    if (step == SQLITE_DONE) {
        status = STATUS_OK;
    } else if (step == SQLITE_ROW) {
        snprintf(
            log->reason, sizeof(log->reason),
            "sums differ (I16): for merchant %s, channel %s, currency %s, %s alone has %s %s "
            "of %s, fees %s, %s, %s, %s; the log holds an outcome twice, or fees that do not fit",
            sqlite3_column_text(difference, 1), sqlite3_column_text(difference, 2),
            sqlite3_column_text(difference, 3), sqlite3_column_text(difference, 0),
            sqlite3_column_text(difference, 5), sqlite3_column_text(difference, 4),
            sqlite3_column_text(difference, 6), sqlite3_column_text(difference, 7),
            sqlite3_column_text(difference, 8), sqlite3_column_text(difference, 9),
            sqlite3_column_text(difference, 10));
        status = STATUS_BAD_VALUE;
    } else if (difference != NULL) {
        status = settlement_log_broken(log, log->work, "the working database");
    }
    sqlite3_finalize(difference);
    return status;
}

static bool on_changed_fee(void *argument, sqlite3_stmt *row)
{
    struct settlement_log *log = argument;
    snprintf(log->reason, sizeof(log->reason),
             "log position %s: the fees of reference %s are not those of its intent, where they "
             "are fixed (I16)",
             sqlite3_column_text(row, 0), sqlite3_column_text(row, 1));
    return false;
}

/* Of an approval in part (10) the fees are those of the approved amount. */
static enum status check_fees(struct settlement_log *log, const struct settlement_span *span)
{
    static const char sql[] =
        "SELECT position, rrn FROM $log AS ended WHERE $day AND " FINAL_SQL
        " AND response_code <> '10' AND EXISTS (SELECT 1 FROM $log AS began"
        " WHERE began.epoch = ended.epoch AND began.seq = ended.seq"
        " AND began.kind IN ('intent', 'advice') AND (began.merchant_fee <> ended.merchant_fee"
        " OR began.issuer_fee <> ended.issuer_fee OR began.scheme_fee <> ended.scheme_fee"
        " OR began.agent_shares <> ended.agent_shares))"
        " LIMIT 1";
    struct settlement_visitor visitor = {on_changed_fee, log};
    log->reason[0] = '\0';
    enum status status = settlement_log_visit(log, sql, span, &visitor);
    return status != STATUS_OK && strstr(log->reason, "(I16)") != NULL ? STATUS_BAD_VALUE : status;
}

enum status day_check_book(struct settlement_log *log, const struct settlement_span *span)
{
    enum status status = settlement_log_do(
        log, "CREATE TABLE log_sum (merchant, channel, currency, kind, count, amount,"
             " merchant_fee, issuer_fee, scheme_fee, agent_fee)");
    if (status == STATUS_OK) {
        status = sum_log(log, span);
    }
    if (status == STATUS_OK) {
        status = compare_book(log);
    }
    return status == STATUS_OK ? check_fees(log, span) : status;
}

/* --- the sheets, read back ---------------------------------------------------------------- */

struct fields {
    uint32_t count;
    const char *items[DAY_SHEET_COLUMN_COUNT];
};

/* Cuts a line of RFC 4180 into its fields, in place. */
static void split(char *line, struct fields *fields)
{
    char *from = line, *to = line;
    bool is_quoted = false;
    *fields = (struct fields){1, {line}};
    for (; *from != '\0' && *from != '\r' && *from != '\n'; from++) {
        if (*from == '"' && is_quoted && from[1] == '"') {
            *to++ = *++from;
        } else if (*from == '"') {
            is_quoted = !is_quoted;
        } else if (*from == ',' && !is_quoted && fields->count < DAY_SHEET_COLUMN_COUNT) {
            *to++ = '\0';
            fields->items[fields->count++] = to;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

static int64_t number_at(const struct fields *fields, uint32_t at)
{
    return at < fields->count ? strtoll(fields->items[at], NULL, 10) : 0;
}

struct reading {
    enum day_owner owner;
    struct day_sums since_trailer;
    int64_t amount_sum[2][CURRENCY_COUNT_MAX]; /* of merchants' and channels' sheets */
    int64_t agent_sum[2]
                     [CURRENCY_COUNT_MAX]; /* of agents' shares, in merchants' and agents' sheets */
    int64_t currencies[CURRENCY_COUNT_MAX];
    uint32_t currency_count;
    bool is_agents; /* the sheet is an agent's */
    struct agent_sums agent_since_trailer;
};
enum { SAID_BY_MERCHANTS, SAID_BY_AGENTS };

/* Where a currency's sums stand; CURRENCY_COUNT_MAX: no room. */
static uint32_t currency_place(struct reading *reading, int64_t currency)
{
    uint32_t place = 0;
    while (place < reading->currency_count && reading->currencies[place] != currency) {
        place++;
    }
    if (place < CURRENCY_COUNT_MAX) {
        reading->currencies[place] = currency;
        reading->currency_count += place == reading->currency_count ? 1 : 0;
    }
    return place;
}

static bool take_agent_line(struct reading *reading, const struct fields *fields)
{
    struct agent_sums *sums = &reading->agent_since_trailer;
    sums->lines++;
    sums->amount += number_at(fields, AGENT_SHEET_amount);
    sums->merchant_fee += number_at(fields, AGENT_SHEET_merchant_fee);
    sums->share += number_at(fields, AGENT_SHEET_share);
    return fields->count == AGENT_SHEET_COLUMN_COUNT;
}

static bool take_agent_trailer(struct reading *reading, const struct fields *fields)
{
    struct agent_sums said = {0};
    uint32_t at = 2;
#define X(sum) said.sum = number_at(fields, at++);
    AGENT_SUM_MAP(X)
#undef X
    uint32_t place = currency_place(reading, number_at(fields, 1));
    if (place == CURRENCY_COUNT_MAX) {
        return false;
    }
    reading->agent_sum[SAID_BY_AGENTS][place] += said.share;
    /* Numbers of one size, no padding. */
    bool is_good = memcmp(&said, &reading->agent_since_trailer, sizeof(said)) == 0;
    reading->agent_since_trailer = (struct agent_sums){0};
    return is_good;
}

static bool take_line(struct reading *reading, const struct fields *fields)
{
    int64_t sign =
        fields->count == DAY_SHEET_COLUMN_COUNT && strcmp(fields->items[DAY_SHEET_sign], "-") == 0
            ? -1
            : 1;
    int64_t amount = sign * number_at(fields, DAY_SHEET_amount);
    const struct fees fees = {.merchant = number_at(fields, DAY_SHEET_merchant_fee),
                              .issuer = number_at(fields, DAY_SHEET_issuer_fee),
                              .scheme = number_at(fields, DAY_SHEET_scheme_fee),
                              .agents = {{.minor = number_at(fields, DAY_SHEET_agent_fee)}},
                              .agent_count = 1};
    int64_t margin = number_at(fields, DAY_SHEET_margin);
    int64_t net = number_at(fields, DAY_SHEET_net);
    int64_t costs = fees.issuer + fees.scheme;
    int64_t others =
        reading->owner == DAY_OWNER_MERCHANT ? costs + fees.agents[0].minor + margin : costs;
    day_sums_add(&reading->since_trailer, reading->owner, amount, &fees);
    return fields->count == DAY_SHEET_COLUMN_COUNT && amount == net + others;
}

static bool take_trailer(struct reading *reading, const struct fields *fields)
{
    struct day_sums said = {0};
    uint32_t at = 2;
    int64_t currency = number_at(fields, 1);
#define X(sum) said.sum = number_at(fields, at++);
    DAY_SUM_MAP(X)
#undef X
    bool is_good = fields->count == at && day_sums_are_equal(&said, &reading->since_trailer);
    uint32_t place = currency_place(reading, currency);
    if (place == CURRENCY_COUNT_MAX) {
        return false;
    }
    if (reading->owner == DAY_OWNER_MERCHANT) {
        reading->agent_sum[SAID_BY_MERCHANTS][place] += said.agent_fee;
    }
    reading->amount_sum[reading->owner][place] += said.debit - said.credit;
    reading->since_trailer = (struct day_sums){0};
    return is_good;
}

static enum status read_sheet(struct settlement_log *log, struct reading *reading, const char *path)
{
    char line[LINE_SIZE];
    FILE *from = fopen(path, "re");
    uint32_t number = 0;
    bool is_good = true;
    if (from == NULL) {
        snprintf(log->reason, sizeof(log->reason), "%s: cannot be read back: %s", path,
                 strerror(errno));
        return STATUS_BROKEN;
    }
    while (is_good && fgets(line, sizeof(line), from) != NULL) {
        struct fields fields;
        split(line, &fields);
        number++;
        if (strcmp(fields.items[0], "L") == 0) {
            is_good = reading->is_agents ? take_agent_line(reading, &fields)
                                         : take_line(reading, &fields);
        } else if (strcmp(fields.items[0], "T") == 0) {
            is_good = reading->is_agents ? take_agent_trailer(reading, &fields)
                                         : take_trailer(reading, &fields);
        }
    }
    fclose(from);
    if (!is_good || reading->since_trailer.lines != 0 || reading->agent_since_trailer.lines != 0) {
        snprintf(log->reason, sizeof(log->reason),
                 "%s, line %u: read back, amount is not net and fees together, or the trailer is "
                 "not the sum of its lines (I16)",
                 path, number);
        return STATUS_BAD_VALUE;
    }
    return STATUS_OK;
}

static enum status compare_owners(struct settlement_log *log, const struct reading *reading)
{
    for (uint32_t i = 0; i < reading->currency_count; i++) {
        int64_t by_merchants = reading->agent_sum[SAID_BY_MERCHANTS][i];
        int64_t by_agents = reading->agent_sum[SAID_BY_AGENTS][i];
        if (by_merchants != by_agents) {
            snprintf(log->reason, sizeof(log->reason),
                     "currency %lld: agents' shares come to %lld in the sheets of merchants, to "
                     "%lld in their own (I16)",
                     (long long)reading->currencies[i], (long long)by_merchants,
                     (long long)by_agents);
            return STATUS_BAD_VALUE;
        }
        int64_t merchants = reading->amount_sum[DAY_OWNER_MERCHANT][i];
        int64_t channels = reading->amount_sum[DAY_OWNER_CHANNEL][i];
        if (merchants != channels) {
            snprintf(log->reason, sizeof(log->reason),
                     "currency %lld: the sheets of merchants come to %lld, those of channels to "
                     "%lld (I16)",
                     (long long)reading->currencies[i], (long long)merchants, (long long)channels);
            return STATUS_BAD_VALUE;
        }
    }
    return STATUS_OK;
}

enum status day_check_sheets(struct settlement_log *log, const struct sheet_set *set)
{
    struct reading reading = {0};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < set->count; i++) {
        char path[SHEET_PATH_SIZE + SHEET_NAME_SIZE + 8];
        bool is_merchant = strncmp(set->names[i], "merchant-", 9) == 0;
        reading.is_agents = strncmp(set->names[i], "agent-", 6) == 0;
        if (is_merchant || reading.is_agents || strncmp(set->names[i], "channel-", 8) == 0) {
            reading.owner = is_merchant ? DAY_OWNER_MERCHANT : DAY_OWNER_CHANNEL;
            snprintf(path, sizeof(path), "%s/.%s.tmp", set->folder, set->names[i]);
            status = read_sheet(log, &reading, path);
        }
    }
    return status == STATUS_OK ? compare_owners(log, &reading) : status;
}
