/* The town of a fleet's month: merchants, terminals, their trade, and the rows that they leave.
 * Inside of fleet_month. Days count from 1970 in China's time; minutes may pass 1440. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "loadtest/draw.h"
#include "loadtest/fleet_month.h"

#define MONTH_FIRST_DAY 20556 /* 2026-04-13, a Monday */
#define MONTH_CHANNEL_COUNT 3
#define MONTH_MODEL_COUNT 4
#define MONTH_NONE UINT32_MAX
#define MONTH_STAN_COUNT 64

enum month_fault {
#define FAULT(name, subject, days, sales_min, signals, also, text) MONTH_##name,
#include "loadtest/fleet_month.def"
#undef FAULT
    MONTH_FAULT_COUNT
};

struct month_trade {
    char mcc[5];
    int16_t opens, closes; /* both 0: day and night */
    double sales;          /* a terminal and day */
    double yuan, spread;   /* median amount, sigma of its logarithm */
    uint32_t refund_per_mille;
    bool rests_at_weekends;
    double weekend; /* times the business */
};

/* Something goes wrong with a terminal or merchant from `day` on. */
struct month_plan {
    bool is_on;
    enum month_fault fault;
    int32_t day, until_day; /* the last */
    uint16_t minute;
};

struct month_merchant {
    char id[16], owner[17];
    const struct month_trade *trade;
    uint32_t first_terminal, terminal_count;
    double busy; /* of the trade's sales */
    double yuan;
    int64_t single_max_minor, month_minor;
    int8_t rests_on; /* weekday 0..6 from Monday; -1: none */
    bool rests_on_holidays;
    struct month_plan plan;
};

struct month_terminal {
    char id[9], serial[21];
    char other_serial[21]; /* of a device that takes its place */
    const char *firmware;
    uint32_t merchant, model, version, agent, region;
    int32_t latitude_e3, longitude_e3;
    bool has_place;
    uint32_t requests; /* so far; each has its place among the days' */
    /* as they are when rows are written, in the order of time */
    uint32_t batch, stan;
    uint32_t stans[MONTH_STAN_COUNT]; /* of the last requests, by their number */
    struct month_plan plan;
};

struct month_moment {
    int32_t day;
    double minute;
};

/* One row, all of it. Texts are constants or the town's. */
struct month_row {
    int64_t wall_us;
    uint64_t order;
    const char *kind, *detail, *payment;
    uint32_t terminal, channel; /* channel: MONTH_NONE, none */
    const char *merchant_id;
    uint32_t request,
        leap; /* of the terminal, from 1; 0: none. ASKED: the trace number moves by leap */
    uint32_t card, count, cell, faulty, device_flags;
    int64_t amount_minor;
    const char *entry_mode, *response_code, *serial, *firmware;
    int32_t latitude_e3, longitude_e3, clock_ahead_s;
};

/* A fault of a cohort: it begins at a day's `from` and lasts until `to`, in minutes. */
enum month_cohort {
    MONTH_BY_FIRMWARE,
    MONTH_BY_MODEL,
    MONTH_BY_AGENT,
    MONTH_BY_REGION,
    MONTH_BY_CHANNEL
};
struct month_cohort_plan {
    enum month_cohort by;
    uint32_t value, version; /* version: of a firmware */
    int32_t day;
    uint16_t from, to;
    bool is_required; /* the rules must find it; an outage of an hour they may */
};
#define MONTH_COHORT_COUNT 6

struct month {
    struct fleet_month_options options;
    struct draw draw;
    uint32_t merchant_count, agent_count, region_count;
    struct month_merchant *merchants; /* owner */
    struct month_terminal *terminals; /* owner */
    struct month_cohort_plan cohorts[MONTH_COHORT_COUNT];
    struct month_row *rows; /* owner: those not yet written */
    uint32_t row_count, row_count_max;
    uint64_t order, position, terminal_days;
    bool is_broken; /* no memory */
    FILE *observations;
    FILE *labels;
};

/* --- chance */
double month_draw_unit(struct month *month); /* 0 .. 1 */
bool month_draw_hits(struct month *month, double percent);
uint32_t month_draw_count(struct month *month, double mean);                           /* Poisson */
int64_t month_draw_amount(struct month *month, const struct month_merchant *merchant); /* fen */
/* Somebody who pays there then. More business than usual comes from others than the regulars. */
uint32_t month_draw_card(struct month *month, uint32_t merchant, struct month_moment at);

/* --- the town */
/* False: no memory. */
bool month_town_build(struct month *month);
void month_town_free(struct month *month);
void month_facts_write(const struct month *month, FILE *file);
/* anomalies.yaml with the month's holidays, which are known to everybody. */
void month_rules_write(FILE *file);
bool month_is_holiday(int32_t day);
/* Whether its shop is open at all on that day. */
bool month_is_open(const struct month *month, uint32_t merchant, int32_t day);
double month_sales(const struct month *month, uint32_t merchant, int32_t day); /* a terminal */
extern const char *const MONTH_CHANNELS[MONTH_CHANNEL_COUNT];
extern const char *const MONTH_BRANDS[MONTH_MODEL_COUNT], *const MONTH_MODELS[MONTH_MODEL_COUNT];
extern const char *const MONTH_VERSIONS[MONTH_MODEL_COUNT][2];

/* The number of a card that the merchant's owner has; nobody else draws it. */
uint32_t month_owner_card(uint32_t merchant);

/* --- rows */
/* A card's hash in 32 hex digits, as files show it. */
void month_card_hash_write(FILE *file, uint32_t card);
/* A row of a terminal of which nothing is said yet; `is_told`: it tells of itself. */
struct month_row month_row_make(const struct month *month, uint32_t terminal,
                                struct month_moment at, bool is_told);
void month_row_add(struct month *month, const struct month_row *row);
/* Writes those before `wall_us` in their order and forgets them. */
void month_rows_write(struct month *month, int64_t wall_us);
void month_header_write(FILE *file);
int64_t month_wall_us(struct month_moment at);

/* --- faults */
/* Who goes wrong, how and when; writes labels. */
void month_faults_plan(struct month *month);
/* What a fault of its own adds to a terminal's or merchant's day. */
void month_fault_terminal(struct month *month, uint32_t terminal, int32_t day);
void month_fault_merchant(struct month *month, uint32_t merchant, int32_t day);
/* Whether `fault` is at work there then. */
#define MONTH_JUMP_TIMES 5 /* the business, under TURNOVER_JUMP */
bool month_plan_works(const struct month_plan *plan, enum month_fault fault,
                      struct month_moment at);
/* The cohort's fault that a terminal lives through then; NULL: none. */
const struct month_cohort_plan *month_cohort_at(const struct month *month, uint32_t terminal,
                                                struct month_moment at);

/* --- a day */
/* What becomes of one request. */
struct month_sale {
    const char *payment;
    int64_t amount_minor;
    uint32_t card;
    const char *entry_mode, *response_code; /* response_code NULL: as it comes */
};
/* Asked and ended; true: approved. */
bool month_sale_play(struct month *month, uint32_t terminal, struct month_moment at,
                     const struct month_sale *sale);
void month_day_play(struct month *month, int32_t day);
