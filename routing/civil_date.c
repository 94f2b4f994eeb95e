/* See civil_date.h. */
#include "routing/civil_date.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

/* Days from 1970-01-01 to a day of the Gregorian calendar. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    REQUIRE(month >= 1 && month <= 12);
    year -= month <= 2;
    int64_t of_era = year % 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return year / 400 * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_leap_year(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool civil_date_parse(int64_t *days, const char *text)
{
    static const uint8_t MONTH_DAYS[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t year;
    uint64_t month;
    uint64_t day;
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' ||
        digits_parse(&year, text, 4, (struct number_range){1970, 2999}) != STATUS_OK ||
        digits_parse(&month, text + 5, 2, (struct number_range){1, 12}) != STATUS_OK ||
        digits_parse(&day, text + 8, 2, (struct number_range){1, MONTH_DAYS[month - 1]}) !=
            STATUS_OK) {
        return false;
    }
    *days = days_from_civil((int64_t)year, (int64_t)month, (int64_t)day);
    return month != 2 || day != 29 || is_leap_year((int64_t)year);
}

struct civil_date civil_date_of(int32_t days)
{
    REQUIRE(days >= 0); /* the house counts from 1970 on */
    /* Years of 400 begin in March, so that the leap day is their last. */
    int32_t shifted = days + 719468;
    int32_t era = shifted / 146097;
    int32_t of_era = shifted % 146097;
    int32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int32_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int32_t month = (5 * of_year + 2) / 153;
    return (struct civil_date){.year = year + era * 400 + (month >= 10),
                               .month = (uint32_t)(month < 10 ? month + 3 : month - 9),
                               .day = (uint32_t)(of_year - (153 * month + 2) / 5 + 1)};
}

int64_t civil_date_days(struct civil_date date)
{
    return days_from_civil(date.year, date.month, date.day);
}

uint32_t civil_month_days(int32_t year, uint32_t month)
{
    REQUIRE(month >= 1 && month <= 12);
    return month == 2 ? (is_leap_year(year) ? 29 : 28) : 30 + ((month + (month > 7)) & 1);
}
