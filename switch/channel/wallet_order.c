/* See wallet_order.h. */
#include "switch/channel/wallet_order.h"

#include <string.h>

#include "protocols/base/require.h"

#define NS_PER_MS UINT64_C(1000000)
#define CODE_DONE "00"
#define CODE_NOT_FOUND "25"
#define CODE_GONE "57" /* closed without having been paid: the payer did not */
#define CODE_FAULT "96"
#define OPEN_LIVES 2 /* an order left open is remembered for its reversal so many answer lives */

struct wallet_rules wallet_rules_of(enum wallet_kind kind)
{
    static const struct wallet_rules alipay = {.query_min_ms = 3000,
                                               .query_max_ms = 6000,
                                               .query_life_ms = 60000,
                                               .cancel_after_ms = 0,
                                               .retry_min_ms = 1000,
                                               .retry_max_ms = 15000,
                                               .answer_life_ms = 45000};
    static const struct wallet_rules wechat = {.query_min_ms = 5000,
                                               .query_max_ms = 10000,
                                               .query_life_ms = 45000,
                                               .cancel_after_ms = 15000,
                                               .retry_min_ms = 1000,
                                               .retry_max_ms = 15000,
                                               .answer_life_ms = 45000};
    return kind == WALLET_ALIPAY ? alipay : wechat;
}

const char *wallet_state_text(enum wallet_state state)
{
    static const char *const texts[WALLET_STATE_COUNT] = {
#define X(name, text) text,
        WALLET_STATE_MAP(X)
#undef X
    };
    REQUIRE(state < WALLET_STATE_COUNT);
    return texts[state];
}

/* --- what to do next ---------------------------------------------------------------------- */

static struct wallet_action ask(struct wallet_order *order, enum wallet_state state,
                                enum wallet_ask what)
{
    order->state = state;
    return (struct wallet_action){.asks = true, .ask = what};
}

static struct wallet_action rest(struct wallet_order *order, enum wallet_state state,
                                 uint64_t pause_ms)
{
    order->state = state;
    return (struct wallet_action){
        .pauses = true, .pause_ms = pause_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)pause_ms};
}

static struct wallet_action wait_on(void)
{
    return (struct wallet_action){.asks = false};
}

static struct wallet_action end(struct wallet_order *order)
{
    order->state = WALLET_IS_OVER;
    return (struct wallet_action){.is_over = true};
}

static struct wallet_action answer(struct wallet_order *order, const char *code)
{
    struct wallet_action action = end(order);
    REQUIRE(code != NULL && strlen(code) == sizeof(action.response_code) - 1);
    memcpy(action.response_code, code, sizeof(action.response_code));
    return action;
}

static uint64_t age_ms(const struct wallet_event *event, uint64_t since_ns)
{
    return event->now_ns < since_ns ? 0 : (event->now_ns - since_ns) / NS_PER_MS;
}

static bool is_given_up(const struct wallet_order *order, const struct wallet_rules *rules,
                        const struct wallet_event *event)
{
    return age_ms(event, order->begun_ns) >= rules->answer_life_ms;
}

/* Doubled each time, a quarter of it by chance. */
static struct wallet_action back_off(struct wallet_order *order, enum wallet_state state,
                                     const struct wallet_rules *rules,
                                     const struct wallet_event *event)
{
    uint64_t pause_ms = order->pause_ms == 0 ? rules->retry_min_ms : (uint64_t)order->pause_ms * 2;
    pause_ms = pause_ms > rules->retry_max_ms ? rules->retry_max_ms : pause_ms;
    order->pause_ms = (uint32_t)pause_ms;
    return rest(order, state, pause_ms + event->random % (pause_ms / 4 + 1));
}

/* --- payments ----------------------------------------------------------------------------- */

/* Asked again after a growing pause, until it has been asked for long enough. */
static struct wallet_action stay_open(struct wallet_order *order, const struct wallet_rules *rules,
                                      const struct wallet_event *event)
{
    uint64_t pause_ms = order->pause_ms == 0 ? rules->query_min_ms
                                             : order->pause_ms + (rules->query_min_ms + 1) / 2;
    pause_ms = pause_ms > rules->query_max_ms ? rules->query_max_ms : pause_ms;
    uint64_t asked_ms = age_ms(event, order->begun_ns);
    if (asked_ms + pause_ms > rules->query_life_ms) {
        uint64_t life_ms = (uint64_t)rules->answer_life_ms * OPEN_LIVES;
        return rest(order, WALLET_IS_LEFT_OPEN, life_ms > asked_ms ? life_ms - asked_ms : 0);
    }
    order->pause_ms = (uint32_t)pause_ms;
    return rest(order, WALLET_IS_QUERY_PAUSED, pause_ms);
}

