/* See wallet_channel.h. What an order does next is wallet_order.c's business; here its decisions
 * are carried out, and what the engine asks and hears is put into its words. */
#include "switch/channel/wallet_channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "switch/channel/wallet_state.h"
#include "switch/net/log.h"

#define NS_PER_MS UINT64_C(1000000)
#define RRN_CHARACTERS 12
#define TERMINAL_CHARACTERS 8
#define STAN_CHARACTERS 6
#define SPARE_SLOT_COUNT 256 /* reversals and refunds that find room when payments have none */
_Static_assert(RRN_CHARACTERS + TERMINAL_CHARACTERS + STAN_CHARACTERS == WALLET_ORDER_CHARACTERS,
               "an order number is these three");

static struct wallet_channel *wallet_of(struct channel *channel)
{
    return (struct wallet_channel *)(void *)channel;
}

/* --- order numbers ------------------------------------------------------------------------ */

struct order_parts {
    const char *rrn, *terminal_id;
    uint32_t stan;
};

/* False: not what an order number can be made of. */
static bool write_number(char number[WALLET_ORDER_SIZE], const struct order_parts *parts)
{
    if (strlen(parts->rrn) != RRN_CHARACTERS || strlen(parts->terminal_id) != TERMINAL_CHARACTERS ||
        parts->stan == 0 || parts->stan > 999999) {
        return false;
    }
    memcpy(number, parts->rrn, RRN_CHARACTERS);
    memcpy(number + RRN_CHARACTERS, parts->terminal_id, TERMINAL_CHARACTERS);
    digits_format(number + RRN_CHARACTERS + TERMINAL_CHARACTERS, parts->stan, STAN_CHARACTERS);
    number[WALLET_ORDER_CHARACTERS] = '\0';
    return strspn(number, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
           WALLET_ORDER_CHARACTERS;
}

/* Who would have asked for an order that only the wallet remembers. */
static bool read_number(struct wallet_asker *asker, const char *number)
{
    uint64_t stan = 0;
    if (strlen(number) != WALLET_ORDER_CHARACTERS ||
        digits_parse(&stan, number + RRN_CHARACTERS + TERMINAL_CHARACTERS, STAN_CHARACTERS,
                     (struct number_range){1, 999999}) != STATUS_OK) {
        return false;
    }
    memset(asker, 0, sizeof(*asker));
    asker->kind = PAYMENT_PURCHASE;
    asker->stan = (uint32_t)stan;
    memcpy(asker->rrn, number, RRN_CHARACTERS);
    memcpy(asker->terminal_id, number + RRN_CHARACTERS, TERMINAL_CHARACTERS);
    return true;
}

/* --- what the engine hears ---------------------------------------------------------------- */

static void respond(struct wallet_channel *channel, const struct wallet_asker *asker,
                    const char *code)
{
    struct payment *payment = &channel->outgoing;
    payment_clear(payment);
    payment->leg = PAYMENT_RESPONSE;
    payment->kind = asker->kind;
    payment->original_kind = asker->original_kind;
    payment->stan = asker->stan;
    payment->batch = asker->batch;
    payment->amount = asker->amount;
    memcpy(payment->terminal_id, asker->terminal_id, sizeof(payment->terminal_id));
    memcpy(payment->merchant_id, asker->merchant_id, sizeof(payment->merchant_id));
    memcpy(payment->rrn, asker->rrn, sizeof(payment->rrn));
    memcpy(payment->processing_code, asker->processing_code, sizeof(payment->processing_code));
    memcpy(payment->response_code, code, sizeof(payment->response_code));
    channel->base.counts.received++;
    channel->base.calls.on_response(channel->base.calls.argument, channel->base.index, payment);
}

/* --- orders ------------------------------------------------------------------------------- */

static enum wallet_memory memory_of(const struct wallet_slot *slot, const char *code)
{
    bool is_done = strcmp(code, "00") == 0;
    if (slot->order.aim == WALLET_AIM_PAY) {
        return is_done ? WALLET_WAS_PAID : code[0] != '\0' ? WALLET_WAS_REFUSED : WALLET_FORGOTTEN;
    }
    return slot->order.aim == WALLET_AIM_UNDO && is_done ? WALLET_WAS_UNDONE : WALLET_FORGOTTEN;
}

/* The slot is given back before the answer is told: the engine may forward at once. */
static void finish(struct wallet_channel *channel, struct wallet_slot *slot, const char *code)
{
    struct wallet_asker asker = slot->asker;
    bool is_told = code[0] != '\0' && !slot->is_silent;
    enum wallet_memory memory = memory_of(slot, code);
    if (memory != WALLET_FORGOTTEN) {
        wallet_desk_remember(channel->desk, slot->key, memory);
    }
    deadline_cancel(&slot->deadline);
    wallet_desk_give(channel->desk, slot);
    if (is_told) {
        respond(channel, &asker, code);
    }
}

static struct wallet_event event_of(enum wallet_event_kind kind)
{
    struct wallet_event event = {.kind = kind, .now_ns = loop_now_ns()};
    event.random = event.now_ns * UINT64_C(0x9E3779B97F4A7C15) >> 32;
    return event;
}

static void act(struct wallet_channel *channel, struct wallet_slot *slot,
                struct wallet_action action);

static void step(struct wallet_channel *channel, struct wallet_slot *slot,
                 const struct wallet_event *event)
{
    act(channel, slot, wallet_order_step(&slot->order, &channel->rules, event));
}

/* What was to be asked found no room: for the order it is as if nobody had answered. Each such step
 * leads to a pause or an answer, so there are three of them at most. */
static void step_unsent(struct wallet_channel *channel, struct wallet_slot *slot)
{
    struct wallet_event event = event_of(WALLET_ANSWERED);
    event.verdict = WALLET_UNKNOWN;
    event.is_unsent = true;
    step(channel, slot, &event);
}

static void act(struct wallet_channel *channel, struct wallet_slot *slot,
                struct wallet_action action)
{
    if (action.asks) {
        deadline_disarm(&slot->deadline);
        if (!wallet_call_begin(channel, slot, action.ask)) {
            step_unsent(channel, slot);
        }
    } else if (action.pauses) {
        deadline_arm(&channel->loop->wheel, &slot->deadline,
                     loop_now_ns() + action.pause_ms * NS_PER_MS);
    } else if (action.is_over) {
        finish(channel, slot, action.response_code);
    }
}

static void on_due(struct deadline *deadline)
{
    struct wallet_slot *slot = (struct wallet_slot *)(void *)deadline;
    struct wallet_channel *channel = slot->channel;
    if (slot->is_ask_postponed) {
        slot->is_ask_postponed = false;
        step_unsent(channel, slot);
        return;
    }
    struct wallet_event event = event_of(WALLET_DUE);
    step(channel, slot, &event);
}

/* Where an answer tells of a payment, its amount is what the wallet took: the engine compares. */
static void take_amount(struct wallet_slot *slot, const struct wallet_answer *answer)
{
    if (slot->order.aim == WALLET_AIM_PAY && answer->verdict == WALLET_PAID &&
        answer->amount_minor >= 0) {
        slot->asker.amount.minor = answer->amount_minor;
    }
}

static struct wallet_event told_event(enum wallet_event_kind kind,
                                      const struct wallet_answer *answer)
{
    struct wallet_event event = event_of(kind);
    event.verdict = answer->verdict;
    event.response_code = answer->response_code;
    return event;
}

void wallet_on_answer(struct wallet_channel *channel, const struct wallet_call *call,
                      const struct wallet_answer *answer)
{
    struct wallet_slot *slot = wallet_desk_at(channel->desk, call->place);
    if (slot->is_used && slot->call_number == call->number) {
        struct wallet_event event = told_event(WALLET_ANSWERED, answer);
        event.is_unsent = call->http.is_unsent && call->http.reply.http_status == 0;
        take_amount(slot, answer);
        step(channel, slot, &event);
    } else if (answer->verdict == WALLET_PAID) {
        (void)wallet_on_told(channel, call->request.order, answer);
    }
}

/* Paid after all, says the wallet, of an order that was undone: it is looked at again, and paid
 * back where it is so. The engine has its answer. */
static void undo_again(struct wallet_channel *channel, const char *order,
                       const struct wallet_asker *asker)
{
    struct wallet_slot *slot = wallet_desk_take(channel->desk, order);
    LOG(LOG_ERROR, "wallet_paid_after_undo", LOG_TEXT("channel", channel->base.name),
        LOG_TEXT("order", order));
    if (slot == NULL) {
        return;
    }
    deadline_init(&slot->deadline, on_due);
    slot->channel = channel;
    slot->asker = *asker;
    slot->is_silent = true;
    slot->amount_minor = slot->refund_minor = asker->amount.minor;
    memcpy(slot->number, order, WALLET_ORDER_SIZE);
    snprintf(slot->refund, sizeof(slot->refund), "V%s", order);
    slot->order.paid_at_ns = channel->started_ns;
    struct wallet_event event = event_of(WALLET_BEGIN_UNDO);
    step(channel, slot, &event);
}

/* Paid, says the wallet, of an order that nobody here waits for: the engine knows what it was told,
 * and reverses it. The wallet says so again, by when that is durable. */
static bool tell_late(struct wallet_channel *channel, const char *order,
                      const struct wallet_answer *answer)
{
    struct wallet_asker asker;
    enum wallet_memory memory = wallet_desk_recall(channel->desk, order);
    if (memory == WALLET_WAS_PAID) {
        return true; /* told again */
    }
    if (!read_number(&asker, order) || answer->amount_minor < 0) {
        LOG(LOG_ERROR, "wallet_order_strange", LOG_TEXT("channel", channel->base.name),
            LOG_TEXT("order", order), LOG_TEXT("text", answer->words));
        return true;
    }
    asker.amount = (struct money){answer->amount_minor, MONEY_CNY};
    if (memory == WALLET_WAS_UNDONE) {
        undo_again(channel, order, &asker);
        return false;
    }
    wallet_desk_remember(channel->desk, order, WALLET_WAS_PAID);
    respond(channel, &asker, "00");
    return false;
}

bool wallet_on_told(struct wallet_channel *channel, const char *order,
                    const struct wallet_answer *answer)
{
    struct wallet_slot *slot = wallet_desk_find(channel->desk, order);
    if (slot != NULL) {
        struct wallet_event event = told_event(WALLET_NOTIFIED, answer);
        take_amount(slot, answer);
        step(channel, slot, &event);
        return true;
    }
    return answer->verdict != WALLET_PAID || tell_late(channel, order, answer);
}

/* --- forwards ----------------------------------------------------------------------------- */

static struct wallet_asker asker_of(const struct payment *payment)
{
    struct wallet_asker asker = {.kind = payment->kind,
                                 .original_kind = payment->original_kind,
                                 .stan = payment->stan,
                                 .batch = payment->batch,
                                 .amount = payment->amount};
    memcpy(asker.terminal_id, payment->terminal_id, sizeof(asker.terminal_id));
    memcpy(asker.merchant_id, payment->merchant_id, sizeof(asker.merchant_id));
    memcpy(asker.rrn, payment->rrn, sizeof(asker.rrn));
    memcpy(asker.processing_code, payment->processing_code, sizeof(asker.processing_code));
    return asker;
}

/* What a forward comes to, before anything is kept of it. */
struct errand {
    enum wallet_event_kind kind;
    char key[WALLET_ORDER_SIZE], number[WALLET_ORDER_SIZE];
    int64_t amount_minor;
};

static bool read_original(struct errand *errand, const struct payment *payment)
{
    const struct payment_original *original = &payment->original;
    bool has_terminal = original->terminal_id[0] != '\0';
    const struct order_parts parts = {
        original->rrn, has_terminal ? original->terminal_id : payment->terminal_id, original->stan};
    bool has_amount = original->amount.currency != 0;
    errand->amount_minor = has_amount ? original->amount.minor : payment->amount.minor;
    return write_number(errand->number, &parts);
}

/* False: no wallet can do it. */
static bool read_errand(struct errand *errand, const struct payment *payment)
{
    const struct order_parts own = {payment->rrn, payment->terminal_id, payment->stan};
    if (payment->amount.currency != MONEY_CNY || payment->amount.minor <= 0) {
        return false;
    }
    switch ((int)payment->kind) {
    case PAYMENT_PURCHASE:
        errand->kind = WALLET_BEGIN_PAY;
        errand->amount_minor = payment->amount.minor;
        memcpy(errand->number, "", 1);
        if (payment->pay_code[0] == '\0' || !write_number(errand->number, &own)) {
            return false;
        }
        memcpy(errand->key, errand->number, sizeof(errand->key));
        return true;
    case PAYMENT_REVERSAL:
        errand->kind = WALLET_BEGIN_UNDO;
        if (payment->original_kind != PAYMENT_PURCHASE || !read_original(errand, payment)) {
            return false;
        }
        memcpy(errand->key, errand->number, sizeof(errand->key));
        return true;
    case PAYMENT_VOID:
    case PAYMENT_REFUND:
        errand->kind = WALLET_BEGIN_REFUND;
        return read_original(errand, payment) && write_number(errand->key, &own);
    default:
        return false;
    }
}

static struct wallet_slot *take_slot(struct wallet_channel *channel, const struct errand *errand,
                                     const struct payment *payment)
{
    struct wallet_slot *slot = wallet_desk_take(channel->desk, errand->key);
    if (slot == NULL) {
        return NULL;
    }
    deadline_init(&slot->deadline, on_due);
    slot->channel = channel;
    memcpy(slot->number, errand->number, sizeof(slot->number));
    slot->amount_minor = errand->amount_minor;
    slot->refund_minor = payment->amount.minor;
    if (errand->kind == WALLET_BEGIN_REFUND) {
        memcpy(slot->refund, errand->key, sizeof(errand->key));
    } else {
        snprintf(slot->refund, sizeof(slot->refund), "V%s", errand->number);
    }
    memcpy(slot->pay_code, payment->pay_code, sizeof(slot->pay_code));
    /* A payment that is not known any more left after we began: young enough to be careful. */
    slot->order.paid_at_ns = channel->started_ns;
    return slot;
}

/* The engine's driver may not be called back from here, so an answer waits for the next turn. */
static void begin(struct wallet_channel *channel, struct wallet_slot *slot,
                  const struct errand *errand, const struct payment *payment)
{
    struct wallet_event event = event_of(errand->kind);
    event.is_approved = payment->original.is_approved;
    event.is_repeat = payment->is_repeat != 0;
    slot->asker = asker_of(payment);
    slot->is_silent = false;
    struct wallet_action action = wallet_order_step(&slot->order, &channel->rules, &event);
    REQUIRE(!action.is_over && !action.pauses);
    if (action.asks) {
        deadline_disarm(&slot->deadline);
        slot->is_ask_postponed = !wallet_call_begin(channel, slot, action.ask);
    }
    if (slot->is_ask_postponed) {
        deadline_arm(&channel->loop->wheel, &slot->deadline, event.now_ns);
    }
}

static enum channel_answer wallet_forward(struct channel *base, const struct payment *payment)
{
    struct wallet_channel *channel = wallet_of(base);
    struct errand errand;
    if (channel->is_stopping || !base->counts.is_up) {
        return CHANNEL_DOWN;
    }
    if (!read_errand(&errand, payment)) {
        return CHANNEL_NOT_BUILT;
    }
    struct wallet_slot *slot = wallet_desk_find(channel->desk, errand.key);
    bool is_payment = errand.kind == WALLET_BEGIN_PAY;
    if (is_payment && (slot != NULL || wallet_desk_used(channel->desk) >= channel->window ||
                       !wallet_call_has_room(channel, true))) {
        return CHANNEL_FULL;
    }
    if (slot != NULL && errand.kind == WALLET_BEGIN_REFUND) {
        slot->asker = asker_of(payment); /* it is under way: asked again, told once */
        slot->order.begun_ns = loop_now_ns();
        return CHANNEL_QUEUED;
    }
    slot = slot != NULL ? slot : take_slot(channel, &errand, payment);
    if (slot == NULL) {
        return CHANNEL_FULL;
    }
    begin(channel, slot, &errand, payment);
    return CHANNEL_QUEUED;
}

static uint32_t wallet_waiting(struct channel *base)
{
    return wallet_desk_used(wallet_of(base)->desk);
}

/* --- life --------------------------------------------------------------------------------- */

static void on_start(struct deadline *deadline)
{
    struct wallet_channel *channel =
        (struct wallet_channel *)(void *)((char *)deadline -
                                          offsetof(struct wallet_channel, start));
    channel_base_turn(&channel->base, true, "asked over HTTPS; there is no sign-on");
    wallet_call_certificates(channel);
}

static void on_certificates(struct deadline *deadline)
{
    struct wallet_channel *channel =
        (struct wallet_channel *)(void *)((char *)deadline -
                                          offsetof(struct wallet_channel, certificates));
    wallet_call_certificates(channel);
}

static void wallet_start(struct channel *base)
{
    struct wallet_channel *channel = wallet_of(base);
    channel->started_ns = loop_now_ns();
    deadline_arm(&channel->loop->wheel, &channel->start, channel->started_ns);
}

void wallet_look_for_end(struct wallet_channel *channel)
{
    if (channel->is_stopping && !channel->is_stopped && channel->is_http_stopped &&
        channel->is_notify_stopped && channel->work_count == 0) {
        channel->is_stopped = true;
        channel->base.calls.on_stopped(channel->base.calls.argument, channel->base.index);
    }
}

static void on_http_stopped(void *argument)
{
    struct wallet_channel *channel = argument;
    channel->is_http_stopped = true;
    wallet_look_for_end(channel);
}

static void on_notify_stopped(void *argument)
{
    struct wallet_channel *channel = argument;
    channel->is_notify_stopped = true;
    wallet_look_for_end(channel);
}

static void wallet_stop(struct channel *base)
{
    struct wallet_channel *channel = wallet_of(base);
    channel->is_stopping = true;
    deadline_cancel(&channel->start);
    deadline_cancel(&channel->certificates);
    if (channel->notify != NULL) {
        wallet_notify_stop(channel->notify);
    } else {
        channel->is_notify_stopped = true;
    }
    wallet_http_stop(channel->http);
}

static void wallet_destroy(struct channel *base)
{
    struct wallet_channel *channel = wallet_of(base);
    wallet_notify_destroy(channel->notify);
    if (channel->calls != NULL) {
        wallet_calls_destroy(channel);
    }
    wallet_http_destroy(channel->http);
    wallet_desk_destroy(channel->desk);
    wallet_party_clear(&channel->party);
    wallet_setup_free(channel);
    payment_wipe(&channel->outgoing);
    free(channel);
}

/* What waits is bounded by the window, and each of it is one answer: nothing is held back. */
static void wallet_pause(struct channel *base)
{
    (void)base;
}

static const struct channel_ops WALLET_OPS = {.destroy = wallet_destroy,
                                              .start = wallet_start,
                                              .stop = wallet_stop,
                                              .forward = wallet_forward,
                                              .pause = wallet_pause,
                                              .resume = wallet_pause,
                                              .waiting = wallet_waiting};

static struct wallet_rules rules_of(const struct wallet_setup *setup)
{
    struct wallet_rules rules = wallet_rules_of(setup->kind);
    const struct {
        uint32_t chosen, *rule;
    } choices[] = {{setup->query_min_ms, &rules.query_min_ms},
                   {setup->query_max_ms, &rules.query_max_ms},
                   {setup->query_life_ms, &rules.query_life_ms},
                   {setup->cancel_after_ms, &rules.cancel_after_ms},
                   {setup->retry_min_ms, &rules.retry_min_ms},
                   {setup->retry_max_ms, &rules.retry_max_ms},
                   {setup->answer_life_ms, &rules.answer_life_ms}};
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        *choices[i].rule = choices[i].chosen != 0 ? choices[i].chosen : *choices[i].rule;
    }
    rules.query_max_ms =
        rules.query_max_ms < rules.query_min_ms ? rules.query_min_ms : rules.query_max_ms;
    return rules;
}

