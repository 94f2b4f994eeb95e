/* Amounts, against what is registered first, then against the merchant's own history, and against
 * its peers where it has none. */
#include "switch/aftersales/merchant_amount.h"

#include <string.h>

#include "protocols/base/require.h"

#define USUAL_PER_MILLE 990 /* the percentile that "usual" ends at */
#define NEAR_SALES_PER_MILLE                                                                       \
    200                     /* beside thousands of sales a few below a limit are chance (C24) */
#define NEW_DAY_COUNT_MIN 4 /* days with sales, of the last six whole ones (C23) */

/* The 99th percentile; 0: too little was seen for one. */
static int64_t usual_minor(const struct merchant_look *look)
{
    struct merchant_history history = merchant_tally_history(look->state);
    int64_t sample_min = watch_number(look->moment, AMOUNT_UNUSUAL, SAMPLE_MIN);
    if (look->state->amounts.total < sample_min || !merchant_history_speaks(&history)) {
        return 0;
    }
    return amount_sketch_percentile(&look->state->amounts, USUAL_PER_MILLE);
}

bool merchant_amount_is_large(const struct merchant_look *look, int64_t amount_minor)
{
    int64_t usual = usual_minor(look);
    return usual != 0 && amount_minor > usual;
}

/* C3 */
static void judge_unusual(const struct merchant_look *look, int64_t amount_minor)
{
    int64_t usual = usual_minor(look);
    int64_t percent = watch_number(look->moment, AMOUNT_UNUSUAL, TIMES_PERCENT);
    int64_t most = usual == 0 ? 0 : merchant_tally_scaled(usual, percent, 100);
    int64_t registered = look->facts->single_max_minor;
    if (registered > 0 && (most == 0 || registered < most)) {
        most = registered;
    }
    if (most > 0 && amount_minor > most) {
        merchant_look_raise(look, &(struct merchant_finding){
                                      .signal = SIGNAL_AMOUNT_UNUSUAL,
                                      .value = amount_minor,
                                      .threshold = most,
                                  });
    }
}

/* C14 */
static void judge_category(const struct merchant_look *look, int64_t amount_minor)
{
    static const struct {
        const char *mcc;
        uint32_t slot;
    } ROWS[] = {
#define MCC_AMOUNT(mcc, number, text) {mcc, NUMBER_AMOUNT_FOR_MCC_##number},
#include "switch/aftersales/mcc_amount.def"
#undef MCC_AMOUNT
    };
    const int64_t *numbers = look->moment->rules->items[SIGNAL_AMOUNT_FOR_MCC].numbers;
    for (uint32_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        if (strcmp(ROWS[i].mcc, look->facts->mcc) == 0 && amount_minor > numbers[ROWS[i].slot]) {
            merchant_look_raise(look, &(struct merchant_finding){
                                          .signal = SIGNAL_AMOUNT_FOR_MCC,
                                          .value = amount_minor,
                                          .threshold = numbers[ROWS[i].slot],
                                      });
        }
    }
}

void merchant_amount_before(const struct merchant_look *look, int64_t amount_minor)
{
    judge_unusual(look, amount_minor);
    judge_category(look, amount_minor);
}

bool merchant_amount_is_round(int64_t amount_minor)
{
    int64_t yuan = amount_minor / 100;
    return amount_minor > 0 && amount_minor % 100 == 0 && (yuan % 1000 == 0 || yuan % 1000 == 888);
}

/* C4 */
static void judge_round(const struct merchant_look *look, int64_t amount_minor)
{
    const struct merchant_today *today = &look->state->today;
    struct merchant_share share = {
        .part = today->rounds,
        .whole = today->sales,
        .share = watch_number(look->moment, ROUND_AMOUNTS, PER_MILLE),
        .scale = 1000,
    };
    if (!merchant_amount_is_round(amount_minor)) {
        return;
    }
    merchant_look_note(look, SIGNAL_ROUND_AMOUNTS);
    if (today->sales >= watch_number(look->moment, ROUND_AMOUNTS, COUNT_MIN) &&
        merchant_share_is_passed(&share)) {
        merchant_look_raise_share(look, SIGNAL_ROUND_AMOUNTS, 1, &share);
    }
}

