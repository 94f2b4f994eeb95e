/* Working time, day by day: a day is a span of open hours or none. */
#include "switch/aftersales/work_calendar.h"

#include <string.h>

#include "protocols/base/require.h"

#define MINUTE_US INT64_C(60000000)
#define DAY_US INT64_C(86400000000)
#define DAY_MINUTES 1440
#define SEARCH_DAYS_MAX 3660 /* a calendar that does not work for ten years never does */

struct day_span {
    int64_t opens_us, closes_us;
};

void work_calendar_default(struct work_calendar *calendar)
{
    *calendar = (struct work_calendar){.utc_offset_s = 28800,
                                       .weekdays = CALENDAR_MONDAY_TO_FRIDAY,
                                       .opens_minute = 9 * 60,
                                       .closes_minute = 18 * 60};
}

void work_calendar_always(struct work_calendar *calendar)
{
    *calendar = (struct work_calendar){.utc_offset_s = 28800, .weekdays = CALENDAR_EVERY_DAY};
}

const char *work_calendar_fault(const struct work_calendar *calendar)
{
    bool is_whole_day = calendar->opens_minute == 0 && calendar->closes_minute == 0;
    if (calendar->weekdays == 0 || calendar->weekdays > CALENDAR_EVERY_DAY) {
        return "weekdays: no day of the week is worked; expected at least one of Monday to Sunday";
    }
    if (!is_whole_day && (calendar->opens_minute < 0 || calendar->closes_minute > DAY_MINUTES ||
                          calendar->opens_minute >= calendar->closes_minute)) {
        return "hours: expected an opening before the closing within one day, or neither";
    }
    if (calendar->utc_offset_s < -43200 || calendar->utc_offset_s > 50400) {
        return "utc_offset: expected between -12 and +14 hours";
    }
    if (calendar->holiday_count > CALENDAR_HOLIDAY_COUNT_MAX ||
        calendar->make_up_count > CALENDAR_MAKE_UP_COUNT_MAX) {
        return "holidays: more than 64 holidays or 32 make-up days; remove those of past years";
    }
    return NULL;
}

static int64_t local_us(const struct work_calendar *calendar, int64_t wall_us)
{
    return wall_us + (int64_t)calendar->utc_offset_s * 1000000;
}

int32_t work_calendar_day(const struct work_calendar *calendar, int64_t wall_us)
{
    int64_t local = local_us(calendar, wall_us);
    return (int32_t)(local / DAY_US - (local % DAY_US < 0));
}

static bool is_among(const int32_t *days, uint32_t count, int32_t day)
{
    for (uint32_t i = 0; i < count; i++) {
        if (days[i] == day) {
            return true;
        }
    }
    return false;
}

bool work_calendar_is_work_day(const struct work_calendar *calendar, int32_t day)
{
    REQUIRE(calendar->holiday_count <= CALENDAR_HOLIDAY_COUNT_MAX);
    REQUIRE(calendar->make_up_count <= CALENDAR_MAKE_UP_COUNT_MAX);
    if (is_among(calendar->make_ups, calendar->make_up_count, day)) {
        return true;
    }
    int32_t weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    return (calendar->weekdays >> weekday & 1) != 0 &&
           !is_among(calendar->holidays, calendar->holiday_count, day);
}

/* The open hours of a working day, in UTC. */
static struct day_span span_of(const struct work_calendar *calendar, int32_t day)
{
    int64_t midnight = (int64_t)day * DAY_US - (int64_t)calendar->utc_offset_s * 1000000;
    bool is_whole_day = calendar->opens_minute == 0 && calendar->closes_minute == 0;
    return (struct day_span){midnight + calendar->opens_minute * MINUTE_US,
                             midnight +
                                 (is_whole_day ? DAY_US : calendar->closes_minute * MINUTE_US)};
}

bool work_calendar_is_open(const struct work_calendar *calendar, int64_t wall_us)
{
    int32_t day = work_calendar_day(calendar, wall_us);
    struct day_span span = span_of(calendar, day);
    return work_calendar_is_work_day(calendar, day) && wall_us >= span.opens_us &&
           wall_us < span.closes_us;
}

int64_t work_calendar_between(const struct work_calendar *calendar, int64_t from_us, int64_t to_us)
{
    int64_t worked = 0;
    int32_t last = work_calendar_day(calendar, to_us);
    for (int32_t day = work_calendar_day(calendar, from_us); day <= last && from_us < to_us;
         day++) {
        struct day_span span = span_of(calendar, day);
        int64_t begin = span.opens_us > from_us ? span.opens_us : from_us;
        int64_t end = span.closes_us < to_us ? span.closes_us : to_us;
        if (begin < end && work_calendar_is_work_day(calendar, day)) {
            worked += end - begin;
        }
    }
    return worked;
}

int64_t work_calendar_after(const struct work_calendar *calendar, int64_t from_us, int64_t work_us)
{
    int32_t first = work_calendar_day(calendar, from_us);
    for (int32_t day = first; day < first + SEARCH_DAYS_MAX; day++) {
        struct day_span span = span_of(calendar, day);
        int64_t begin = span.opens_us > from_us ? span.opens_us : from_us;
        if (begin >= span.closes_us || !work_calendar_is_work_day(calendar, day)) {
            continue;
        }
        if (span.closes_us - begin >= work_us) {
            return begin + work_us;
        }
        work_us -= span.closes_us - begin;
        first = day; /* it works: only pauses of ten years count as never */
    }
    return INT64_MAX;
}

