/* What is counted when, and the signals that are counts: each rule is a function that counts its
 * row, compares, and raises. */
#include "switch/aftersales/merchant_watch.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/aftersales/merchant_amount.h"
#include "switch/aftersales/merchant_look.h"

#define DAY_MINUTES 1440
#define GRACE_MINUTES 30       /* a shop serves who is inside when it closes (C5) */
#define ODD_TIMES 4            /* of the own mean, where hours are not registered (C5) */
#define ODD_DAYS_MIN 10        /* fewer than one sale in as many days: it hardly sells then (C5) */
#define GIVEN_BACK_COUNT_MIN 5 /* a few customers change their mind in any week (C12) */

static bool is_sale(enum payment_kind kind)
{
    return kind == PAYMENT_PURCHASE || kind == PAYMENT_CAPTURE || kind == PAYMENT_CAPTURE_ADVICE ||
           kind == PAYMENT_OFFLINE_SALE || kind == PAYMENT_OTHER_SALE;
}

static bool is_void(enum payment_kind kind)
{
    return kind == PAYMENT_VOID || kind == PAYMENT_OTHER_VOID || kind == PAYMENT_CAPTURE_VOID;
}

static bool code_is_of(const struct observation *seen, const char *const *codes)
{
    bool is_found = false;
    for (uint32_t i = 0; codes[i] != NULL; i++) {
        is_found = is_found || strcmp(seen->response_code, codes[i]) == 0;
    }
    return is_found;
}

static bool is_declined_as(const struct observation *seen, const char *const *codes)
{
    return seen->kind == OBSERVATION_ENDED && seen->detail == OBSERVED_DECLINED &&
           code_is_of(seen, codes);
}

static bool is_lost_or_stolen(const struct observation *seen)
{
    static const char *const CODES[] = {"41", "43", NULL};
    return is_declined_as(seen, CODES);
}

/* A count of the running day. */
struct day_count {
    int64_t value, threshold;
};
static void raise_count(const struct merchant_look *look, enum signal_code signal,
                        struct day_count count)
{
    merchant_look_raise(look, &(struct merchant_finding){
                                  .signal = signal,
                                  .day_count = 1,
                                  .value = count.value,
                                  .threshold = count.threshold,
                              });
}

/* The owner's short hash (FNV-1a, folded); 0: not known. */
static uint16_t owner_of(const struct merchant_facts *facts)
{
    uint32_t hash = 2166136261u;
    for (const char *at = facts->owner; *at != 0; at++) {
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    }
    uint16_t folded = (uint16_t)(hash ^ hash >> 16);
    return facts->owner[0] == 0 ? 0 : folded == 0 ? 1 : folded;
}

static struct card_use use_of(const struct merchant_look *look)
{
    const struct observation *seen = look->moment->seen;
    return (struct card_use){
        .merchant = look->state->number,
        .owner = owner_of(look->facts),
        .day = look->moment->day,
        .amount_minor = seen->amount_minor,
        .position = seen->position,
    };
}

/* C1 */
static void judge_enquiry(const struct merchant_look *look)
{
    struct merchant_history history = merchant_tally_history(look->state);
    int64_t count = ++look->state->today.enquiries;
    int64_t percent = watch_number(look->moment, BALANCE_ENQUIRIES, TIMES_PERCENT);
    int64_t count_min = watch_number(look->moment, BALANCE_ENQUIRIES, COUNT_MIN);
    merchant_look_note(look, SIGNAL_BALANCE_ENQUIRIES);
    /* Against the mean of its days with business, without a division. */
    bool is_far = count * history.day_count * 100 > percent * history.enquiries;
    if (count >= count_min && merchant_history_speaks(&history) && is_far) {
        int64_t usual = merchant_tally_scaled(history.enquiries, percent, history.day_count) / 100;
        raise_count(look, SIGNAL_BALANCE_ENQUIRIES,
                    (struct day_count){count, usual > count_min ? usual : count_min});
    }
}

static bool hours_are_registered(const struct merchant_facts *facts)
{
    return facts->opens_minute != 0 || facts->closes_minute != 0;
}

/* Minutes of a day that goes round. */
static int32_t minutes_from(int32_t from, int32_t until)
{
    return (until - from + 2 * DAY_MINUTES) % DAY_MINUTES;
}

