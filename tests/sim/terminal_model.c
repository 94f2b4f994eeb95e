/* Terminals as their applications behave: sign on, pay, and reverse what they do not know the end
 * of (UnionPay POS practice). What they hold at the end is the receipt journal. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

#define REVERSAL_REFUSED_COUNT_MAX 3 /* then the terminal drops it and prints (5) */
#define STALE_PERMILLE 400 /* of copies: come when the switch may have forgotten the first */
#define SENT_COUNT_MAX 9
#define TRACE_MAX 999999
#define RETURN_TRANSACTION_COUNT 4
#define TERMINAL_TIMEOUT_NS (60 * SIM_S)
#define TEST_PAN "6222021234567890128"
#define FOREIGN_PAN "4761739001010119"

void terminal_act_later(struct world *world, uint32_t terminal, uint64_t delay_ns)
{
    world_later(
        world, delay_ns,
        &(struct agenda_item){.kind = AGENDA_TERMINAL_ACTS, .a = terminal, .payload = UINT32_MAX});
}

void terminal_models_start(struct world *world)
{
    world->terminal_count = (uint32_t)world_between(world, 1, SIM_TERMINAL_COUNT_MAX);
    if (world->terminal_count > world->cut.terminal_count_max) {
        world->terminal_count = world->cut.terminal_count_max;
    }
    for (uint32_t i = 0; i < world->terminal_count; i++) {
        struct terminal_model *terminal = &world->terminals[i];
        uint32_t transactions = (uint32_t)world_between(world, 2, SIM_TRANSACTION_COUNT_MAX);
        *terminal = (struct terminal_model){
            .stan_next = 1, .transactions_left = transactions, .attempt = NO_ATTEMPT};
        if (transactions > world->cut.transaction_count_max) {
            terminal->transactions_left = world->cut.transaction_count_max;
        }
        if (sim_random_permille(&world->random, 100)) {
            terminal->stan_next = TRACE_MAX - (uint32_t)world_between(world, 0, 4);
        }
        snprintf(terminal->terminal_id, sizeof(terminal->terminal_id), "1000000%u", (i + 1) % 10);
        snprintf(terminal->merchant_id, sizeof(terminal->merchant_id), "10229005812000%u",
                 i % 2 + 1);
        terminal_act_later(world, i, world_between(world, 1, 2000) * SIM_MS);
    }
}

void terminal_fill(const struct world *world, uint32_t index, enum payment_kind kind,
                   struct payment *payment)
{
    const struct terminal_model *terminal = &world->terminals[index];
    payment_clear(payment);
    payment->kind = kind;
    payment->leg = PAYMENT_REQUEST;
    payment->batch = terminal->batch;
    payment->stan = terminal->stan_next;
    payment->answer_words = (uint8_t)(index % 3); /* not all can show what a cashier is told */
    memcpy(payment->terminal_id, terminal->terminal_id, sizeof(payment->terminal_id));
    memcpy(payment->merchant_id, terminal->merchant_id, sizeof(payment->merchant_id));
}

/* What the card and the slip of the original say. */
static void fill_card(struct payment *payment, bool is_foreign)
{
    const char *digits = is_foreign ? FOREIGN_PAN : TEST_PAN;
    if (pan_parse(&payment->pan, digits, strlen(digits)) != STATUS_OK) {
        payment->pan.digit_count = 0;
    }
    memset(payment->pan_hash.bytes, is_foreign ? 0x4F : 0x5A, sizeof(payment->pan_hash.bytes));
    payment->pan_sealed = (struct pan_sealed){.length = 8, .bytes = "sealed"};
    memcpy(payment->entry_mode, "051", 4);
}

/* Fields 37, 38 and 61 name the original (unionpay-pos 6): the slip's number where money is given
 * back, the authorisation where a pre-authorisation is followed. */
static void fill_original(const struct world *world, const struct attempt *attempt,
                          struct payment *payment)
{
    if (attempt->original == NO_ATTEMPT) {
        return;
    }
    const struct attempt *original = &world->attempts[attempt->original];
    payment->original.batch = original->batch;
    payment->original.stan = original->stan;
    memcpy(payment->original.date, "0101", 5);
    memcpy(payment->original.auth_code, original->auth_code, sizeof(original->auth_code));
    if (original->kind != PAYMENT_PREAUTH) {
        memcpy(payment->original.rrn, original->rrn, sizeof(original->rrn));
    }
}

