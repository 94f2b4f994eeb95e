/* See intake.h. */
#include "switch/engine/intake.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/advice.h"
#include "switch/engine/batch.h"
#include "switch/engine/clock_check.h"
#include "switch/engine/device_check.h"
#include "switch/engine/duplicate.h"
#include "switch/engine/fee_check.h"
#include "switch/engine/forward.h"
#include "switch/engine/order_use.h"
#include "switch/engine/original.h"
#include "switch/engine/payment_rule.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/reply.h"
#include "switch/engine/search.h"
#include "switch/engine/settlement.h"
#include "switch/engine/text.h"
#include "switch/engine/usage_move.h"

/* --- keeping ------------------------------------------------------------------------------ */

static void keep_card(struct txn_detail *detail, const struct payment *payment)
{
    pan_mask(detail->pan_masked, &payment->pan);
    detail->pan_sealed = payment->pan_sealed;
    TEXT_COPY(detail->expiry, payment->expiry);
    TEXT_COPY(detail->card_sequence, payment->card_sequence);
    TEXT_COPY(detail->processing_code, payment->processing_code);
    TEXT_COPY(detail->condition_code, payment->condition_code);
    TEXT_COPY(detail->type_code, payment->type_code);
    TEXT_COPY(detail->entry_mode, payment->entry_mode);
}

/* A slot for the request, holding what it asks; NULL: no room, and it has been refused. */
static struct txn *keep(struct engine *engine, const struct request *request, uint32_t terminal)
{
    const struct payment *payment = request->payment;
    struct txn *txn = engine_take_txn(engine);
    if (txn == NULL) {
        reply_refuse(engine, request,
                     &(struct refusal){TXN_REASON_NO_ROOM, terminal, .is_kept_by_log = true});
        return NULL;
    }
    TEXT_COPY(txn->terminal_id, payment->terminal_id);
    TEXT_COPY(txn->merchant_id, payment->merchant_id);
    txn->batch = payment->batch;
    txn->stan = payment->stan;
    txn->amount = payment->amount;
    txn->pan_hash = payment->pan_hash;
    txn->kind = (uint8_t)payment->kind;
    txn->conn = request->conn;
    txn->has_conn = true;
    txn->is_log_short = request->is_log_short;
    txn->terminal = terminal;
    txn->reference = engine_next_reference(engine);
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    keep_card(detail, payment);
    engine_format_rrn(engine, detail->rrn, txn->reference);
    struct payment *flight = txn_slab_take_flight(&engine->slab, txn_slot(&engine->slab, txn));
    payment_copy(flight, payment);
    device_check(engine, terminal, flight);
    engine_index_key(engine, txn);
    return txn;
}

/* --- where it goes ------------------------------------------------------------------------ */

static void choose_candidates(const struct engine *engine, struct txn *txn,
                              const struct route_decision *decision)
{
    REQUIRE(decision->channel_count <= ROUTE_CANDIDATE_COUNT_MAX);
    txn->candidate_count = decision->channel_count;
    for (uint8_t i = 0; i < decision->channel_count; i++) {
        txn->candidates[i] = channel_set_number(&engine->channels, decision->channels[i]);
    }
}

/* A follow-up goes where its original went, whatever the rules of today say; but the channel must
 * take such requests at all. */
static bool channel_takes(const struct engine *engine, uint8_t number, enum payment_kind kind)
{
    const struct channel_state *channel = &engine->channels.states[number];
    const struct channel_table *table = ruleset_channel_view(engine->ruleset);
    return channel->is_known &&
           (channel_table_at(table, channel->ruleset_index)->kinds >> kind & 1) != 0;
}

/* What rules of today say no to, but an original may settle: it goes where that went. */
static bool is_of_rules(enum route_answer answer)
{
    return answer == ROUTE_NO_ROUTE || answer == ROUTE_NOT_SUPPORTED || answer == ROUTE_NO_FEE ||
           answer == ROUTE_CHANNEL_TRIPPED;
}

