/* What is remembered of one merchant: the counts of its day, of seven and of thirty days, its
 * turnover of four months, and how large its amounts usually are. Arithmetic alone;
 * merchant_watch.h judges by it.
 *
 * Days are those of the place where the business is; a month is thirty of them in a row. Plain
 * value: may be copied and kept as bytes. All zeros: a merchant of which nothing was seen yet.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/amount_sketch.h"
#include "switch/aftersales/watch_moment.h"
#include "switch/aftersales/window.h"

#define MERCHANT_WEEK_DAYS 7
#define MERCHANT_MEAN_DAYS 30   /* whole days behind a mean of its own */
#define MERCHANT_HISTORY_DAYS 7 /* days with business before its own history says anything */
#define MERCHANT_MONTH_DAYS 30  /* of turnover, the running one with them */
#define MERCHANT_BEFORE_DAYS 90 /* before that month: what its turnover is held against */
#define MERCHANT_TURNOVER_RING (MERCHANT_MONTH_DAYS + MERCHANT_BEFORE_DAYS)

/* Of the running day. */
struct merchant_today {
    uint32_t enquiries, sales, rounds;
    uint32_t odds, odds_large; /* outside business hours; of them far above the usual amount */
    uint32_t reads, keyed_in;  /* cards read where typing is not allowed; of them typed */
    uint32_t retained, listed, barred; /* barred: while the merchant itself is listed */
    uint32_t other_cards; /* money that should have gone back to another card than the sale's */
};

/* Of one of the last thirty whole days; saturating. */
struct merchant_day {
    uint16_t enquiries, sales, odds;
};

/* Of one of the last seven days, the running one with them. */
struct merchant_week_day {
    int64_t sale_minor, refund_minor;
    uint32_t sales, refunds, voids, rounds;
    uint32_t cards_known, cards_credit; /* sales whose card type is known; by credit cards */
    uint32_t cards_return;              /* sales by a card that had been here in these days */
    uint32_t own_cards;                 /* sales by a card of the owner's */
};

struct merchant_state {
    struct watch_subject subject;
    uint32_t number;        /* what cards remember it by; given by the watcher, unique, never 0 */
    int32_t day, first_day; /* running, and first seen; both 0: nothing was seen */
    struct merchant_today today;
    struct merchant_day days[MERCHANT_MEAN_DAYS + 1];  /* day n at n modulo 31 */
    struct merchant_week_day week[MERCHANT_WEEK_DAYS]; /* day n at n modulo 7 */
    /* whole days, day n at n modulo 120; in yuan, so that four months fit in half of a kilobyte */
    uint32_t turnover_yuan[MERCHANT_TURNOVER_RING];
    int64_t month_minor, before_minor; /* sums of it: of the month but for today, and before it */
    struct amount_sketch amounts;
    /* Cards used here that turned out lost or stolen; amounts just below a limit; all sales, over
     * the same time as these. */
    struct window lost, near_limit, near_sales;
    uint32_t lost_s, near_s; /* how long these windows are: other rules, and they begin anew */
};

/* Goes on to this day, if it is another one. True: a day has ended, and it had business. */
bool merchant_tally_day(struct merchant_state *state, int32_t day);

/* The running day of the week's ring. */
struct merchant_week_day *merchant_tally_today(struct merchant_state *state);
/* The last seven days together. */
struct merchant_week_day merchant_tally_week(const struct merchant_state *state);
/* Those of them that came after `day`. */
struct merchant_week_day merchant_tally_week_after(const struct merchant_state *state, int32_t day);

/* The last thirty whole days together; `day_count`: those with business. */
struct merchant_history {
    uint32_t day_count, enquiries, sales, odds;
};
struct merchant_history merchant_tally_history(const struct merchant_state *state);
/* Whether there is enough of it to compare with. */
bool merchant_history_speaks(const struct merchant_history *history);

/* A sale's amount joins the day, and with it the month, and the usual amounts. */
void merchant_tally_sale(struct merchant_state *state, int64_t amount_minor);
/* A refund's amount joins the day. */
void merchant_tally_refund(struct merchant_state *state, int64_t amount_minor);
/* Turnover of the last MERCHANT_MONTH_DAYS. */
int64_t merchant_tally_month(const struct merchant_state *state);
/* What such a month was in the MERCHANT_BEFORE_DAYS before it, or in as many of them as the
 * merchant has been seen; 0 where that is less than a month, or nothing was sold. */
int64_t merchant_tally_month_before(const struct merchant_state *state);

/* Whether these bytes, read back from a file, can be a merchant's memory: nothing in it names a
 * place that does not exist, no sum is negative. */
bool merchant_tally_is_sound(const struct merchant_state *state);

/* value * times / scale, at most INT64_MAX; all three at least 0, scale above. */
int64_t merchant_tally_scaled(int64_t value, int64_t times, int64_t scale);
