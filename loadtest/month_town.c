/* Merchants, terminals, chance. See month_town.h. */
#include "loadtest/month_town.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TERMINALS_PER_AGENT_MIN 40
#define REGULARS 400          /* cards that come again to one merchant */
#define REGULARS_PERCENT 45.0 /* of a usual day's sales */
#define STRANGERS 250 /* cards a terminal that come to any: as many as there are in the country */
#define OWNER_CARD_FIRST 990000000u
#define LABOUR_DAY 20574 /* 2026-05-01; five days */
#define LABOUR_DAYS 5

const char *const MONTH_CHANNELS[MONTH_CHANNEL_COUNT] = {"bank_a", "bank_b", "bank_c"};
const char *const MONTH_BRANDS[MONTH_MODEL_COUNT] = {"landi", "pax", "newland", "verifone"};
const char *const MONTH_MODELS[MONTH_MODEL_COUNT] = {"E350", "S90", "SP60", "X990"};
const char *const MONTH_VERSIONS[MONTH_MODEL_COUNT][2] = {
    {"3.1.0", "3.2.4"}, {"1.8.2", "1.9.0"}, {"5.0.1", "5.0.7"}, {"2.4.0", "2.6.1"}};

static const struct month_trade TRADES[] = {
    {"5499", 420, 1380, 30, 28, 0.7, 1, false, 1.2},
    {"5411", 480, 1320, 90, 85, 0.8, 4, false, 1.6},
    {"5812", 630, 1320, 26, 170, 0.6, 2, false, 1.6},
    {"5814", 390, 1260, 45, 26, 0.5, 1, false, 1.1},
    {"5944", 570, 1260, 6, 2600, 0.7, 12, false, 1.5},
    {"7011", 0, 0, 14, 380, 0.6, 8, false, 1.3},
    {"5651", 570, 1310, 16, 240, 0.6, 25, false, 1.7},
    {"5541", 0, 0, 60, 230, 0.4, 1, false, 1.0},
    {"5912", 480, 1290, 20, 55, 0.7, 3, false, 1.0},
    {"5813", 1080, 1560, 18, 190, 0.6, 1, false, 1.8},
    {"5943", 510, 1080, 12, 60, 0.8, 5, true, 1.0},
    {"5251", 480, 1140, 9, 130, 0.9, 8, false, 1.1},
};
#define TRADE_COUNT (sizeof TRADES / sizeof TRADES[0])

double month_draw_unit(struct month *month)
{
    return (double)(draw_next(&month->draw) >> 11) / 9007199254740992.0;
}

bool month_draw_hits(struct month *month, double percent)
{
    return month_draw_unit(month) * 100 < percent;
}

uint32_t month_draw_count(struct month *month, double mean)
{
    double product = month_draw_unit(month), least = exp(-mean);
    uint32_t count = 0;
    while (product > least) {
        product *= month_draw_unit(month);
        count++;
    }
    return count;
}

static double draw_normal(struct month *month)
{
    double radius = sqrt(-2 * log(1 - month_draw_unit(month)));
    return radius * cos(6.283185307179586 * month_draw_unit(month));
}

/* Prices end in whole yuan, in 8 or 9 tenths, or anywhere; nobody pays more than is registered. */
int64_t month_draw_amount(struct month *month, const struct month_merchant *merchant)
{
    double yuan = merchant->yuan * exp(merchant->trade->spread * draw_normal(month));
    double most = (double)merchant->single_max_minor / 100 * 0.9;
    yuan = yuan < 1 ? 1 : yuan > most ? most * (0.5 + month_draw_unit(month) / 2) : yuan;
    int64_t minor = (int64_t)(yuan * 100);
    uint64_t ending = draw_below(&month->draw, 3);
    return ending == 0 ? minor : minor / 100 * 100 + (ending == 1 ? 0 : 80);
}

uint32_t month_draw_card(struct month *month, uint32_t merchant, struct month_moment at)
{
    uint32_t regulars = month->merchant_count * REGULARS;
    bool jumps = month_plan_works(&month->merchants[merchant].plan, MONTH_TURNOVER_JUMP, at);
    return month_draw_hits(month, jumps ? REGULARS_PERCENT / MONTH_JUMP_TIMES : REGULARS_PERCENT)
               ? 1 + merchant * REGULARS + (uint32_t)draw_below(&month->draw, REGULARS)
               : 1 + regulars +
                     (uint32_t)draw_below(&month->draw,
                                          (uint64_t)month->options.terminal_count * STRANGERS);
}

uint32_t month_owner_card(uint32_t merchant)
{
    return OWNER_CARD_FIRST + merchant;
}

bool month_is_holiday(int32_t day)
{
    return day >= LABOUR_DAY && day < LABOUR_DAY + LABOUR_DAYS;
}

static int32_t weekday_of(int32_t day)
{
    return (day + 3) % 7;
}

bool month_is_open(const struct month *month, uint32_t merchant, int32_t day)
{
    const struct month_merchant *own = &month->merchants[merchant];
    bool is_weekend = weekday_of(day) >= 5;
    return !(own->trade->rests_at_weekends && is_weekend) && weekday_of(day) != own->rests_on &&
           !(own->rests_on_holidays && month_is_holiday(day));
}

double month_sales(const struct month *month, uint32_t merchant, int32_t day)
{
    const struct month_merchant *own = &month->merchants[merchant];
    bool is_free = weekday_of(day) >= 5 || month_is_holiday(day);
    return own->trade->sales * own->busy * (is_free ? own->trade->weekend : 1);
}

