/* See wall_text.h. The civil date is counted in years that begin in March, so that the leap day
 * comes last and months follow one formula. */
#include "switch/engine/wall_text.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY INT64_C(86400)
#define CHINA_OFFSET_SECONDS (INT64_C(8) * 3600)
#define DAYS_TO_MARCH_OF_YEAR_0 INT64_C(719468)
#define DAYS_PER_400_YEARS INT64_C(146097)

struct civil_date {
    uint32_t year, month, day;
};

static struct civil_date civil_date(int64_t days)
{
    int64_t era = (days + DAYS_TO_MARCH_OF_YEAR_0) / DAYS_PER_400_YEARS;
    int64_t of_era = (days + DAYS_TO_MARCH_OF_YEAR_0) % DAYS_PER_400_YEARS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t march_month = (5 * of_year + 2) / 153;
    int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    return (struct civil_date){
        .year = (uint32_t)(era * 400 + year + (month <= 2 ? 1 : 0)),
        .month = (uint32_t)month,
        .day = (uint32_t)(of_year - (153 * march_month + 2) / 5 + 1),
    };
}

static void put_two(char *text, uint32_t value)
{
    REQUIRE(value < 100);
    text[0] = (char)('0' + value / 10);
    text[1] = (char)('0' + value % 10);
}

void wall_text_set(struct wall_text *text, int64_t wall_us)
{
    int64_t seconds = (wall_us < 0 ? 0 : wall_us) / US_PER_SECOND + CHINA_OFFSET_SECONDS;
    uint32_t of_day = (uint32_t)(seconds % SECONDS_PER_DAY);
    struct civil_date date = civil_date(seconds / SECONDS_PER_DAY);
    memset(text, 0, sizeof(*text));
    text->day = date.year * 10000 + date.month * 100 + date.day;
    put_two(text->local_date, date.month);
    put_two(text->local_date + 2, date.day);
    put_two(text->local_time, of_day / 3600);
    put_two(text->local_time + 2, of_day / 60 % 60);
    put_two(text->local_time + 4, of_day % 60);
    memcpy(text->sent_at, text->local_date, 4);
    memcpy(text->sent_at + 4, text->local_time, 6);
}

/* Days since 1970-01-01, the inverse of civil_date(). */
static int64_t days_of(struct civil_date date)
{
    int64_t year = (int64_t)date.year - (date.month <= 2 ? 1 : 0);
    int64_t march_month = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t of_year = (153 * march_month + 2) / 5 + date.day - 1;
    int64_t of_era = year % 400 * 365 + year % 400 / 4 - year % 400 / 100 + of_year;
    return year / 400 * DAYS_PER_400_YEARS + of_era - DAYS_TO_MARCH_OF_YEAR_0;
}

uint32_t wall_text_day_before(uint32_t day)
{
    struct civil_date date = {day / 10000, day / 100 % 100, day % 100};
    date = civil_date(days_of(date) - 1);
    return date.year * 10000 + date.month * 100 + date.day;
}

static bool take_two(const char *text, struct number_range range, uint32_t *value)
{
    uint64_t number = 0;
    bool is_good = digits_parse(&number, text, 2, range) == STATUS_OK;
    *value = (uint32_t)number;
    return is_good;
}

void wall_text_year(const struct wall_text *now, const char date[4], char year[3])
{
    uint32_t month, this_month = now->day / 100 % 100, this_year = now->day / 10000;
    memset(year, 0, 3);
    if (date[0] == '\0' || !take_two(date, (struct number_range){1, 12}, &month)) {
        return;
    }
    this_year = month >= this_month + 6 ? this_year - 1 : this_year;
    this_year = month + 6 < this_month ? this_year + 1 : this_year;
    put_two(year, this_year % 100);
}

bool wall_text_ahead(const char sent_at[11], int64_t wall_us, int64_t *seconds)
{
    int64_t ours = (wall_us < 0 ? 0 : wall_us) / US_PER_SECOND + CHINA_OFFSET_SECONDS;
    struct civil_date date = {.year = civil_date(ours / SECONDS_PER_DAY).year - 1};
    uint32_t hour, minute, second;
    if (!take_two(sent_at, (struct number_range){1, 12}, &date.month) ||
        !take_two(sent_at + 2, (struct number_range){1, 31}, &date.day) ||
        !take_two(sent_at + 4, (struct number_range){0, 23}, &hour) ||
        !take_two(sent_at + 6, (struct number_range){0, 59}, &minute) ||
        !take_two(sent_at + 8, (struct number_range){0, 59}, &second)) {
        return false;
    }
    *seconds = INT64_MAX;
    for (int i = 0; i < 3; i++, date.year++) {
        int64_t theirs = days_of(date) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
        int64_t ahead = theirs - ours;
        *seconds = i == 0 || (ahead < 0 ? -ahead : ahead) < (*seconds < 0 ? -*seconds : *seconds)
                       ? ahead
                       : *seconds;
    }
    return true;
}
