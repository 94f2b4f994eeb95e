/* See txn_query.h. */
#include "switch/admin/txn_query.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/money.h"
#include "protocols/payment.h"
#include "switch/admin/txn_outcome.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (INT64_C(86400) * SECOND_US)
/* A settlement day is looked for among the requests of so many days before and after it. */
#define DAYS_AROUND 7

void txn_query_init(struct txn_query *query)
{
    *query = (struct txn_query){.stan = -1,
                                .amount_minor = -1,
                                .to_us = INT64_MAX,
                                .before_position = INT64_MAX,
                                .limit = TXN_QUERY_LIMIT};
}

bool txn_query_is_rrn(const char *text)
{
    static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return strlen(text) == 12 && strspn(text, allowed) == 12;
}

/* Days since 1970 of a date of the proleptic Gregorian calendar (H. Hinnant, days_from_civil). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* A number of exactly `count` digits at `*at`, which moves behind it. */
static bool take(const char **at, uint32_t count, uint64_t max, int64_t *value)
{
    uint64_t number;
    if (strnlen(*at, count) < count ||
        digits_parse(&number, *at, count, (struct number_range){0, max}) != STATUS_OK) {
        return false;
    }
    *value = (int64_t)number;
    *at += count;
    return true;
}

static bool take_character(const char **at, char wanted)
{
    if (**at != wanted) {
        return false;
    }
    (*at)++;
    return true;
}

/* ".5", ".123456": at most six digits count. */
static int64_t take_fraction_us(const char **at)
{
    int64_t unit = SECOND_US / 10;
    int64_t value = 0;
    if (!take_character(at, '.')) {
        return 0;
    }
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        value += (**at - '0') * unit;
        unit /= 10;
    }
    return value;
}

/* "Z", "+08:00" or nothing (UTC). */
static bool take_offset_us(const char **at, int64_t *offset_us)
{
    int64_t hours = 0;
    int64_t minutes = 0;
    *offset_us = 0;
    if (take_character(at, 'Z') || **at == '\0') {
        return true;
    }
    int64_t sign = **at == '-' ? -1 : 1;
    if (**at != '+' && **at != '-' && **at != ' ') { /* a + in a URL may arrive as a space */
        return false;
    }
    (*at)++;
    if (!take(at, 2, 23, &hours) || !take_character(at, ':') || !take(at, 2, 59, &minutes)) {
        return false;
    }
    *offset_us = sign * (hours * 60 + minutes) * 60 * SECOND_US;
    return true;
}

enum status txn_query_time(const char *text, int64_t *wall_us)
{
    const char *at = text;
    int64_t year, month, day;
    int64_t hour = 0, minute = 0, second = 0, fraction_us = 0, offset_us = 0;
    if (!take(&at, 4, 9999, &year) || !take_character(&at, '-') || !take(&at, 2, 12, &month) ||
        !take_character(&at, '-') || !take(&at, 2, 31, &day)) {
        return STATUS_MALFORMED;
    }
    if (year < 1970 || month == 0 || day == 0) {
        return STATUS_BAD_VALUE;
    }
    if (take_character(&at, 'T') || take_character(&at, ' ')) {
        if (!take(&at, 2, 23, &hour) || !take_character(&at, ':') || !take(&at, 2, 59, &minute) ||
            !take_character(&at, ':') || !take(&at, 2, 60, &second)) {
            return STATUS_MALFORMED;
        }
        fraction_us = take_fraction_us(&at);
    }
    if (!take_offset_us(&at, &offset_us) || *at != '\0') {
        return STATUS_MALFORMED;
    }
    int64_t seconds = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    *wall_us = seconds * SECOND_US + fraction_us - offset_us;
    return STATUS_OK;
}

static enum status refuse(char *reason, const char *name, const char *expected)
{
    snprintf(reason, TXN_QUERY_REASON_SIZE, "%s: expected %s", name, expected);
    return STATUS_BAD_VALUE;
}

static bool put_number(const char *value, uint64_t max, uint64_t *number)
{
    size_t length = strlen(value);
    return length > 0 && length <= 19 &&
           digits_parse(number, value, (uint32_t)length, (struct number_range){0, max}) ==
               STATUS_OK;
}

static bool put_text(const char *value, char *text, size_t size)
{
    size_t length = strlen(value);
    if (length == 0 || length >= size) {
        return false;
    }
    memcpy(text, value, length + 1);
    return true;
}

/* A text of just that many characters. */
static bool put_exactly(const char *value, char *text, size_t length)
{
    return strlen(value) == length && put_text(value, text, length + 1);
}

static bool put_terminal(struct txn_query *query, const char *value)
{
    return put_exactly(value, query->terminal_id, 8);
}

static bool put_merchant(struct txn_query *query, const char *value)
{
    return put_text(value, query->merchant_id, sizeof(query->merchant_id));
}