static enum txn_reason check(const struct engine *engine, const struct txn *txn,
                             const struct route_decision *decision)
{
    const struct terminal_state *terminal = &engine->terminals.states[txn->terminal];
    if (decision->answer != ROUTE_FOUND &&
        !(original_is_wanted(txn_flight(&engine->slab, txn)) && is_of_rules(decision->answer))) {
        return reply_reason_of_route(decision->answer);
    }
    enum txn_reason ordered = order_check(engine, txn_flight(&engine->slab, txn));
    if (ordered != TXN_REASON_NONE) {
        return ordered;
    }
    if (!terminal->is_signed_on || terminal->batch != txn->batch) {
        return terminal->is_signed_on ? TXN_REASON_OTHER_BATCH : TXN_REASON_NOT_SIGNED_ON;
    }
    if (txn_flight(&engine->slab, txn)->pin.length > 0 &&
        pin_guard_is_shut(&terminal->day.pin_guard, engine->limits.pin_guard, engine->now_ns)) {
        return TXN_REASON_PIN_FAULTS;
    }
    /* What has happened already is taken all the same, and so is what follows an original. */
    bool must_go = payment_rule_of((enum payment_kind)txn->kind)->travel == PAYMENT_TRAVEL_ADVICE ||
                   original_is_wanted(txn_flight(&engine->slab, txn));
    if (!must_go && !usage_may_begin(engine, txn)) {
        return TXN_REASON_USAGE_FULL;
    }
    return txn->is_log_short ? TXN_REASON_LOG_SHORT : TXN_REASON_NONE;
}

void intake_fill_context(const struct engine *engine, const struct payment *payment,
                         struct route_context *context)
{
    *context = (struct route_context){.wall_us = engine->wall_us,
                                      .channel_is_up = engine->channels.up_mask,
                                      .now_ns = engine->now_ns,
                                      .health = PLANTED_BUG(32) ? NULL : engine->health,
                                      .health_places = engine->channels.number_of};
    usage_of_payment(engine, payment, context->uses);
    context->month_minor = context->uses[LIMIT_MERCHANT].month_minor;
}

static void decide(const struct engine *engine, const struct payment *payment,
                   struct route_decision *decision)
{
    struct route_context context;
    intake_fill_context(engine, payment, &context);
    ruleset_decide(engine->ruleset, payment, &context, decision);
    if (decision->answer == ROUTE_CHANNEL_TRIPPED &&
        payment_rule_of(payment->kind)->travel == PAYMENT_TRAVEL_ADVICE) {
        /* It tells what has happened: it is taken, and delivered once its channel works again. */
        context.health = NULL;
        ruleset_decide(engine->ruleset, payment, &context, decision);
    }
}

/* What it costs at the channel where its original went. */
static void decide_bound(const struct engine *engine, const struct payment *payment,
                         uint8_t channel, struct route_decision *decision)
{
    struct route_context context;
    intake_fill_context(engine, payment, &context);
    context.is_bound = true;
    context.bound_channel = engine->channels.states[channel].ruleset_index;
    uint32_t rule = decision->rule;
    ruleset_decide(engine->ruleset, payment, &context, decision);
    decision->rule = rule;
}

/* Finds what it follows and holds it against that; the decision becomes that of its channel. */
static enum txn_reason follow(struct engine *engine, struct txn *txn, const struct txn *original,
                              struct route_decision *decision)
{
    const struct payment *payment = txn_flight(&engine->slab, txn);
    if (original == NULL) {
        return original_is_of_other_card(engine, txn, payment) ? TXN_REASON_FOLLOWED_OTHER_CARD
                                                               : TXN_REASON_FOLLOWED_UNKNOWN;
    }
    enum txn_reason reason = original_check(engine, txn, original);
    if (reason != TXN_REASON_NONE) {
        return reason;
    }
    if (!channel_takes(engine, original->channel, payment->kind)) {
        return TXN_REASON_NOT_SUPPORTED;
    }
    decide_bound(engine, payment, original->channel, decision);
    if (decision->answer != ROUTE_FOUND) {
        return reply_reason_of_route(decision->answer);
    }
    original_bind(engine, txn, original);
    return TXN_REASON_NONE;
}

/* The result of a script goes to the issuer that sent the script, where memory still knows by which
 * channel; it uses up nothing of its original. */