/* C15, against the months before it. `is_told`: some of this month's turnover was flagged. */
static void judge_jump(const struct merchant_look *look, bool is_told)
{
    struct merchant_share share = {
        .part = merchant_tally_month(look->state),
        .whole = merchant_tally_month_before(look->state),
        .share = watch_number(look->moment, TURNOVER_JUMP, TIMES_PERCENT),
        .scale = 100,
    };
    if (share.whole == 0 || !merchant_share_is_passed(&share) ||
        share.part <= watch_number(look->moment, TURNOVER_JUMP, AMOUNT_MIN_MINOR)) {
        return;
    }
    struct merchant_share urgent = share;
    urgent.share = watch_number(look->moment, TURNOVER_JUMP, URGENT_PERCENT);
    if (is_told && !merchant_share_is_passed(&urgent)) {
        return;
    }
    merchant_look_raise(look, &(struct merchant_finding){
                                  .signal = SIGNAL_TURNOVER_JUMP,
                                  .severity = merchant_share_is_passed(&urgent) ? 3 : 0,
                                  .day_count = MERCHANT_MONTH_DAYS,
                                  .value = merchant_share_value(&share),
                                  .threshold = share.share,
                              });
}

/* C15: the jump first, for it may be the graver one; then what is registered.
 * The sum of thirty days stays high for as long, and is told once, unless it is urgent. */
static void judge_month(const struct merchant_look *look)
{
    int32_t raised_day = merchant_look_raised_day(look, SIGNAL_TURNOVER_JUMP);
    bool is_told = raised_day != 0 && look->moment->day - raised_day < MERCHANT_MONTH_DAYS;
    judge_jump(look, is_told);
    struct merchant_share share = {
        .part = merchant_tally_month(look->state),
        .whole = look->facts->month_minor,
        .share = watch_number(look->moment, TURNOVER_JUMP, REGISTERED_PERCENT),
        .scale = 100,
    };
    if (!is_told && share.whole > 0 && merchant_share_is_passed(&share)) {
        merchant_look_raise_share(look, SIGNAL_TURNOVER_JUMP, MERCHANT_MONTH_DAYS, &share);
    }
}

/* C16: nearly all by credit card, large, and either round or by cards that come back. */
static void judge_cash_out(const struct merchant_look *look)
{
    struct merchant_week_day week = merchant_tally_week(look->state);
    struct merchant_share credit = {
        .part = week.cards_credit,
        .whole = week.cards_known,
        .share = watch_number(look->moment, CASH_OUT, CREDIT_PER_MILLE),
        .scale = 1000,
    };
    int64_t shape = watch_number(look->moment, CASH_OUT, ROUND_PER_MILLE);
    struct merchant_share rounds = {week.rounds, week.sales, shape, 1000};
    struct merchant_share returns = {week.cards_return, week.sales, shape, 1000};
    bool has_shape = merchant_share_is_passed(&rounds) || merchant_share_is_passed(&returns);
    if (week.cards_known < watch_number(look->moment, CASH_OUT, COUNT_MIN) || !has_shape ||
        !merchant_share_is_passed(&credit)) {
        return;
    }
    int64_t mean = week.sale_minor / week.sales;
    int64_t most = watch_number(look->moment, CASH_OUT, MEAN_MINOR);
    if (mean > most) {
        merchant_look_raise(look, &(struct merchant_finding){
                                      .signal = SIGNAL_CASH_OUT,
                                      .day_count = MERCHANT_WEEK_DAYS,
                                      .value = mean,
                                      .threshold = most,
                                  });
    }
}