static void fill_attempt(const struct world *world, uint32_t index, enum payment_kind kind,
                         const struct attempt *attempt, struct payment *payment)
{
    const struct sim_kind *row = sim_kind_of(attempt->kind);
    terminal_fill(world, index, kind, payment);
    payment->stan = attempt->stan;
    payment->batch = attempt->batch;
    payment->amount =
        attempt->amount == 0 ? (struct money){0, 0} : (struct money){attempt->amount, MONEY_CNY};
    memcpy(payment->processing_code, row->processing_code, sizeof(row->processing_code));
    memcpy(payment->condition_code, row->condition_code, sizeof(row->condition_code));
    memcpy(payment->type_code, row->type_code, sizeof(row->type_code));
    fill_card(payment, attempt->is_foreign);
    fill_original(world, attempt, payment);
}

/* Puts a request on the way over a fresh connection. */
void terminal_send(struct world *world, uint32_t index, const struct payment *payment,
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
        bool is_stale = sim_random_permille(&world->random, STALE_PERMILLE);
        uint64_t behind_ns = is_stale ? world_between(world, 60, 600) * SIM_S
                                      : world_between(world, 0, 20000) * SIM_MS;
        world_later(world, delay_ns + behind_ns, &item);
    }
}

void terminal_begin_wait(struct world *world, uint32_t index, enum terminal_wait wait)
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

uint64_t terminal_network_delay(struct world *world)
{
    return world_between(world, 2, 150) * SIM_MS;
}

uint32_t terminal_next_trace(struct world *world, uint32_t index)
{
    struct terminal_model *terminal = &world->terminals[index];
    uint32_t trace = terminal->stan_next;
    terminal->stan_next = trace == TRACE_MAX ? 1 : trace + 1;
    if (trace == TRACE_MAX) {
        world_mark(world, MARK_TRACE_ROLLS);
    }
    return trace;
}

static void send_signon(struct world *world, uint32_t index)
{
    struct payment payment;
    terminal_fill(world, index, PAYMENT_SIGNON, &payment);
    payment.stan = terminal_next_trace(world, index);
    payment.amount = (struct money){0, 0};
    memcpy(payment.management_code, "003", 4);
    terminal_begin_wait(world, index, WAIT_SIGNON);
    terminal_send(world, index, &payment, terminal_network_delay(world));
}

static void send_reversal(struct world *world, uint32_t index)
{
    struct attempt *attempt = &world->attempts[world->terminals[index].attempt];
    struct payment payment;
    fill_attempt(world, index, PAYMENT_REVERSAL, attempt, &payment);
    payment.original_kind = attempt->kind;
    memcpy(payment.reversal_reason, "98", 3);
    terminal_begin_wait(world, index, WAIT_REVERSAL);
    terminal_send(world, index, &payment, terminal_network_delay(world));
}

static bool is_undone_by_reversal(const struct attempt *attempt)
{
    return sim_kind_of(attempt->kind)->silence == SILENCE_UNDOES;
}

/* What an impatient or faulty terminal does besides its transaction. */
static void transaction_faults(struct world *world, uint32_t index, const struct payment *payment)
{
    struct terminal_model *terminal = &world->terminals[index];
    struct attempt *attempt = &world->attempts[terminal->attempt];
    if (world_draw(world, FAULT_TERMINAL_REVERSES_EARLY) && is_undone_by_reversal(attempt)) {
        attempt->outcome = ATTEMPT_UNKNOWN;
        terminal->wait = WAIT_NOTHING;
        terminal_act_later(world, index, world_between(world, 1, 8000) * SIM_MS);
    } else if (world_draw(world, FAULT_TERMINAL_RECONNECT)) {
        /* One draw a statement: the order of two in an expression is the compiler's. */
        uint64_t delay_ns = terminal_network_delay(world);
        delay_ns += world_between(world, 0, 30000) * SIM_MS;
        attempt->sent_count++;
        terminal_send(world, index, payment, delay_ns);
    }
}

