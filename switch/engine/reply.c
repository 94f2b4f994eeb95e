/* See reply.h. */
#include "switch/engine/reply.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/answer_cargo.h"
#include "switch/engine/batch.h"
#include "switch/engine/effect.h"
#include "switch/engine/payment_rule.h"
#include "switch/engine/terminal_request.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"

/* All fields up to the card number are echoed; everything secret stands behind it. */
#define ECHO_SIZE offsetof(struct payment, pan_hash)
_Static_assert(offsetof(struct payment, pan) < ECHO_SIZE, "field 2 is echoed");
_Static_assert(offsetof(struct payment, pin) > ECHO_SIZE &&
                   offsetof(struct payment, track2) > ECHO_SIZE &&
                   offsetof(struct payment, track3) > ECHO_SIZE &&
                   offsetof(struct payment, cargo) > ECHO_SIZE,
               "secrets and cargo are not");

struct payment *reply_begin(struct engine *engine, const struct payment *request)
{
    REQUIRE(request->leg == PAYMENT_REQUEST);
    struct payment *reply = effect_payment(engine);
    payment_clear(reply);
    memcpy(reply, request, ECHO_SIZE);
    reply->leg = PAYMENT_RESPONSE;
    /* A flight was dressed for its channel; of that the terminal's answer says nothing, so that a
     * repeat, which never was a flight, gets the same. */
    memset(reply->sent_at, 0, sizeof(reply->sent_at));
    memset(reply->mcc, 0, sizeof(reply->mcc));
    memset(&reply->original, 0, sizeof(reply->original));
    reply->is_repeat = 0;
    TEXT_COPY(reply->local_time, engine->wall.local_time);
    TEXT_COPY(reply->local_date, engine->wall.local_date);
    TEXT_COPY(reply->acquirer_id, engine->limits.acquirer_id);
    return reply;
}

void reply_put_answer(const struct engine *engine, struct payment *reply, const struct txn *txn)
{
    const struct txn_detail *detail = txn_detail(&engine->slab, txn);
    TEXT_COPY(reply->response_code, detail->response_code);
    TEXT_COPY(reply->rrn, detail->rrn);
    TEXT_COPY(reply->auth_code, detail->auth_code);
    TEXT_COPY(reply->settlement_date, detail->settlement_date);
    if (detail->local_time[0] != 0) {
        TEXT_COPY(reply->local_time, detail->local_time);
        TEXT_COPY(reply->local_date, detail->local_date);
    }
    /* An advice keeps there what its channel gets. */
    if (payment_rule_of((enum payment_kind)txn->kind)->travel != PAYMENT_TRAVEL_ADVICE) {
        answer_cargo_unpack(reply, (struct byte_view){detail->answer, detail->answer_length});
    }
}

void reply_put_day_answer(const struct engine *engine, struct payment *reply,
                          const struct terminal_answer *answer)
{
    engine_format_rrn(engine, reply->rrn, answer->reference);
    TEXT_COPY(reply->local_time, answer->local_time);
    TEXT_COPY(reply->local_date, answer->local_date);
}

void reply_put_field_48(struct payment *reply, const char digits[BATCH_FIELD_48_DIGITS + 1])
{
    enum status status =
        payment_set_cargo(reply, PAYMENT_CARGO_ADDITIONAL,
                          (struct byte_view){(const uint8_t *)digits, BATCH_FIELD_48_DIGITS});
    REQUIRE(status == STATUS_OK); /* the cargo of a reply is empty */
}

/* The result of a settlement stands in its totals. */
static void put_error_totals(struct payment *reply)
{
    static const struct batch_totals NONE;
    char digits[BATCH_FIELD_48_DIGITS + 1];
    batch_totals_to_field_48(digits, &NONE, BATCH_ERROR);
    reply_put_field_48(reply, digits);
}

struct engine_effect *reply_send(struct engine *engine, struct conn_handle conn,
                                 const struct payment *reply, enum txn_reason reason,
                                 uint64_t after)
{
    REQUIRE(reply->leg == PAYMENT_RESPONSE);
    REQUIRE(after <= engine->position);
    struct engine_effect *effect = effect_add(engine, ENGINE_REPLY);
    effect->conn = conn;
    effect->payment = reply;
    effect->reason = reason;
    effect->after = after;
    effect->terminal_request = terminal_request_of(engine, reply);
    return effect;
}

enum txn_reason reply_reason_of_route(enum route_answer answer)
{
    enum { TXN_REASON_FOUND = TXN_REASON_NONE };
    static const uint8_t reasons[ROUTE_ANSWER_COUNT] = {
#define X(name, code, text) [ROUTE_##name] = TXN_REASON_##name,
        ROUTE_ANSWER_MAP(X)
#undef X
    };
    _Static_assert(TXN_REASON_COUNT <= UINT8_MAX, "a reason fits a byte");
    REQUIRE(answer > ROUTE_FOUND && answer < ROUTE_ANSWER_COUNT);
    return (enum txn_reason)reasons[answer];
}

void reply_refuse(struct engine *engine, const struct request *request,
                  const struct refusal *refusal)
{
    struct txn_reference reference = engine_next_reference(engine);
    const char *code = txn_reason_code(refusal->reason);
    struct payment *reply = reply_begin(engine, request->payment);
    /* A refusal promises nothing, but its reference must never come again: the epoch has to be
     * durable (I24). One that the log keeps promises that a copy gets the same. */
    uint64_t after = engine->epoch_position;
    text_set_code(reply->response_code, code);
    engine_format_rrn(engine, reply->rrn, reference);
    if (reply->kind == PAYMENT_SETTLEMENT) {
        put_error_totals(reply);
    }
    if (refusal->terminal != 0) {
        engine->terminals.states[refusal->terminal].refused++;
        struct record *record = record_of_payment(engine, request->payment, RECORD_REFUSED);
        record->txn = reference;
        record->reason = (uint16_t)refusal->reason;
        TEXT_COPY(record->rrn, reply->rrn);
        TEXT_COPY(record->response_code, reply->response_code);
        if (refusal->is_kept_by_log) {
            record->state = TXN_DECLINED;
            batch_see_stan(engine, refusal->terminal, record->batch, record->stan);
            after = record->position;
        }
    }
    reply_send(engine, request->conn, reply, refusal->reason, after);
}
