/* Whole purchases through the engine, effects discarded: a terminal's request and the channel's
 * answer, two steps each, beside the copies of the payments that they move. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "switch/engine/engine.h"
#include "tests/bench/bench.h"
#include "tests/stage/small_ruleset.h"

#define TERMINAL_COUNT 1000
#define TEST_PAN "6222021234567890128"

struct stage {
    struct engine *engine;
    uint64_t now_ns;
    int64_t wall_us;
    uint32_t purchase_count;
    struct payment request, response, copy;
    struct engine_effects effects;
};

static void step(struct stage *stage, struct engine_event *event)
{
    event->now_ns = stage->now_ns += 1000;
    event->wall_us = stage->wall_us += 1;
    event->random = stage->now_ns * UINT64_C(0x9E3779B97F4A7C15);
    engine_step(stage->engine, event, &stage->effects);
}

static const struct engine_effect *effect_of(const struct stage *stage,
                                             enum engine_effect_kind kind)
{
    for (uint32_t i = 0; i < stage->effects.count; i++) {
        if (stage->effects.items[i].kind == kind) {
            return &stage->effects.items[i];
        }
    }
    fprintf(stderr, "the engine gave no effect of kind %d for purchase %u\n", (int)kind,
            stage->purchase_count);
    exit(2);
}

static void name_terminal(struct payment *payment, uint32_t index)
{
    char text[16];
    snprintf(text, sizeof(text), "%08u", 10000001 + index);
    memcpy(payment->terminal_id, text, sizeof(payment->terminal_id));
    payment->merchant_id[14] = index % 2 == 0 ? '1' : '2';
}

static void sign_on(struct stage *stage, uint32_t index)
{
    static const uint8_t KEYS[40] = {1};
    stage->request.kind = PAYMENT_SIGNON;
    memcpy(stage->request.management_code, "003", 4);
    stage->request.stan = 1;
    name_terminal(&stage->request, index);
    struct engine_event event = {.kind = ENGINE_REQUEST,
                                 .request = {.conn = {.slot = index}, .payment = &stage->request}};
    step(stage, &event);
    event = (struct engine_event){.kind = ENGINE_KEYS,
                                  .keys = {.txn = effect_of(stage, ENGINE_MAKE_KEYS)->txn,
                                           .is_made = true,
                                           .field_62 = {KEYS, 40},
                                           .records = {KEYS, 40}}};
    step(stage, &event);
    stage->request.batch = effect_of(stage, ENGINE_REPLY)->payment->batch;
}

static void purchase(struct stage *stage)
{
    uint32_t index = stage->purchase_count % TERMINAL_COUNT;
    stage->request.kind = PAYMENT_PURCHASE;
    stage->request.stan = 2 + stage->purchase_count++ / TERMINAL_COUNT % 999990;
    digits_format(stage->request.terminal_id, 10000001 + index, 8);
    stage->request.merchant_id[14] = index % 2 == 0 ? '1' : '2';
    struct engine_event event = {.kind = ENGINE_REQUEST,
                                 .request = {.conn = {.slot = index}, .payment = &stage->request}};
    step(stage, &event);
    const struct engine_effect *forward = effect_of(stage, ENGINE_FORWARD);
    payment_copy(&stage->response, forward->payment);
    stage->response.leg = PAYMENT_RESPONSE;
    memcpy(stage->response.response_code, "00", 3);
    memcpy(stage->response.auth_code, "123456", 7);
    event = (struct engine_event){
        .kind = ENGINE_RESPONSE,
        .response = {.channel = forward->channel, .payment = &stage->response}};
    step(stage, &event);
    if (!payment_is_approval(effect_of(stage, ENGINE_REPLY)->payment->response_code)) {
        fprintf(stderr, "purchase %u was answered %s\n", stage->purchase_count,
                effect_of(stage, ENGINE_REPLY)->payment->response_code);
        exit(2);
    }
}

static uint64_t run_purchases(void *argument, uint32_t count)
{
    struct stage *stage = argument;
    for (uint32_t i = 0; i < count; i++) {
        purchase(stage);
    }
    return stage->now_ns;
}

static uint64_t run_copies(void *argument, uint32_t count)
{
    struct stage *stage = argument;
    for (uint32_t i = 0; i < 4 * count; i++) {
        payment_copy(&stage->copy, i % 2 == 0 ? &stage->request : &stage->response);
        __asm__ volatile("" : : "r"(&stage->copy) : "memory");
    }
    return stage->copy.stan;
}

static void fill_request(struct payment *request)
{
    payment_clear(request);
    request->leg = PAYMENT_REQUEST;
    request->amount = (struct money){12345, MONEY_CNY};
    memcpy(request->merchant_id, "102290058120001", 16);
    memcpy(request->processing_code, "000000", 7);
    memcpy(request->condition_code, "00", 3);
    memcpy(request->type_code, "22", 3);
    memcpy(request->entry_mode, "051", 4);
    memcpy(request->management_code, "003", 4);
    if (pan_parse(&request->pan, TEST_PAN, strlen(TEST_PAN)) != STATUS_OK) {
        exit(2);
    }
    request->pan_sealed.length = PAN_SEALED_BYTES_MAX;
}

int main(void)
{
    static struct stage stage;
    struct engine_limits limits = {.txn_count_max = 65536,
                                   .terminal_count_max = TERMINAL_COUNT,
                                   .response_timeout_ns = UINT64_C(45000000000),
                                   .inflight_life_ns = UINT64_C(120000000000),
                                   .saf_retry_min_ns = UINT64_C(5000000000),
                                   .saf_retry_max_ns = UINT64_C(60000000000),
                                   .saf_life_ns = UINT64_C(86400000000000),
                                   .duplicate_window_ns = UINT64_C(3600000000000),
                                   .signon_timeout_ns = UINT64_C(5000000000),
                                   .lookup_timeout_ns = UINT64_C(5000000000),
                                   .capture_ceiling_percent = 115,
                                   .tip_ceiling_percent = 120,
                                   .saf_window = 16,
                                   .node = 1,
                                   .acquirer_id = "00085500"};
    struct ruleset *ruleset = small_ruleset_create(TERMINAL_COUNT);
    stage.engine = engine_create(&limits);
    stage.now_ns = 1;
    stage.wall_us = INT64_C(1767225600000000);
    step(&stage, &(struct engine_event){.kind = ENGINE_RULESET, .ruleset = ruleset});
    step(&stage, &(struct engine_event){.kind = ENGINE_REPLAY_END});
    for (uint16_t channel = 0; channel < 2; channel++) {
        step(&stage, &(struct engine_event){.kind = ENGINE_CHANNEL,
                                            .channel = {.channel = channel, .is_up = true}});
    }
    fill_request(&stage.request);
    for (uint32_t i = 0; i < TERMINAL_COUNT; i++) {
        sign_on(&stage, i);
    }
    bench_run(&(struct bench_pair){.name = "engine.purchase",
                                   .unit = "ns",
                                   .reference = "four copies of such a payment",
                                   .measured = run_purchases,
                                   .reference_function = run_copies,
                                   .argument = &stage,
                                   .count = 200000,
                                   .aim = 1000});
    engine_destroy(stage.engine);
    ruleset_destroy(ruleset);
    return 0;
}
