/* See order_call.h. */
#include "switch/admin/order_call.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/money.h"
#include "protocols/base/pan_text.h"
#include "routing/decimal.h"
#include "switch/admin/control_client.h"
#include "switch/admin/text_json.h"
#include "switch/admin/wall_text.h"
#include "switch/engine/order.h"

#define US_PER_MINUTE INT64_C(60000000)
#define US_PER_HOUR (60 * US_PER_MINUTE)
#define US_PER_DAY (24 * US_PER_HOUR)
#define CURRENCY_FALLBACK MONEY_CNY
#define WORDS_SIZE 256 /* of a text for a terminal, far above what one shows */

static bool refuse(struct answer *answer, const char *name)
{
    static const struct {
        const char *name, *expected;
    } PARAMETERS[] = {
#define X(name, expected) {#name, expected},
        ORDER_CALL_MAP(X)
#undef X
    };
    char detail[160] = "";
    for (size_t i = 0; i < sizeof(PARAMETERS) / sizeof(PARAMETERS[0]); i++) {
        if (strcmp(PARAMETERS[i].name, name) == 0) {
            snprintf(detail, sizeof(detail), "%s: expected %s", name, PARAMETERS[i].expected);
        }
    }
    answer_problem(answer, 400, detail);
    return false;
}

static const char *option_of(const struct call *call, const char *name)
{
    return call->option(call->connection, name);
}

/* Absent: `*has` is false. False: it is no number of that range. */
static bool take_number(const struct call *call, const char *name, struct number_range range,
                        uint64_t *number)
{
    const char *text = option_of(call, name);
    return text != NULL &&
           digits_parse(number, text, (uint32_t)strnlen(text, 20), range) == STATUS_OK;
}

bool order_call_span(const char *text, int64_t *span_us)
{
    size_t length = strnlen(text, 8);
    uint64_t count = 0;
    int64_t unit_us = 0;
    if (length < 2 || length > 6) {
        return false;
    }
    switch (text[length - 1]) {
    case 'm':
        unit_us = US_PER_MINUTE;
        break;
    case 'h':
        unit_us = US_PER_HOUR;
        break;
    case 'd':
        unit_us = US_PER_DAY;
        break;
    default:
        return false;
    }
    if (digits_parse(&count, text, (uint32_t)length - 1, (struct number_range){1, 99999}) !=
        STATUS_OK) {
        return false;
    }
    *span_us = (int64_t)count * unit_us;
    return *span_us <= ORDER_CALL_DAYS_MAX * US_PER_DAY;
}

/* ---- what is asked ---- */

static bool is_of_service(enum order_kind kind)
{
    return order_kind_subject(kind) == ORDER_SUBJECT_TERMINAL;
}

static bool is_lifting(enum order_kind kind)
{
    return (unsigned)kind >= ORDER_STANDING_COUNT;
}

static bool take_subject(const struct call *call, enum order_kind kind, Control__OrderCall *order,
                         struct answer *answer)
{
    order->terminal_id = (char *)(uintptr_t)option_of(call, "terminal");
    order->merchant_id = (char *)(uintptr_t)option_of(call, "merchant");
    bool is_merchants = order_kind_subject(kind) == ORDER_SUBJECT_MERCHANT;
    if ((order->terminal_id == NULL) == (order->merchant_id == NULL) ||
        (order->merchant_id != NULL && is_of_service(kind)) ||
        (order->terminal_id != NULL && is_merchants)) {
        return refuse(answer, is_merchants ? "merchant" : "terminal");
    }
    return true;
}

static bool take_until(const struct call *call, enum order_kind kind, Control__OrderCall *order,
                       struct answer *answer)
{
    const char *span = option_of(call, "for");
    const char *until = option_of(call, "until");
    int64_t span_us = ORDER_LIFE_US;
    int64_t now_us = wall_text_now_us();
    if (span != NULL && (until != NULL || is_lifting(kind) || !order_call_span(span, &span_us))) {
        return refuse(answer, "for");
    }
    if (until != NULL) {
        order->has_until_wall_us = true;
        return (!is_lifting(kind) && txn_query_time(until, &order->until_wall_us) == STATUS_OK &&
                order->until_wall_us > now_us &&
                order->until_wall_us - now_us <= ORDER_CALL_DAYS_MAX * US_PER_DAY) ||
               refuse(answer, "until");
    }
    /* Said here, so that who gives it reads it. */
    order->has_until_wall_us = span != NULL || (is_of_service(kind) && !is_lifting(kind));
    order->until_wall_us = now_us + span_us;
    return true;
}

