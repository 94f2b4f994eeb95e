/* Fifty honest merchants of a town and a month of their rows, in the order of time: shops, snack
 * bars, restaurants, jewellers, hotels, with their hours, prices, regular customers, declines,
 * changes of mind, and bad lines. The same seed gives the same month.
 *
 * Cards are numbers below TOWN_CARD_COUNT, written into the hash. A TIME comes each minute.
 */
#pragma once

#include <stdio.h>
#include <string.h>

#include "switch/aftersales/facts.h"
#include "switch/aftersales/observation.h"

#define TOWN_MERCHANT_COUNT 50
#define TOWN_TERMINAL_COUNT_MAX 4 /* of a merchant */
#define TOWN_DAY_COUNT 30
#define TOWN_FIRST_DAY 20513 /* 2026-03-01 in China, a Sunday */
#define TOWN_REGULAR_COUNT 600
#define TOWN_STRANGER_COUNT 60000
#define TOWN_CARD_COUNT (TOWN_MERCHANT_COUNT * TOWN_REGULAR_COUNT + TOWN_STRANGER_COUNT)

/* What happens again in a minute: a PIN that was wrong, a sale that is rung up anew. */
struct town_again {
    bool is_due;
    enum payment_kind kind;
    uint32_t card;
    int64_t amount_minor;
};

struct town_merchant {
    struct merchant_facts facts;
    uint32_t terminal_count;
    uint32_t per_10k; /* payments in ten thousand open minutes */
    uint32_t refund_per_mille;
    int64_t base_minor;
    struct town_again again;
};

struct town {
    uint64_t random;
    uint64_t position;
    uint32_t stan;
    struct town_merchant merchants[TOWN_MERCHANT_COUNT];
    void (*emit)(void *arg, const struct observation *seen, int32_t day, uint16_t minute);
    void *arg;
};

/* splitmix64: the next of a sequence, below `bound`. */
static inline uint32_t town_random(struct town *town, uint32_t bound)
{
    uint64_t mixed = town->random += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(((mixed ^ mixed >> 31) >> 32) * bound >> 32);
}

static inline bool town_happens(struct town *town, uint32_t per_10k)
{
    return town_random(town, 10000) < per_10k;
}

/* Around the base, half as often double as once: twelve steps of a quarter octave, up or down by
 * chance (a binomial logarithm), then fen, or prices that end in 0 and 8. */
static inline int64_t town_amount(struct town *town, const struct town_merchant *merchant)
{
    int64_t amount = merchant->base_minor;
    for (int step = 0; step < 24; step++) {
        amount = town_random(town, 2) == 0 ? amount * 1189 / 1000 : amount * 841 / 1000;
    }
    int64_t fen = amount % 100;
    amount -= fen;
    return amount + (town_random(town, 3) == 0 ? fen : town_random(town, 2) == 0 ? 0 : 80) + 100;
}

/* Kinds of merchants: category, hours, payments in 10,000 minutes, price in yuan, refunds. */
static inline void town_enroll(struct town *town, uint32_t number)
{
    static const struct {
        char mcc[5];
        int16_t opens, closes;
        uint32_t per_10k, base_yuan, refund_per_mille;
    } KINDS[] = {
        {"5499", 420, 1380, 1200, 25, 2},  {"5411", 480, 1320, 1800, 90, 6},
        {"5812", 600, 1350, 700, 160, 2},  {"5814", 390, 1260, 1000, 30, 1},
        {"5944", 570, 1260, 60, 3500, 15}, {"7011", 0, 0, 120, 420, 10},
        {"5651", 570, 1310, 300, 260, 30}, {"5541", 0, 0, 600, 240, 1},
        {"5912", 480, 1290, 400, 60, 4},   {"5813", 1080, 120, 500, 180, 1},
    };
    const uint32_t kind = number % (sizeof(KINDS) / sizeof(KINDS[0]));
    struct town_merchant *merchant = &town->merchants[number];
    struct merchant_facts *facts = &merchant->facts;
    uint32_t size_percent = 50 + town_random(town, 120);
    memset(merchant, 0, sizeof(*merchant));
    memcpy(facts->mcc, KINDS[kind].mcc, sizeof(facts->mcc));
    (void)snprintf(facts->merchant_id, sizeof(facts->merchant_id), "10411005%07u", number + 1);
    (void)snprintf(facts->owner, sizeof(facts->owner), "%016x", 1 + number / 3 * 3);
    merchant->terminal_count = 1 + number % TOWN_TERMINAL_COUNT_MAX;
    merchant->per_10k = KINDS[kind].per_10k * size_percent / 100;
    merchant->base_minor = KINDS[kind].base_yuan * (int64_t)(70 + town_random(town, 60));
    merchant->refund_per_mille = KINDS[kind].refund_per_mille;
    facts->opens_minute = KINDS[kind].opens;
    facts->closes_minute = KINDS[kind].closes;
    facts->since_day = TOWN_FIRST_DAY - (number % 4 == 3 ? 60 : 800);
    /* As is told when the contract is made: about twice the turnover, and a sale of a lifetime. */
    facts->month_minor = merchant->base_minor * 4 * merchant->per_10k * 130;
    facts->single_max_minor = merchant->base_minor * 60;
}

static inline void town_begin(struct town *town, uint64_t seed)
{
    memset(town, 0, sizeof(*town));
    town->random = seed;
    for (uint32_t i = 0; i < TOWN_MERCHANT_COUNT; i++) {
        town_enroll(town, i);
    }
}

static inline void town_terminal_id(char terminal_id[9], uint32_t merchant, uint32_t terminal)
{
    (void)snprintf(terminal_id, 9, "%08u", (merchant % 100 + 1) * 100 + terminal % 10);
}

