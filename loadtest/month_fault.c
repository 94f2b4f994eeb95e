/* Who goes wrong, and what that adds to a day. See month_town.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/month_town.h"

#define TERMINALS_PER_INSTANCE 400 /* so many have one of each fault */
#define FAULT_FIRST_DAY 9          /* a week and some days are healthy: rules learn from them */
#define FAULT_LAST_DAYS 6          /* the last ones begin so long before the end */
#define VICTIM_TRIES 4000
#define SKIMMED_USE_DAYS                                                                           \
    3 /* copied cards are found lost and stolen on the days after the copying */

enum subject { TERMINAL, MERCHANT };
static const struct {
    const char *name;
    enum subject subject;
    int32_t days;
    double sales_min;
    const char *signals, *also;
} FAULTS[] = {
#define FAULT(name, subject, days, sales_min, signals, also, text)                                 \
    {#name, subject, days, sales_min, signals, also},
#include "loadtest/fleet_month.def"
#undef FAULT
};

bool month_plan_works(const struct month_plan *plan, enum month_fault fault, struct month_moment at)
{
    bool has_begun = at.day > plan->day || (at.day == plan->day && at.minute >= plan->minute);
    return plan->is_on && plan->fault == fault && has_begun && at.day <= plan->until_day;
}

/* --- cohorts -------------------------------------------------------------------------------- */

static bool cohort_has(const struct month_cohort_plan *cohort, const struct month *month,
                       uint32_t terminal)
{
    const struct month_terminal *own = &month->terminals[terminal];
    switch (cohort->by) {
    case MONTH_BY_FIRMWARE:
        return own->model == cohort->value && own->version == cohort->version;
    case MONTH_BY_MODEL:
        return own->model == cohort->value;
    case MONTH_BY_AGENT:
        return own->agent == cohort->value;
    case MONTH_BY_REGION:
        return own->region == cohort->value;
    case MONTH_BY_CHANNEL:
        return terminal % MONTH_CHANNEL_COUNT == cohort->value;
    }
    return false;
}

const struct month_cohort_plan *month_cohort_at(const struct month *month, uint32_t terminal,
                                                struct month_moment at)
{
    for (uint32_t i = 0; i < MONTH_COHORT_COUNT; i++) {
        const struct month_cohort_plan *cohort = &month->cohorts[i];
        if (cohort->day == at.day && at.minute >= cohort->from && at.minute < cohort->to &&
            cohort_has(cohort, month, terminal)) {
            return cohort;
        }
    }
    return NULL;
}

static void cohort_label(const struct month *month, const struct month_cohort_plan *cohort)
{
    static const char *const KINDS[] = {"FIRMWARE", "MODEL", "AGENT", "REGION", "CHANNEL"};
    const char *brand = MONTH_BRANDS[cohort->value % MONTH_MODEL_COUNT];
    const char *model = MONTH_MODELS[cohort->value % MONTH_MODEL_COUNT];
    FILE *file = month->labels;
    fprintf(file, "cohort,");
    switch (cohort->by) {
    case MONTH_BY_FIRMWARE:
        fprintf(file, "%s %s %s", brand, model,
                MONTH_VERSIONS[cohort->value % MONTH_MODEL_COUNT][cohort->version]);
        break;
    case MONTH_BY_MODEL:
        fprintf(file, "%s %s", brand, model);
        break;
    case MONTH_BY_AGENT:
        fprintf(file, "agent%02u", cohort->value + 1);
        break;
    case MONTH_BY_REGION:
        fprintf(file, "%u", 3101 + cohort->value);
        break;
    case MONTH_BY_CHANNEL:
        fprintf(file, "%s", MONTH_CHANNELS[cohort->value % MONTH_CHANNEL_COUNT]);
        break;
    }
    fprintf(file, ",%s,%s,T15,,%d,%" PRId64 ",%" PRId64 ",", KINDS[cohort->by],
            cohort->is_required ? "fleet" : "outage", cohort->is_required,
            month_wall_us((struct month_moment){cohort->day, cohort->from}),
            month_wall_us((struct month_moment){cohort->day, cohort->to}));
    for (uint32_t i = 0; i < month->options.terminal_count; i++) {
        if (cohort_has(cohort, month, i)) {
            fprintf(file, "%s ", month->terminals[i].id);
        }
    }
    fputc('\n', file);
}

/* One of each kind, some days apart; and an hour's outage of a channel early in the month. */
static void cohorts_plan(struct month *month)
{
    uint32_t sizes[] = {MONTH_MODEL_COUNT, MONTH_MODEL_COUNT, month->agent_count,
                        month->region_count, MONTH_CHANNEL_COUNT};
    int32_t step = ((int32_t)month->options.day_count - 9) / 5;
    for (uint32_t i = 0; i < MONTH_COHORT_COUNT; i++) {
        bool is_outage = i == MONTH_COHORT_COUNT - 1;
        uint32_t by = is_outage ? MONTH_BY_CHANNEL : i;
        month->cohorts[i] = (struct month_cohort_plan){
            .by = (enum month_cohort)by,
            .value = (uint32_t)draw_below(&month->draw, sizes[by]),
            .version = (uint32_t)draw_below(&month->draw, 2),
            .day = MONTH_FIRST_DAY + (is_outage ? 5 : 8 + step * (int32_t)i),
            .from = (uint16_t)(is_outage              ? 1080
                               : by == MONTH_BY_MODEL ? 0
                                                      : 540),
            .to = (uint16_t)(is_outage              ? 1140
                             : by == MONTH_BY_MODEL ? 1440
                                                    : 1260),
            .is_required = !is_outage,
        };
        cohort_label(month, &month->cohorts[i]);
    }
}

/* --- plans ---------------------------------------------------------------------------------- */

/* The last day that shows what went wrong: copied cards are used later, and a batch stays open over
 * days of rest. */
static int32_t last_day_of(const struct month *month, uint32_t merchant,
                           const struct month_plan *plan)
{
    int32_t end = MONTH_FIRST_DAY + (int32_t)month->options.day_count - 1;
    int32_t last = plan->until_day;
    if (plan->fault == MONTH_SKIMMING) {
        return last + SKIMMED_USE_DAYS;
    }
    if (plan->fault == MONTH_NOT_SETTLED) {
        do {
            last++;
        } while (last < end && !month_is_open(month, merchant, last));
    }
    return last;
}

static void label_write(const struct month *month, const char *subject_kind, const char *subject,
                        const struct month_plan *plan, int32_t last_day)
{
    const struct month_moment begin = {plan->day, plan->minute};
    const struct month_moment end = {last_day, 1440};
    fprintf(month->labels, "%s,%s,,%s,%s,%s,1,%" PRId64 ",%" PRId64 ",\n", subject_kind, subject,
            FAULTS[plan->fault].name, FAULTS[plan->fault].signals, FAULTS[plan->fault].also,
            month_wall_us(begin), month_wall_us(end));
}

/* Somebody else lives through it without fault: what is flagged there is right, and not asked for.
 */
static void bystander_label(const struct month *month, const char *subject_kind,
                            const char *subject, const struct month_plan *plan, const char *also)
{
    fprintf(month->labels, "%s,%s,,BESIDE_%s,,%s,0,%" PRId64 ",%" PRId64 ",\n", subject_kind,
            subject, FAULTS[plan->fault].name, also,
            month_wall_us((struct month_moment){plan->day, plan->minute}),
            month_wall_us((struct month_moment){plan->until_day + 14, 1440}));
}

static bool merchant_is_free(const struct month *month, uint32_t merchant)
{
    const struct month_merchant *own = &month->merchants[merchant];
    bool is_free = !own->plan.is_on;
    for (uint32_t i = 0; i < own->terminal_count; i++) {
        is_free = is_free && !month->terminals[own->first_terminal + i].plan.is_on;
    }
    return is_free;
}

static bool trade_suits(const struct month_merchant *own, enum month_fault fault)
{
    bool is_of_amounts =
        fault == MONTH_ROUND_AMOUNTS || fault == MONTH_CASH_OUT || fault == MONTH_STRUCTURING;
    if (fault == MONTH_ODD_HOURS) {
        return own->trade->opens != 0 && own->trade->closes <= 1380;
    }
    return !is_of_amounts || own->trade->sales * own->terminal_count < 120;
}

static bool others_suit(const struct month *month, uint32_t terminal, enum month_fault fault)
{
    const struct month_terminal *own = &month->terminals[terminal];
    uint32_t other = (terminal + month->options.terminal_count / 2) % month->options.terminal_count;
    bool needs_place = fault == MONTH_OUTSIDE_FENCE || fault == MONTH_TRAVEL;
    bool needs_other = fault == MONTH_SERIAL_SHARED;
    /* an owner has four shops, the last one of the town what is left */
    bool needs_shops = fault == MONTH_CARD_WANDERS;
    return (!needs_place || own->has_place) &&
           (!needs_shops || own->merchant / 4 * 4 + 3 < month->merchant_count) &&
           (!needs_other || merchant_is_free(month, month->terminals[other].merchant));
}

static bool victim_suits(const struct month *month, uint32_t terminal, enum month_fault fault,
                         int32_t day)
{
    uint32_t merchant = month->terminals[terminal].merchant;
    const struct month_merchant *own = &month->merchants[merchant];
    double sales = own->trade->sales * own->busy;
    sales *= FAULTS[fault].subject == MERCHANT ? own->terminal_count : 1;
    return merchant_is_free(month, merchant) && sales >= FAULTS[fault].sales_min &&
           month_is_open(month, merchant, day) && trade_suits(own, fault) &&
           others_suit(month, terminal, fault);
}

static void victim_mark(struct month *month, uint32_t terminal, const struct month_plan *plan)
{
    struct month_terminal *own = &month->terminals[terminal];
    struct month_merchant *merchant = &month->merchants[own->merchant];
    uint32_t other = (terminal + month->options.terminal_count / 2) % month->options.terminal_count;
    int32_t last_day = last_day_of(month, own->merchant, plan);
    if (FAULTS[plan->fault].subject == MERCHANT) {
        merchant->plan = *plan;
        label_write(month, "merchant", merchant->id, plan, last_day);
        return;
    }
    own->plan = *plan;
    label_write(month, "terminal", own->id, plan, last_day);
    if (plan->fault == MONTH_SERIAL_SHARED) {
        bystander_label(month, "terminal", month->terminals[other].id, plan, "L7");
    }
}

static void instance_plan(struct month *month, enum month_fault fault)
{
    int32_t end = MONTH_FIRST_DAY + (int32_t)month->options.day_count - 1;
    uint64_t span = month->options.day_count - FAULT_FIRST_DAY - FAULT_LAST_DAYS + 1;
    bool is_slow = FAULTS[fault].days == 0 || FAULTS[fault].days > 5;
    bool is_sudden = FAULTS[fault].subject == TERMINAL && FAULTS[fault].days == 1;
    span = is_slow ? 1 + span / 3 : span;
    for (uint32_t tried = 0; tried < VICTIM_TRIES; tried++) {
        uint32_t terminal = (uint32_t)draw_below(&month->draw, month->options.terminal_count);
        int32_t day = MONTH_FIRST_DAY + FAULT_FIRST_DAY + (int32_t)draw_below(&month->draw, span);
        if (!victim_suits(month, terminal, fault, day)) {
            continue;
        }
        int32_t last = day + FAULTS[fault].days - 1;
        struct month_plan plan = {.is_on = true,
                                  .fault = fault,
                                  .day = day,
                                  .minute = is_sudden ? 600 : 0,
                                  .until_day = FAULTS[fault].days == 0 || last > end ? end : last};
        victim_mark(month, terminal, &plan);
        return;
    }
}

void month_faults_plan(struct month *month)
{
    uint32_t instances = month->options.terminal_count / TERMINALS_PER_INSTANCE;
    fprintf(month->labels,
            "subject_kind,subject,cohort,kind,signals,also,required,start_us,end_us,terminals\n");
    cohorts_plan(month);
    for (uint32_t fault = 0; fault < MONTH_FAULT_COUNT; fault++) {
        for (uint32_t i = 0; i < (instances == 0 ? 1 : instances); i++) {
            instance_plan(month, (enum month_fault)fault);
        }
    }
}

/* --- what a terminal's fault adds ------------------------------------------------------------ */

struct burst {
    const char *kind, *detail;
    uint32_t count;
    double minutes; /* between two */
};

static void burst_play(struct month *month, uint32_t terminal, struct month_moment at,
                       const struct burst *burst)
{
    for (uint32_t i = 0; i < burst->count; i++) {
        at.minute += burst->minutes * (0.5 + month_draw_unit(month));
        struct month_row row = month_row_make(month, terminal, at, false);
        row.kind = burst->kind;
        row.detail = burst->detail;
        month_row_add(month, &row);
    }
}

static void signon_burst(struct month *month, uint32_t terminal, struct month_moment at)
{
    burst_play(month, terminal, at, &(struct burst){"SIGNED_ON", "NONE", 1, 0.1});
    at.minute += 1;
    burst_play(month, terminal, at, &(struct burst){"ODD", "KEYS_LOST", 5, 3});
}

static void cards_try(struct month *month, uint32_t terminal, struct month_moment at, bool is_pin)
{
    uint32_t card = 900000000 + terminal * 100;
    for (uint32_t i = 0; i < (is_pin ? 5u : 30u); i++) {
        at.minute += is_pin ? 1.2 : 2.5;
        struct month_sale sale = {.payment = "purchase",
                                  .amount_minor = is_pin ? 80000 : 100 + (int64_t)i * 7,
                                  .card = is_pin ? card : card + i,
                                  .entry_mode = "051",
                                  .response_code = is_pin                       ? "55"
                                                   : month_draw_hits(month, 90) ? "05"
                                                                                : "00"};
        (void)month_sale_play(month, terminal, at, &sale);
    }
}

void month_fault_terminal(struct month *month, uint32_t terminal, int32_t day)
{
    static const struct {
        enum month_fault fault;
        struct burst burst;
    } BURSTS[] = {
        {MONTH_NO_SIGNON, {"REFUSED", "NOT_SIGNED_ON", 6, 4}},
        {MONTH_MAC_FAILURES, {"SIGHTING", "MAC_FAILED", 6, 4}},
        {MONTH_MALFORMED, {"SIGHTING", "MALFORMED", 20, 2}},
        {MONTH_MERCHANT_DIFFERS, {"REFUSED", "MERCHANT_MISMATCH", 2, 5}},
        {MONTH_TLS_FAILURES, {"SIGHTING", "TLS_FAILED", 9, 4}},
        {MONTH_CERTIFICATE_ENDS, {"SIGHTING", "CERTIFICATE_14", 1, 4}},
    };
    const struct month_plan *plan = &month->terminals[terminal].plan;
    struct month_moment at = {day, 840 + 120 * month_draw_unit(month)};
    for (uint32_t i = 0; i < sizeof BURSTS / sizeof BURSTS[0]; i++) {
        if (month_plan_works(plan, BURSTS[i].fault, at)) {
            burst_play(month, terminal, at, &BURSTS[i].burst);
        }
    }
    if (month_plan_works(plan, MONTH_KEYS_LOST, at)) {
        signon_burst(month, terminal, at);
    } else if (month_plan_works(plan, MONTH_DECLINES, at)) {
        cards_try(month, terminal, at, false);
    } else if (month_plan_works(plan, MONTH_WRONG_PINS, at)) {
        cards_try(month, terminal, at, true);
    }
}

/* --- what a merchant's fault adds ------------------------------------------------------------ */

struct series {
    const char *payment;
    uint32_t count, card; /* card 0: another each time */
    int64_t least_minor, most_minor, step_minor;
    double from, minutes; /* of the day; between two */
};

static void series_play(struct month *month, uint32_t merchant, int32_t day,
                        const struct series *series)
{
    uint32_t terminal = month->merchants[merchant].first_terminal;
    struct month_moment at = {day, series->from};
    for (uint32_t i = 0; i < series->count; i++) {
        at.minute += series->minutes * (0.7 + 0.6 * month_draw_unit(month));
        uint64_t steps =
            (uint64_t)((series->most_minor - series->least_minor) / series->step_minor + 1);
        struct month_sale sale = {
            .payment = series->payment,
            .card =
                series->card != 0 ? series->card : month_draw_card(month, merchant, at) / 2 * 2 + 2,
            .amount_minor =
                series->least_minor + series->step_minor * (int64_t)draw_below(&month->draw, steps),
            .entry_mode = "051",
            .response_code = "00"};
        (void)month_sale_play(month, terminal, at, &sale);
    }
}

/* Three days it copies cards; a week later they are lost, and used at another shop. */
static void skimming_play(struct month *month, uint32_t merchant, int32_t day)
{
    const struct month_plan *plan = &month->merchants[merchant].plan;
    uint32_t card = 950000000 + merchant * 512;
    double sales =
        month_sales(month, merchant, plan->day) * month->merchants[merchant].terminal_count;
    uint32_t copied = 8 + (uint32_t)(sales * 0.12); /* a small part of three days' cards */
    uint32_t elsewhere = (merchant + 7) % month->merchant_count;
    bool is_copied = month_plan_works(plan, MONTH_SKIMMING, (struct month_moment){day, 900});
    bool is_used = plan->is_on && plan->fault == MONTH_SKIMMING && day >= plan->until_day + 1 &&
                   day <= plan->until_day + SKIMMED_USE_DAYS;
    for (uint32_t i = 0; i < copied && i < 512 && (is_copied || is_used); i++) {
        struct month_sale sale = {.payment = "purchase",
                                  .card = card + i,
                                  .amount_minor = 5000 + 100 * (int64_t)i,
                                  .entry_mode = "051",
                                  .response_code = is_copied ? "00" : "43"};
        bool is_due = is_copied ? (int32_t)(i % 3) == day - plan->day
                                : (int32_t)(i % 3) == day - plan->until_day - 1;
        uint32_t at = is_copied ? merchant : elsewhere;
        double opens = month->merchants[at].trade->opens; /* a bar has no customers at noon */
        double minute = (opens < 800 ? 800 : opens) + i * 11 % 400;
        if (is_due) {
            (void)month_sale_play(month, month->merchants[at].first_terminal,
                                  (struct month_moment){day, minute}, &sale);
            if (is_used) {
                bystander_label(month, "merchant", month->merchants[at].id, plan, "C11");
            }
        }
    }
}

static void wandering_play(struct month *month, uint32_t merchant, int32_t day)
{
    const struct month_plan *plan = &month->merchants[merchant].plan;
    uint32_t first = merchant / 4 * 4;
    for (uint32_t i = 0; i < 4 && first + i < month->merchant_count; i++) {
        uint32_t at = first + (merchant + 1 + i) % 4; /* its own is the last */
        if (at < month->merchant_count) {
            series_play(month, at, day,
                        &(struct series){"purchase", 1, 970000000 + merchant, 10000 + 100 * i,
                                         10000 + 100 * i, 1, 700 + 40.0 * i, 5});
            bystander_label(month, "merchant", month->merchants[at].id, plan, "C20");
        }
    }
}

/* What the switch refuses a merchant; nothing is sold by it. */
struct refusals {
    const char *detail, *payment, *response_code;
    uint32_t count, card; /* card 0: another each time */
};

static void refusals_play(struct month *month, uint32_t merchant, struct month_moment at,
                          const struct refusals *refusals)
{
    for (uint32_t i = 0; i < refusals->count; i++) {
        at.minute += 20 * (0.5 + month_draw_unit(month));
        struct month_row row =
            month_row_make(month, month->merchants[merchant].first_terminal, at, true);
        row.kind = "REFUSED";
        row.detail = refusals->detail;
        row.payment = refusals->payment;
        row.response_code = refusals->response_code;
        row.entry_mode = "051";
        row.card = refusals->card != 0 ? refusals->card : month_draw_card(month, merchant, at);
        row.amount_minor = month_draw_amount(month, &month->merchants[merchant]);
        month_row_add(month, &row);
    }
}

static bool refusals_of(enum month_fault fault, uint32_t merchant, struct refusals *refusals)
{
    if (fault == MONTH_OTHER_CARD) {
        *refusals = (struct refusals){"OTHER_CARD", "refund", "25", 3, 980000001 + merchant};
        return true;
    }
    if (fault == MONTH_MERCHANT_LISTED) {
        *refusals = (struct refusals){"MERCHANT_LISTED", "purchase", "03", 6, 0};
        return true;
    }
    return false;
}

/* Amounts that follow from what the merchant is. */
static bool series_of(const struct month *month, uint32_t merchant, struct series *series)
{
    const struct month_merchant *own = &month->merchants[merchant];
    int64_t most = own->single_max_minor, usual = (int64_t)(own->yuan * 100);
    double opens = own->trade->opens == 0 ? 600 : own->trade->opens;
    double sales = own->trade->sales * own->busy * own->terminal_count;
    uint32_t many = 8 + (uint32_t)(sales * 0.6), enquiries = 30 + (uint32_t)(sales * 0.1);
    const struct {
        enum month_fault fault;
        struct series series;
    } rows[] = {
        {MONTH_SAME_CARD, {"purchase", 5, 960000001 + merchant, usual, usual, 1, opens + 90, 9}},
        {MONTH_OWN_CARD,
         {"purchase", 2, month_owner_card(merchant), 2 * usual, 3 * usual, 100, opens + 90, 90}},
        {MONTH_ODD_HOURS, {"purchase", 8, 0, usual / 2, usual, 100, 130, 9}},
        {MONTH_STRUCTURING,
         {"purchase", many, 0, most * 96 / 100, most * 999 / 1000, 100, opens + 60, 5}},
        {MONTH_CASH_OUT, {"purchase", 4, 0, 800000, 2000000, 100000, opens + 60, 70}},
        {MONTH_REFUNDS, {"refund", many, 0, usual, 2 * usual, 100, opens + 120, 4}},
        {MONTH_ENQUIRIES, {"balance", enquiries, 0, 0, 0, 1, opens + 100, 5}},
        {MONTH_AMOUNT_UNUSUAL, {"purchase", 1, 0, most * 3, most * 3, 1, opens + 100, 5}},
    };
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].fault == own->plan.fault) {
            *series = rows[i].series;
            return true;
        }
    }
    return false;
}

void month_fault_merchant(struct month *month, uint32_t merchant, int32_t day)
{
    const struct month_plan *plan = &month->merchants[merchant].plan;
    const struct month_moment noon = {day, 1000};
    const double opens = month->merchants[merchant].trade->opens;
    struct series series;
    struct refusals refusals;
    if (!plan->is_on) {
        return;
    }
    if (plan->fault == MONTH_SKIMMING) {
        skimming_play(month, merchant, day);
    } else if (month_plan_works(plan, MONTH_CARD_WANDERS, noon)) {
        wandering_play(month, merchant, day);
    } else if (!month_is_open(month, merchant, day)) {
        return; /* nor does it settle then */
    } else if (month_plan_works(plan, plan->fault, noon) && series_of(month, merchant, &series)) {
        series_play(month, merchant, day, &series);
    } else if (month_plan_works(plan, plan->fault, noon) &&
               refusals_of(plan->fault, merchant, &refusals)) {
        refusals_play(month, merchant, (struct month_moment){day, opens == 0 ? 700 : opens + 60},
                      &refusals);
    }
}
