/* Time: an hour that has ended is judged terminal by terminal, merchant by merchant, cohort by
 * cohort, some at a time. The walk's place is part of what is remembered, so a restart in its
 * middle goes on there.
 */
#include "switch/aftersales/watcher_state.h"

#define US_PER_S 1000000
#define HOUR_S 3600
#define HOUR_US ((int64_t)HOUR_S * US_PER_S) /* offsets from UTC are whole hours: theirs, too */
#define HOURS_OF_DAY 24
/* A bar that closes at two has worked on the evening's day: business days end before the earliest
 * shop opens, not at midnight. */
#define DAY_BEGIN_HOUR 5
#define AWAKE_S 86400
/* A longer gap is the switch's own silence: nothing can be said about each of its hours. */
#define HOURS_BEHIND_MAX 48
#define AWAKE_PART_MIN 10
#define FLEET_COUNT_MIN 20 /* fewer awake say nothing about a holiday */

static int64_t hour_now(const struct watcher *watcher)
{
    return (watcher->head.wall_us / US_PER_S + watcher->rules.utc_offset_s) / HOUR_S;
}

void watcher_begin(struct watcher *watcher)
{
    watcher->head.hour = watcher->head.hour == 0 ? hour_now(watcher) : watcher->head.hour;
}

static bool is_listed_holiday(const struct watch_rules *rules, int64_t day)
{
    bool is_listed = false;
    for (uint32_t i = 0; i < rules->holiday_count; i++) {
        is_listed = is_listed || rules->holidays[i] == day;
    }
    return is_listed;
}

static struct watch_hour hour_facts(const struct watcher *watcher)
{
    int64_t hour = watcher->head.hour - DAY_BEGIN_HOUR;
    bool is_listed = is_listed_holiday(&watcher->rules, hour / HOURS_OF_DAY);
    return (struct watch_hour){.is_holiday = watcher->head.is_holiday != 0 || is_listed,
                               .is_night = watcher->head.is_night != 0,
                               .is_day_end = hour % HOURS_OF_DAY == HOURS_OF_DAY - 1,
                               .weekday = (uint8_t)((hour / HOURS_OF_DAY + 3) % 7 + 1)};
}

/* False: neither at its end nor room left; again. */
static bool terminals_walk(struct watcher *watcher, const struct observation *seen, int64_t end_us,
                           struct flag_sink *sink)
{
    struct watch_head *head = &watcher->head;
    struct watch_hour hour = hour_facts(watcher);
    for (uint32_t count = WALK_COUNT_MAX; head->walk_terminal < watcher->terminals.count; count--) {
        if (count == 0 || sink->count + TERMINAL_HOUR_FLAG_COUNT > sink->count_max) {
            return false;
        }
        uint32_t index = head->walk_terminal++;
        struct watch_moment moment = watcher_moment(watcher, seen, end_us, index);
        struct terminal_state *state = watch_slab_item(&watcher->terminals, index);
        if (moment.terminal != NULL) {
            terminal_watch_hour(state, &hour, &moment, sink);
            bool is_awake = state->seen_s != 0 && end_us / US_PER_S - state->seen_s <= AWAKE_S;
            head->walk_known += state->seen_s != 0 ? 1 : 0;
            head->walk_awake += is_awake ? 1 : 0;
        }
    }
    return true;
}

/* How much of the fleet was seen within a day, beside the same hour of the weeks before; where next
 * to nobody was, nobody was expected. */
static void holiday_learn(struct watcher *watcher)
{
    struct watch_head *head = &watcher->head;
    uint32_t *usual = &head->usual_awake[head->hour % WATCH_HOURS_OF_WEEK];
    int64_t least = watcher->rules.items[SIGNAL_SILENT].numbers[NUMBER_SILENT_FLEET_PER_MILLE];
    head->is_holiday =
        *usual >= FLEET_COUNT_MIN && (int64_t)head->walk_awake * 1000 < (int64_t)*usual * least;
    head->is_night =
        head->walk_known >= FLEET_COUNT_MIN && head->walk_awake < head->walk_known / AWAKE_PART_MIN;
    *usual = *usual == 0 ? head->walk_awake
                         : (uint32_t)(((uint64_t)*usual * 3 + head->walk_awake + 2) / 4);
}

/* True: the hour is judged. */
static bool hour_walk(struct watcher *watcher, const struct observation *seen,
                      struct flag_sink *sink)
{
    struct watch_head *head = &watcher->head;
    int64_t end_us = ((head->hour + 1) * HOUR_S - watcher->rules.utc_offset_s) * US_PER_S;
    if (!terminals_walk(watcher, seen, end_us, sink) ||
        !watcher_merchants_walk(watcher, seen, end_us, sink) || sink->count == sink->count_max) {
        return false;
    }
    /* the day of a cohort's counts is that of the hour, not of the midnight that ends it */
    struct watch_moment moment = watcher_moment(watcher, seen, end_us - 1, WATCH_SLAB_NONE);
    moment.wall_us = end_us;
    if (!cohort_watch_hour(&watcher->cohorts, &moment, WALK_COUNT_MAX, sink)) {
        return false;
    }
    holiday_learn(watcher);
    head->walk_terminal = 0;
    head->walk_merchant = 0;
    head->walk_awake = 0;
    head->walk_known = 0;
    head->hour++;
    return true;
}

bool watcher_hours(struct watcher *watcher, const struct observation *seen, struct flag_sink *sink)
{
    struct watch_head *head = &watcher->head;
    int64_t now = hour_now(watcher);
    if (now - head->hour > HOURS_BEHIND_MAX) {
        head->hour = now - HOURS_BEHIND_MAX;
    }
    if (head->hour >= now) {
        return false;
    }
    /* a flag of an hour's end is named by the last row that was seen before it */
    struct observation last = *seen;
    last.position = head->position;
    return !hour_walk(watcher, &last, sink) || head->hour < now;
}

bool watcher_time_due(const struct watcher *watcher, int64_t until_us, struct observation *time)
{
    const struct watch_head *head = &watcher->head;
    if (head->wall_us == 0) {
        return false;
    }
    *time = (struct observation){
        .kind = OBSERVATION_TIME, .wall_us = head->wall_us, .count = 1, .position = 0};
    if (head->hour < hour_now(watcher)) {
        return true; /* an hour is still being judged, perhaps from before a restart */
    }
    time->wall_us = (head->wall_us / HOUR_US + 1) * HOUR_US;
    return time->wall_us <= until_us;
}