static bool make_parts(struct wallet_channel *channel, const struct wallet_setup *setup,
                       char reason[CHANNEL_REASON_SIZE])
{
    char fault[CHANNEL_REASON_SIZE] = "no memory";
    const struct wallet_http_setup http = {.loop = channel->loop,
                                           .url = setup->url,
                                           .ca_file = setup->ca_file,
                                           .client_certificate = channel->client_certificate,
                                           .client_key = channel->client_key,
                                           .connect_timeout_ms = setup->connect_timeout_ms,
                                           .timeout_ms = setup->timeout_ms,
                                           .connection_max = setup->connection_max,
                                           .request_max = setup->request_max,
                                           .on_stopped = on_http_stopped,
                                           .argument = channel};
    channel->desk = wallet_desk_create(setup->window + SPARE_SLOT_COUNT);
    bool is_made = channel->desk != NULL && wallet_calls_create(channel, setup->request_max);
    if (is_made && setup->notify.is_on) {
        channel->notify =
            wallet_notify_create(channel->loop, &setup->notify, channel, on_notify_stopped, fault);
        is_made = channel->notify != NULL;
    }
    if (is_made) {
        channel->http = wallet_http_create(&http, fault, sizeof(fault));
        is_made = channel->http != NULL;
    }
    if (!is_made) {
        snprintf(reason, CHANNEL_REASON_SIZE, "channel %s: %.200s", channel->base.name, fault);
    }
    return is_made;
}