static bool is_odd_hour(const struct merchant_look *look)
{
    int32_t minute = look->moment->minute;
    if (!hours_are_registered(look->facts)) {
        int32_t from = (int32_t)watch_number(look->moment, ODD_HOURS, FROM_MINUTE);
        int32_t until = (int32_t)watch_number(look->moment, ODD_HOURS, UNTIL_MINUTE);
        return minutes_from(from, minute) < minutes_from(from, until);
    }
    int32_t opens = look->facts->opens_minute, closes = look->facts->closes_minute;
    int32_t open_minutes = minutes_from(opens, closes);
    return open_minutes != 0 &&
           minutes_from(opens - GRACE_MINUTES, minute) > open_minutes + 2 * GRACE_MINUTES;
}

/* More than the history explains. Where no hours are registered it says whether the merchant sells
 * at night: a few are always chance, so they come on top of the mean, times over. */
static bool odds_are_unusual(const struct merchant_look *look,
                             const struct merchant_history *history)
{
    uint64_t odds = look->state->today.odds;
    uint64_t count_min = (uint64_t)watch_number(look->moment, ODD_HOURS, COUNT_MIN);
    if (odds < count_min || hours_are_registered(look->facts)) {
        return odds >= count_min;
    }
    return merchant_history_speaks(history) &&
           (odds - count_min) * history->day_count >= (uint64_t)ODD_TIMES * history->odds;
}

/* C5, an approved sale. */
static void judge_hour(const struct merchant_look *look, bool is_large)
{
    if (!is_odd_hour(look)) {
        return;
    }
    struct merchant_today *today = &look->state->today;
    struct merchant_history history = merchant_tally_history(look->state);
    int64_t large_min = watch_number(look->moment, ODD_HOURS, LARGE_MIN);
    merchant_look_note(look, SIGNAL_ODD_HOURS);
    today->odds++;
    today->odds_large += is_large ? 1 : 0;
    /* One sale in a hundred is large by chance; at hours where it hardly sells that is no chance.
     */
    bool hardly_sells = merchant_history_speaks(&history) &&
                        (uint64_t)history.odds * ODD_DAYS_MIN < history.day_count;
    if (odds_are_unusual(look, &history)) {
        int64_t count_min = watch_number(look->moment, ODD_HOURS, COUNT_MIN);
        raise_count(look, SIGNAL_ODD_HOURS, (struct day_count){today->odds, count_min});
    } else if (is_large && hardly_sells && today->odds_large >= large_min) {
        raise_count(look, SIGNAL_ODD_HOURS, (struct day_count){today->odds_large, large_min});
    }
}

/* C10, a card that was read, whatever came of it. */
static void judge_entry(const struct merchant_look *look)
{
    const struct observation *seen = look->moment->seen;
    const struct terminal_facts *terminal = look->moment->terminal;
    bool is_read = seen->entry_mode[0] != 0 && memcmp(seen->entry_mode, "00", 2) != 0 &&
                   memcmp(seen->entry_mode, "03", 2) != 0; /* 03: a code was scanned */
    if (!is_read || terminal == NULL || terminal->may_key_in) {
        return;
    }
    struct merchant_today *today = &look->state->today;
    bool is_typed = memcmp(seen->entry_mode, "01", 2) == 0;
    today->reads++;
    if (!is_typed) {
        return;
    }
    today->keyed_in++;
    merchant_look_note(look, SIGNAL_KEYED_IN);
    struct merchant_share share = {
        .part = today->keyed_in,
        .whole = today->reads,
        .share = watch_number(look->moment, KEYED_IN, PER_MILLE),
        .scale = 1000,
    };
    if (today->reads >= watch_number(look->moment, KEYED_IN, COUNT_MIN) &&
        merchant_share_is_passed(&share)) {
        merchant_look_raise_share(look, SIGNAL_KEYED_IN, 1, &share);
    }
}

/* C11 */
static void judge_retained(const struct merchant_look *look)
{
    static const char *const CODES[] = {"04", "07", "34", "35", "36", "37",
                                        "41", "43", "62", "67", NULL};
    if (!is_declined_as(look->moment->seen, CODES)) {
        return;
    }
    int64_t count = ++look->state->today.retained;
    int64_t count_min = watch_number(look->moment, CARD_RETAINED, COUNT_MIN);
    merchant_look_note(look, SIGNAL_CARD_RETAINED);
    if (count >= count_min) {
        raise_count(look, SIGNAL_CARD_RETAINED, (struct day_count){count, count_min});
    } else if (is_lost_or_stolen(look->moment->seen)) {
        merchant_look_raise(look, &(struct merchant_finding){
                                      .signal = SIGNAL_CARD_RETAINED,
                                      .value = 1,
                                      .threshold = 1,
                                  });
    }
}