static bool take_limit(const struct call *call, Control__OrderCall *order, struct answer *answer)
{
    const char *amount = option_of(call, "amount");
    uint64_t currency = CURRENCY_FALLBACK;
    if (option_of(call, "currency") != NULL &&
        !take_number(call, "currency", (struct number_range){1, 999}, &currency)) {
        return refuse(answer, "currency");
    }
    int exponent = money_exponent((uint16_t)currency);
    if (exponent < 0) {
        return refuse(answer, "currency");
    }
    order->has_limit_minor = order->has_currency = true;
    order->currency = (uint32_t)currency;
    return (amount != NULL &&
            decimal_parse(&order->limit_minor, amount, (unsigned)exponent) == STATUS_OK &&
            order->limit_minor > 0 && order->limit_minor <= MONEY_MINOR_MAX) ||
           refuse(answer, "amount");
}

/* What the cashier reads goes into the log, where no card number may stand. A text that does not
 * fit is far longer than the switch takes, so that it is refused there, cut or not. */
struct order_words {
    char local[WORDS_SIZE], plain[WORDS_SIZE];
};

static char *without_cards(char *room, size_t size, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    snprintf(room, size, "%s", text);
    pan_text_mask(room);
    return room;
}

static bool take_text(const struct call *call, struct order_words *words, Control__OrderCall *order,
                      struct answer *answer)
{
    uint64_t times = 1;
    order->text_local = without_cards(words->local, WORDS_SIZE, option_of(call, "text"));
    order->text_plain = without_cards(words->plain, WORDS_SIZE, option_of(call, "english"));
    if (order->text_local == NULL && order->text_plain == NULL) {
        return refuse(answer, "text");
    }
    if (option_of(call, "times") != NULL &&
        !take_number(call, "times", (struct number_range){1, ORDER_TIMES_MAX}, &times)) {
        return refuse(answer, "times");
    }
    order->has_times = true;
    order->times = (uint32_t)times;
    return true;
}

static bool take_order(const struct call *call, enum order_kind kind, struct order_words *words,
                       Control__OrderCall *order, struct answer *answer)
{
    const char *reason = option_of(call, "reason");
    size_t length = reason == NULL ? 0 : strnlen(reason, ORDER_CALL_REASON_MAX + 1);
    order->kind = (char *)(uintptr_t)order_kind_name(kind);
    if (length == 0 || length > ORDER_CALL_REASON_MAX) {
        return refuse(answer, "reason");
    }
    order->has_case_id = option_of(call, "case") != NULL;
    if (order->has_case_id &&
        !take_number(call, "case", (struct number_range){1, INT64_MAX}, &order->case_id)) {
        return refuse(answer, "case");
    }
    return take_subject(call, kind, order, answer) && take_until(call, kind, order, answer) &&
           (kind != ORDER_LIMIT || take_limit(call, order, answer)) &&
           (kind != ORDER_TELL || take_text(call, words, order, answer));
}

/* ---- what came of it ---- */

static void tell(const Control__OrderCall *order, const Control__Done *done, struct answer *answer)
{
    char until[WALL_TEXT_SIZE];
    if (!done->is_done) {
        answer_problem(answer, 422, done->text != NULL ? done->text : "the switch refused");
        return;
    }
    json_t *object = json_pack("{s:s, s:o*}", "result", "done", "text", text_json(done->text));
    if (order->has_until_wall_us) {
        wall_text_format(until, order->until_wall_us);
        json_object_set_new(object, "until", json_string(until));
    }
    answer_json(answer, 200, object);
}

/* NULL after a problem was put into `answer`. */
static Control__Answer *ask(const struct call *call, Control__Request *request,
                            struct answer *answer)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    struct control_client client = {call->control_socket, call->operator_name, call->pending};
    Control__Answer *told = control_client_ask(&client, request, reason);
    if (told == NULL) {
        call_unanswered(call, reason, answer);
    } else if (told->fault != NULL) {
        answer_problem(answer, 400, told->fault);
        control__answer__free_unpacked(told, NULL);
        told = NULL;
    }
    return told;
}

