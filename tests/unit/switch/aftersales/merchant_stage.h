/* A merchant with its card, and rows that are put before the judge at a day and minute of China. */
#pragma once

#include <string.h>

#include "switch/aftersales/merchant_watch.h"
#include "tests/unit/unit_test.h"

#define STAGE_DAY 20454 /* 2026-01-01 in China */
#define STAGE_NOON 720
#define STAGE_FLAG_COUNT_MAX 64

struct merchant_stage {
    struct merchant_state merchant;
    struct card_state card; /* of stage_sell(); another one for each row of stage_sell_stranger() */
    struct peer_state peers;
    struct watch_rules rules;
    struct merchant_facts facts;
    struct terminal_facts terminal;
    struct flag flags[STAGE_FLAG_COUNT_MAX];
    struct flag_sink sink;
    struct observation seen;
    uint64_t position;
    int32_t day;
    uint16_t minute;
};

/* A shop of which nothing but the category is registered. */
static inline void stage_begin(struct merchant_stage *stage)
{
    memset(stage, 0, sizeof(*stage));
    watch_rules_default(&stage->rules);
    stage->merchant.number = 1;
    memcpy(stage->facts.mcc, "5999", 5);
    stage->day = STAGE_DAY;
    stage->minute = STAGE_NOON;
    stage->sink = (struct flag_sink){stage->flags, 0, STAGE_FLAG_COUNT_MAX};
}

static inline struct watch_moment stage_moment(const struct merchant_stage *stage)
{
    int64_t local_s = (int64_t)stage->day * 86400 + stage->minute * 60;
    return (struct watch_moment){
        .seen = &stage->seen,
        .terminal = &stage->terminal,
        .merchant = &stage->facts,
        .rules = &stage->rules,
        .terminal_id = "10000001",
        .merchant_id = "104110050000001",
        .serial = "",
        .wall_us = (local_s - stage->rules.utc_offset_s) * 1000000,
        .day = stage->day,
        .minute = stage->minute,
        .weekday = (uint8_t)((stage->day + 3) % 7 + 1),
    };
}

/* An approved purchase by chip; the caller changes what it wants before stage_see(). */
static inline struct observation *stage_row(struct merchant_stage *stage)
{
    stage->seen = (struct observation){
        .kind = OBSERVATION_ENDED,
        .detail = OBSERVED_APPROVED,
        .position = ++stage->position,
        .count = 1,
        .payment_kind = PAYMENT_PURCHASE,
        .amount_minor = 12345,
        .currency = MONEY_CNY,
        .entry_mode = "051",
        .response_code = "00",
    };
    return &stage->seen;
}

static inline void stage_see(struct merchant_stage *stage, struct card_state *card)
{
    struct watch_moment moment = stage_moment(stage);
    stage->seen.wall_us = moment.wall_us;
    merchant_watch_step(&stage->merchant, card, &stage->peers, &moment, &stage->sink);
}

static inline void stage_hour(struct merchant_stage *stage)
{
    stage->seen = (struct observation){.kind = OBSERVATION_TIME};
    struct watch_moment moment = stage_moment(stage);
    merchant_watch_hour(&stage->merchant, &stage->peers, &moment, &stage->sink);
}

/* By the stage's card. */
static inline void stage_sell(struct merchant_stage *stage, int64_t amount_minor)
{
    stage_row(stage)->amount_minor = amount_minor;
    stage_see(stage, &stage->card);
}

/* By cards that are never seen again. */
static inline void stage_sell_strangers(struct merchant_stage *stage, uint32_t count,
                                        int64_t amount_minor)
{
    for (uint32_t i = 0; i < count; i++) {
        struct card_state card = {0};
        stage_row(stage)->amount_minor = amount_minor;
        stage_see(stage, &card);
    }
}

static inline void stage_decline(struct merchant_stage *stage, const char *code)
{
    struct observation *row = stage_row(stage);
    row->detail = OBSERVED_DECLINED;
    memcpy(row->response_code, code, 3);
    stage_see(stage, &stage->card);
}

static inline void stage_ask_balance(struct merchant_stage *stage, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct card_state card = {0};
        struct observation *row = stage_row(stage);
        row->payment_kind = PAYMENT_BALANCE;
        row->amount_minor = 0;
        stage_see(stage, &card);
    }
}

/* Days with twenty sales each and a few enquiries: a history. */
static inline void stage_live(struct merchant_stage *stage, int32_t day_count,
                              uint32_t enquiry_count)
{
    for (int32_t i = 0; i < day_count; i++) {
        stage_sell_strangers(stage, 20, 12345);
        stage_ask_balance(stage, enquiry_count);
        stage->day++;
    }
}

static inline uint32_t stage_count(const struct merchant_stage *stage, enum signal_code signal)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < stage->sink.count; i++) {
        count += stage->flags[i].signal == signal;
    }
    return count;
}

/* The one flag of that signal. */
static inline const struct flag *stage_flag(const struct merchant_stage *stage,
                                            enum signal_code signal)
{
    assert_int_equal(stage_count(stage, signal), 1);
    uint32_t at = 0;
    while (stage->flags[at].signal != signal) {
        at++;
    }
    return &stage->flags[at];
}
