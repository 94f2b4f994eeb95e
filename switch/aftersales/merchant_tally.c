/* Rings by the number of the day: what falls out of them is cleared on the way. */
#include "switch/aftersales/merchant_tally.h"

#include <string.h>

#include "protocols/base/require.h"

#define DAY_RING (MERCHANT_MEAN_DAYS + 1)
#define DAY_MAX UINT16_MAX /* in 2149 */
#define MINOR_PER_YUAN 100
/* More than any merchant turns over, and sums of seven days still fit. */
#define SUM_MINOR_MAX (INT64_MAX / 1000)

_Static_assert(sizeof(struct merchant_state) <= 2048, "ten thousand merchants take 20 MB at most");

static uint16_t short_of(uint32_t count)
{
    return (uint16_t)(count > UINT16_MAX ? UINT16_MAX : count);
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

/* --- turnover ------------------------------------------------------------------------------- */

static int64_t turnover_sum(const struct merchant_state *state, int32_t age_from, int32_t age_until)
{
    int64_t yuan = 0;
    for (int32_t age = age_from; age < age_until && age <= state->day; age++) {
        yuan += state->turnover_yuan[(state->day - age) % MERCHANT_TURNOVER_RING];
    }
    return yuan * MINOR_PER_YUAN;
}

/* The day that ends joins the ring; those between it and `day` had no business. */
static void turnover_end_day(struct merchant_state *state, int32_t day)
{
    int64_t yuan = merchant_tally_today(state)->sale_minor / MINOR_PER_YUAN;
    int32_t skipped = day - state->day - 1;
    skipped = skipped > MERCHANT_TURNOVER_RING ? MERCHANT_TURNOVER_RING : skipped;
    state->turnover_yuan[state->day % MERCHANT_TURNOVER_RING] =
        (uint32_t)(yuan > UINT32_MAX ? UINT32_MAX : yuan);
    for (int32_t age = 0; age <= skipped; age++) {
        state->turnover_yuan[(day - age) % MERCHANT_TURNOVER_RING] = 0;
    }
}

static void turnover_begin_day(struct merchant_state *state)
{
    state->month_minor = turnover_sum(state, 1, MERCHANT_MONTH_DAYS);
    state->before_minor = turnover_sum(state, MERCHANT_MONTH_DAYS, MERCHANT_TURNOVER_RING);
}

/* --- days ----------------------------------------------------------------------------------- */

bool merchant_tally_day(struct merchant_state *state, int32_t day)
{
    if (day <= 0) {
        return false; /* a row without a time */
    }
    if (state->first_day == 0) {
        state->day = day;
        state->first_day = day;
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
    turnover_end_day(state, day);
    clear_days(state, state->day, day);
    memset(&state->today, 0, sizeof(state->today));
    state->day = day;
    turnover_begin_day(state);
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
        sum.own_cards += day->own_cards;
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
    amount_sketch_add(&state->amounts, amount_minor);
}

void merchant_tally_refund(struct merchant_state *state, int64_t amount_minor)
{
    REQUIRE(amount_minor >= 0);
    add_minor(&merchant_tally_today(state)->refund_minor, amount_minor);
}

int64_t merchant_tally_month(const struct merchant_state *state)
{
    return state->month_minor + state->week[state->day % MERCHANT_WEEK_DAYS].sale_minor;
}

int64_t merchant_tally_month_before(const struct merchant_state *state)
{
    int32_t day_count = state->day - MERCHANT_MONTH_DAYS + 1 - state->first_day;
    day_count = day_count > MERCHANT_BEFORE_DAYS ? MERCHANT_BEFORE_DAYS : day_count;
    return day_count < MERCHANT_MONTH_DAYS
               ? 0
               : merchant_tally_scaled(state->before_minor, MERCHANT_MONTH_DAYS, day_count);
}

static bool sum_is_sound(int64_t sum_minor)
{
    return sum_minor >= 0 && sum_minor <= SUM_MINOR_MAX;
}

bool merchant_tally_is_sound(const struct merchant_state *state)
{
    bool is_sound = state->subject.next < WATCH_NOTE_COUNT && state->first_day >= 0 &&
                    state->day >= state->first_day && state->day <= DAY_MAX &&
                    state->amounts.total <= AMOUNT_SKETCH_TOTAL_MAX;
    for (uint32_t i = 0; i < MERCHANT_WEEK_DAYS; i++) {
        is_sound = is_sound && sum_is_sound(state->week[i].sale_minor) &&
                   sum_is_sound(state->week[i].refund_minor);
    }
    is_sound =
        is_sound && state->month_minor == turnover_sum(state, 1, MERCHANT_MONTH_DAYS) &&
        state->before_minor == turnover_sum(state, MERCHANT_MONTH_DAYS, MERCHANT_TURNOVER_RING);
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
