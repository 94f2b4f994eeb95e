/* A day of each terminal: sign-on, sales, settlement. See month_town.h. */
#include <stdlib.h>
#include <string.h>

#include "loadtest/month_town.h"
#include "protocols/device_note.h"

#define DAY_SALES_MAX 1000
#define HOUR_MINUTES 60.0

/* --- one request --------------------------------------------------------------------------- */

static const char *outcome_draw(struct month *month)
{
    static const char *const CODES[] = {"51", "51", "51", "55", "55", "61", "05", "54", "14"};
    return month_draw_hits(month, 97)
               ? "00"
               : CODES[draw_below(&month->draw, sizeof CODES / sizeof CODES[0])];
}

/* Whether no answer comes in time: now and then anywhere, mostly where something is broken. */
static bool is_late(struct month *month, uint32_t terminal, struct month_moment at)
{
    const struct month_terminal *own = &month->terminals[terminal];
    const struct month_cohort_plan *cohort = month_cohort_at(month, terminal, at);
    double percent = month_plan_works(&own->plan, MONTH_TIMEOUTS, at) ? 75 : 0.05;
    if (cohort != NULL && (cohort->by == MONTH_BY_CHANNEL || cohort->by == MONTH_BY_REGION)) {
        percent = cohort->by == MONTH_BY_CHANNEL ? 80 : 35;
    }
    return month_draw_hits(month, percent);
}

static void self_change(struct month *month, struct month_row *row, struct month_moment at)
{
    const struct month_terminal *own = &month->terminals[row->terminal];
    const struct month_plan *plan = &own->plan;
    uint32_t other =
        (row->terminal + month->options.terminal_count / 2) % month->options.terminal_count;
    if (month_plan_works(plan, MONTH_SERIAL_DIFFERS, at)) {
        row->serial = own->other_serial;
    } else if (month_plan_works(plan, MONTH_SERIAL_SHARED, at)) {
        row->serial = month->terminals[other].serial;
    } else if (month_plan_works(plan, MONTH_FIRMWARE_OLD, at)) {
        row->firmware = "1.0.0";
    } else if (month_plan_works(plan, MONTH_OUTSIDE_FENCE, at) && own->has_place) {
        row->latitude_e3 += 30;
    } else if (month_plan_works(plan, MONTH_TRAVEL, at) && own->has_place &&
               row->request % 2 == 0) {
        row->latitude_e3 -= 8500;
    }
}

static void row_put(struct month *month, struct month_row *row, const char *kind,
                    const char *detail)
{
    row->kind = kind;
    row->detail = detail;
    month_row_add(month, row);
}

static void ended_put(struct month *month, struct month_row *row, const char *code)
{
    bool is_unknown = strcmp(code, "98") == 0;
    row->response_code = code;
    row_put(month, row, "ENDED",
            is_unknown                ? "UNKNOWN"
            : strcmp(code, "00") == 0 ? "APPROVED"
                                      : "DECLINED");
    if (is_unknown) {
        row_put(month, row, "REVERSED", "BY_SWITCH");
        row->wall_us += 900000;
        row_put(month, row, "UNDONE", "NONE");
    }
}

bool month_sale_play(struct month *month, uint32_t terminal, struct month_moment at,
                     const struct month_sale *sale)
{
    struct month_terminal *own = &month->terminals[terminal];
    bool leaps = month_plan_works(&own->plan, MONTH_TRACE_JUMP, at) && month_draw_hits(month, 30);
    struct month_row row = month_row_make(month, terminal, at, true);
    row.request = ++own->requests;
    row.leap = leaps ? 5000 : 1;
    self_change(month, &row, at);
    row.payment = sale->payment;
    row.channel = terminal % MONTH_CHANNEL_COUNT;
    row.card = sale->card;
    row.amount_minor = sale->amount_minor;
    row.entry_mode = sale->entry_mode;
    if (strcmp(sale->entry_mode, "801") == 0) {
        row.device_flags |= DEVICE_NOTE_FALLBACK;
    }
    row_put(month, &row, "ASKED", "NONE");
    row.device_flags = row.cell = 0;
    row.latitude_e3 = row.longitude_e3 = 0;
    row.serial = row.firmware = "";
    bool late = is_late(month, terminal, at);
    const char *code = late                          ? "98"
                       : sale->response_code != NULL ? sale->response_code
                                                     : outcome_draw(month);
    row.wall_us += late ? 20000000 : 150000 + (int64_t)draw_below(&month->draw, 900000);
    ended_put(month, &row, code);
    return strcmp(code, "00") == 0;
}

/* --- what customers do ---------------------------------------------------------------------- */

static const char *entry_draw(struct month *month, uint32_t terminal, struct month_moment at)
{
    const struct month_terminal *own = &month->terminals[terminal];
    const struct month_plan *of_merchant = &month->merchants[own->merchant].plan;
    if (month_plan_works(&own->plan, MONTH_FALLBACK, at) && month_draw_hits(month, 25)) {
        return "801";
    }
    if (month_plan_works(of_merchant, MONTH_KEYED_IN, at) && month_draw_hits(month, 60)) {
        return "012";
    }
    double drawn = month_draw_unit(month);
    return drawn < 0.004 ? "801" : drawn < 0.006 ? "012" : drawn < 0.45 ? "071" : "051";
}

