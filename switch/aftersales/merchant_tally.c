/* Rings by the number of the day: what falls out of them is cleared on the way. */
#include "switch/aftersales/merchant_tally.h"

#include <string.h>

#include "protocols/base/require.h"

#define DAY_RING (MERCHANT_MEAN_DAYS + 1)
#define DAY_MAX UINT16_MAX /* in 2149 */
/* More than any merchant turns over, and sums of seven days still fit. */
#define SUM_MINOR_MAX (INT64_MAX / 1000)

_Static_assert(sizeof(struct merchant_state) <= 2048, "ten thousand merchants take 20 MB at most");

static uint16_t short_of(uint32_t count)
{
    return (uint16_t)(count > UINT16_MAX ? UINT16_MAX : count);
}

/* The month of a day since 1970 (Gregorian; years that begin in March, so that the leap day is the
 * last one). */
static int32_t month_of(int32_t day)
{
    int32_t shifted = day + 719468; /* since 0000-03-01 */
    int32_t era = shifted / 146097, of_era = shifted % 146097;
    int32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int32_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int32_t month_from_march = (5 * of_year + 2) / 153;
    return (era * 400 + year) * 12 + month_from_march + 2;
}

static void begin_month(struct merchant_state *state, int32_t month)
{
    for (uint32_t i = 0; i < MERCHANT_MONTH_COUNT && state->month < month; i++) {
        state->month = month - state->month > MERCHANT_MONTH_COUNT
                           ? month - MERCHANT_MONTH_COUNT + 1
                           : state->month + 1;
        state->months_minor[state->month % MERCHANT_MONTH_COUNT] = 0;
    }
}

/* Clears the slots of a ring between two days, the later one with them. */
static void clear_days(struct merchant_state *state, int32_t from, int32_t until)
{
    int32_t first = until - from > DAY_RING ? until - DAY_RING + 1 : from + 1;
    for (int32_t day = first; day <= until; day++) {
        memset(&state->days[day % DAY_RING], 0, sizeof(state->days[0]));
        memset(&state->week[day % MERCHANT_WEEK_DAYS], 0, sizeof(state->week[0]));
    }
}

bool merchant_tally_day(struct merchant_state *state, int32_t day)
{
    if (day <= 0) {
        return false; /* a row without a time */
    }
    if (state->first_day == 0) {
        state->day = day;
        state->first_day = day;
        state->month = month_of(day);
    }
    if (day <= state->day) {
        return false;
    }
    const struct merchant_today *today = &state->today;
    bool had_business = today->sales != 0 || today->enquiries != 0;
    state->days[state->day % DAY_RING] = (struct merchant_day){
        .enquiries = short_of(today->enquiries),
        .sales = short_of(today->sales),
        .odds = short_of(today->odds),
    };
    clear_days(state, state->day, day);
    begin_month(state, month_of(day));
    memset(&state->today, 0, sizeof(state->today));
    state->day = day;
    return had_business;
}

struct merchant_week_day *merchant_tally_today(struct merchant_state *state)
{
    return &state->week[state->day % MERCHANT_WEEK_DAYS];
}

struct merchant_week_day merchant_tally_week(const struct merchant_state *state)
{
    return merchant_tally_week_after(state, 0);
}

struct merchant_week_day merchant_tally_week_after(const struct merchant_state *state,
                                                   int32_t day_before)
{
    struct merchant_week_day sum = {0};
    for (int32_t age = 0; age < MERCHANT_WEEK_DAYS && state->day - age > day_before; age++) {
        const struct merchant_week_day *day = &state->week[(state->day - age) % MERCHANT_WEEK_DAYS];
        sum.sale_minor += day->sale_minor;
        sum.refund_minor += day->refund_minor;
        sum.sales += day->sales;
        sum.refunds += day->refunds;
        sum.voids += day->voids;
        sum.rounds += day->rounds;
        sum.cards_known += day->cards_known;
        sum.cards_credit += day->cards_credit;
        sum.cards_return += day->cards_return;
    }
    return sum;
}