void order_call_serve(const struct call *call, struct answer *answer)
{
    Control__OrderCall order = CONTROL__ORDER_CALL__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    struct order_words words;
    enum order_kind kind = order_kind_find(call->parameter);
    if (kind == ORDER_KIND_COUNT ||
        is_of_service(kind) != (call->endpoint == ENDPOINT_ORDER_SERVICE)) {
        answer_problem(answer, 404, "no order of that kind is given by this path");
        return;
    }
    if (!take_order(call, kind, &words, &order, answer)) {
        return;
    }
    request.call_case = CONTROL__REQUEST__CALL_ORDER;
    request.order = &order;
    Control__Answer *told = ask(call, &request, answer);
    if (told == NULL) {
        return;
    }
    if (told->done == NULL) {
        answer_problem(answer, 503, "the switch gave an answer of another kind");
    } else {
        tell(&order, told->done, answer);
    }
    control__answer__free_unpacked(told, NULL);
}

const char *order_call_note(const struct call *call, char note[ORDER_NOTE_SIZE])
{
    const char *terminal = option_of(call, "terminal");
    const char *subject = terminal != NULL ? terminal : option_of(call, "merchant");
    const char *reason = option_of(call, "reason");
    const char *service_case = option_of(call, "case");
    const char *amount = option_of(call, "amount");
    const char *text = option_of(call, "text");
    if (call->endpoint != ENDPOINT_ORDER_SERVICE && call->endpoint != ENDPOINT_ORDER_RISK) {
        return NULL;
    }
    snprintf(note, ORDER_NOTE_SIZE, "%s %.20s%s%.20s%s%.20s%s%.96s: %.200s",
             terminal != NULL ? "terminal" : "merchant", subject == NULL ? "" : subject,
             service_case == NULL ? "" : ", case ", service_case == NULL ? "" : service_case,
             amount == NULL ? "" : ", amount ", amount == NULL ? "" : amount,
             text == NULL ? "" : ", text ", text == NULL ? "" : text,
             reason == NULL ? "no reason" : reason);
    pan_text_mask(note);
    return note;
}

/* ---- what is in force ---- */

static void put_time(json_t *object, const char *name, int64_t wall_us)
{
    char text[WALL_TEXT_SIZE];
    wall_text_format(text, wall_us);
    json_object_set_new(object, name, json_string(text));
}

static json_t *order_json(const Control__Order *order)
{
    json_t *object =
        json_pack("{s:s, s:s*, s:s*, s:o*, s:o*, s:o*}", "kind", order->kind, "terminal",
                  order->terminal_id, "merchant", order->merchant_id, "by", text_json(order->by),
                  "text", text_json(order->text_local), "english", text_json(order->text_plain));
    if (object == NULL) {
        return NULL;
    }
    put_time(object, "since", order->since_wall_us);
    if (order->has_until_wall_us) {
        put_time(object, "until", order->until_wall_us);
    }
    if (order->has_case_id) {
        json_object_set_new(object, "case", json_integer((json_int_t)order->case_id));
    }
    if (order->has_limit_minor) {
        json_object_set_new(object, "amount_minor", json_integer(order->limit_minor));
        json_object_set_new(object, "currency", json_integer(order->currency));
    }
    if (order->has_times) {
        json_object_set_new(object, "times_left", json_integer(order->times));
    }
    return object;
}

json_t *order_list_json(const Control__Orders *orders)
{
    json_t *items = json_array();
    for (size_t i = 0; i < orders->n_orders; i++) {
        json_array_append_new(items, order_json(orders->orders[i]));
    }
    return json_pack("{s:o, s:b}", "items", items, "is_cut", orders->is_cut);
}

void order_list_serve(const struct call *call, struct answer *answer)
{
    Control__OrdersCall orders = CONTROL__ORDERS_CALL__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    orders.terminal_id = (char *)(uintptr_t)option_of(call, "terminal");
    orders.merchant_id = (char *)(uintptr_t)option_of(call, "merchant");
    request.call_case = CONTROL__REQUEST__CALL_ORDERS;
    request.orders = &orders;
    Control__Answer *told = ask(call, &request, answer);
    if (told == NULL) {
        return;
    }
    answer_json(answer, 200, told->orders == NULL ? NULL : order_list_json(told->orders));
    control__answer__free_unpacked(told, NULL);
}
