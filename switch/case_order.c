/* See case_order.h. */
#include "switch/case_order.h"

#include <stdio.h>
#include <string.h>

#include "switch/aftersales/cause.h"
#include "switch/order_text.h"

#define TELL_TIMES 3 /* answers that carry a text: the first may be looked at by nobody */
#define TELL_LIFE_US INT64_C(86400000000)

/* The engine's word for it, and whose it is. */
static const struct {
    enum order_kind kind;
    enum order_subject subject;
} ORDERS[CASE_EFFECT_COUNT] = {
    [CASE_EFFECT_ASK_SIGNON] = {ORDER_ASK_SIGNON, ORDER_SUBJECT_TERMINAL},
    [CASE_EFFECT_ASK_STATUS] = {ORDER_ASK_STATUS, ORDER_SUBJECT_TERMINAL},
    [CASE_EFFECT_ASK_UPDATE] = {ORDER_ASK_UPDATE, ORDER_SUBJECT_TERMINAL},
    [CASE_EFFECT_HOLD] = {ORDER_HOLD, ORDER_SUBJECT_MERCHANT},
    [CASE_EFFECT_RELEASE] = {ORDER_RELEASE, ORDER_SUBJECT_MERCHANT},
    [CASE_EFFECT_STOP] = {ORDER_STOP, ORDER_SUBJECT_EITHER},
    [CASE_EFFECT_RESUME] = {ORDER_RESUME, ORDER_SUBJECT_EITHER},
    [CASE_EFFECT_TELL_CASHIER] = {ORDER_TELL, ORDER_SUBJECT_TERMINAL},
};

static bool is_order(enum case_effect_kind kind)
{
    return kind >= CASE_EFFECT_ASK_SIGNON && kind <= CASE_EFFECT_TELL_CASHIER;
}

/* What a case asks of the switch is asked of its terminal, where it has one: also of a merchant's
 * case, for what was seen there was seen at that terminal, and his others go on. */
static bool subject_put(struct order *order, enum order_subject subject,
                        const struct service_case *it)
{
    _Static_assert(sizeof(order->terminal_id) == sizeof(it->terminal_id), "one id");
    _Static_assert(sizeof(order->merchant_id) == sizeof(it->merchant_id), "one id");
    if (subject != ORDER_SUBJECT_MERCHANT && it->terminal_id[0] != '\0') {
        memcpy(order->terminal_id, it->terminal_id, sizeof(order->terminal_id));
        return true;
    }
    memcpy(order->merchant_id, it->merchant_id, sizeof(order->merchant_id));
    return subject != ORDER_SUBJECT_TERMINAL && it->merchant_id[0] != '\0';
}

/* The English of a first step; NULL: the text is none. */
static const char *first_step_text(const struct service_case *it, const char *text)
{
    const struct case_first_step *step;
    for (uint8_t i = 1; (step = case_first_step(it->kind, i)) != NULL; i++) {
        if (strcmp(step->zh, text) == 0) {
            return step->en;
        }
    }
    return NULL;
}

/* In English, for a terminal without Chinese characters, what the effect's own text says: the case
 * may stand elsewhere by the time it is told. What people look into is not told by its name, which
 * accuses whoever reads it. */
static const char *plain_text(const struct service_case *it, const char *text)
{
    enum fault fault = fault_from_code(it->fault);
    if (strcmp(text, CASE_RESUMED_TEXT) == 0) {
        return "it may work again: sign on";
    }
    if (it->is_stopped) {
        return "stopped: do not use it, call the acquirer";
    }
    const char *step = first_step_text(it, text);
    if (step != NULL) {
        return step;
    }
    if (fault_is_investigated(fault)) {
        return "call the acquirer";
    }
    return fault == FAULT_COUNT ? NULL : fault_text(fault, false);
}

static bool text_put(struct order *order, const struct clerk_effect *effect)
{
    char reason[ORDER_TEXT_REASON_SIZE];
    const char *plain = plain_text(effect->service_case, effect->effect->text);
    order->times = TELL_TIMES;
    order->until_us = effect->wall_us + TELL_LIFE_US;
    return order_text_put(order, effect->effect->text, plain, reason) ||
           order_text_put(order, effect->effect->text, NULL, reason);
}

/* The registry keeps versions as terminals tell them, blanks aside. */
static void firmware_put(struct order *order, const char *firmware)
{
    size_t length = firmware == NULL ? 0 : strnlen(firmware, sizeof(order->firmware));
    if (length > 0 && length < sizeof(order->firmware) && memchr(firmware, ' ', length) == NULL) {
        memcpy(order->firmware, firmware, length);
    }
}

/* A campaign is somebody's who made it, and its orders stand and are lifted as people's do. */
static void actor_put(struct order *order, const struct clerk_effect *effect)
{
    if (effect->campaign_id != 0) {
        order->origin = ORDER_OF_PERSON;
        snprintf(order->actor, sizeof(order->actor), "campaign-%llu",
                 (unsigned long long)effect->campaign_id);
        return;
    }
    order->origin = ORDER_OF_CASE;
    memcpy(order->actor, ORDER_CASE_ACTOR, sizeof(ORDER_CASE_ACTOR));
}

bool case_order_of(struct order *order, const struct clerk_effect *effect)
{
    enum case_effect_kind kind = effect->effect->kind;
    memset(order, 0, sizeof(*order));
    if (!is_order(kind)) {
        return false;
    }
    order->kind = ORDERS[kind].kind;
    order->case_id = effect->service_case->id;
    order->until_us = effect->effect->due_us;
    actor_put(order, effect);
    if (order->kind == ORDER_ASK_UPDATE) {
        firmware_put(order, effect->firmware);
    }
    return subject_put(order, ORDERS[kind].subject, effect->service_case) &&
           (kind != CASE_EFFECT_TELL_CASHIER || text_put(order, effect)) && order_is_whole(order);
}

struct clerk_outcome case_order_outcome(uint64_t number, enum order_answer answer)
{
    static const enum clerk_end ENDS[ORDER_ANSWER_COUNT] = {
        [ORDER_ANSWER_TAKEN] = CLERK_CARRIED_OUT,
        [ORDER_ANSWER_MALFORMED] = CLERK_REFUSED,
        [ORDER_ANSWER_SUBJECT_UNKNOWN] = CLERK_REFUSED,
        [ORDER_ANSWER_PAST] = CLERK_REFUSED,
        [ORDER_ANSWER_NOTHING_TO_LIFT] = CLERK_CARRIED_OUT,
        [ORDER_ANSWER_NO_ROOM] = CLERK_NO_ROOM,
    };
    const char *why = order_answer_text(answer);
    return (struct clerk_outcome){number, ENDS[answer], why};
}
