/* Orders and requests that the stories of orders share, and what a stage shows of them. */
#pragma once

#include "tests/flow/stage.h"

#include <stdio.h>
#include <string.h>

#include "switch/engine/terminal_request.h"

/* "sign on" in GBK, four characters. */
#define LOCAL "\xC7\xEB\xC7\xA9\xB5\xBD"
#define LOCAL_BYTES 6

static inline struct order of_terminal(enum order_kind kind)
{
    return (struct order){.kind = kind, .terminal_id = TERMINAL_A};
}

static inline struct order of_case(struct order order)
{
    order.origin = ORDER_OF_CASE;
    order.case_id = 7;
    memcpy(order.actor, ORDER_CASE_ACTOR, sizeof(ORDER_CASE_ACTOR));
    return order;
}

static inline struct order text_order(uint8_t times)
{
    struct order order = of_terminal(ORDER_TELL);
    memcpy(order.local, LOCAL, LOCAL_BYTES);
    order.local_length = LOCAL_BYTES;
    memcpy(order.plain, "sign on", 7);
    order.plain_length = 7;
    order.times = times;
    return order;
}

static inline uint8_t asked(const struct stage *stage)
{
    return stage_last_reply(stage)->effect.terminal_request;
}

static inline uint8_t ask_echo(struct stage *stage)
{
    struct payment echo = stage_payment(PAYMENT_ECHO, TERMINAL_A, 0);
    stage_ask(stage, &echo);
    return asked(stage);
}

static inline uint32_t count_in_force(const struct stage *stage)
{
    struct order_standing standing;
    uint32_t count = 0;
    for (uint32_t at = engine_orders(stage->engine, 0, &standing); at != 0;
         at = engine_orders(stage->engine, at, &standing)) {
        count++;
    }
    return count;
}

static inline struct payment status_upload(uint32_t stan)
{
    struct payment payment = stage_payment(PAYMENT_STATUS_UPLOAD, TERMINAL_A, stan);
    snprintf(payment.management_code, sizeof(payment.management_code), "362");
    assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_CUSTOM_62,
                                       (struct byte_view){(const uint8_t *)"011021", 6}),
                     STATUS_OK);
    return payment;
}

static inline struct payment settlement_with_words(uint32_t stan, enum payment_words words)
{
    static const struct batch_totals NOTHING;
    struct payment settlement = stage_payment(PAYMENT_SETTLEMENT, TERMINAL_A, stan);
    char digits[BATCH_FIELD_48_DIGITS + 1];
    batch_totals_to_field_48(digits, &NOTHING, BATCH_ASKED);
    snprintf(settlement.management_code, sizeof(settlement.management_code), "201");
    assert_int_equal(payment_set_cargo(&settlement, PAYMENT_CARGO_ADDITIONAL,
                                       (struct byte_view){(const uint8_t *)digits, 62}),
                     STATUS_OK);
    settlement.answer_words = (uint8_t)words;
    return settlement;
}
