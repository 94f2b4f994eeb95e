/* See purchase.h. */
#include "switch/engine/purchase.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/duplicate.h"
#include "switch/engine/effect.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/reply.h"
#include "switch/engine/saf.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"

/* --- the way out -------------------------------------------------------------------------- */

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

static void keep_decision(struct txn_detail *detail, const struct route_decision *decision)
{
    TEXT_COPY(detail->mcc, decision->merchant->mcc);
    detail->merchant_fee = decision->fee.merchant_fee.minor;
    detail->issuer_fee = decision->fee.issuer_fee.minor;
    detail->scheme_fee = decision->fee.scheme_fee.minor;
    detail->ruleset_version = decision->version;
    detail->route_rule = decision->rule;
    detail->fee_rule = decision->fee.merchant_rule;
}

/* A slot for the request, holding what it asks; NULL: no room, and it has been refused. */
static struct txn *keep_request(struct engine *engine, const struct request *request,
                                uint32_t terminal)
{
    const struct payment *payment = request->payment;
    struct txn *txn = engine_take_txn(engine);
    if (txn == NULL) {
        reply_refuse(engine, request,
                     &(struct refusal){.reason = TXN_REASON_NO_ROOM, .terminal = terminal});
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
    txn->terminal = terminal;
    txn->reference = engine_next_reference(engine);
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    keep_card(detail, payment);
    engine_format_rrn(engine, detail->rrn, txn->reference);
    struct payment *flight = txn_slab_take_flight(&engine->slab, txn_slot(&engine->slab, txn));
    payment_copy(flight, payment);
    return txn;
}

/* What the channel gets: the terminal's request under our reference, our clock and a STAN of the
 * channel's own. */
static void dress_flight(const struct engine *engine, const struct txn *txn)
{
    const struct txn_detail *detail = txn_detail(&engine->slab, txn);
    struct payment *flight = txn_flight(&engine->slab, txn);
    REQUIRE(flight != NULL);
    flight->stan = txn->channel_stan;
    flight->is_repeat = 0;
    TEXT_COPY(flight->rrn, detail->rrn);
    TEXT_COPY(flight->sent_at, detail->sent_at);
    TEXT_COPY(flight->local_time, engine->wall.local_time);
    TEXT_COPY(flight->local_date, engine->wall.local_date);
    TEXT_COPY(flight->acquirer_id, engine->limits.acquirer_id);
    TEXT_COPY(flight->mcc, detail->mcc);
}

/* Writes the intent and forwards after it, to the next candidate that is up and has a STAN left.
 * False: there is none. */
static bool forward(struct engine *engine, struct txn *txn)
{
    while (txn->candidate_next < txn->candidate_count) {
        uint8_t channel = txn->candidates[txn->candidate_next++];
        uint32_t stan = channel_set_is_usable(&engine->channels, channel)
                            ? engine_next_stan(engine, channel)
                            : 0;
        if (stan == 0) {
            continue;
        }
        txn->channel = channel;
        engine_set_stan(engine, txn, stan);
        txn->attempt++;
        txn->forwarded_ns = engine->now_ns;
        TEXT_COPY(txn_detail(&engine->slab, txn)->sent_at, engine->wall.sent_at);
        dress_flight(engine, txn);
        uint64_t deadline_ns = engine->now_ns + engine->limits.response_timeout_ns;
        if (txn->state == TXN_FREE) {
            engine_move(engine, txn, TXN_FORWARDED, deadline_ns);
        }
        const struct record *record = record_of_txn(engine, txn, RECORD_INTENT);
        struct engine_effect *effect = effect_add(engine, ENGINE_FORWARD);
        effect->after = PLANTED_BUG(1) ? 0 : record->position;
        effect->txn = engine_handle(engine, txn);
        effect->channel = engine->channels.states[channel].ruleset_index;
        effect->attempt = txn->attempt;
        effect->payment = txn_flight(&engine->slab, txn);
        return true;
    }
    return false;
}

/* Refuses and remembers it: one key has one answer, also when a copy of the request comes later. */
static void end_refused(struct engine *engine, struct txn *txn, const struct refusal *refusal)
{
    const char *code = txn_reason_code(refusal->reason);
    txn->reason = (uint16_t)refusal->reason;
    text_set_code(txn_detail(&engine->slab, txn)->response_code, code);
    engine_move(engine, txn, TXN_DECLINED, engine->now_ns + engine->limits.duplicate_window_ns);
    engine->terminals.states[txn->terminal].refused++;
    struct record *record = record_of_txn(engine, txn, RECORD_REFUSED);
    record->channel[0] = '\0';
    txn->settled_position = record->position;
    engine_index_key(engine, txn);
    purchase_reply(engine, txn, NULL);
}

static void refuse(struct engine *engine, const struct request *request,
                   const struct refusal *refusal)
{
    struct txn *txn = keep_request(engine, request, refusal->terminal);
    if (txn != NULL) {
        end_refused(engine, txn, refusal);
    }
}

static void begin(struct engine *engine, const struct request *request,
                  const struct route_decision *decision, uint32_t terminal)
{
    struct txn *txn = keep_request(engine, request, terminal);
    if (txn == NULL) {
        return;
    }
    keep_decision(txn_detail(&engine->slab, txn), decision);
    txn->candidate_count = decision->channel_count;
    REQUIRE(decision->channel_count <= ROUTE_CANDIDATE_COUNT_MAX);
    for (uint8_t i = 0; i < decision->channel_count; i++) {
        txn->candidates[i] = channel_set_number(&engine->channels, decision->channels[i]);
    }
    if (forward(engine, txn)) {
        engine_index_key(engine, txn);
    } else {
        end_refused(engine, txn, &(struct refusal){.reason = TXN_REASON_CHANNEL_DOWN});
    }
}

void purchase_on_request(struct engine *engine, const struct request *request)
{
    const struct payment *payment = request->payment;
    if (duplicate_on_request(engine, request)) {
        return;
    }
    struct route_decision decision;
    ruleset_decide(engine->ruleset, payment, engine->wall_us, engine->channels.up_mask, &decision);
    struct refusal refusal = {.reason = TXN_REASON_NONE};
    if (decision.terminal == NULL) {
        refusal.reason = reply_reason_of_route(decision.answer);
        reply_refuse(engine, request, &refusal);
        return;
    }
    uint32_t place = terminal_set_enroll(&engine->terminals, payment->terminal_id,
                                         decision.terminal->merchant_id);
    if (place == 0) {
        reply_refuse(engine, request, &(struct refusal){.reason = TXN_REASON_NO_ROOM});
        return;
    }
    struct terminal_state *terminal = &engine->terminals.states[place];
    terminal->requests++;
    terminal->last_seen_wall_us = engine->wall_us;
    refusal.terminal = place;
    if (decision.answer != ROUTE_FOUND) {
        refusal.reason = reply_reason_of_route(decision.answer);
        refuse(engine, request, &refusal);
    } else if (!terminal->is_signed_on || terminal->batch != payment->batch) {
        refusal.reason = TXN_REASON_NOT_SIGNED_ON;
        refuse(engine, request, &refusal);
    } else if (request->is_log_short) {
        refusal.reason = TXN_REASON_LOG_SHORT;
        refuse(engine, request, &refusal);
    } else {
        begin(engine, request, &decision, place);
    }
}

/* --- the way back ------------------------------------------------------------------------- */

/* The texts and balances of a response, which go to the terminal once and are not kept. */
static void copy_cargo(struct payment *reply, const struct payment *response)
{
    static const enum payment_cargo passed[] = {
        PAYMENT_CARGO_ICC,        PAYMENT_CARGO_BALANCE,    PAYMENT_CARGO_INSTITUTIONS,
        PAYMENT_CARGO_PRIVATE_57, PAYMENT_CARGO_PRIVATE_58, PAYMENT_CARGO_PRIVATE_59,
        PAYMENT_CARGO_CUSTOM_63,
    };
    for (uint32_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
        struct byte_view value = payment_cargo(response, passed[i]);
        if (value.length == 0 || payment_cargo(reply, passed[i]).length != 0) {
            continue;
        }
        enum status status = payment_set_cargo(reply, passed[i], value);
        REQUIRE(status == STATUS_OK); /* one hold's content fits another */
    }
}

void purchase_reply(struct engine *engine, struct txn *txn, const struct payment *response)
{
    const struct payment *flight = txn_flight(&engine->slab, txn);
    if (txn->has_conn && flight != NULL) {
        struct payment *reply = reply_begin(engine, flight);
        reply->stan = txn->stan;
        reply_put_answer(engine, reply, txn);
        if (response != NULL) {
            copy_cargo(reply, response);
        }
        struct engine_effect *effect =
            reply_send(engine, txn->conn, reply, txn->reason, txn->settled_position);
        effect->txn = engine_handle(engine, txn);
        if (PLANTED_BUG(2) && txn_state_class(txn->state) == TXN_CLASS_KEPT) {
            effect->after = 0;
        }
    }
    txn->has_conn = false;
    txn_slab_give_flight(&engine->slab, txn_slot(&engine->slab, txn));
}

void purchase_decline(struct engine *engine, struct txn *txn, enum txn_reason reason)
{
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    txn->reason = (uint16_t)reason;
    if (reason != TXN_REASON_CHANNEL_ANSWERED) {
        text_set_code(detail->response_code, txn_reason_code(reason));
    }
    engine_move(engine, txn, TXN_DECLINED, engine->now_ns + engine->limits.duplicate_window_ns);
    engine->terminals.states[txn->terminal].declined++;
    txn->settled_position = record_of_txn(engine, txn, RECORD_RESULT)->position;
}

void purchase_on_unsent(struct engine *engine, struct txn *txn, enum txn_reason reason)
{
    REQUIRE(txn->state == TXN_FORWARDED);
    engine_unindex_stan(engine, txn, txn->channel_stan);
    if (reason != TXN_REASON_PIN_REFUSED && forward(engine, txn)) {
        return;
    }
    purchase_decline(engine, txn, reason);
    purchase_reply(engine, txn, NULL);
}

void purchase_on_timeout(struct engine *engine, struct txn *txn)
{
    REQUIRE(txn->state == TXN_FORWARDED);
    enum txn_reason reason = txn->is_restored ? TXN_REASON_RESTART : TXN_REASON_NO_ANSWER;
    engine->terminals.states[txn->terminal].unknown++;
    saf_open(engine, txn, reason);
    if (!txn->has_conn) {
        effect_notice(engine, reason, txn, NULL);
    }
    purchase_reply(engine, txn, NULL);
}
