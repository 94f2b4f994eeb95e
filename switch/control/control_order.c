/* Orders between the control protocol and plain structs: what is asked, and what is in force. */
#include <string.h>

#include "switch/control/control_answer.h"

#define ORDER_COUNT_MAX 2000 /* of one answer; with their texts they fit it */

/* False: longer than there is room for. */
static bool take_text(char *to, size_t size, const char *from)
{
    size_t length = from == NULL ? 0 : strlen(from);
    if (length >= size) {
        return false;
    }
    memcpy(to, from == NULL ? "" : from, length + 1);
    return true;
}

static bool take_subject(struct order *order, const char *terminal_id, const char *merchant_id)
{
    bool is_one = (terminal_id == NULL) != (merchant_id == NULL);
    return is_one && take_text(order->terminal_id, sizeof(order->terminal_id), terminal_id) &&
           take_text(order->merchant_id, sizeof(order->merchant_id), merchant_id);
}

const char *control_order_of(struct control_order *asked, const Control__Request *request)
{
    const Control__OrderCall *call = request->order;
    struct order *order = &asked->order;
    *asked = (struct control_order){.text_local = call->text_local, .text_plain = call->text_plain};
    order->kind = order_kind_find(call->kind);
    if (order->kind == ORDER_KIND_COUNT) {
        return "no order is of that kind";
    }
    if (!take_subject(order, call->terminal_id, call->merchant_id)) {
        return "expected one terminal of at most 8 characters, or one merchant of at most 15";
    }
    if (!take_text(order->actor, sizeof(order->actor), request->operator_)) {
        return "the operator's name is longer than the log keeps";
    }
    if (call->has_currency && call->currency > UINT16_MAX) {
        return "the currency is no ISO 4217 number";
    }
    if (call->has_times && (call->times == 0 || call->times > ORDER_TIMES_MAX)) {
        return "a text is told 1 to 9 times";
    }
    order->until_us = call->has_until_wall_us ? call->until_wall_us : 0;
    order->case_id = call->has_case_id ? call->case_id : 0;
    order->limit = (struct money){call->has_limit_minor ? call->limit_minor : 0,
                                  call->has_currency ? (uint16_t)call->currency : 0};
    order->times = call->has_times ? (uint8_t)call->times : 1;
    return NULL;
}

static bool is_asked(const struct order *order, const Control__OrdersCall *call)
{
    if (call->terminal_id != NULL && strcmp(order->terminal_id, call->terminal_id) != 0) {
        return false;
    }
    return call->merchant_id == NULL ||
           (order->terminal_id[0] == '\0' && strcmp(order->merchant_id, call->merchant_id) == 0);
}

static char *text_of(struct control_arena *arena, const char *text)
{
    return text[0] == '\0' ? NULL : control_arena_text(arena, text, strlen(text));
}

static void put_kind(struct control_arena *arena, Control__Order *told, const struct order *order,
                     const char *text)
{
    char plain[ORDER_TEXT_BYTES_MAX + 1] = "";
    told->has_limit_minor = told->has_currency = order->kind == ORDER_LIMIT;
    told->limit_minor = order->limit.minor;
    told->currency = order->limit.currency;
    if (order->kind == ORDER_TELL) {
        memcpy(plain, order->plain, order->plain_length);
        told->text_local = text_of(arena, text);
        told->text_plain = text_of(arena, plain);
        told->has_times = true;
        told->times = order->times;
    }
}

/* NULL: the arena is full. */
static Control__Order *order_message(struct control_arena *arena,
                                     const struct order_standing *standing, const char *text)
{
    const struct order *order = &standing->order;
    Control__Order *told = control_arena_take(arena, sizeof(*told));
    if (told == NULL) {
        return NULL;
    }
    control__order__init(told);
    told->kind = (char *)(uintptr_t)order_kind_name(order->kind);
    told->terminal_id = text_of(arena, order->terminal_id);
    told->merchant_id = text_of(arena, order->merchant_id);
    told->since_wall_us = standing->since_us;
    told->has_until_wall_us = order->until_us != 0;
    told->until_wall_us = order->until_us;
    told->has_case_id = order->case_id != 0;
    told->case_id = order->case_id;
    told->by = control_arena_text(arena, order->actor, strlen(order->actor));
    put_kind(arena, told, order, text);
    return arena->is_short ? NULL : told;
}

Control__Orders *control_answer_orders(struct control_arena *arena, const struct control_rim *rim,
                                       const Control__OrdersCall *call)
{
    struct order_standing standing;
    char text[CONTROL_ORDER_TEXT_SIZE];
    Control__Orders *told = control_arena_take(arena, sizeof(*told));
    Control__Order **orders = control_arena_take(arena, ORDER_COUNT_MAX * sizeof(void *));
    if (told == NULL || orders == NULL) {
        return NULL;
    }
    control__orders__init(told);
    told->orders = orders;
    uint32_t at = rim->orders(rim->argument, 0, &standing, text);
    for (; at != 0; at = rim->orders(rim->argument, at, &standing, text)) {
        if (!is_asked(&standing.order, call)) {
            continue;
        }
        if (told->n_orders == ORDER_COUNT_MAX) {
            told->is_cut = true;
            break;
        }
        orders[told->n_orders] = order_message(arena, &standing, text);
        if (orders[told->n_orders++] == NULL) {
            return NULL;
        }
    }
    return told;
}
