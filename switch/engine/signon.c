/* See signon.h. */
#include "switch/engine/signon.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/day_memory.h"
#include "switch/engine/effect.h"
#include "switch/engine/order_book.h"
#include "switch/engine/order_use.h"
#include "switch/engine/reply.h"
#include "switch/engine/settlement.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"

#define FIRST_BATCH 1

uint32_t signon_admit(struct engine *engine, const struct request *request)
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

/* Keys of these lengths can be made: single, double, and double with a track key. */
static bool code_is_served(const char *code)
{
    return strcmp(code, "001") == 0 || strcmp(code, "003") == 0 || strcmp(code, "004") == 0;
}

/* A sign-on carries no MAC, so whoever knows a terminal's number may ask for new keys, which take
 * the old ones out of force; so it may not do so as often as it likes. A sign-off between, which
 * carries none either, changes nothing. */
static bool is_too_soon(const struct engine *engine, const struct terminal_state *terminal)
{
    return engine->limits.signon_min_interval_ns != 0 && terminal->day.signon_ns != 0 &&
           engine->now_ns - terminal->day.signon_ns < engine->limits.signon_min_interval_ns;
}

void signon_on_request(struct engine *engine, const struct request *request)
{
    uint32_t place = signon_admit(engine, request);
    if (place == 0) {
        return;
    }
    struct terminal_state *terminal = &engine->terminals.states[place];
    if (!code_is_served(request->payment->management_code)) {
        reply_refuse(engine, request,
                     &(struct refusal){.reason = TXN_REASON_NOT_SERVED, .terminal = place});
        return;
    }
    if (is_too_soon(engine, terminal)) { /* without a row: a flood gets no room on the disk */
        reply_refuse(engine, request, &(struct refusal){.reason = TXN_REASON_SIGNON_TOO_SOON});
        return;
    }
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
    REQUIRE(keys.length <= RECORD_PAYLOAD_BYTES_MAX);
    if (keys.length > 0) {
        memcpy(record->payload, keys.bytes, keys.length);
        record->payload_length = (uint16_t)keys.length;
    }
    return record;
}

static void succeed(struct engine *engine, struct txn *txn, const struct engine_event *event)
{
    struct terminal_set *terminals = &engine->terminals;
    settlement_roll(engine, txn->terminal, txn_flight(&engine->slab, txn));
    uint32_t batch = terminals->states[txn->terminal].batch;
    terminal_set_sign_on(terminals, txn->terminal, batch == 0 ? FIRST_BATCH : batch,
                         engine->wall_us);
    struct terminal_day *day = &terminals->states[txn->terminal].day;
    day->signon_ns = engine->now_ns;
    struct record *record = log_signon(engine, txn, event->keys.records);
    day_memory_put(day, record);
    order_on_done(engine, txn_flight(&engine->slab, txn)->terminal_id, ORDER_ASK_SIGNON);
    struct payment *reply = reply_begin(engine, txn_flight(&engine->slab, txn));
    reply->batch = record->batch;
    TEXT_COPY(reply->rrn, record->rrn);
    TEXT_COPY(reply->response_code, record->response_code);
    enum status status = payment_set_cargo(reply, PAYMENT_CARGO_CUSTOM_62, event->keys.field_62);
    REQUIRE(status == STATUS_OK); /* it is shorter than the cargo of an empty payment */
    struct engine_effect *effect =
        reply_send(engine, txn->conn, reply, TXN_REASON_NONE, record->position);
    effect->keys = (struct byte_view){record->payload, record->payload_length};
    end(engine, txn);
}

void signon_on_keys(struct engine *engine, const struct engine_event *event)
{
    struct txn *txn = txn_slab_find(&engine->slab, event->keys.txn);
    if (txn == NULL || txn->state != TXN_KEYS_WAITED) {
        return; /* it came too late; the terminal has been told or has asked anew */
    }
    if (!event->keys.is_made || event->keys.records.length > RECORD_PAYLOAD_BYTES_MAX ||
        event->keys.field_62.length > PAYMENT_CARGO_BYTES_MAX) {
        fail(engine, txn);
    } else {
        succeed(engine, txn, event);
    }
}

void signon_on_signoff(struct engine *engine, const struct request *request)
{
    uint32_t place = signon_admit(engine, request);
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
    if (signon_admit(engine, request) == 0) {
        return;
    }
    struct payment *reply = reply_begin(engine, request->payment);
    text_set_code(reply->response_code, "00");
    bool is_told = !request->is_log_short && order_reply_tell(engine, reply);
    reply_send(engine, request->conn, reply, TXN_REASON_NONE, is_told ? engine->position : 0);
}