struct town_minute {
    int32_t day;
    uint16_t minute; /* in China */
};

static inline int64_t town_wall_us(struct town_minute at)
{
    return ((int64_t)at.day * 86400 + at.minute * 60 - 8 * 3600) * 1000000;
}

/* A row of a merchant, at one of its terminals. */
static inline struct observation town_row(struct town *town, uint32_t number, struct town_minute at)
{
    const struct town_merchant *merchant = &town->merchants[number];
    struct observation row = {
        .kind = OBSERVATION_ENDED,
        .detail = OBSERVED_APPROVED,
        .position = ++town->position,
        .wall_us = town_wall_us(at),
        .count = 1,
        .channel = "unionpay",
        .batch = (uint32_t)(at.day - TOWN_FIRST_DAY + 1),
        .stan = 1 + town->stan++ % 999999,
        .currency = 156,
        .entry_mode = "051",
        .response_code = "00",
    };
    town_terminal_id(row.terminal_id, number, town_random(town, merchant->terminal_count));
    memcpy(row.merchant_id, merchant->facts.merchant_id, sizeof(row.merchant_id));
    memcpy(row.mcc, merchant->facts.mcc, sizeof(row.mcc));
    return row;
}

static inline void town_tell(struct town *town, const struct observation *row,
                             struct town_minute at)
{
    town->emit(town->arg, row, at.day, at.minute);
}

/* Three of a hundred are declined; a wrong PIN is entered again. */
static inline void town_decide(struct town *town, struct town_again *again, struct observation *row)
{
    static const char *const CODES[] = {"51", "51", "51", "55", "55", "61", "05", "54", "14"};
    bool was_again = again->is_due;
    again->is_due = false;
    if (!town_happens(town, 300)) {
        return;
    }
    const char *code = CODES[town_random(town, sizeof(CODES) / sizeof(CODES[0]))];
    /* One in a thousand of the declined cards is restricted: it is an ordinary day still. */
    memcpy(row->response_code, town_happens(town, 10) ? "62" : code, 3);
    row->detail = OBSERVED_DECLINED;
    again->is_due = !was_again && strcmp(row->response_code, "55") == 0;
}

static inline void town_pay(struct town *town, uint32_t number, struct town_minute at)
{
    struct town_merchant *merchant = &town->merchants[number];
    struct town_again *again = &merchant->again;
    struct observation row = town_row(town, number, at);
    if (!again->is_due) {
        bool is_regular = town_happens(town, 5000);
        again->card =
            is_regular
                ? number * TOWN_REGULAR_COUNT + town_random(town, TOWN_REGULAR_COUNT)
                : TOWN_MERCHANT_COUNT * TOWN_REGULAR_COUNT + town_random(town, TOWN_STRANGER_COUNT);
        again->amount_minor = town_amount(town, merchant);
        again->kind = town_happens(town, 50) ? PAYMENT_BALANCE : PAYMENT_PURCHASE;
    }
    row.payment_kind = again->kind;
    row.amount_minor = again->kind == PAYMENT_BALANCE ? 0 : again->amount_minor;
    row.card_credit = (uint8_t)(1 + again->card % 2);
    memcpy(row.pan_hash.bytes, &again->card, sizeof(again->card));
    memcpy(row.entry_mode, town_happens(town, 3000) ? "071" : "051", 4);
    town_decide(town, again, &row);
    town_tell(town, &row, at);
    bool is_sale = row.detail == OBSERVED_APPROVED && again->kind == PAYMENT_PURCHASE;
    if (is_sale && town_happens(town, 100)) {
        row.payment_kind = PAYMENT_VOID; /* a wrong amount: voided, rung up anew */
        row.position = ++town->position;
        town_tell(town, &row, at);
        again->is_due = true;
        again->amount_minor += 1000;
    } else if (is_sale && town_happens(town, 30)) {
        row.kind = OBSERVATION_REVERSED; /* the line broke before the answer came */
        row.detail = OBSERVED_BY_TERMINAL;
        row.position = ++town->position;
        town_tell(town, &row, at);
        again->is_due = true;
    } else if (is_sale && town_random(town, 1000) < merchant->refund_per_mille) {
        row.payment_kind = PAYMENT_REFUND; /* of another day's sale of such an amount */
        row.position = ++town->position;
        row.amount_minor = town_amount(town, merchant);
        town_tell(town, &row, at);
    }
}

/* How busy: closed 0; weekends half as much again; lunch and evening double. */
static inline uint32_t town_percent(const struct merchant_facts *facts, struct town_minute at)
{
    int32_t open = (facts->closes_minute - facts->opens_minute + 1440) % 1440;
    int32_t since = (at.minute - facts->opens_minute + 1440) % 1440;
    if (open != 0 && since >= open) {
        return 0;
    }
    int32_t weekday = (at.day + 3) % 7; /* 0: Monday */
    bool is_busy = (at.minute >= 690 && at.minute < 810) || (at.minute >= 1050 && at.minute < 1200);
    bool is_night = at.minute < 360 && open == 0;
    return (weekday >= 5 ? 150u : 100u) * (is_night ? 10u : is_busy ? 200u : 80u) / 100;
}

static inline void town_pass_minute(struct town *town, struct town_minute at)
{
    const struct observation time = {
        .kind = OBSERVATION_TIME, .wall_us = town_wall_us(at), .count = 1};
    town_tell(town, &time, at);
    for (uint32_t i = 0; i < TOWN_MERCHANT_COUNT; i++) {
        struct town_merchant *merchant = &town->merchants[i];
        uint32_t percent = town_percent(&merchant->facts, at);
        if (merchant->again.is_due || town_happens(town, merchant->per_10k * percent / 100)) {
            town_pay(town, i, at);
        }
    }
}
