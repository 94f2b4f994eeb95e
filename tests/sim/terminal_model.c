/* Terminals as their applications behave: sign on, pay, and reverse what they do not know the end
 * of (UnionPay POS practice). What they hold at the end is the receipt journal. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

#define TERMINAL_TIMEOUT_NS (60 * SIM_S)
#define TEST_PAN "6222021234567890128"

static void act_later(struct world *world, uint32_t terminal, uint64_t delay_ns)
{
    world_later(
        world, delay_ns,
        &(struct agenda_item){.kind = AGENDA_TERMINAL_ACTS, .a = terminal, .payload = UINT32_MAX});
}

void terminal_models_start(struct world *world)
{
    world->terminal_count = (uint32_t)world_between(world, 1, SIM_TERMINAL_COUNT_MAX);
    for (uint32_t i = 0; i < world->terminal_count; i++) {
        struct terminal_model *terminal = &world->terminals[i];
        *terminal = (struct terminal_model){.stan_next = 1,
                                            .purchases_left = (uint32_t)world_between(world, 2, 8)};
        snprintf(terminal->terminal_id, sizeof(terminal->terminal_id), "1000000%u", (i + 1) % 10);
        snprintf(terminal->merchant_id, sizeof(terminal->merchant_id), "10229005812000%u",
                 i % 2 + 1);
        act_later(world, i, world_between(world, 1, 2000) * SIM_MS);
    }
}

static void fill_request(const struct world *world, uint32_t index, enum payment_kind kind,
                         struct payment *payment)
{
    const struct terminal_model *terminal = &world->terminals[index];
    payment_clear(payment);
    payment->kind = kind;
    payment->leg = PAYMENT_REQUEST;
    payment->batch = terminal->batch;
    payment->stan = terminal->stan_next;
    memcpy(payment->terminal_id, terminal->terminal_id, sizeof(payment->terminal_id));
    memcpy(payment->merchant_id, terminal->merchant_id, sizeof(payment->merchant_id));
}

static void fill_card(struct payment *payment, const struct attempt *attempt)
{
    payment->stan = attempt->stan;
    payment->batch = attempt->batch;
    payment->amount = (struct money){attempt->amount, MONEY_CNY};
    if (pan_parse(&payment->pan, TEST_PAN, strlen(TEST_PAN)) != STATUS_OK) {
        payment->pan.digit_count = 0;
    }
    memset(payment->pan_hash.bytes, 0x5A, sizeof(payment->pan_hash.bytes));
    payment->pan_sealed = (struct pan_sealed){.length = 8, .bytes = "sealed"};
    memcpy(payment->processing_code, "000000", 7);
    memcpy(payment->condition_code, "00", 3);
    memcpy(payment->type_code, "22", 3);
    memcpy(payment->entry_mode, "051", 4);
}

/* Puts a request on the way over a fresh connection. */
static void send_over_new_conn(struct world *world, uint32_t index, const struct payment *payment,
                               uint64_t delay_ns)
{
    struct terminal_model *terminal = &world->terminals[index];
    terminal->conn_generation++;
    if (world_draw(world, FAULT_TERMINAL_REQUEST_LOST)) {
        world_trace(world, "terminal %s: request lost", terminal->terminal_id);
        return;
    }
    if (world_draw(world, FAULT_TERMINAL_REQUEST_LATE)) {
        delay_ns += world_between(world, 61, 110) * SIM_S;
    }
    struct agenda_item item = {.kind = AGENDA_SWITCH_REQUEST,
                               .a = index,
                               .b = terminal->conn_generation,
                               .payload = world_keep(world, payment)};
    world_later(world, delay_ns, &item);
    if (world_draw(world, FAULT_TERMINAL_REQUEST_TWICE)) {
        item.payload = world_keep(world, payment);
        world_later(world, delay_ns + world_between(world, 0, 20000) * SIM_MS, &item);
    }
}

static void begin_wait(struct world *world, uint32_t index, enum terminal_wait wait)
{
    struct terminal_model *terminal = &world->terminals[index];
    terminal->wait = wait;
    terminal->wait_generation++;
    world_later(world, TERMINAL_TIMEOUT_NS,
                &(struct agenda_item){.kind = AGENDA_TERMINAL_GIVES_UP,
                                      .a = index,
                                      .b = terminal->wait_generation,
                                      .payload = UINT32_MAX});
}