static struct wallet_action on_pay_answer(struct wallet_order *order,
                                          const struct wallet_rules *rules,
                                          const struct wallet_event *event)
{
    switch (event->verdict) {
    case WALLET_PAID:
        order->is_known_paid = true;
        return answer(order, CODE_DONE);
    case WALLET_FAILED:
        return answer(order, event->response_code);
    case WALLET_UNDONE:
        return answer(order, CODE_GONE);
    case WALLET_UNKNOWN:
    case WALLET_WAITING:
    case WALLET_ABSENT:
    case WALLET_AGAIN:
    case WALLET_REFUNDED:
    case WALLET_VERDICT_COUNT:
        break;
    }
    bool is_unsent = order->state == WALLET_IS_PAYING && event->is_unsent;
    return is_unsent ? answer(order, CODE_FAULT) : stay_open(order, rules, event);
}

/* --- reversals ---------------------------------------------------------------------------- */

static struct wallet_action begin_undo(struct wallet_order *order)
{
    return order->is_known_paid ? ask(order, WALLET_IS_REFUNDING, WALLET_ASK_REFUND)
                                : ask(order, WALLET_IS_UNDO_QUERYING, WALLET_ASK_QUERY);
}

/* Not paid as far as the query could tell: cancelled at once, unless it is too young for that. */
static struct wallet_action cancel(struct wallet_order *order, const struct wallet_rules *rules,
                                   const struct wallet_event *event)
{
    uint64_t paid_ms = age_ms(event, order->paid_at_ns);
    if (paid_ms < rules->cancel_after_ms) {
        return rest(order, WALLET_IS_UNDO_PAUSED, rules->cancel_after_ms - paid_ms);
    }
    return ask(order, WALLET_IS_UNDOING, WALLET_ASK_CANCEL);
}

static struct wallet_action on_undo_answer(struct wallet_order *order,
                                           const struct wallet_rules *rules,
                                           const struct wallet_event *event)
{
    if (event->verdict == WALLET_UNDONE) {
        return answer(order, CODE_DONE);
    }
    if (event->verdict == WALLET_PAID || order->is_known_paid) {
        order->is_known_paid = true;
        return ask(order, WALLET_IS_REFUNDING, WALLET_ASK_REFUND);
    }
    if (order->state == WALLET_IS_UNDO_QUERYING) {
        return cancel(order, rules, event);
    }
    if (event->verdict == WALLET_ABSENT) {
        return answer(order, CODE_NOT_FOUND); /* the payment may still be on its way: not final */
    }
    return back_off(order, WALLET_IS_UNDO_PAUSED, rules, event);
}

/* --- refunds ------------------------------------------------------------------------------ */

/* A refund is refused. Of a payment to be undone the order tells why: it may be closed already. Of
 * a refund that was asked for before, the refund tells whether it came about then. */
static struct wallet_action on_refund_refused(struct wallet_order *order,
                                              const struct wallet_rules *rules,
                                              const struct wallet_event *event, const char *code)
{
    if (order->aim == WALLET_AIM_UNDO) {
        order->is_known_paid = false;
        return back_off(order, WALLET_IS_UNDO_PAUSED, rules, event);
    }
    if (order->is_in_doubt && order->state == WALLET_IS_REFUNDING) {
        memcpy(order->failed_code, code, sizeof(order->failed_code));
        return ask(order, WALLET_IS_REFUND_QUERYING, WALLET_ASK_REFUND_QUERY);
    }
    return answer(order, code);
}

static struct wallet_action on_refund_absent(struct wallet_order *order,
                                             const struct wallet_rules *rules,
                                             const struct wallet_event *event)
{
    if (order->state == WALLET_IS_REFUNDING) { /* there is no such order */
        return on_refund_refused(order, rules, event, CODE_NOT_FOUND);
    }
    if (order->failed_code[0] != '\0') { /* refused, and it had not come about before */
        return answer(order, order->failed_code);
    }
    order->is_in_doubt = false;
    return ask(order, WALLET_IS_REFUNDING, WALLET_ASK_REFUND);
}

static struct wallet_action on_refund_answer(struct wallet_order *order,
                                             const struct wallet_rules *rules,
                                             const struct wallet_event *event)
{
    switch (event->verdict) {
    case WALLET_REFUNDED:
    case WALLET_UNDONE:
        return answer(order, CODE_DONE);
    case WALLET_FAILED:
        return on_refund_refused(order, rules, event, event->response_code);
    case WALLET_ABSENT:
        return on_refund_absent(order, rules, event);
    case WALLET_UNKNOWN:
    case WALLET_WAITING:
    case WALLET_PAID:
    case WALLET_AGAIN:
    case WALLET_VERDICT_COUNT:
        break;
    }
    order->is_in_doubt = true;
    return back_off(order, WALLET_IS_REFUND_PAUSED, rules, event);
}

/* --- events ------------------------------------------------------------------------------- */

