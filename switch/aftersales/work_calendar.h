/* When work is done, and until when something is due: working days with holidays, hours, and a
 * clock that stops while the merchant is waited for.
 *
 * Times are microseconds since 1970 in UTC; days are days since 1970 in the calendar's own zone.
 * All values are plain. Nothing here knows what time it is: `now` is told.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_HOLIDAY_COUNT_MAX 64
#define CALENDAR_MAKE_UP_COUNT_MAX 32
#define CALENDAR_EVERY_DAY 0x7F
#define CALENDAR_MONDAY_TO_FRIDAY 0x1F

/* Hours of one contract. */
struct work_calendar {
    int32_t utc_offset_s;                /* 28800: China */
    uint8_t weekdays;                    /* bit 0 Monday .. 6 Sunday */
    int16_t opens_minute, closes_minute; /* of the day; both 0: the whole day */
    uint16_t holiday_count, make_up_count;
    int32_t holidays[CALENDAR_HOLIDAY_COUNT_MAX]; /* days without work, in any order */
    /* days worked although the week says no (调休); they win over holidays */
    int32_t make_ups[CALENDAR_MAKE_UP_COUNT_MAX];
};

/* Monday to Friday, 09:00 to 18:00, in China, no holidays. */
void work_calendar_default(struct work_calendar *calendar);
/* Day and night, every day. */
void work_calendar_always(struct work_calendar *calendar);
/* NULL: it can be used; else what is wrong with it and what is expected. */
const char *work_calendar_fault(const struct work_calendar *calendar);

int32_t work_calendar_day(const struct work_calendar *calendar, int64_t wall_us);
bool work_calendar_is_work_day(const struct work_calendar *calendar, int32_t day);
/* Whether somebody works at this very moment. */
bool work_calendar_is_open(const struct work_calendar *calendar, int64_t wall_us);
/* The working time between two moments, in microseconds; 0 when `to` is not after `from`. */
int64_t work_calendar_between(const struct work_calendar *calendar, int64_t from_us, int64_t to_us);
/* The first moment at which `work_us` of working time has passed since `from_us`. A calendar that
 * never works within ten years: INT64_MAX. */
int64_t work_calendar_after(const struct work_calendar *calendar, int64_t from_us, int64_t work_us);
/* The same time of day, `days` working days later (Friday 10:00 and 3: Wednesday 10:00); counted
 * from the next opening when nobody works (Saturday and 1: Tuesday at opening). 0 days:
 * the end of this working day, or of the next one when today's work is over. */
int64_t work_calendar_days_after(const struct work_calendar *calendar, int64_t from_us,
                                 uint32_t days);

/* How long something may take. */
enum service_term_unit { TERM_MINUTES, TERM_WORK_MINUTES, TERM_WORK_DAYS };
struct service_term {
    uint32_t count; /* of TERM_WORK_DAYS 0: the same day */
    enum service_term_unit unit;
};

/* How much is lost: payments, a part of them, or nothing. */
enum service_class { SERVICE_P1, SERVICE_P2, SERVICE_P3, SERVICE_CLASS_COUNT };
/* From where it is mended. */
enum service_place {
    SERVICE_REMOTE,
    SERVICE_SITE_CITY,
    SERVICE_SITE_COUNTY,
    SERVICE_SITE_FAR,
    SERVICE_SWAP,
    SERVICE_PLACE_COUNT
};

#define SERVICE_ESCALATION_COUNT 3
struct service_terms {
    struct service_term answer[SERVICE_CLASS_COUNT];
    struct service_term fix[SERVICE_CLASS_COUNT][SERVICE_PLACE_COUNT];
    /* per cent of the time after which engineer, dispatcher and manager are told */
    uint8_t escalation_percent[SERVICE_ESCALATION_COUNT];
};

/* P1: answer in 30 min, fixed in 2 h; P2: 2 h, 4 h of work remotely; P3: 4 h of work, the same day
 * remotely; on site 1, 2, 3 working days (P1 in town with a spare 2 h); a swap 1 working day;
 * escalation at 50, 80, 100 %. */
void service_terms_default(struct service_terms *terms);

/* Time used of what is allowed. All zeros: never started, never due. */
struct service_clock {
    int64_t budget_us, used_us;
    int64_t since_us;     /* running since; 0: stopped */
    bool is_working_time; /* counts working time only */
    uint8_t told;         /* escalation steps that have been told */
};

void service_clock_start(struct service_clock *clock, const struct work_calendar *calendar,
                         struct service_term term, int64_t now_us);
/* Stopping what stands still and resuming what runs change nothing. */
void service_clock_stop(struct service_clock *clock, const struct work_calendar *calendar,
                        int64_t now_us);
void service_clock_resume(struct service_clock *clock, int64_t now_us);
bool service_clock_is_running(const struct service_clock *clock);
/* When it is due if nothing stops it; 0: it stands still or was never started. */
int64_t service_clock_due(const struct service_clock *clock, const struct work_calendar *calendar);
/* Time used, in per cent of the budget; 100 and more: overdue. */
uint32_t service_clock_percent(const struct service_clock *clock,
                               const struct work_calendar *calendar, int64_t now_us);
/* The escalation steps reached since the last time, as bits (bit 0: the first); each once. */
uint8_t service_clock_escalate(struct service_clock *clock, const struct service_terms *terms,
                               const struct work_calendar *calendar, int64_t now_us);