static uint64_t network_delay(struct world *world)
{
    return world_between(world, 2, 150) * SIM_MS;
}

static void send_signon(struct world *world, uint32_t index)
{
    struct payment payment;
    fill_request(world, index, PAYMENT_SIGNON, &payment);
    payment.stan = world->terminals[index].stan_next++;
    payment.amount = (struct money){0, 0};
    memcpy(payment.management_code, "003", 4);
    begin_wait(world, index, WAIT_SIGNON);
    send_over_new_conn(world, index, &payment, network_delay(world));
}

static void send_reversal(struct world *world, uint32_t index)
{
    struct attempt *attempt = &world->attempts[world->terminals[index].attempt];
    struct payment payment;
    fill_request(world, index, PAYMENT_REVERSAL, &payment);
    fill_card(&payment, attempt);
    payment.original_kind = PAYMENT_PURCHASE;
    memcpy(payment.reversal_reason, "98", 3);
    begin_wait(world, index, WAIT_REVERSAL);
    send_over_new_conn(world, index, &payment, network_delay(world));
}

static uint32_t new_attempt(struct world *world, uint32_t index)
{
    struct terminal_model *terminal = &world->terminals[index];
    uint32_t at = world->attempt_count++;
    world->attempts[at] = (struct attempt){.terminal = index,
                                           .batch = terminal->batch,
                                           .stan = terminal->stan_next++,
                                           .amount = world->amount_next++};
    return at;
}

/* What an impatient or faulty terminal does besides its purchase. */
static void purchase_faults(struct world *world, uint32_t index, const struct payment *payment)
{
    struct terminal_model *terminal = &world->terminals[index];
    struct attempt *attempt = &world->attempts[terminal->attempt];
    if (world_draw(world, FAULT_TERMINAL_REVERSES_EARLY)) {
        attempt->outcome = ATTEMPT_UNKNOWN;
        terminal->wait = WAIT_NOTHING;
        act_later(world, index, world_between(world, 1, 8000) * SIM_MS);
    } else if (world_draw(world, FAULT_TERMINAL_RECONNECT)) {
        send_over_new_conn(world, index, payment,
                           network_delay(world) + world_between(world, 0, 30000) * SIM_MS);
    }
}

static void send_purchase(struct world *world, uint32_t index)
{
    struct terminal_model *terminal = &world->terminals[index];
    terminal->purchases_left--;
    terminal->attempt = new_attempt(world, index);
    struct attempt *attempt = &world->attempts[terminal->attempt];
    struct payment payment;
    fill_request(world, index, PAYMENT_PURCHASE, &payment);
    fill_card(&payment, attempt);
    if (world_draw(world, FAULT_TERMINAL_REVERSAL_FIRST)) {
        /* The original is held up on its way; the reversal on the next connection overtakes it. */
        send_over_new_conn(world, index, &payment, world_between(world, 5, 50) * SIM_S);
        attempt->outcome = ATTEMPT_UNKNOWN;
        act_later(world, index, network_delay(world));
        return;
    }
    begin_wait(world, index, WAIT_PURCHASE);
    send_over_new_conn(world, index, &payment, network_delay(world));
    purchase_faults(world, index, &payment);
}

void terminal_on_act(struct world *world, uint32_t index)
{
    struct terminal_model *terminal = &world->terminals[index];
    if (terminal->wait != WAIT_NOTHING) {
        return;
    }
    bool has_attempt =
        world->attempt_count > 0 && world->attempts[terminal->attempt].terminal == index;
    if (has_attempt && world->attempts[terminal->attempt].outcome == ATTEMPT_UNKNOWN) {
        send_reversal(world, index);
    } else if (!terminal->is_signed_on && terminal->purchases_left > 0) {
        send_signon(world, index);
    } else if (terminal->purchases_left > 0 && world->attempt_count + 4 < SIM_ATTEMPT_COUNT_MAX) {
        send_purchase(world, index);
    }
}

void terminal_on_give_up(struct world *world, uint32_t index, uint32_t wait_generation)
{
    struct terminal_model *terminal = &world->terminals[index];
    if (terminal->wait == WAIT_NOTHING || terminal->wait_generation != wait_generation) {
        return;
    }
    world_trace(world, "terminal %s: no answer", terminal->terminal_id);
    if (terminal->wait == WAIT_PURCHASE) {
        world->attempts[terminal->attempt].outcome = ATTEMPT_UNKNOWN;
    }
    terminal->wait = WAIT_NOTHING;
    terminal->conn_generation++;
    act_later(world, index, world_between(world, 100, 5000) * SIM_MS);
}

