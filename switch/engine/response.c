/* See response.h. */
#include "switch/engine/response.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/answer_cargo.h"
#include "switch/engine/batch.h"
#include "switch/engine/breaker.h"
#include "switch/engine/effect.h"
#include "switch/engine/fee_check.h"
#include "switch/engine/forward.h"
#include "switch/engine/order_book.h"
#include "switch/engine/order_use.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/reply.h"
#include "switch/engine/saf.h"
#include "switch/engine/settlement_day.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"

/* A query asks without an amount, and what its answer says in field 4 moves nothing. */
static bool has_amount(enum payment_kind kind)
{
    return kind != PAYMENT_BALANCE && kind != PAYMENT_OTHER_QUERY && kind != PAYMENT_SCRIPT_RESULT;
}

static bool fits(const struct engine *engine, const struct txn *txn, const struct payment *response)
{
    if (PLANTED_BUG(9)) {
        return true;
    }
    bool has_code = response->response_code[0] != 0 && response->response_code[1] != 0;
    return has_code && strcmp(txn->terminal_id, response->terminal_id) == 0 &&
           strcmp(txn_detail(&engine->slab, txn)->rrn, response->rrn) == 0 &&
           (!has_amount((enum payment_kind)txn->kind) ||
            money_equals(txn->amount, response->amount));
}

uint32_t response_settlement_day(const struct engine *engine, const struct txn *txn,
                                 const struct payment *response)
{
    uint32_t day = settlement_day_near(response->settlement_date, engine->wall.day);
    uint32_t channel_day = engine->channels.states[txn->channel].settlement_day;
    day = day == 0 ? channel_day : day;
    return day == 0 ? engine->wall.day : day;
}

static void keep_answer(struct engine *engine, struct txn *txn, const struct payment *response)
{
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    TEXT_COPY(detail->response_code, response->response_code);
    TEXT_COPY(detail->auth_code, response->auth_code);
    TEXT_COPY(detail->settlement_date, response->settlement_date);
    if (response->local_time[0] != 0 && response->local_date[0] != 0) {
        TEXT_COPY(detail->local_time, response->local_time);
        TEXT_COPY(detail->local_date, response->local_date);
    } else {
        TEXT_COPY(detail->local_time, engine->wall.local_time);
        TEXT_COPY(detail->local_date, engine->wall.local_date);
    }
    detail->settlement_day = response_settlement_day(engine, txn, response);
    detail->answer_length = answer_cargo_pack(detail->answer, response);
}

/* Counts a wrong PIN at its terminal (I35); told once when it is one too many. */
static void guard_pin(struct engine *engine, const struct txn *txn, const struct payment *response)
{
    struct terminal_state *terminal = &engine->terminals.states[txn->terminal];
    if (pin_guard_is_wrong(response->response_code) &&
        pin_guard_add(&terminal->day.pin_guard, engine->limits.pin_guard, engine->now_ns)) {
        effect_notice(engine, TXN_REASON_PIN_FAULTS, txn, response);
    }
}

/* The one good end: in time, and it fits. */
static void settle(struct engine *engine, struct txn *txn, const struct payment *response)
{
    if (PLANTED_BUG(37) && strcmp(response->response_code, "91") == 0) {
        forward_on_unsent(engine, txn, TXN_REASON_UNSENT);
        return;
    }
    keep_answer(engine, txn, response);
    breaker_on_answer(engine, txn, response->response_code);
    if (payment_is_approval(response->response_code)) {
        txn->reason = TXN_REASON_CHANNEL_ANSWERED;
        txn->is_channel_approved = true;
        engine_move(engine, txn, TXN_APPROVED, engine->now_ns + engine->limits.duplicate_window_ns);
        engine->terminals.states[txn->terminal].approved++;
        enum payment_words told = order_tell(engine, txn);
        struct record *record = record_of_txn(engine, txn, RECORD_RESULT);
        batch_add(engine, txn, record);
        txn->settled_position = record->position;
        fee_check_row(engine, txn, record, response);
        if (told != PAYMENT_WORDS_NONE) {
            order_on_told(engine, txn->terminal_id, told);
        }
    } else {
        forward_decline(engine, txn, TXN_REASON_CHANNEL_ANSWERED);
        guard_pin(engine, txn, response);
    }
    forward_reply(engine, txn);
}