/* What was told when the contract was made: twice the business, and a sale of a lifetime. */
static void merchant_build(struct month *month, uint32_t number, uint32_t terminal_count)
{
    struct month_merchant *own = &month->merchants[number];
    own->trade = &TRADES[draw_below(&month->draw, TRADE_COUNT)];
    (void)snprintf(own->id, sizeof own->id, "8983105%.4s%04u", own->trade->mcc, number % 10000);
    (void)snprintf(own->owner, sizeof own->owner, "%016x", number / 4 + 1);
    own->terminal_count = terminal_count;
    own->busy = 0.6 + 0.9 * month_draw_unit(month);
    own->yuan = own->trade->yuan * (0.7 + 0.6 * month_draw_unit(month));
    double mean = own->yuan * exp(own->trade->spread * own->trade->spread / 2);
    own->single_max_minor = (int64_t)(own->yuan * 100 * exp(own->trade->spread * 4.5));
    own->month_minor =
        (int64_t)(mean * 100 * own->trade->sales * own->busy * terminal_count * 30 * 2.2) +
        4 * own->single_max_minor;
    bool never_closes = own->trade->opens == 0 && own->trade->closes == 0;
    own->rests_on =
        (int8_t)(!never_closes && month_draw_hits(month, 12) ? (int)draw_below(&month->draw, 5)
                                                             : -1);
    own->rests_on_holidays =
        !never_closes && month_draw_hits(month, own->trade->rests_at_weekends ? 80 : 8);
}

static void terminal_build(struct month *month, uint32_t number, uint32_t merchant)
{
    struct month_terminal *own = &month->terminals[number];
    (void)snprintf(own->id, sizeof own->id, "%08u", 31000000 + number);
    (void)snprintf(own->serial, sizeof own->serial, "00002102%08u", 50000000 + number);
    (void)snprintf(own->other_serial, sizeof own->other_serial, "00002102%08u", 90000000 + number);
    own->merchant = merchant;
    own->model = (uint32_t)draw_below(&month->draw, MONTH_MODEL_COUNT);
    own->version = month_draw_hits(month, 45) ? 0 : 1;
    own->firmware = MONTH_VERSIONS[own->model][own->version];
    own->agent = (uint32_t)draw_below(&month->draw, month->agent_count);
    own->region = merchant % month->region_count;
    own->latitude_e3 = 31000 + (int32_t)own->region * 400 + (int32_t)(merchant * 37 % 150);
    own->longitude_e3 = 120500 + (int32_t)own->region * 300 + (int32_t)(merchant * 53 % 150);
    own->has_place = merchant % 4 != 3;
    own->batch = 1;
    own->stan = (uint32_t)draw_below(&month->draw, 900);
}

bool month_town_build(struct month *month)
{
    uint32_t count = month->options.terminal_count, parts = count / TERMINALS_PER_AGENT_MIN;
    month->agent_count = parts < 2 ? 2 : parts > 12 ? 12 : parts;
    month->region_count = parts < 2 ? 2 : parts > 10 ? 10 : parts;
    month->merchants = calloc(count, sizeof *month->merchants);
    month->terminals = calloc(count, sizeof *month->terminals);
    if (month->merchants == NULL || month->terminals == NULL) {
        return false;
    }
    for (uint32_t terminal = 0; terminal < count; month->merchant_count++) {
        uint32_t own_count = 1 + (uint32_t)draw_below(&month->draw, 4);
        own_count = own_count > count - terminal ? count - terminal : own_count;
        month->merchants[month->merchant_count].first_terminal = terminal;
        merchant_build(month, month->merchant_count, own_count);
        for (uint32_t i = 0; i < own_count; i++) {
            terminal_build(month, terminal++, month->merchant_count);
        }
    }
    return true;
}

void month_town_free(struct month *month)
{
    free(month->merchants);
    free(month->terminals);
    free(month->rows);
}

void month_rules_write(FILE *file)
{
    fprintf(file,
            "# the holidays of this month, as the State Council has announced them\nholidays: [");
    for (int32_t i = 0; i < LABOUR_DAYS; i++) {
        fprintf(file, "%s2026-05-%02d", i == 0 ? "" : ", ", 1 + i);
    }
    fprintf(file, "]\n");
}

void month_facts_write(const struct month *month, FILE *file)
{
    fprintf(
        file,
        "what,terminal_id,merchant_id,brand,model,agent,serial,firmware_min,area_code,latitude_e3,"
        "longitude_e3,radius_m,has_place,is_active,mcc,owner,since_day,opens_minute,"
        "closes_minute,single_max_minor,month_minor,owner_card\n");
    for (uint32_t i = 0; i < month->options.terminal_count; i++) {
        const struct month_terminal *own = &month->terminals[i];
        fprintf(file, "terminal,%s,%s,%s,%s,agent%02u,%s,%s,%u,%d,%d,%d,%d,1,,,,,,,,\n", own->id,
                month->merchants[own->merchant].id, MONTH_BRANDS[own->model],
                MONTH_MODELS[own->model], own->agent + 1, own->serial,
                MONTH_VERSIONS[own->model][0], 310100 + 100 * own->region + 15, own->latitude_e3,
                own->longitude_e3, own->has_place ? 800 : 0, own->has_place);
    }
    for (uint32_t i = 0; i < month->merchant_count; i++) {
        const struct month_merchant *own = &month->merchants[i];
        fprintf(file, "merchant,,%s,,,,,,,,,,,,%s,%s,%d,%d,%d,%lld,%lld,", own->id, own->trade->mcc,
                own->owner, MONTH_FIRST_DAY - (i % 8 == 7 ? 90 : 900), own->trade->opens,
                own->trade->closes % 1440, (long long)own->single_max_minor,
                (long long)own->month_minor);
        month_card_hash_write(file, month_owner_card(i));
        fputc('\n', file);
    }
}
