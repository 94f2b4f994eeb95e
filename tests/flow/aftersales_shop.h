/* A shop with one terminal, and all of the switch that stands behind it when something is wrong.
 *
 *   terminal --message--> dialect -> engine -> log -> observation -> watcher -> flag
 *       ^                              ^                                         v
 *       +---message<-- dialect <-------+------ order <------ effect <------ clerk, desk
 *
 * Nothing between is played: flags come from rows, cases from flags, orders from cases, and what
 * the cashier reads is read from the bytes of an answer, as a terminal reads them. People act at
 * the desk, over a connection of their own. The clock moves when told.
 */
#pragma once

#include "protocols/dialect/dialect.h"
#include "switch/aftersales/watcher.h"
#include "switch/followup/clerk.h"
#include "tests/flow/stage.h"
#include "tests/unit/switch/desk/case_scene.h"

#define SHOP_SERIAL "PAX-0001"
#define SHOP_MINUTE_US INT64_C(60000000)
#define SHOP_HOUR_US (60 * SHOP_MINUTE_US)
#define SHOP_DAY_US (24 * SHOP_HOUR_US)
#define SHOP_TOLD_COUNT_MAX 256
#define SHOP_FLAG_COUNT_MAX 64

/* What the terminal has read of an answer. */
struct shop_screen {
    char code[3];  /* field 39 */
    char asked;    /* header digit 6, as a character: '0' nothing, '3' sign on ... */
    char text[96]; /* the terminal's part of field 63, in UTF-8; empty: there is none */
};

struct shop {
    struct stage *stage;
    struct scene *scene;
    struct clerk *clerk;
    struct case_rules rules;
    struct watcher *watcher;
    struct dialect *dialect;
    uint32_t seen_count; /* rows that after-sales has seen */
    uint32_t stan;
    uint32_t flag_count;
    struct flag flags[SHOP_FLAG_COUNT_MAX];
    uint32_t told_count; /* messages to people */
    enum case_effect_kind told[SHOP_TOLD_COUNT_MAX];
    struct shop_screen screen; /* of the last answer */
    struct payment payment;
};

/* A fixture: registered, signed on, and nothing wrong. Tuesday 2025-11-25, 16:00 in China. */
int shop_set(void **state);
int shop_strike(void **state);

/* Time passes; what after-sales is due is told. */
void shop_pass(struct shop *shop, int64_t us);
int64_t shop_now_us(const struct shop *shop);

/* A sale by card, as a message: `code` answers the bank; NULL: it is silent until we give up;
 * empty: the bank is not asked. */
void shop_sell(struct shop *shop, const char *code);
/* The same by a device that says this is its serial number. */
void shop_sell_with(struct shop *shop, const char *code, const char *serial);
void shop_sign_on(struct shop *shop, const char *serial);
/* So many messages with a wrong MAC, a minute each; the rim turned them away. */
void shop_send_wrong_macs(struct shop *shop, uint32_t count);
/* What the screen shows after the last answer. */
void shop_expect_screen(const struct shop *shop, const char *code, const char *text);

/* The flags of a signal so far. */
uint32_t shop_flags(const struct shop *shop, enum signal_code signal);
/* How often people were told so. */
uint32_t shop_told(const struct shop *shop, enum case_effect_kind kind);
uint32_t shop_case_count(struct shop *shop);
/* The case of that number, from 1. */
struct service_case shop_case(struct shop *shop, uint64_t id);
void shop_expect_state(struct shop *shop, uint64_t id, enum case_state state);
/* A case that people open. */
uint64_t shop_call(struct shop *shop, enum case_kind kind, const char *reason);
/* Somebody acts at the desk, a minute later. */
struct case_event shop_event(enum case_event_kind kind, enum case_role role);
void shop_act(struct shop *shop, uint64_t id, struct case_event event);
void shop_do(struct shop *shop, uint64_t id, enum case_event_kind kind, enum case_role role);
void shop_try(struct shop *shop, uint64_t id, uint8_t step, enum case_step_result result);
void shop_close(struct shop *shop, uint64_t id, enum case_role role, enum case_outcome outcome);
/* What the life of this case does not know: it is refused, and the case is as before. */
void shop_refuse(struct shop *shop, uint64_t id, struct case_event event);
/* An order of a kind is in force at the switch. */
bool shop_is_ordered(const struct shop *shop, enum order_kind kind);