static void reversed_put(struct month *month, uint32_t terminal, struct month_moment at,
                         const struct month_sale *sale)
{
    struct month_row row = month_row_make(month, terminal, at, false);
    row.payment = sale->payment;
    row.channel = terminal % MONTH_CHANNEL_COUNT;
    row.request = month->terminals[terminal].requests;
    row.card = sale->card;
    row.amount_minor = sale->amount_minor;
    row_put(month, &row, "REVERSED", "BY_TERMINAL");
    row.wall_us += 700000;
    row_put(month, &row, "UNDONE", "NONE");
}

/* After a sale: torn paper, a voided slip, or goods that come back. */
static void after_sale(struct month *month, uint32_t terminal, struct month_moment at,
                       struct month_sale sale)
{
    const struct month_terminal *own = &month->terminals[terminal];
    const struct month_merchant *merchant = &month->merchants[own->merchant];
    const struct month_cohort_plan *cohort = month_cohort_at(month, terminal, at);
    bool tears = month_plan_works(&own->plan, MONTH_REVERSALS, at);
    bool is_of_software = cohort != NULL && cohort->by == MONTH_BY_FIRMWARE;
    struct month_moment later = {at.day, at.minute + 0.5};
    if (month_draw_hits(month, tears ? 45 : is_of_software ? 40 : 0.2)) {
        reversed_put(month, terminal, later, &sale);
    } else if (month_draw_hits(month, 0.8)) {
        sale.payment = "void";
        sale.response_code = "00";
        month_sale_play(month, terminal, later, &sale);
    } else if (draw_below(&month->draw, 1000) < merchant->trade->refund_per_mille) {
        sale.payment = "refund";
        sale.card = month_draw_card(month, own->merchant, later);
        sale.amount_minor = month_draw_amount(month, merchant);
        month_sale_play(month, terminal, later, &sale);
    }
}

static void customer_play(struct month *month, uint32_t terminal, struct month_moment at)
{
    const struct month_terminal *own = &month->terminals[terminal];
    const struct month_merchant *merchant = &month->merchants[own->merchant];
    struct month_sale sale = {.payment = month_draw_hits(month, 0.4) ? "balance" : "purchase",
                              .card = month_draw_card(month, own->merchant, at),
                              .entry_mode = entry_draw(month, terminal, at)};
    sale.amount_minor = sale.payment[0] == 'b' ? 0 : month_draw_amount(month, merchant);
    if (month_plan_works(&merchant->plan, MONTH_ROUND_AMOUNTS, at) && month_draw_hits(month, 90)) {
        sale.amount_minor = 100000 * (1 + (int64_t)draw_below(&month->draw, 4));
        sale.payment = "purchase";
    }
    bool is_done = month_sale_play(month, terminal, at, &sale);
    if (is_done && sale.payment[0] == 'p') {
        after_sale(month, terminal, at, sale);
    } else if (!is_done && month_draw_hits(month, 70)) {
        /* Once more: another PIN, or the same again. */
        struct month_moment again = {at.day, at.minute + 1};
        (void)month_sale_play(month, terminal, again, &sale);
    }
}

/* --- a terminal's day ----------------------------------------------------------------------- */

static int double_compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b ? 1 : 0;
}

/* Lunch and evening are busy, nights are not. */
static double busyness(double minute, bool is_all_day)
{
    double of_day = minute >= 1440 ? minute - 1440 : minute;
    bool is_peak = (of_day >= 690 && of_day < 810) || (of_day >= 1050 && of_day < 1200);
    return is_all_day && of_day < 360 ? 0.15 : is_peak ? 1 : 0.45;
}

static uint32_t sales_draw(struct month *month, uint32_t terminal, int32_t day, double *minutes)
{
    uint32_t merchant = month->terminals[terminal].merchant;
    const struct month_merchant *own = &month->merchants[merchant];
    bool is_all_day = own->trade->opens == 0 && own->trade->closes == 0;
    double opens = own->trade->opens, span = is_all_day ? 1439 : own->trade->closes - opens - 3;
    double mean = month_sales(month, merchant, day);
    struct month_moment noon = {day, 720};
    mean *= month_plan_works(&own->plan, MONTH_TURNOVER_JUMP, noon) ? MONTH_JUMP_TIMES : 1;
    mean *= month_plan_works(&own->plan, MONTH_CASH_OUT, noon) ? 0 : 1;
    uint32_t count = month_draw_count(month, mean > 600 ? 600 : mean);
    count = count > DAY_SALES_MAX ? DAY_SALES_MAX : count;
    for (uint32_t i = 0; i < count; i++) {
        do {
            minutes[i] = opens + span * month_draw_unit(month);
        } while (month_draw_unit(month) > busyness(minutes[i], is_all_day));
    }
    qsort(minutes, count, sizeof *minutes, double_compare);
    return count;
}