/* C7 */
static void judge_no_funds(const struct merchant_look *look, struct card_state *card)
{
    static const char *const CODES[] = {"51", NULL};
    if (card == NULL || !is_declined_as(look->moment->seen, CODES)) {
        return;
    }
    struct card_use use = use_of(look);
    int64_t count = card_watch_no_funds(card, &use);
    int64_t count_min = watch_number(look->moment, NO_FUNDS, COUNT_MIN);
    if (count >= count_min) {
        raise_count(look, SIGNAL_NO_FUNDS, (struct day_count){count, count_min});
    }
}

/* The card's own rows stand in the evidence before the flag is raised. */
static void raise_card(const struct merchant_look *look, const struct card_state *card,
                       enum signal_code signal, struct day_count count)
{
    watch_note(&look->state->subject, signal, card->positions[1]);
    watch_note(&look->state->subject, signal, card->positions[0]);
    raise_count(look, signal, count);
}

/* C2, an approved sale; `card` holds the rows before this one. */
static void judge_same_card(const struct merchant_look *look, struct card_state *card)
{
    struct card_state before = *card;
    struct card_use use = use_of(look);
    struct card_count count = card_watch_paid(card, &use);
    uint32_t same_min = (uint32_t)watch_number(look->moment, SAME_CARD, SAME_AMOUNT_MIN);
    uint32_t count_min = (uint32_t)watch_number(look->moment, SAME_CARD, COUNT_MIN);
    if (count.same_amount >= same_min) {
        raise_card(look, &before, SIGNAL_SAME_CARD,
                   (struct day_count){count.same_amount, same_min});
    } else if (count.uses >= count_min) {
        raise_card(look, &before, SIGNAL_SAME_CARD, (struct day_count){count.uses, count_min});
    }
}

/* C20 */
static void judge_wandering(const struct merchant_look *look, const struct card_state *card)
{
    struct card_use use = use_of(look);
    uint32_t count = card_watch_owner_count(card, &use);
    uint32_t merchant_min = (uint32_t)watch_number(look->moment, CARD_WANDERS, MERCHANT_MIN);
    if (count >= merchant_min) {
        raise_card(look, card, SIGNAL_CARD_WANDERS, (struct day_count){count, merchant_min});
    }
}

static bool is_owners(const struct merchant_look *look)
{
    static const struct pan_hash NONE;
    const struct pan_hash *card = &look->moment->seen->pan_hash;
    bool is_found = false;
    for (uint32_t i = 0; i < MERCHANT_OWNER_CARD_COUNT; i++) {
        const struct pan_hash *own = &look->facts->owner_cards[i];
        is_found = is_found || memcmp(own, card, sizeof(*card)) == 0;
    }
    return is_found && memcmp(card, &NONE, sizeof(NONE)) != 0;
}

/* C21, an approved sale: once may be a trial, again is cash. */
static void judge_own_card(const struct merchant_look *look)
{
    if (!is_owners(look)) {
        return;
    }
    merchant_tally_today(look->state)->own_cards++;
    merchant_look_note(look, SIGNAL_OWN_CARD);
    int64_t count = merchant_tally_week(look->state).own_cards;
    int64_t count_min = watch_number(look->moment, OWN_CARD, COUNT_MIN);
    bool is_urgent = count >= watch_number(look->moment, OWN_CARD, URGENT_MIN);
    if (count >= count_min) {
        merchant_look_raise(look, &(struct merchant_finding){
                                      .signal = SIGNAL_OWN_CARD,
                                      .severity = is_urgent ? 3 : 0,
                                      .day_count = MERCHANT_WEEK_DAYS,
                                      .value = count,
                                      .threshold = count_min,
                                  });
    }
}

/* C12, a refund or void that is in the tally. What was flagged is not flagged again: one customer
 * of the days after it would only repeat what people know. */