static bool put_rrn(struct txn_query *query, const char *value)
{
    return txn_query_is_rrn(value) && put_exactly(value, query->rrn, 12);
}

static bool put_stan(struct txn_query *query, const char *value)
{
    uint64_t number = 0;
    bool is_good = put_number(value, 999999, &number);
    query->stan = is_good ? (int64_t)number : query->stan;
    return is_good;
}

static bool put_amount(struct txn_query *query, const char *value)
{
    uint64_t number = 0;
    bool is_good = put_number(value, MONEY_MINOR_MAX, &number);
    query->amount_minor = is_good ? (int64_t)number : query->amount_minor;
    return is_good;
}

static bool put_kind(struct txn_query *query, const char *value)
{
    for (int kind = 0; kind < PAYMENT_KIND_COUNT; kind++) {
        if (strcmp(value, payment_kind_name((enum payment_kind)kind)) == 0) {
            return put_text(value, query->payment_kind, sizeof(query->payment_kind));
        }
    }
    return false;
}

static bool put_outcome(struct txn_query *query, const char *value)
{
    for (int outcome = 0; outcome < TXN_OUTCOME_COUNT; outcome++) {
        if (strcmp(value, txn_outcome_word((enum txn_outcome)outcome)) == 0) {
            return put_text(value, query->outcome, sizeof(query->outcome));
        }
    }
    return false;
}

static bool put_code(struct txn_query *query, const char *value)
{
    return put_exactly(value, query->response_code, 2);
}

/* A masked card is all that the log has: its first six digits, its last four, or both. */
static bool put_card(struct txn_query *query, const char *value)
{
    size_t length = strlen(value);
    bool has_first = length == 6 || length == 10;
    if ((!has_first && length != 4) || strspn(value, "0123456789") != length) {
        return false;
    }
    memcpy(query->card_first, value, has_first ? 6 : 0);
    memcpy(query->card_last, value + (has_first ? 6 : 0), length == 6 ? 0 : 4);
    return true;
}

static void narrow(struct txn_query *query, int64_t from_us, int64_t to_us)
{
    query->from_us = from_us > query->from_us ? from_us : query->from_us;
    query->to_us = to_us < query->to_us ? to_us : query->to_us;
}

static bool put_day(struct txn_query *query, const char *value)
{
    int64_t year, month, day;
    const char *at = value;
    if (!take(&at, 4, 9999, &year) || !take(&at, 2, 12, &month) || !take(&at, 2, 31, &day) ||
        *at != '\0' || year < 1970 || month == 0 || day == 0) {
        return false;
    }
    int64_t midnight_us = days_of(year, month, day) * DAY_US;
    query->settlement_day = (uint32_t)((year * 100 + month) * 100 + day);
    narrow(query, midnight_us - DAYS_AROUND * DAY_US, midnight_us + (DAYS_AROUND + 1) * DAY_US);
    return true;
}

static bool put_from(struct txn_query *query, const char *value)
{
    int64_t time_us = 0;
    bool is_good = txn_query_time(value, &time_us) == STATUS_OK;
    narrow(query, is_good ? time_us : query->from_us, INT64_MAX);
    return is_good;
}

static bool put_to(struct txn_query *query, const char *value)
{
    int64_t time_us = 0;
    bool is_good = txn_query_time(value, &time_us) == STATUS_OK;
    narrow(query, 0, is_good ? time_us : query->to_us);
    return is_good;
}

static bool put_limit(struct txn_query *query, const char *value)
{
    uint64_t number = 0;
    bool is_good = put_number(value, TXN_QUERY_LIMIT_MAX, &number) && number > 0;
    query->limit = is_good ? (uint32_t)number : query->limit;
    return is_good;
}

static bool put_cursor(struct txn_query *query, const char *value)
{
    return put_number(value, INT64_MAX, &query->before_position);
}

enum status txn_query_put(struct txn_query *query, const char *name, const char *value,
                          char reason[TXN_QUERY_REASON_SIZE])
{
    static const struct {
        const char *name;
        bool (*put)(struct txn_query *query, const char *value);
        const char *expected;
    } parameters[] = {
#define X(word, expected) {#word, put_##word, expected},
        TXN_QUERY_MAP(X)
#undef X
    };
    for (uint32_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        if (strcmp(name, parameters[i].name) == 0) {
            return parameters[i].put(query, value) ? STATUS_OK
                                                   : refuse(reason, name, parameters[i].expected);
        }
    }
#define X(word, expected) #word " "
    static const char known[] = TXN_QUERY_MAP(X);
#undef X
    snprintf(reason, TXN_QUERY_REASON_SIZE, "%.40s: no such parameter; known are %s", name, known);
    return STATUS_UNKNOWN;
}