static struct wallet_action on_begin(struct wallet_order *order, const struct wallet_event *event)
{
    bool is_undone_already = event->kind == WALLET_BEGIN_UNDO && order->aim == WALLET_AIM_UNDO &&
                             order->state != WALLET_IS_NEW;
    order->begun_ns = event->now_ns;
    if (is_undone_already) {
        order->is_known_paid |= event->is_approved;
        return wait_on(); /* it goes on as it does, and its answer is for the last who asked */
    }
    order->pause_ms = 0;
    if (event->kind == WALLET_BEGIN_UNDO) {
        order->aim = WALLET_AIM_UNDO;
        order->is_known_paid |= event->is_approved;
        return begin_undo(order);
    }
    REQUIRE(order->state == WALLET_IS_NEW);
    if (event->kind == WALLET_BEGIN_REFUND) {
        order->aim = WALLET_AIM_REFUND;
        order->is_in_doubt = event->is_repeat;
        return ask(order, WALLET_IS_REFUNDING, WALLET_ASK_REFUND);
    }
    order->aim = WALLET_AIM_PAY;
    order->paid_at_ns = event->now_ns;
    return ask(order, WALLET_IS_PAYING, WALLET_ASK_PAY);
}

static struct wallet_action on_answered(struct wallet_order *order,
                                        const struct wallet_rules *rules,
                                        const struct wallet_event *event)
{
    switch (order->state) {
    case WALLET_IS_PAYING:
    case WALLET_IS_QUERYING:
        return on_pay_answer(order, rules, event);
    case WALLET_IS_UNDO_QUERYING:
    case WALLET_IS_UNDOING:
        return on_undo_answer(order, rules, event);
    case WALLET_IS_REFUNDING:
    case WALLET_IS_REFUND_QUERYING:
        return on_refund_answer(order, rules, event);
    case WALLET_IS_NEW:
    case WALLET_IS_QUERY_PAUSED:
    case WALLET_IS_LEFT_OPEN:
    case WALLET_IS_UNDO_PAUSED:
    case WALLET_IS_REFUND_PAUSED:
    case WALLET_IS_OVER:
    case WALLET_STATE_COUNT:
        break;
    }
    return wait_on(); /* nothing is outstanding */
}

/* Believed where it says that money has moved; all else is asked for. */
static struct wallet_action on_notified(struct wallet_order *order,
                                        const struct wallet_event *event)
{
    bool is_paid = event->verdict == WALLET_PAID;
    bool is_open = order->state == WALLET_IS_PAYING || order->state == WALLET_IS_QUERY_PAUSED ||
                   order->state == WALLET_IS_QUERYING || order->state == WALLET_IS_LEFT_OPEN;
    if (order->aim == WALLET_AIM_UNDO && is_paid) {
        order->is_known_paid = true;
        return order->state == WALLET_IS_UNDO_PAUSED ? begin_undo(order) : wait_on();
    }
    if (is_open && is_paid) {
        order->is_known_paid = true;
        return answer(order, CODE_DONE);
    }
    bool is_ended = event->verdict == WALLET_UNDONE || event->verdict == WALLET_FAILED;
    return order->state == WALLET_IS_QUERY_PAUSED && is_ended
               ? ask(order, WALLET_IS_QUERYING, WALLET_ASK_QUERY)
               : wait_on();
}

static struct wallet_action on_due(struct wallet_order *order, const struct wallet_rules *rules,
                                   const struct wallet_event *event)
{
    switch (order->state) {
    case WALLET_IS_QUERY_PAUSED:
        return ask(order, WALLET_IS_QUERYING, WALLET_ASK_QUERY);
    case WALLET_IS_LEFT_OPEN:
        return end(order);
    case WALLET_IS_UNDO_PAUSED:
        return is_given_up(order, rules, event) ? end(order) : begin_undo(order);
    case WALLET_IS_REFUND_PAUSED:
        return is_given_up(order, rules, event)
                   ? end(order)
                   : ask(order, WALLET_IS_REFUND_QUERYING, WALLET_ASK_REFUND_QUERY);
    case WALLET_IS_NEW:
    case WALLET_IS_PAYING:
    case WALLET_IS_QUERYING:
    case WALLET_IS_UNDO_QUERYING:
    case WALLET_IS_UNDOING:
    case WALLET_IS_REFUNDING:
    case WALLET_IS_REFUND_QUERYING:
    case WALLET_IS_OVER:
    case WALLET_STATE_COUNT:
        break;
    }
    return wait_on();
}

struct wallet_action wallet_order_step(struct wallet_order *order, const struct wallet_rules *rules,
                                       const struct wallet_event *event)
{
    REQUIRE(order->state != WALLET_IS_OVER);
    switch (event->kind) {
    case WALLET_BEGIN_PAY:
    case WALLET_BEGIN_UNDO:
    case WALLET_BEGIN_REFUND:
        return on_begin(order, event);
    case WALLET_ANSWERED:
        return on_answered(order, rules, event);
    case WALLET_NOTIFIED:
        return on_notified(order, event);
    case WALLET_DUE:
        break;
    }
    return on_due(order, rules, event);
}