/* The end of this day's work, or of the next one's. */
static int64_t same_day_after(const struct work_calendar *calendar, int64_t from_us)
{
    int64_t begin = work_calendar_after(calendar, from_us, 0);
    return begin == INT64_MAX ? begin
                              : span_of(calendar, work_calendar_day(calendar, begin)).closes_us;
}

int64_t work_calendar_days_after(const struct work_calendar *calendar, int64_t from_us,
                                 uint32_t days)
{
    if (days == 0) {
        return same_day_after(calendar, from_us);
    }
    /* Counted from when somebody works, or a day that begins on a Sunday would have no work in it.
     */
    int64_t begin = work_calendar_after(calendar, from_us, 0);
    if (begin == INT64_MAX) {
        return INT64_MAX;
    }
    int32_t today = work_calendar_day(calendar, begin);
    for (int32_t day = today + 1; day < today + SEARCH_DAYS_MAX; day++) {
        days -= work_calendar_is_work_day(calendar, day);
        if (days == 0) {
            return begin + (int64_t)(day - today) * DAY_US;
        }
    }
    return INT64_MAX;
}

void service_terms_default(struct service_terms *terms)
{
    static const struct service_terms DEFAULT = {
        .answer = {{30, TERM_MINUTES}, {120, TERM_MINUTES}, {240, TERM_WORK_MINUTES}},
        .fix = {{{120, TERM_MINUTES},
                 {120, TERM_MINUTES},
                 {2, TERM_WORK_DAYS},
                 {3, TERM_WORK_DAYS},
                 {1, TERM_WORK_DAYS}},
                {{240, TERM_WORK_MINUTES},
                 {1, TERM_WORK_DAYS},
                 {2, TERM_WORK_DAYS},
                 {3, TERM_WORK_DAYS},
                 {1, TERM_WORK_DAYS}},
                {{0, TERM_WORK_DAYS},
                 {1, TERM_WORK_DAYS},
                 {2, TERM_WORK_DAYS},
                 {3, TERM_WORK_DAYS},
                 {1, TERM_WORK_DAYS}}},
        .escalation_percent = {50, 80, 100},
    };
    *terms = DEFAULT;
}

static int64_t passed(const struct service_clock *clock, const struct work_calendar *calendar,
                      int64_t now_us)
{
    if (clock->since_us == 0 || now_us <= clock->since_us) {
        return 0;
    }
    return clock->is_working_time ? work_calendar_between(calendar, clock->since_us, now_us)
                                  : now_us - clock->since_us;
}

void service_clock_start(struct service_clock *clock, const struct work_calendar *calendar,
                         struct service_term term, int64_t now_us)
{
    REQUIRE(now_us > 0);
    *clock = (struct service_clock){.since_us = now_us,
                                    .budget_us = term.count * MINUTE_US,
                                    .is_working_time = term.unit != TERM_MINUTES};
    if (term.unit == TERM_WORK_DAYS) {
        /* As working time, so that a pause of half a day costs half a day. */
        int64_t due = work_calendar_days_after(calendar, now_us, term.count);
        clock->budget_us =
            due == INT64_MAX ? INT64_MAX : work_calendar_between(calendar, now_us, due);
    }
}

void service_clock_stop(struct service_clock *clock, const struct work_calendar *calendar,
                        int64_t now_us)
{
    clock->used_us += passed(clock, calendar, now_us);
    clock->since_us = 0;
}

void service_clock_resume(struct service_clock *clock, int64_t now_us)
{
    if (clock->budget_us > 0 && clock->since_us == 0) {
        clock->since_us = now_us;
    }
}

bool service_clock_is_running(const struct service_clock *clock)
{
    return clock->since_us != 0;
}

int64_t service_clock_due(const struct service_clock *clock, const struct work_calendar *calendar)
{
    if (clock->since_us == 0) {
        return 0;
    }
    int64_t left = clock->budget_us > clock->used_us ? clock->budget_us - clock->used_us : 0;
    return clock->is_working_time ? work_calendar_after(calendar, clock->since_us, left)
                                  : clock->since_us + left;
}

uint32_t service_clock_percent(const struct service_clock *clock,
                               const struct work_calendar *calendar, int64_t now_us)
{
    if (clock->budget_us <= 0) {
        return 0;
    }
    /* Per cent in two steps: microseconds of years times 100 still fit, a budget of none does not.
     */
    int64_t used = clock->used_us + passed(clock, calendar, now_us);
    int64_t percent =
        used / clock->budget_us * 100 +
        used % clock->budget_us / (clock->budget_us / 100 > 0 ? clock->budget_us / 100 : 1);
    return percent > 100000 ? 100000 : (uint32_t)percent;
}

uint8_t service_clock_escalate(struct service_clock *clock, const struct service_terms *terms,
                               const struct work_calendar *calendar, int64_t now_us)
{
    uint32_t percent = service_clock_percent(clock, calendar, now_us);
    uint8_t reached = 0;
    for (unsigned i = 0; i < SERVICE_ESCALATION_COUNT && clock->budget_us > 0; i++) {
        if (percent >= terms->escalation_percent[i]) {
            reached |= (uint8_t)(1u << i);
        }
    }
    uint8_t fresh = (uint8_t)(reached & ~clock->told);
    clock->told |= reached;
    return fresh;
}