/* C24 */
static void judge_near_limit(const struct merchant_look *look, int64_t amount_minor)
{
    struct merchant_state *state = look->state;
    const struct watch_moment *moment = look->moment;
    uint32_t seconds = (uint32_t)watch_number(moment, STRUCTURING, WINDOW);
    if (state->near_s != seconds) {
        state->near_s = seconds;
        state->near_limit = (struct window){0};
        state->near_sales = (struct window){0};
    }
    window_add(&state->near_sales, seconds, moment->wall_us, 1);
    int64_t limit = look->facts->single_max_minor > 0
                        ? look->facts->single_max_minor
                        : watch_number(moment, STRUCTURING, LIMIT_MINOR);
    int64_t near =
        merchant_tally_scaled(limit, watch_number(moment, STRUCTURING, NEAR_PER_MILLE), 1000);
    if (amount_minor > limit || amount_minor < limit - near) {
        return;
    }
    merchant_look_note(look, SIGNAL_STRUCTURING);
    window_add(&state->near_limit, seconds, moment->wall_us, 1);
    struct merchant_share share = {
        .part = window_sum(&state->near_limit, seconds, moment->wall_us),
        .whole = window_sum(&state->near_sales, seconds, moment->wall_us),
        .share = NEAR_SALES_PER_MILLE,
        .scale = 1000,
    };
    int64_t count_min = watch_number(moment, STRUCTURING, COUNT_MIN);
    if (share.part >= count_min && merchant_share_is_passed(&share)) {
        merchant_look_raise(look, &(struct merchant_finding){
                                      .signal = SIGNAL_STRUCTURING,
                                      .day_count = 1 + (seconds - 1) / 86400,
                                      .value = share.part,
                                      .threshold = count_min,
                                  });
    }
}

void merchant_amount_after(const struct merchant_look *look, int64_t amount_minor)
{
    judge_round(look, amount_minor);
    judge_month(look);
    judge_cash_out(look);
    judge_near_limit(look, amount_minor);
}

/* The mean of its days with sales, of the last whole ones; 0: too few of them. */
static int64_t own_day_mean(const struct merchant_state *state)
{
    int64_t sum_minor = 0;
    int32_t day_count = 0;
    for (uint32_t i = 0; i < MERCHANT_WEEK_DAYS; i++) {
        bool had_sales = state->week[i].sales != 0;
        sum_minor += had_sales ? state->week[i].sale_minor : 0;
        day_count += had_sales;
    }
    return day_count < NEW_DAY_COUNT_MIN ? 0 : sum_minor / day_count;
}

/* C23. A turnover that is registered was known when the contract was made: only what passes it,
 * too, is far above the peers for a merchant that said it would be large. */
static void judge_new(const struct merchant_look *look, const struct peer_state *peers)
{
    const struct watch_moment *moment = look->moment;
    uint32_t peer_count;
    int64_t peer_mean = peer_state_mean(peers, look->facts->mcc, moment->day, &peer_count);
    int64_t own_mean = own_day_mean(look->state);
    int64_t month = merchant_tally_scaled(own_mean, MERCHANT_MONTH_DAYS, 1);
    struct merchant_share share = {
        .part = own_mean,
        .whole = peer_mean,
        .share = watch_number(moment, NEW_MERCHANT, TIMES_PERCENT),
        .scale = 100,
    };
    bool says_enough = peer_count >= watch_number(moment, NEW_MERCHANT, PEER_MIN) &&
                       peer_mean > 0 &&
                       month > watch_number(moment, NEW_MERCHANT, AMOUNT_MIN_MINOR);
    bool was_foreseen = look->facts->month_minor > 0 && month <= look->facts->month_minor;
    if (says_enough && !was_foreseen && merchant_share_is_passed(&share)) {
        merchant_look_raise_share(look, SIGNAL_NEW_MERCHANT, MERCHANT_WEEK_DAYS, &share);
    }
}

void merchant_amount_day_ended(const struct merchant_look *look, struct peer_state *peers,
                               const struct merchant_ended_day *ended)
{
    REQUIRE(ended->day < look->moment->day);
    int64_t days_max = watch_number(look->moment, NEW_MERCHANT, DAYS_MAX);
    int64_t age_days = (int64_t)look->moment->day - look->facts->since_day;
    if (look->facts->mcc[0] == 0) {
        return;
    }
    if (look->facts->since_day != 0 && age_days < days_max) {
        judge_new(look, peers);
    } else if (ended->sale_minor > 0) {
        peer_state_add(peers, look->facts->mcc, ended->day, ended->sale_minor);
    }
}
