/* Fifty honest merchants of a town, their terminals, and a month of rows in the order of time:
 * shops, snack bars, restaurants, jewellers, hotels, with their hours, prices, regular customers,
 * declines, changes of mind, bad lines, slow answers. The same seed gives the same month.
 *
 * A card is its number, 1..TOWN_CARD_COUNT, in the hash. A TIME comes each minute.
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

struct town_terminal {
    uint32_t stan, batch;
};

/* What happens again in a minute: a PIN that was wrong, a sale that is rung up anew. */
struct town_again {
    bool is_due;
    enum payment_kind kind;
    uint32_t card;
    int64_t amount_minor;
};

struct town_merchant {
    struct merchant_facts facts;
    struct town_terminal terminals[TOWN_TERMINAL_COUNT_MAX];
    uint32_t terminal_count;
    uint32_t per_10k; /* payments in ten thousand open minutes */
    uint32_t refund_per_mille;
    int64_t base_minor;
    struct town_again again;
};

struct town {
    uint64_t random;
    uint64_t position;
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
    for (uint32_t i = 0; i < TOWN_TERMINAL_COUNT_MAX; i++) {
        merchant->terminals[i].batch = 1;
    }
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

/* What is registered of a terminal: three of four tell where they are. */
static inline struct terminal_facts town_terminal(const struct town *town, uint32_t merchant,
                                                  uint32_t terminal)
{
    struct terminal_facts facts = {
        .brand = "BRAND",
        .model = "MODEL",
        .agent = "AGENT",
        .firmware_min = "1.2.0",
        .area_code = 310115,
        .latitude_e3 = 31230 + (int32_t)merchant,
        .longitude_e3 = 121470 + (int32_t)merchant,
        .radius_m = 500,
        .has_place = terminal % 4 != 3,
        .is_active = true,
    };
    town_terminal_id(facts.terminal_id, merchant, terminal);
    memcpy(facts.merchant_id, town->merchants[merchant].facts.merchant_id,
           sizeof(facts.merchant_id));
    (void)snprintf(facts.serial, sizeof(facts.serial), "000003041%s", facts.terminal_id);
    return facts;
}

struct town_minute {
    int32_t day;
    uint16_t minute; /* in China */
};

static inline int64_t town_wall_us(struct town_minute at)
{
    return ((int64_t)at.day * 86400 + at.minute * 60 - 8 * 3600) * 1000000;
}

static inline void town_tell(struct town *town, struct observation *row, struct town_minute at)
{
    row->position = ++town->position;
    town->emit(town->arg, row, at.day, at.minute);
}

/* The terminal speaks: it tells of itself, and its position is inexact. */
static inline void town_self(struct town *town, uint32_t number, uint32_t terminal,
                             struct observation *row)
{
    const struct terminal_facts facts = town_terminal(town, number, terminal);
    memcpy(row->serial, facts.serial, sizeof(row->serial));
    memcpy(row->firmware, "1.2.3", 6);
    if (facts.has_place) {
        row->device_flags = DEVICE_NOTE_HAS_POSITION;
        row->latitude_e3 = facts.latitude_e3 + (int32_t)town_random(town, 3) - 1;
        row->longitude_e3 = facts.longitude_e3 + (int32_t)town_random(town, 3) - 1;
        row->cell = 1 + number * 2 + town_random(town, 2);
    }
}

/* A row of one of a merchant's terminals, of which nothing is said yet but whose it is. */
static inline struct observation town_row(struct town *town, uint32_t number, uint32_t terminal,
                                          struct town_minute at)
{
    const struct town_merchant *merchant = &town->merchants[number];
    struct observation row = {
        .wall_us = town_wall_us(at),
        .count = 1,
        .channel = "unionpay",
        .batch = merchant->terminals[terminal].batch,
        .currency = 156,
    };
    town_terminal_id(row.terminal_id, number, terminal);
    memcpy(row.merchant_id, merchant->facts.merchant_id, sizeof(row.merchant_id));
    memcpy(row.mcc, merchant->facts.mcc, sizeof(row.mcc));
    return row;
}

/* Three of a hundred are declined, one of two thousand gets no answer; a wrong PIN is entered
 * again. */
static inline void town_decide(struct town *town, struct town_again *again, struct observation *row)
{
    static const char *const CODES[] = {"51", "51", "51", "55", "55", "61", "05", "54", "14"};
    bool was_again = again->is_due;
    again->is_due = false;
    row->kind = OBSERVATION_ENDED;
    row->detail = OBSERVED_APPROVED;
    memcpy(row->response_code, "00", 3);
    if (town_happens(town, 5)) {
        row->detail = OBSERVED_UNKNOWN;
        memcpy(row->response_code, "98", 3);
    } else if (town_happens(town, 300)) {
        const char *code = CODES[town_random(town, sizeof(CODES) / sizeof(CODES[0]))];
        /* One in a thousand of the declined cards is restricted: an ordinary day still. */
        memcpy(row->response_code, town_happens(town, 10) ? "62" : code, 3);
        row->detail = OBSERVED_DECLINED;
        again->is_due = !was_again && strcmp(row->response_code, "55") == 0;
    }
}

/* A request and its outcome, half a second later; one in a hundred takes three. */
static inline void town_ask(struct town *town, uint32_t number, uint32_t terminal,
                            struct observation *row, struct town_minute at)
{
    struct town_terminal *device = &town->merchants[number].terminals[terminal];
    device->stan = device->stan % 999999 + 1;
    struct observation asked = *row;
    asked.kind = OBSERVATION_ASKED;
    asked.stan = device->stan;
    town_self(town, number, terminal, &asked);
    town_tell(town, &asked, at);
    row->stan = device->stan;
    row->wall_us += town_happens(town, 100) ? 3000000 : 200000 + town_random(town, 600000);
}

static inline void town_end(struct town *town, struct observation *row, struct town_minute at)
{
    town_tell(town, row, at);
    if (row->detail == OBSERVED_UNKNOWN) {
        row->kind = OBSERVATION_REVERSED;
        row->detail = OBSERVED_BY_SWITCH;
        town_tell(town, row, at);
        row->kind = OBSERVATION_UNDONE;
        row->detail = OBSERVED_NONE;
        town_tell(town, row, at);
    }
}

/* What the customer wants, if it is nothing that happens again. */
static inline void town_choose(struct town *town, uint32_t number, struct town_again *again)
{
    const uint32_t regulars = TOWN_MERCHANT_COUNT * TOWN_REGULAR_COUNT;
    if (!again->is_due) {
        again->card = 1 + (town_happens(town, 5000)
                               ? number * TOWN_REGULAR_COUNT + town_random(town, TOWN_REGULAR_COUNT)
                               : regulars + town_random(town, TOWN_STRANGER_COUNT));
        again->amount_minor = town_amount(town, &town->merchants[number]);
        again->kind = town_happens(town, 50) ? PAYMENT_BALANCE : PAYMENT_PURCHASE;
    }
}

/* After a sale: voided and rung up anew, reversed since the line broke, or another one refunded. */
static inline void town_change_mind(struct town *town, uint32_t number, uint32_t terminal,
                                    struct observation *row, struct town_minute at)
{
    struct town_merchant *merchant = &town->merchants[number];
    if (town_happens(town, 100)) {
        row->payment_kind = PAYMENT_VOID;
        town_ask(town, number, terminal, row, at);
        town_tell(town, row, at);
        merchant->again.is_due = true;
        merchant->again.amount_minor += 1000;
    } else if (town_happens(town, 30)) {
        row->kind = OBSERVATION_REVERSED;
        row->detail = OBSERVED_BY_TERMINAL;
        town_tell(town, row, at);
        merchant->again.is_due = true;
    } else if (town_random(town, 1000) < merchant->refund_per_mille) {
        row->payment_kind = PAYMENT_REFUND;
        row->amount_minor = town_amount(town, merchant);
        town_ask(town, number, terminal, row, at);
        town_tell(town, row, at);
    }
}

static inline void town_pay(struct town *town, uint32_t number, struct town_minute at)
{
    struct town_merchant *merchant = &town->merchants[number];
    struct town_again *again = &merchant->again;
    uint32_t terminal = town_random(town, merchant->terminal_count);
    struct observation row = town_row(town, number, terminal, at);
    town_choose(town, number, again);
    row.payment_kind = again->kind;
    row.amount_minor = again->kind == PAYMENT_BALANCE ? 0 : again->amount_minor;
    row.card_credit = (uint8_t)(1 + again->card % 2);
    memcpy(row.pan_hash.bytes, &again->card, sizeof(again->card));
    memcpy(row.entry_mode, town_happens(town, 3000) ? "071" : "051", 4);
    town_ask(town, number, terminal, &row, at);
    town_decide(town, again, &row);
    bool is_sale = row.detail == OBSERVED_APPROVED && again->kind == PAYMENT_PURCHASE;
    town_end(town, &row, at);
    if (is_sale) {
        town_change_mind(town, number, terminal, &row, at);
    }
}

/* A terminal signs on before its shop opens, and settles after it has closed; now and then a
 * handshake fails. */
static inline void town_tend(struct town *town, uint32_t number, struct town_minute at)
{
    struct town_merchant *merchant = &town->merchants[number];
    const struct merchant_facts *facts = &merchant->facts;
    bool never_closes = facts->opens_minute == 0 && facts->closes_minute == 0;
    uint16_t opens = never_closes ? 300 : (uint16_t)(facts->opens_minute - 20);
    uint16_t closes = never_closes ? 1380 : (uint16_t)(facts->closes_minute + 10);
    for (uint32_t i = 0; i < merchant->terminal_count; i++) {
        struct observation row = town_row(town, number, i, at);
        if (at.minute == opens + i) {
            row.kind = OBSERVATION_SIGHTING;
            row.detail = OBSERVED_TLS_FAILED;
            if (town_happens(town, 200)) {
                town_tell(town, &row, at);
            }
            row.kind = OBSERVATION_SIGNED_ON;
            row.detail = OBSERVED_NONE;
            town_self(town, number, i, &row);
            town_tell(town, &row, at);
            row.kind = OBSERVATION_STATUS;
            town_tell(town, &row, at);
        } else if (at.minute == closes + i) {
            row.kind = OBSERVATION_SETTLED;
            row.detail = OBSERVED_TOTALS_EQUAL;
            town_tell(town, &row, at);
            row.kind = OBSERVATION_BATCH_ENDED;
            row.detail = OBSERVED_NONE;
            town_tell(town, &row, at);
            merchant->terminals[i].batch++;
        }
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
    town->emit(town->arg, &time, at.day, at.minute);
    for (uint32_t i = 0; i < TOWN_MERCHANT_COUNT; i++) {
        struct town_merchant *merchant = &town->merchants[i];
        uint32_t percent = town_percent(&merchant->facts, at);
        town_tend(town, i, at);
        if (merchant->again.is_due || town_happens(town, merchant->per_10k * percent / 100)) {
            town_pay(town, i, at);
        }
    }
}