/* An answer that is not to be believed leaves the request without one: unknown, and reversed. */
static void distrust(struct engine *engine, struct txn *txn, const struct payment *response)
{
    record_anomaly(engine, TXN_REASON_MISMATCH, txn, response);
    forward_lose(engine, txn, TXN_REASON_MISMATCH);
    forward_reply(engine, txn);
}

/* What bug 4 does: believes a late approval. */
static void deliver_late(struct engine *engine, struct txn *txn, const struct payment *response)
{
    keep_answer(engine, txn, response);
    struct payment *reply = effect_payment(engine);
    payment_copy(reply, response);
    reply->stan = txn->stan;
    reply->batch = txn->batch;
    reply_put_answer(engine, reply, txn);
    reply_send(engine, txn->conn, reply, TXN_REASON_CHANNEL_ANSWERED, txn->settled_position);
}

/* The request has been ended without this answer. An approval means money may have moved: where no
 * reversal is under way, or one was closed because the channel had not seen the original, there
 * must be one (I9). */
static void on_late(struct engine *engine, struct txn *txn, const struct payment *response)
{
    bool is_resent = saf_resends(engine, txn);
    bool may_undo = payment_kind_is_reversible((enum payment_kind)txn->kind) && !is_resent;
    bool is_query = !may_undo && !is_resent;
    if (!payment_is_approval(response->response_code) || is_query) {
        record_anomaly(engine, TXN_REASON_LATE_RESPONSE, txn, response);
        return;
    }
    record_anomaly(engine, TXN_REASON_LATE_APPROVAL, txn, response);
    if (!may_undo) {
        return; /* of a refund that was declined: an operator decides */
    }
    txn->is_channel_approved = true;
    if (PLANTED_BUG(4)) {
        deliver_late(engine, txn, response);
    } else if (txn->state == TXN_DECLINED || (txn->state == TXN_REVERSED && txn->is_closed_by_25)) {
        saf_open(engine, txn, TXN_REASON_LATE_APPROVAL);
    } else {
        /* It has been posted since: "original not found", said before, is about an earlier time. */
        txn->not_found_ns = 0;
    }
}

/* The answer to what store-and-forward delivers, or a late one to the first attempt. Of an advice
 * the terminal has had its answer; of a refund this is the outcome. */
static void on_delivery(struct engine *engine, struct txn *txn, const struct payment *response)
{
    if (saf_resends(engine, txn) && saf_is_final(response)) {
        keep_answer(engine, txn, response);
        txn->reason = TXN_REASON_CHANNEL_ANSWERED;
    }
    saf_on_acknowledgement(engine, txn, response);
}

static void on_original(struct engine *engine, struct txn *txn, const struct payment *response)
{
    bool is_fitting = fits(engine, txn, response) && response->kind != PAYMENT_REVERSAL;
    bool is_delivered =
        txn_state_is_delivering(txn->state) || (txn->state == TXN_SERVICE_CASE && txn->is_advised);
    if (is_delivered && is_fitting) {
        on_delivery(engine, txn, response);
    } else if (is_delivered) {
        record_anomaly(engine, TXN_REASON_MISMATCH, txn, response);
    } else if (txn->state == TXN_FORWARDED) {
        if (is_fitting) {
            settle(engine, txn, response);
        } else {
            distrust(engine, txn, response);
        }
    } else if (!is_fitting || txn->state == TXN_APPROVED) {
        record_anomaly(engine, TXN_REASON_UNMATCHED, txn, response);
    } else {
        on_late(engine, txn, response);
    }
}

void response_on_event(struct engine *engine, uint8_t channel, const struct payment *response)
{
    REQUIRE(response != NULL);
    struct txn *txn =
        channel == CHANNEL_NONE ? NULL : engine_find_stan(engine, channel, response->stan);
    if (txn == NULL) {
        record_anomaly(engine, TXN_REASON_UNMATCHED, NULL, response);
        return;
    }
    bool is_of_original = txn->is_stan_indexed && txn->channel_stan == response->stan;
    if (is_of_original) {
        on_original(engine, txn, response);
    } else if (fits(engine, txn, response) && response->kind == PAYMENT_REVERSAL) {
        saf_on_response(engine, txn, response);
    } else {
        record_anomaly(engine, TXN_REASON_MISMATCH, txn, response);
    }
}
