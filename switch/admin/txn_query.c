/* See txn_query.h. */
#include "switch/admin/txn_query.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"

#define SECOND_US INT64_C(1000000)

void txn_query_init(struct txn_query *query)
{
    *query = (struct txn_query){
        .stan = -1, .to_us = INT64_MAX, .before_position = INT64_MAX, .limit = TXN_QUERY_LIMIT};
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

enum status txn_query_put(struct txn_query *query, const char *name, const char *value,
                          char reason[TXN_QUERY_REASON_SIZE])
{
    uint64_t number = 0;
    if (strcmp(name, "terminal") == 0) {
        if (strlen(value) != 8) {
            return refuse(reason, name, "the 8 characters of a terminal id");
        }
        memcpy(query->terminal_id, value, 9);
    } else if (strcmp(name, "rrn") == 0) {
        if (!txn_query_is_rrn(value)) {
            return refuse(reason, name, "the 12 characters of a retrieval reference number");
        }
        memcpy(query->rrn, value, 13);
    } else if (strcmp(name, "stan") == 0) {
        if (!put_number(value, 999999, &number)) {
            return refuse(reason, name, "a trace number, 0 to 999999");
        }
        query->stan = (int64_t)number;
    } else if (strcmp(name, "limit") == 0) {
        if (!put_number(value, TXN_QUERY_LIMIT_MAX, &number) || number == 0) {
            return refuse(reason, name, "1 to 200");
        }
        query->limit = (uint32_t)number;
    } else if (strcmp(name, "cursor") == 0) {
        if (!put_number(value, INT64_MAX, &number)) {
            return refuse(reason, name, "the cursor of the page before");
        }
        query->before_position = number;
    } else if (strcmp(name, "from") == 0 || strcmp(name, "to") == 0) {
        int64_t *time_us = name[0] == 'f' ? &query->from_us : &query->to_us;
        if (txn_query_time(value, time_us) != STATUS_OK) {
            return refuse(reason, name, "a time such as 2026-09-21T14:13:20Z, or a date");
        }
    } else {
        snprintf(reason, TXN_QUERY_REASON_SIZE,
                 "%.40s: no such parameter; known are terminal, stan, rrn, from, to, limit, cursor",
                 name);
        return STATUS_UNKNOWN;
    }
    return STATUS_OK;
}
