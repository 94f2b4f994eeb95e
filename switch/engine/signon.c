/* See signon.h. */
#include "switch/engine/signon.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/effect.h"
#include "switch/engine/reply.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"

#define FIRST_BATCH 1

/* The place of a terminal that may act; 0: it was refused here. */
static uint32_t admit(struct engine *engine, const struct request *request)
{
    const struct payment *payment = request->payment;
    const struct terminal_row *row = NULL;
    enum route_answer answer = ruleset_admit(engine->ruleset, payment, &row);
    struct refusal refusal = {.reason = TXN_REASON_NONE};
    if (answer != ROUTE_FOUND) {
        refusal.reason = reply_reason_of_route(answer);
        refusal.terminal = terminal_set_find(&engine->terminals, payment->terminal_id);
        reply_refuse(engine, request, &refusal);
        return 0;
    }
    uint32_t place =
        terminal_set_enroll(&engine->terminals, payment->terminal_id, row->merchant_id);
    if (place == 0) {
        refusal.reason = TXN_REASON_NO_ROOM;
        reply_refuse(engine, request, &refusal);
        return 0;
    }
    engine->terminals.states[place].last_seen_wall_us = engine->wall_us;
    return place;
}

void signon_on_request(struct engine *engine, const struct request *request)
{
    uint32_t place = admit(engine, request);
    if (place == 0) {
        return;
    }
    struct terminal_state *terminal = &engine->terminals.states[place];
    if (terminal->signon != 0) {
        /* It asks anew, so it no longer waits for the older answer. */
        engine_forget(engine, &engine->slab.txns[terminal->signon]);
        terminal->signon = 0;
    }
    struct txn *txn = engine_take_txn(engine);
    if (txn == NULL) {
        reply_refuse(engine, request,
                     &(struct refusal){.reason = TXN_REASON_NO_ROOM, .terminal = place});
        return;
    }
    uint32_t slot = txn_slot(&engine->slab, txn);
    struct payment *flight = txn_slab_take_flight(&engine->slab, slot);
    payment_copy(flight, request->payment);
    txn->conn = request->conn;
    txn->has_conn = true;
    txn->terminal = place;
    txn->kind = PAYMENT_SIGNON;
    terminal->signon = slot;
    engine_move(engine, txn, TXN_KEYS_WAITED, engine->now_ns + engine->limits.signon_timeout_ns);
    struct engine_effect *effect = effect_add(engine, ENGINE_MAKE_KEYS);
    effect->txn = engine_handle(engine, txn);
    effect->conn = request->conn;
    effect->payment = flight;
}

static void end(struct engine *engine, struct txn *txn)
{
    engine->terminals.states[txn->terminal].signon = 0;
    engine_forget(engine, txn);
}

static void fail(struct engine *engine, struct txn *txn)
{
    struct request request = {.conn = txn->conn, .payment = txn_flight(&engine->slab, txn)};
    reply_refuse(engine, &request,
                 &(struct refusal){.reason = TXN_REASON_KEYS_FAILED, .terminal = txn->terminal});
    end(engine, txn);
}

void signon_on_timeout(struct engine *engine, struct txn *txn)
{
    REQUIRE(txn->state == TXN_KEYS_WAITED);
    fail(engine, txn);
}

/* The record of the sign-on, with the keys in it and the batch that holds from now on. */
static struct record *log_signon(struct engine *engine, const struct txn *txn,
                                 struct byte_view keys)
{
    const struct terminal_state *terminal = &engine->terminals.states[txn->terminal];
    struct txn_reference reference = engine_next_reference(engine);
    struct record *record =
        record_of_payment(engine, txn_flight(&engine->slab, txn), RECORD_SIGNON);
    record->txn = reference;
    record->batch = terminal->batch;
    engine_format_rrn(engine, record->rrn, reference);
    text_set_code(record->response_code, "00");
    TEXT_COPY(record->local_time, engine->wall.local_time);
    TEXT_COPY(record->local_date, engine->wall.local_date);
    REQUIRE(keys.length <= RECORD_KEYS_BYTES_MAX);
    if (keys.length > 0) {
        memcpy(record->keys, keys.bytes, keys.length);
        record->keys_length = (uint16_t)keys.length;
    }
    return record;
}

static void succeed(struct engine *engine, struct txn *txn, const struct engine_event *event)
{
    struct terminal_set *terminals = &engine->terminals;
    uint32_t batch = terminals->states[txn->terminal].batch;
    terminal_set_sign_on(terminals, txn->terminal, batch == 0 ? FIRST_BATCH : batch,
                         engine->wall_us);
    struct record *record = log_signon(engine, txn, event->keys.records);
    struct payment *reply = reply_begin(engine, txn_flight(&engine->slab, txn));
    reply->batch = record->batch;
    TEXT_COPY(reply->rrn, record->rrn);
    TEXT_COPY(reply->response_code, record->response_code);
    enum status status = payment_set_cargo(reply, PAYMENT_CARGO_CUSTOM_62, event->keys.field_62);
    REQUIRE(status == STATUS_OK); /* it is shorter than the cargo of an empty payment */
    struct engine_effect *effect =
        reply_send(engine, txn->conn, reply, TXN_REASON_NONE, record->position);
    effect->keys = (struct byte_view){record->keys, record->keys_length};
    end(engine, txn);
}

void signon_on_keys(struct engine *engine, const struct engine_event *event)
{
    struct txn *txn = txn_slab_find(&engine->slab, event->keys.txn);
    if (txn == NULL || txn->state != TXN_KEYS_WAITED) {
        return; /* it came too late; the terminal has been told or has asked anew */
    }
    if (!event->keys.is_made || event->keys.records.length > RECORD_KEYS_BYTES_MAX ||
        event->keys.field_62.length > PAYMENT_CARGO_BYTES_MAX) {
        fail(engine, txn);
    } else {
        succeed(engine, txn, event);
    }
}

void signon_on_signoff(struct engine *engine, const struct request *request)
{
    uint32_t place = admit(engine, request);
    if (place == 0) {
        return;
    }
    terminal_set_sign_off(&engine->terminals, place);
    struct txn_reference reference = engine_next_reference(engine);
    struct record *record = record_of_payment(engine, request->payment, RECORD_SIGNOFF);
    record->txn = reference;
    engine_format_rrn(engine, record->rrn, reference);
    text_set_code(record->response_code, "00");
    struct payment *reply = reply_begin(engine, request->payment);
    TEXT_COPY(reply->rrn, record->rrn);
    TEXT_COPY(reply->response_code, record->response_code);
    reply_send(engine, request->conn, reply, TXN_REASON_NONE, record->position);
}

void signon_on_echo(struct engine *engine, const struct request *request)
{
    if (admit(engine, request) == 0) {
        return;
    }
    struct payment *reply = reply_begin(engine, request->payment);
    text_set_code(reply->response_code, "00");
    reply_send(engine, request->conn, reply, TXN_REASON_NONE, 0);
}
