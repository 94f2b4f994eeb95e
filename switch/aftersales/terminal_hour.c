/* What silence says, hour by hour: T7, T8, L10, L11. See terminal_watch.h.
 *
 * An hour of silence counts where the terminal is usually seen on that day of the week, and not
 * where much of the fleet is away: then it is a holiday, or the switch itself that was not there.
 */
#include "switch/aftersales/terminal_watch.h"

#define US_PER_S 1000000
#define HOUR_S 3600
#define DAY_S 86400
#define WEEKDAY_USUAL 128 /* of 255: seen on this weekday more often than not */
#define WEEKDAY_FRIDAY 5
#define SEVERITY_FOLLOW_UP 2

static bool is_its_day(const struct terminal_state *state, uint8_t weekday)
{
    if ((state->weekdays_known >> (weekday - 1) & 1) == 0) {
        return weekday <= WEEKDAY_FRIDAY;
    }
    return state->weekday_seen[weekday - 1] >= WEEKDAY_USUAL;
}

/* A weekday's average moves by a third, so one week away does not change the rhythm. */
static void day_learn(struct terminal_state *state, const struct watch_hour *hour)
{
    uint8_t bit = (uint8_t)(1u << (hour->weekday - 1));
    if (!hour->is_holiday && state->seen_s != 0) {
        int32_t usual = state->weekday_seen[hour->weekday - 1];
        int32_t now = state->is_seen_today ? 255 : 0;
        bool is_first = (state->weekdays_known & bit) == 0;
        state->weekday_seen[hour->weekday - 1] =
            (uint8_t)(is_first ? now : usual + (now - usual) / 3);
        state->weekdays_known |= bit;
    }
    state->is_seen_today = false;
}

/* 0: not silent; 1; 2: for long. Where its week is not known yet a day away may be a day of rest.
 */
static uint8_t silence_level(const struct terminal_state *state, const struct watch_moment *moment)
{
    if (state->silent_hours >= watch_number(moment, SILENT, HOURS_LONG)) {
        return 2;
    }
    return state->is_week_known && state->silent_hours >= watch_number(moment, SILENT, HOURS_MIN)
               ? 1
               : 0;
}

static void silence_judge(struct terminal_state *state, const struct watch_hour *hour,
                          const struct watch_moment *moment, struct flag_sink *sink)
{
    /* rows may be ahead of the hours that are judged */
    bool is_silent = state->seen_s != 0 && state->seen_s + HOUR_S <= moment->wall_us / US_PER_S;
    bool is_counted =
        is_silent && !hour->is_holiday && !hour->is_night && is_its_day(state, hour->weekday);
    if (is_counted && state->silent_hours < UINT16_MAX) {
        state->silent_hours++;
    }
    int64_t least = watch_number(moment, SILENT, HOURS_MIN);
    int64_t most = watch_number(moment, SILENT, HOURS_LONG);
    uint8_t level = silence_level(state, moment);
    if (level <= state->silent_level || moment->terminal->is_spare) {
        return;
    }
    struct watch_finding finding = {.signal = SIGNAL_SILENT,
                                    .severity = level == 2 ? SEVERITY_FOLLOW_UP : 0,
                                    .value = state->silent_hours,
                                    .threshold = level == 2 ? most : least,
                                    .window_begin_us = (int64_t)state->seen_s * US_PER_S};
    state->silent_level =
        watch_raise(sink, moment, &state->subject, &finding) ? level : state->silent_level;
}

static int64_t days_since(const struct watch_moment *moment, uint32_t since_s)
{
    return (moment->wall_us / US_PER_S - since_s) / DAY_S;
}

static bool days_judge(struct terminal_state *state, const struct watch_moment *moment,
                       struct flag_sink *sink, struct watch_count count)
{
    count.window_s = count.value * DAY_S;
    return terminal_raise(state, moment, sink, &count);
}

static void idle_judge(struct terminal_state *state, const struct watch_moment *moment,
                       struct flag_sink *sink)
{
    uint32_t since_s = state->paid_s != 0 ? state->paid_s : state->known_s;
    int64_t days = days_since(moment, since_s);
    int64_t longest = watch_number(moment, IDLE_LONG, DAYS_MIN);
    if (moment->terminal->is_spare) {
        return;
    }
    if (days >= longest) {
        days_judge(state, moment, sink, (struct watch_count){SIGNAL_IDLE_LONG, days, longest, 0});
        return;
    }
    days_judge(state, moment, sink,
               (struct watch_count){SIGNAL_IDLE, days, watch_number(moment, IDLE, DAYS_MIN), 0});
}

void terminal_watch_hour(struct terminal_state *state, const struct watch_hour *hour,
                         const struct watch_moment *moment, struct flag_sink *sink)
{
    if (state->known_s == 0) {
        state->known_s = (uint32_t)(moment->wall_us / US_PER_S);
    }
    if (moment->terminal->is_active) {
        silence_judge(state, hour, moment, sink);
        idle_judge(state, moment, sink);
        if (state->unsettled_s != 0) {
            days_judge(state, moment, sink,
                       (struct watch_count){SIGNAL_NOT_SETTLED,
                                            days_since(moment, state->unsettled_s),
                                            watch_number(moment, NOT_SETTLED, DAYS_MIN), 0});
        }
    }
    if (hour->is_day_end) {
        day_learn(state, hour);
    }
}
