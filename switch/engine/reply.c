/* See reply.h. */
#include "switch/engine/reply.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/effect.h"
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
    if (detail->icc_length > 0) {
        struct byte_view icc = {detail->icc, detail->icc_length};
        enum status status = payment_set_cargo(reply, PAYMENT_CARGO_ICC, icc);
        REQUIRE(status == STATUS_OK); /* the first cargo of an empty hold */
    }
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
    text_set_code(reply->response_code, code);
    engine_format_rrn(engine, reply->rrn, reference);
    if (refusal->terminal != 0) {
        engine->terminals.states[refusal->terminal].refused++;
        struct record *record = record_of_payment(engine, request->payment, RECORD_REFUSED);
        record->txn = reference;
        record->reason = (uint16_t)refusal->reason;
        TEXT_COPY(record->rrn, reply->rrn);
        TEXT_COPY(record->response_code, reply->response_code);
    }
    /* A refusal promises nothing, but its reference must never come again: the epoch has to be
     * durable (I24). */
    reply_send(engine, request->conn, reply, refusal->reason, engine->epoch_position);
}