static void judge_given_back(const struct merchant_look *look)
{
    struct merchant_week_day week = merchant_tally_week(look->state);
    struct merchant_week_day fresh =
        merchant_tally_week_after(look->state, merchant_look_raised_day(look, SIGNAL_GIVEN_BACK));
    const struct watch_moment *moment = look->moment;
    int64_t count_min = watch_number(moment, GIVEN_BACK, COUNT_MIN);
    struct merchant_share refunds = {fresh.refunds, week.sales,
                                     watch_number(moment, GIVEN_BACK, REFUND_PER_MILLE), 1000};
    struct merchant_share amounts = {fresh.refund_minor, week.sale_minor,
                                     watch_number(moment, GIVEN_BACK, AMOUNT_PER_MILLE), 1000};
    struct merchant_share voids = {fresh.voids, week.sales,
                                   watch_number(moment, GIVEN_BACK, VOID_PER_MILLE), 1000};
    merchant_look_note(look, SIGNAL_GIVEN_BACK);
    bool has_refunds = fresh.refunds >= GIVEN_BACK_COUNT_MIN &&
                       (week.sales >= count_min || fresh.refunds >= count_min);
    if (has_refunds && merchant_share_is_passed(&refunds)) {
        merchant_look_raise_share(look, SIGNAL_GIVEN_BACK, MERCHANT_WEEK_DAYS, &refunds);
    } else if (has_refunds && merchant_share_is_passed(&amounts)) {
        merchant_look_raise_share(look, SIGNAL_GIVEN_BACK, MERCHANT_WEEK_DAYS, &amounts);
    } else if (week.sales >= count_min && fresh.voids >= GIVEN_BACK_COUNT_MIN &&
               merchant_share_is_passed(&voids)) {
        merchant_look_raise_share(look, SIGNAL_GIVEN_BACK, MERCHANT_WEEK_DAYS, &voids);
    }
}

static bool is_yuan(const struct observation *seen)
{
    return seen->currency == MONEY_CNY && seen->amount_minor >= 0 &&
           seen->amount_minor <= MONEY_MINOR_MAX;
}

/* An approved sale joins the day's counts. `returns`: by a card that had been here. */
static void count_sale(const struct merchant_look *look, bool returns)
{
    const struct observation *seen = look->moment->seen;
    struct merchant_week_day *day = merchant_tally_today(look->state);
    uint32_t round = is_yuan(seen) && merchant_amount_is_round(seen->amount_minor) ? 1 : 0;
    look->state->today.sales++;
    look->state->today.rounds += round;
    day->sales++;
    day->rounds += round;
    day->cards_known += seen->card_credit != 0 ? 1 : 0;
    day->cards_credit += seen->card_credit == 1 ? 1 : 0;
    day->cards_return += returns ? 1 : 0;
    if (is_yuan(seen)) {
        merchant_tally_sale(look->state, seen->amount_minor);
    }
}

static void on_sale(const struct merchant_look *look, struct card_state *card, bool returns)
{
    const struct observation *seen = look->moment->seen;
    bool is_large = is_yuan(seen) && merchant_amount_is_large(look, seen->amount_minor);
    if (is_yuan(seen)) {
        merchant_amount_before(look, seen->amount_minor);
    }
    count_sale(look, returns);
    judge_hour(look, is_large);
    if (is_yuan(seen)) {
        merchant_amount_after(look, seen->amount_minor);
    }
    judge_own_card(look);
    if (card != NULL) {
        judge_wandering(look, card);
        judge_same_card(look, card);
    }
}

static void on_refund(const struct merchant_look *look)
{
    const struct observation *seen = look->moment->seen;
    merchant_tally_today(look->state)->refunds++;
    if (is_yuan(seen)) {
        merchant_tally_refund(look->state, seen->amount_minor);
    }
    judge_given_back(look);
}

static void on_void(const struct merchant_look *look, struct card_state *card)
{
    merchant_tally_today(look->state)->voids++;
    if (card != NULL) {
        struct card_use use = use_of(look);
        card_watch_undone(card, &use);
    }
    judge_given_back(look);
}

static void on_approved(const struct merchant_look *look, struct card_state *card, bool returns)
{
    enum payment_kind kind = look->moment->seen->payment_kind;
    if (is_sale(kind)) {
        on_sale(look, card, returns);
    } else if (kind == PAYMENT_REFUND) {
        on_refund(look);
    } else if (is_void(kind)) {
        on_void(look, card);
    }
}

static void on_ended(const struct merchant_look *look, struct card_state *card)
{
    const struct observation *seen = look->moment->seen;
    bool is_answered = seen->detail == OBSERVED_APPROVED || seen->detail == OBSERVED_DECLINED;
    bool returns = false;
    judge_entry(look);
    /* Where a lost card is declined it is not used: merchant_watch_suspects() asks for the others.
     */
    if (card != NULL && is_answered && !is_lost_or_stolen(seen)) {
        struct card_use use = use_of(look);
        returns = card_watch_returns(card, &use);
        card_watch_seen(card, &use);
    }
    if (is_answered && seen->payment_kind == PAYMENT_BALANCE) {
        judge_enquiry(look);
    }
    if (seen->detail == OBSERVED_APPROVED) {
        on_approved(look, card, returns);
    } else if (seen->detail == OBSERVED_DECLINED) {
        judge_retained(look);
        judge_no_funds(look, card);
    }
}