struct channel *wallet_channel_create(struct loop *loop, const struct wallet_setup *setup,
                                      const struct channel_calls *calls,
                                      char reason[CHANNEL_REASON_SIZE])
{
    REQUIRE(setup->window > 0 && setup->connection_max > 0 && setup->request_max > 0);
    struct wallet_channel *channel = calloc(1, sizeof(*channel));
    if (channel == NULL) {
        snprintf(reason, CHANNEL_REASON_SIZE, "channel %s: no memory", setup->name);
        return NULL;
    }
    json_object_seed(0); /* before other threads read JSON */
    channel_base_init(&channel->base, &WALLET_OPS, setup->name, setup->index, calls);
    channel->loop = loop;
    channel->rules = rules_of(setup);
    channel->window = setup->window;
    channel->certificates_every_ms = setup->certificates_every_ms;
    deadline_init(&channel->start, on_start);
    deadline_init(&channel->certificates, on_certificates);
    if (!wallet_setup_party(channel, setup, reason) || !make_parts(channel, setup, reason)) {
        wallet_destroy(&channel->base);
        return NULL;
    }
    return &channel->base;
}

uint16_t wallet_channel_notify_port(const struct channel *base)
{
    const struct wallet_channel *channel = (const struct wallet_channel *)(const void *)base;
    return channel->notify == NULL ? 0 : wallet_notify_port(channel->notify);
}