static void point_back(struct engine *engine, struct txn *txn, const struct payment *payment)
{
    const struct txn *original = original_find(engine, txn, payment);
    if (original != NULL && channel_takes(engine, original->channel, payment->kind)) {
        txn->candidate_count = 1;
        txn->candidates[0] = original->channel;
        original_quote(engine, original, &txn_detail(&engine->slab, txn)->quoted);
    }
}

/* A limit or a black list may have an answer of its own; the row says which version decided, and by
 * which line. */
static void refuse(struct engine *engine, struct txn *txn, enum txn_reason reason,
                   const struct route_decision *decision)
{
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    const struct limit_rule *limit = decision->breach.rule;
    const struct black_list_row *listed = decision->listed;
    bool is_of_decision =
        decision->answer != ROUTE_FOUND && reason == reply_reason_of_route(decision->answer);
    if (is_of_decision && (limit != NULL || listed != NULL)) {
        detail->ruleset_version = decision->version;
        detail->route_rule = listed != NULL ? listed->line : limit->line;
        forward_refuse_as(engine, txn, reason, route_decision_code(decision));
        return;
    }
    forward_refuse(engine, txn, reason);
}

static void go_on(struct engine *engine, struct txn *txn, struct route_decision *decision,
                  const struct txn *original)
{
    const struct payment *payment = txn_flight(&engine->slab, txn);
    enum txn_reason reason = check(engine, txn, decision);
    if (reason == TXN_REASON_NONE) {
        choose_candidates(engine, txn, decision);
        if (payment->kind == PAYMENT_SCRIPT_RESULT) {
            point_back(engine, txn, payment);
        } else if (original_is_wanted(payment)) {
            original = original != NULL ? original : original_find(engine, txn, payment);
            if (original == NULL && search_original(engine, txn)) {
                return;
            }
            reason = follow(engine, txn, original, decision);
        }
    }
    if (reason != TXN_REASON_NONE) {
        refuse(engine, txn, reason, decision);
        return;
    }
    TEXT_COPY(txn_detail(&engine->slab, txn)->mcc, decision->merchant->mcc);
    fee_check_keep(engine, txn, decision);
    txn->bin_group = decision->bin == NULL ? 0 : decision->bin->group;
    txn->is_foreign = decision->bin != NULL && decision->bin->scheme != CARD_SCHEME_UNIONPAY;
    if (payment_rule_of(payment->kind)->travel == PAYMENT_TRAVEL_ADVICE) {
        advice_begin(engine, txn);
    } else {
        forward_begin(engine, txn);
    }
}

void intake_go_on(struct engine *engine, struct txn *txn, const struct txn *original)
{
    struct route_decision decision;
    decide(engine, txn_flight(&engine->slab, txn), &decision);
    go_on(engine, txn, &decision, original);
}

void intake_on_request(struct engine *engine, const struct request *request)
{
    const struct payment *payment = request->payment;
    if (duplicate_on_request(engine, request)) {
        return;
    }
    struct route_decision decision;
    decide(engine, payment, &decision);
    struct refusal refusal = {.reason = TXN_REASON_NO_ROOM};
    if (decision.terminal == NULL) {
        refusal.reason = reply_reason_of_route(decision.answer);
        reply_refuse(engine, request, &refusal);
        return;
    }
    uint32_t place = terminal_set_enroll(&engine->terminals, payment->terminal_id,
                                         decision.terminal->merchant_id);
    if (place == 0) {
        reply_refuse(engine, request, &refusal);
        return;
    }
    struct terminal_state *terminal = &engine->terminals.states[place];
    terminal->requests++;
    clock_check(engine, place, request);
    terminal->last_seen_wall_us = engine->wall_us;
    bool may_go_on = decision.answer == ROUTE_FOUND || is_of_rules(decision.answer);
    if (may_go_on && terminal->is_signed_on) {
        settlement_roll(engine, place, payment);
    }
    bool is_new = batch_is_stan_new(engine, place, payment->batch, payment->stan) ||
                  !search_is_possible(engine) || PLANTED_BUG(20);
    struct txn *txn = keep(engine, request, place);
    if (txn == NULL) {
        return;
    }
    if (is_new) {
        go_on(engine, txn, &decision, NULL);
    } else {
        search_self(engine, txn);
    }
}
