/* See wall_text.h. */
#include "switch/engine/wall_text.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "routing/civil_date.h"

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY INT64_C(86400)
#define CHINA_OFFSET_SECONDS (INT64_C(8) * 3600)

static void put_two(char *text, uint32_t value)
{
    REQUIRE(value < 100);
    text[0] = (char)('0' + value / 10);
    text[1] = (char)('0' + value % 10);
}

static uint32_t day_number(struct civil_date date)
{
    return (uint32_t)date.year * 10000 + date.month * 100 + date.day;
}

void wall_text_set(struct wall_text *text, int64_t wall_us)
{
    int64_t seconds = (wall_us < 0 ? 0 : wall_us) / US_PER_SECOND + CHINA_OFFSET_SECONDS;
    uint32_t of_day = (uint32_t)(seconds % SECONDS_PER_DAY);
    struct civil_date date = civil_date_of((int32_t)(seconds / SECONDS_PER_DAY));
    memset(text, 0, sizeof(*text));
    text->day = day_number(date);
    put_two(text->local_date, date.month);
    put_two(text->local_date + 2, date.day);
    put_two(text->local_time, of_day / 3600);
    put_two(text->local_time + 2, of_day / 60 % 60);
    put_two(text->local_time + 4, of_day % 60);
    memcpy(text->sent_at, text->local_date, 4);
    memcpy(text->sent_at + 4, text->local_time, 6);
}

uint32_t wall_text_day_before(uint32_t day)
{
    const struct civil_date date = {(int32_t)(day / 10000), day / 100 % 100, day % 100};
    if (date.month < 1 || date.month > 12 || civil_date_days(date) <= 0) {
        return day - (day > 0);
    }
    return day_number(civil_date_of((int32_t)civil_date_days(date) - 1));
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
    struct civil_date date = {.year = civil_date_of((int32_t)(ours / SECONDS_PER_DAY)).year - 1};
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
        int64_t theirs =
            civil_date_days(date) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
        int64_t ahead = theirs - ours;
        *seconds = i == 0 || (ahead < 0 ? -ahead : ahead) < (*seconds < 0 ? -*seconds : *seconds)
                       ? ahead
                       : *seconds;
    }
    return true;
}