static void send_attempt(struct world *world, uint32_t index)
{
    struct terminal_model *terminal = &world->terminals[index];
    struct attempt *attempt = &world->attempts[terminal->attempt];
    struct payment payment;
    fill_attempt(world, index, attempt->kind, attempt, &payment);
    attempt->sent_count++;
    if (world_draw(world, FAULT_TERMINAL_REVERSAL_FIRST) && is_undone_by_reversal(attempt)) {
        /* The original is held up on its way; the reversal on the next connection overtakes it. */
        terminal_send(world, index, &payment, world_between(world, 5, 50) * SIM_S);
        attempt->outcome = ATTEMPT_UNKNOWN;
        terminal_act_later(world, index, terminal_network_delay(world));
        return;
    }
    terminal_begin_wait(world, index, WAIT_ANSWER);
    terminal_send(world, index, &payment, terminal_network_delay(world));
    transaction_faults(world, index, &payment);
}

/* The same message again, of what is not undone by a reversal. */
static void send_again(struct world *world, uint32_t index)
{
    struct attempt *attempt = &world->attempts[world->terminals[index].attempt];
    struct payment payment;
    fill_attempt(world, index, attempt->kind, attempt, &payment);
    attempt->sent_count++;
    terminal_begin_wait(world, index, WAIT_ANSWER);
    terminal_send(world, index, &payment, terminal_network_delay(world));
}

static bool has_work(const struct world *world, uint32_t index)
{
    return world->terminals[index].transactions_left > 0 &&
           world->attempt_count + 2 * SIM_TERMINAL_COUNT_MAX < SIM_ATTEMPT_COUNT_MAX;
}

void terminal_on_act(struct world *world, uint32_t index)
{
    struct terminal_model *terminal = &world->terminals[index];
    if (terminal->wait != WAIT_NOTHING) {
        return;
    }
    const struct attempt *attempt =
        terminal->attempt == NO_ATTEMPT ? NULL : &world->attempts[terminal->attempt];
    bool is_closing = closing_is_due(world, index);
    if (attempt != NULL && attempt->outcome == ATTEMPT_UNKNOWN) {
        if (is_undone_by_reversal(attempt)) {
            send_reversal(world, index);
        } else {
            send_again(world, index);
        }
    } else if (!terminal->is_signed_on && (has_work(world, index) || is_closing)) {
        send_signon(world, index);
    } else if (is_closing) {
        closing_act(world, index);
    } else if (has_work(world, index)) {
        terminal->transactions_left--;
        terminal->attempt = clerk_new_attempt(world, index);
        send_attempt(world, index);
    }
}

void terminal_on_return(struct world *world, uint32_t index)
{
    bool has_breakers = rules_routing(world->rules + 1)->has_breakers;
    world->terminals[index].transactions_left += has_breakers ? RETURN_TRANSACTION_COUNT : 0;
    terminal_on_act(world, index);
}

void terminal_on_give_up(struct world *world, uint32_t index, uint32_t wait_generation)
{
    struct terminal_model *terminal = &world->terminals[index];
    if (terminal->wait == WAIT_NOTHING || terminal->wait_generation != wait_generation) {
        return;
    }
    world_trace(world, "terminal %s: no answer", terminal->terminal_id);
    if (terminal->wait == WAIT_ANSWER) {
        struct attempt *attempt = &world->attempts[terminal->attempt];
        bool lets_go = sim_kind_of(attempt->kind)->silence == SILENCE_LETS_GO;
        attempt->outcome = lets_go ? ATTEMPT_DECLINED : ATTEMPT_UNKNOWN;
    }
    terminal->wait = WAIT_NOTHING;
    terminal->conn_generation++;
    terminal_act_later(world, index, world_between(world, 100, 5000) * SIM_MS);
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
    struct payment payment;
    fill_attempt(world, index, impostor->kind, impostor, &payment);
    terminal_send(world, index, &payment, terminal_network_delay(world));
}

/* Whether the code leaves open what became of it. 09 does; 98 says that the switch undoes it, which
 * every other terminal does not lean on; 96 says nothing about the first
 * message to a terminal that has sent it more than once, until it has asked often enough. */
static bool is_open_answer(const struct attempt *attempt, const char *code)
{
    bool is_leaning = attempt->terminal % 2 == 0 && is_undone_by_reversal(attempt);
    return strcmp(code, "09") == 0 || (strcmp(code, "98") == 0 && !is_leaning) ||
           (strcmp(code, "96") == 0 && attempt->sent_count > 1 &&
            attempt->sent_count < SENT_COUNT_MAX);
}