/* One more of a day's count, which is all that the signal asks. */
static void count_judge(const struct merchant_look *look, enum signal_code signal, uint32_t *count,
                        int64_t count_min)
{
    merchant_look_note(look, signal);
    if (++*count >= count_min) {
        raise_count(look, signal, (struct day_count){*count, count_min});
    }
}

/* C8, C13, L9: what was refused tells, too. */
static void on_refused(const struct merchant_look *look)
{
    const struct observation *seen = look->moment->seen;
    struct merchant_today *today = &look->state->today;
    bool is_back = seen->payment_kind == PAYMENT_REFUND || is_void(seen->payment_kind);
    judge_entry(look);
    if (seen->detail == OBSERVED_LISTED) {
        count_judge(look, SIGNAL_CARD_LISTED, &today->listed,
                    watch_number(look->moment, CARD_LISTED, COUNT_MIN));
    } else if (seen->detail == OBSERVED_OTHER_CARD && is_back) {
        count_judge(look, SIGNAL_OTHER_CARD, &today->other_cards,
                    watch_number(look->moment, OTHER_CARD, COUNT_MIN));
    } else if (seen->detail == OBSERVED_MERCHANT_LISTED) {
        count_judge(look, SIGNAL_MERCHANT_LISTED, &today->barred,
                    watch_number(look->moment, MERCHANT_LISTED, COUNT_MIN));
    }
}

void merchant_watch_step(struct merchant_state *state, struct card_state *card,
                         struct peer_state *peers, const struct watch_moment *moment,
                         struct flag_sink *sink)
{
    REQUIRE(state->number != 0);
    merchant_watch_hour(state, peers, moment, sink);
    struct merchant_look look = merchant_look_make(state, moment, sink);
    const struct observation *seen = moment->seen;
    if (seen->kind == OBSERVATION_ENDED) {
        on_ended(&look, card);
    } else if (seen->kind == OBSERVATION_REFUSED) {
        on_refused(&look);
    } else if (seen->kind == OBSERVATION_REVERSED && seen->detail == OBSERVED_BY_TERMINAL &&
               card != NULL) {
        struct card_use use = use_of(&look);
        card_watch_undone(card, &use);
    }
}

void merchant_watch_hour(struct merchant_state *state, struct peer_state *peers,
                         const struct watch_moment *moment, struct flag_sink *sink)
{
    struct merchant_ended_day ended = {
        .day = state->day,
        .sale_minor = merchant_tally_today(state)->sale_minor,
    };
    if (merchant_tally_day(state, moment->day)) {
        struct merchant_look look = merchant_look_make(state, moment, sink);
        merchant_amount_day_ended(&look, peers, &ended);
    }
}

uint32_t merchant_watch_suspects(const struct merchant_state *state, struct card_state *card,
                                 const struct watch_moment *moment,
                                 uint32_t merchants[CARD_RECENT_COUNT])
{
    REQUIRE(state->number != 0);
    if (card == NULL || !is_lost_or_stolen(moment->seen)) {
        return 0;
    }
    struct card_use use = {.merchant = state->number, .day = moment->day};
    return card_watch_lost(card, &use, merchants);
}

void merchant_watch_lost(struct merchant_state *state, const struct watch_moment *moment,
                         struct flag_sink *sink)
{
    uint32_t seconds = (uint32_t)watch_number(moment, SKIMMING, WINDOW);
    if (state->lost_s != seconds) {
        state->lost_s = seconds;
        state->lost = (struct window){0};
    }
    struct merchant_look look = merchant_look_make(state, moment, sink);
    struct merchant_history history = merchant_tally_history(state);
    merchant_look_note(&look, SIGNAL_SKIMMING);
    window_add(&state->lost, seconds, moment->wall_us, 1);
    struct merchant_share share = {
        .part = window_sum(&state->lost, seconds, moment->wall_us),
        .whole = (int64_t)history.sales + state->today.sales,
        .share = watch_number(moment, SKIMMING, SHARE_PPM),
        .scale = 1000000,
    };
    int64_t card_min = watch_number(moment, SKIMMING, CARD_MIN);
    if (share.part >= card_min && merchant_share_is_passed(&share)) {
        merchant_look_raise(&look, &(struct merchant_finding){
                                       .signal = SIGNAL_SKIMMING,
                                       .day_count = 1 + (seconds - 1) / 86400,
                                       .value = share.part,
                                       .threshold = card_min,
                                   });
    }
}
