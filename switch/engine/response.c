/* See response.h. */
#include "switch/engine/response.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/effect.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/purchase.h"
#include "switch/engine/reply.h"
#include "switch/engine/saf.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"

static bool fits(const struct engine *engine, const struct txn *txn, const struct payment *response)
{
    if (PLANTED_BUG(9)) {
        return true;
    }
    bool has_code = response->response_code[0] != 0 && response->response_code[1] != 0;
    return has_code && strcmp(txn->terminal_id, response->terminal_id) == 0 &&
           strcmp(txn_detail(&engine->slab, txn)->rrn, response->rrn) == 0 &&
           money_equals(txn->amount, response->amount);
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
    struct byte_view icc = payment_cargo(response, PAYMENT_CARGO_ICC);
    detail->icc_length = 0;
    if (icc.length > 0 && icc.length <= RECORD_ICC_BYTES_MAX) {
        memcpy(detail->icc, icc.bytes, icc.length);
        detail->icc_length = (uint16_t)icc.length;
    }
}

/* The one good end: in time, and it fits. */
static void settle(struct engine *engine, struct txn *txn, const struct payment *response)
{
    keep_answer(engine, txn, response);
    if (payment_is_approval(response->response_code)) {
        txn->reason = TXN_REASON_CHANNEL_ANSWERED;
        engine_move(engine, txn, TXN_APPROVED, engine->now_ns + engine->limits.duplicate_window_ns);
        engine->terminals.states[txn->terminal].approved++;
        txn->settled_position = record_of_txn(engine, txn, RECORD_RESULT)->position;
    } else {
        purchase_decline(engine, txn, TXN_REASON_CHANNEL_ANSWERED);
    }
    purchase_reply(engine, txn, response);
}

/* An answer that is not to be believed leaves the request without one: unknown, and reversed. */
static void distrust(struct engine *engine, struct txn *txn, const struct payment *response)
{
    record_anomaly(engine, TXN_REASON_MISMATCH, txn, response);
    engine->terminals.states[txn->terminal].unknown++;
    saf_open(engine, txn, TXN_REASON_MISMATCH);
    purchase_reply(engine, txn, NULL);
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
    if (!payment_is_approval(response->response_code)) {
        record_anomaly(engine, TXN_REASON_LATE_RESPONSE, txn, response);
        return;
    }
    record_anomaly(engine, TXN_REASON_LATE_APPROVAL, txn, response);
    if (PLANTED_BUG(4)) {
        deliver_late(engine, txn, response);
    } else if (txn->state == TXN_DECLINED || (txn->state == TXN_REVERSED && txn->is_closed_by_25)) {
        saf_open(engine, txn, TXN_REASON_LATE_APPROVAL);
    }
}

static void on_original(struct engine *engine, struct txn *txn, const struct payment *response)
{
    bool is_fitting = fits(engine, txn, response) && response->kind != PAYMENT_REVERSAL;
    if (txn->state == TXN_FORWARDED) {
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