struct merchant_history merchant_tally_history(const struct merchant_state *state)
{
    struct merchant_history history = {0};
    for (uint32_t i = 0; i < DAY_RING; i++) {
        const struct merchant_day *day = &state->days[i];
        history.day_count += day->sales != 0 || day->enquiries != 0;
        history.enquiries += day->enquiries;
        history.sales += day->sales;
        history.odds += day->odds;
    }
    return history;
}

bool merchant_history_speaks(const struct merchant_history *history)
{
    return history->day_count >= MERCHANT_HISTORY_DAYS;
}

/* A sum that stays at its end rather than turn over. */
static void add_minor(int64_t *sum, int64_t amount_minor)
{
    *sum = *sum > SUM_MINOR_MAX - amount_minor ? SUM_MINOR_MAX : *sum + amount_minor;
}

void merchant_tally_sale(struct merchant_state *state, int64_t amount_minor)
{
    REQUIRE(amount_minor >= 0);
    add_minor(&merchant_tally_today(state)->sale_minor, amount_minor);
    add_minor(&state->months_minor[state->month % MERCHANT_MONTH_COUNT], amount_minor);
    amount_sketch_add(&state->amounts, amount_minor);
}

void merchant_tally_refund(struct merchant_state *state, int64_t amount_minor)
{
    REQUIRE(amount_minor >= 0);
    add_minor(&merchant_tally_today(state)->refund_minor, amount_minor);
}

int64_t merchant_tally_month(const struct merchant_state *state)
{
    return state->months_minor[state->month % MERCHANT_MONTH_COUNT];
}

bool merchant_tally_is_of_month(const struct merchant_state *state, int32_t day)
{
    return day > 0 && month_of(day) == state->month;
}

int64_t merchant_tally_months_mean(const struct merchant_state *state, uint32_t *month_count)
{
    /* The month it was first seen in is a part of one, unless that was its first day. */
    int32_t first_whole = month_of(state->first_day - 1) + 1;
    int64_t sum_minor = 0;
    *month_count = 0;
    for (int32_t age = 1; age < MERCHANT_MONTH_COUNT; age++) {
        if (state->month - age >= first_whole) {
            sum_minor += state->months_minor[(state->month - age) % MERCHANT_MONTH_COUNT];
            *month_count += 1;
        }
    }
    return *month_count == 0 ? 0 : sum_minor / *month_count;
}

static bool sum_is_sound(int64_t sum_minor)
{
    return sum_minor >= 0 && sum_minor <= SUM_MINOR_MAX;
}

bool merchant_tally_is_sound(const struct merchant_state *state)
{
    bool is_sound = state->subject.next < WATCH_NOTE_COUNT && state->first_day >= 0 &&
                    state->day >= state->first_day && state->day <= DAY_MAX && state->month >= 0 &&
                    state->month <= month_of(DAY_MAX) &&
                    state->amounts.total <= AMOUNT_SKETCH_TOTAL_MAX;
    for (uint32_t i = 0; i < MERCHANT_WEEK_DAYS; i++) {
        is_sound = is_sound && sum_is_sound(state->week[i].sale_minor) &&
                   sum_is_sound(state->week[i].refund_minor);
    }
    for (uint32_t i = 0; i < MERCHANT_MONTH_COUNT; i++) {
        is_sound = is_sound && sum_is_sound(state->months_minor[i]);
    }
    return is_sound;
}

int64_t merchant_tally_scaled(int64_t value, int64_t times, int64_t scale)
{
    REQUIRE(value >= 0 && times >= 0);
    REQUIRE(scale > 0);
    int64_t product;
    if (!__builtin_mul_overflow(value, times, &product)) {
        return product / scale;
    }
    return __builtin_mul_overflow(value / scale, times, &product) ? INT64_MAX : product;
}
