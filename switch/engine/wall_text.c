/* See wall_text.h. The civil date is counted in years that begin in March, so that the leap day
 * comes last and months follow one formula. */
#include "switch/engine/wall_text.h"

#include <string.h>

#include "protocols/base/require.h"

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY INT64_C(86400)
#define CHINA_OFFSET_SECONDS (INT64_C(8) * 3600)
#define DAYS_TO_MARCH_OF_YEAR_0 INT64_C(719468)
#define DAYS_PER_400_YEARS INT64_C(146097)

static void civil_date(int64_t days, uint32_t *month, uint32_t *day)
{
    int64_t of_era = (days + DAYS_TO_MARCH_OF_YEAR_0) % DAYS_PER_400_YEARS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t march_month = (5 * of_year + 2) / 153;
    *day = (uint32_t)(of_year - (153 * march_month + 2) / 5 + 1);
    *month = (uint32_t)(march_month < 10 ? march_month + 3 : march_month - 9);
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
    uint32_t month = 0, day = 0;
    civil_date(seconds / SECONDS_PER_DAY, &month, &day);
    memset(text, 0, sizeof(*text));
    put_two(text->local_date, month);
    put_two(text->local_date + 2, day);
    put_two(text->local_time, of_day / 3600);
    put_two(text->local_time + 2, of_day / 60 % 60);
    put_two(text->local_time + 4, of_day % 60);
    memcpy(text->sent_at, text->local_date, 4);
    memcpy(text->sent_at + 4, text->local_time, 6);
}