void terminal_on_crash(struct world *world)
{
    for (uint32_t i = 0; i < world->terminal_count; i++) {
        if (world->terminals[i].wait != WAIT_NOTHING && sim_random_permille(&world->random, 500)) {
            world_later(world, world_between(world, 1, 3000) * SIM_MS,
                        &(struct agenda_item){.kind = AGENDA_TERMINAL_GIVES_UP,
                                              .a = i,
                                              .b = world->terminals[i].wait_generation,
                                              .payload = UINT32_MAX});
        }
    }
}

static void send_impostor(struct world *world, uint32_t index, const struct attempt *original)
{
    uint32_t at = world->attempt_count++;
    struct attempt *impostor = &world->attempts[at];
    *impostor = *original;
    impostor->amount = world->amount_next++;
    impostor->is_impostor = true;
    impostor->outcome = ATTEMPT_DECLINED;
    impostor->forward_count = impostor->reversal_count = 0;
    struct payment payment;
    fill_request(world, index, PAYMENT_PURCHASE, &payment);
    fill_card(&payment, impostor);
    send_over_new_conn(world, index, &payment, network_delay(world));
}

static void on_purchase_reply(struct world *world, uint32_t index, const struct payment *reply)
{
    struct terminal_model *terminal = &world->terminals[index];
    struct attempt *attempt = &world->attempts[terminal->attempt];
    bool is_approved = payment_is_approval(reply->response_code);
    attempt->outcome = is_approved ? ATTEMPT_APPROVED : ATTEMPT_DECLINED;
    if (strcmp(reply->response_code, "77") == 0) {
        terminal->is_signed_on = false;
    }
    if (strcmp(reply->response_code, "09") == 0) {
        attempt->outcome = ATTEMPT_UNKNOWN;
    }
    if (is_approved && world_draw(world, FAULT_TERMINAL_REVERSES_APPROVED)) {
        attempt->outcome = ATTEMPT_UNKNOWN;
    } else if (is_approved && world_draw(world, FAULT_TERMINAL_OTHER_CONTENT)) {
        send_impostor(world, index, attempt);
    }
}

static void on_reversal_reply(struct world *world, uint32_t index, const struct payment *reply)
{
    struct attempt *attempt = &world->attempts[world->terminals[index].attempt];
    const char *code = reply->response_code;
    if (strcmp(code, "00") == 0 || strcmp(code, "12") == 0 || strcmp(code, "25") == 0) {
        attempt->outcome = ATTEMPT_REVERSED;
    }
}

static bool reply_fits(const struct terminal_model *terminal, const struct payment *reply)
{
    switch (terminal->wait) {
    case WAIT_SIGNON:
        return reply->kind == PAYMENT_SIGNON;
    case WAIT_PURCHASE:
        return reply->kind == PAYMENT_PURCHASE;
    case WAIT_REVERSAL:
        return reply->kind == PAYMENT_REVERSAL;
    case WAIT_NOTHING:
        return false;
    }
    return false;
}

void terminal_on_reply(struct world *world, const struct agenda_item *item)
{
    struct terminal_model *terminal = &world->terminals[item->a];
    const struct payment *reply = &world->payments[item->payload];
    if (item->b != terminal->conn_generation || !reply_fits(terminal, reply)) {
        return;
    }
    world_trace(world, "terminal %s: %s of %06u answered %s", terminal->terminal_id,
                payment_kind_name(reply->kind), reply->stan, reply->response_code);
    if (terminal->wait == WAIT_SIGNON && payment_is_approval(reply->response_code)) {
        terminal->is_signed_on = true;
        terminal->batch = reply->batch;
    } else if (terminal->wait == WAIT_PURCHASE) {
        on_purchase_reply(world, item->a, reply);
    } else if (terminal->wait == WAIT_REVERSAL) {
        on_reversal_reply(world, item->a, reply);
    }
    terminal->wait = WAIT_NOTHING;
    act_later(world, item->a, world_between(world, 100, 20000) * SIM_MS);
}
