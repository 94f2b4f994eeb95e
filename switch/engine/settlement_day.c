/* See settlement_day.h. */
#include "switch/engine/settlement_day.h"

#include "protocols/base/digits.h"

#define MONTHS_APART_MAX 6 /* further than that it is another year's */
#define DAYS_APART_MAX 31
#define DAYS_A_MONTH 31 /* at most; the shorter ones make a distance a few days longer */

uint32_t settlement_day_near(const char date[5], uint32_t wall_day)
{
    uint64_t number = 0;
    if (digits_parse(&number, date, 4, (struct number_range){101, 1231}) != STATUS_OK) {
        return 0;
    }
    uint32_t month = (uint32_t)number / 100, day = (uint32_t)number % 100;
    if (day < 1 || day > 31) { /* the range has seen to the month */
        return 0;
    }
    uint32_t year = wall_day / 10000, wall_month = wall_day / 100 % 100;
    if (month > wall_month + MONTHS_APART_MAX) {
        year--;
    } else if (wall_month > month + MONTHS_APART_MAX) {
        year++;
    }
    return year * 10000 + (uint32_t)number;
}

static uint32_t ordinal_of(uint32_t day)
{
    return (day / 10000 * 12 + day / 100 % 100) * DAYS_A_MONTH + day % 100;
}

bool settlement_day_is_near(uint32_t day, uint32_t wall_day)
{
    uint32_t left = ordinal_of(day), right = ordinal_of(wall_day);
    return (left > right ? left - right : right - left) <= DAYS_APART_MAX;
}