static void on_answer(struct world *world, uint32_t index, const struct payment *reply)
{
    struct terminal_model *terminal = &world->terminals[index];
    struct attempt *attempt = &world->attempts[terminal->attempt];
    bool lets_go = sim_kind_of(attempt->kind)->silence == SILENCE_LETS_GO;
    bool is_approved = payment_is_approval(reply->response_code);
    attempt->outcome = is_approved ? ATTEMPT_APPROVED : ATTEMPT_DECLINED;
    if (strcmp(reply->response_code, "77") == 0) {
        terminal->is_signed_on = false;
    }
    if (is_open_answer(attempt, reply->response_code) && !lets_go) {
        attempt->outcome = ATTEMPT_UNKNOWN;
    }
    if (is_approved) {
        memcpy(attempt->rrn, reply->rrn, sizeof(attempt->rrn));
        memcpy(attempt->auth_code, reply->auth_code, sizeof(attempt->auth_code));
    }
    bool is_regretted = world_draw(world, FAULT_TERMINAL_REVERSES_APPROVED);
    bool is_changed = world_draw(world, FAULT_TERMINAL_OTHER_CONTENT);
    if (is_approved && is_regretted && is_undone_by_reversal(attempt)) {
        attempt->outcome = ATTEMPT_UNKNOWN;
    } else if (is_approved && is_changed && !lets_go) {
        send_impostor(world, index, attempt);
    }
}

static void on_reversal_reply(struct world *world, uint32_t index, const struct payment *reply)
{
    struct attempt *attempt = &world->attempts[world->terminals[index].attempt];
    const char *code = reply->response_code;
    if (strcmp(code, "00") == 0 || strcmp(code, "12") == 0 || strcmp(code, "25") == 0) {
        attempt->outcome = ATTEMPT_REVERSED;
    } else if (++attempt->reversal_refused_count >= REVERSAL_REFUSED_COUNT_MAX) {
        attempt->outcome = ATTEMPT_DISPUTED;
    }
}

static void on_signon_reply(struct world *world, uint32_t index, const struct payment *reply)
{
    struct terminal_model *terminal = &world->terminals[index];
    if (!payment_is_approval(reply->response_code)) {
        return;
    }
    if (terminal->batch != 0 && reply->batch != terminal->batch) {
        world_trace(world, "terminal %s: batch %u now", terminal->terminal_id, reply->batch);
        terminal->closing = CLOSING_NOT;
        terminal->transactions_of_batch = 0;
    }
    terminal->is_signed_on = true;
    terminal->batch = reply->batch;
}

static bool reply_fits(const struct world *world, const struct terminal_model *terminal,
                       const struct payment *reply)
{
    switch (terminal->wait) {
    case WAIT_SIGNON:
        return reply->kind == PAYMENT_SIGNON;
    case WAIT_ANSWER:
        return reply->stan == world->attempts[terminal->attempt].stan &&
               reply->kind == world->attempts[terminal->attempt].kind;
    case WAIT_SETTLEMENT:
        return reply->kind == PAYMENT_SETTLEMENT;
    case WAIT_DETAILS:
    case WAIT_BATCH_END:
        return reply->kind == PAYMENT_BATCH_UPLOAD;
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
    if (item->b != terminal->conn_generation || !reply_fits(world, terminal, reply)) {
        return;
    }
    world_trace(world, "terminal %s: %s of %06u answered %s", terminal->terminal_id,
                payment_kind_name(reply->kind), reply->stan, reply->response_code);
    switch (terminal->wait) {
    case WAIT_SIGNON:
        on_signon_reply(world, item->a, reply);
        break;
    case WAIT_ANSWER:
        on_answer(world, item->a, reply);
        break;
    case WAIT_REVERSAL:
        on_reversal_reply(world, item->a, reply);
        break;
    case WAIT_SETTLEMENT:
    case WAIT_DETAILS:
    case WAIT_BATCH_END:
        closing_on_reply(world, item->a, reply);
        break;
    case WAIT_NOTHING:
        break;
    }
    terminal->wait = WAIT_NOTHING;
    terminal_act_later(world, item->a, world_between(world, 100, 20000) * SIM_MS);
}