static void signon_play(struct month *month, uint32_t terminal, struct month_moment at)
{
    const struct month_terminal *own = &month->terminals[terminal];
    const struct month_cohort_plan *cohort =
        month_cohort_at(month, terminal, (struct month_moment){at.day, 720});
    struct month_row row = month_row_make(month, terminal, at, true);
    self_change(month, &row, at);
    if (month_draw_hits(month, 1.5)) {
        struct month_row failed = month_row_make(month, terminal, at, false);
        row_put(month, &failed, "SIGHTING", "TLS_FAILED");
    }
    if (month_plan_works(&own->plan, MONTH_CLOCK_OFF, at)) {
        struct month_row off = month_row_make(month, terminal, at, false);
        off.clock_ahead_s = 900;
        row_put(month, &off, "ODD", "CLOCK_OFF");
    }
    row_put(month, &row, "SIGNED_ON", "NONE");
    row.wall_us += 2000000;
    bool is_of_model = cohort != NULL && cohort->by == MONTH_BY_MODEL && month_draw_hits(month, 60);
    row.faulty = month_plan_works(&own->plan, MONTH_DEVICE_FAULTY, at) ? 1 : is_of_model ? 16 : 0;
    row_put(month, &row, "STATUS", "NONE");
}

static void settlement_play(struct month *month, uint32_t terminal, struct month_moment at)
{
    const struct month_terminal *own = &month->terminals[terminal];
    if (month_plan_works(&own->plan, MONTH_NOT_SETTLED, at)) {
        return;
    }
    struct month_row row = month_row_make(month, terminal, at, false);
    bool differs =
        month_plan_works(&own->plan, MONTH_TOTALS_DIFFER, at) || month_draw_hits(month, 0.1);
    row_put(month, &row, "SETTLED", differs ? "TOTALS_DIFFER" : "TOTALS_EQUAL");
    row.wall_us += 500000;
    row_put(month, &row, "BATCH_ENDED", "NONE");
}

/* What a cohort's fault makes of an hour, apart from its sales. */
static void cohort_hour_play(struct month *month, uint32_t terminal, struct month_moment at)
{
    const struct month_cohort_plan *cohort = month_cohort_at(month, terminal, at);
    if (cohort == NULL || cohort->by == MONTH_BY_CHANNEL || !month_draw_hits(month, 35)) {
        return;
    }
    struct month_row row = month_row_make(month, terminal, at, false);
    row_put(month, &row, cohort->by == MONTH_BY_AGENT ? "REFUSED" : "SIGHTING",
            cohort->by == MONTH_BY_AGENT    ? "NOT_SIGNED_ON"
            : cohort->by == MONTH_BY_REGION ? "TLS_FAILED"
                                            : "MALFORMED");
}

static void terminal_day(struct month *month, uint32_t terminal, int32_t day)
{
    static double minutes[DAY_SALES_MAX];
    struct month_terminal *own = &month->terminals[terminal];
    const struct month_trade *trade = month->merchants[own->merchant].trade;
    bool is_all_day = trade->opens == 0 && trade->closes == 0;
    double opens = is_all_day ? 5 * HOUR_MINUTES : trade->opens;
    double closes = is_all_day ? 23 * HOUR_MINUTES : trade->closes;
    uint32_t count = sales_draw(month, terminal, day, minutes), next = 0;
    struct month_moment signon = {day, opens - 20 + 15 * month_draw_unit(month)};
    struct month_moment end = {day, closes + 5 + 15 * month_draw_unit(month)};
    double hour = opens + HOUR_MINUTES * month_draw_unit(month);
    bool is_signed_on = false, is_settled = false;
    for (int32_t step = 0; step < 1700; step++) {
        double minute = step;
        if (!is_signed_on && minute > signon.minute) {
            signon_play(month, terminal, signon);
            is_signed_on = true;
        }
        if (!is_settled && minute > end.minute) {
            settlement_play(month, terminal, end);
            is_settled = true;
        }
        for (; minute > hour && hour < closes; hour += HOUR_MINUTES) {
            cohort_hour_play(month, terminal, (struct month_moment){day, hour});
        }
        for (; next < count && minutes[next] < minute; next++) {
            struct month_moment at = {day, minutes[next]};
            if (!month_plan_works(&own->plan, MONTH_SILENT, at)) {
                customer_play(month, terminal, at);
            }
        }
    }
    month->terminal_days++;
}

void month_day_play(struct month *month, int32_t day)
{
    for (uint32_t i = 0; i < month->options.terminal_count; i++) {
        struct month_terminal *own = &month->terminals[i];
        struct month_moment noon = {day, 1439};
        if (month_is_open(month, own->merchant, day) &&
            !month_plan_works(&own->plan, MONTH_SILENT, noon)) {
            terminal_day(month, i, day);
        }
        month_fault_terminal(month, i, day);
    }
    for (uint32_t i = 0; i < month->merchant_count; i++) {
        month_fault_merchant(month, i, day);
    }
}
