/* See forward.h. */
#include "switch/engine/forward.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/batch.h"
#include "switch/engine/breaker.h"
#include "switch/engine/effect.h"
#include "switch/engine/order_book.h"
#include "switch/engine/order_use.h"
#include "switch/engine/payment_rule.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/reply.h"
#include "switch/engine/saf.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"

/* --- the way out -------------------------------------------------------------------------- */

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
    flight->original = detail->quoted;
}

/* Writes the intent and forwards after it, to the next candidate that is up and has a STAN left.
 * False: there is none. */
static bool forward(struct engine *engine, struct txn *txn)
{
    while (txn->candidate_next < txn->candidate_count) {
        uint8_t channel = txn->candidates[txn->candidate_next++];
        bool is_open =
            channel_set_is_usable(&engine->channels, channel) && breaker_lets(engine, txn, channel);
        uint32_t stan = is_open ? engine_next_stan(engine, channel) : 0;
        if (stan == 0) {
            continue;
        }
        txn->channel = channel;
        engine_set_stan(engine, txn, stan);
        txn->attempt++;
        txn->forwarded_ns = engine->now_ns;
        TEXT_COPY(txn_detail(&engine->slab, txn)->sent_at, engine->wall.sent_at);
        dress_flight(engine, txn);
        breaker_on_forward(engine, txn);
        uint64_t deadline_ns = engine->now_ns + engine->limits.response_timeout_ns;
        if (txn->state != TXN_FORWARDED) {
            engine_move(engine, txn, TXN_FORWARDED, deadline_ns);
        }
        batch_see_stan(engine, txn->terminal, txn->batch, txn->stan);
        const struct record *record = record_of_txn(engine, txn, RECORD_INTENT);
        batch_on_begun(engine, txn->terminal, record);
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

void forward_refuse(struct engine *engine, struct txn *txn, enum txn_reason reason)
{
    forward_refuse_as(engine, txn, reason, txn_reason_code(reason));
}

void forward_refuse_as(struct engine *engine, struct txn *txn, enum txn_reason reason,
                       const char *response_code)
{
    txn->reason = (uint16_t)reason;
    text_set_code(txn_detail(&engine->slab, txn)->response_code, response_code);
    engine_move(engine, txn, TXN_DECLINED, engine->now_ns + engine->limits.duplicate_window_ns);
    engine->terminals.states[txn->terminal].refused++;
    batch_see_stan(engine, txn->terminal, txn->batch, txn->stan);
    enum payment_words told = order_tell(engine, txn);
    struct record *record = record_of_txn(engine, txn, RECORD_REFUSED);
    record->channel[0] = '\0';
    txn->settled_position = record->position;
    if (told != PAYMENT_WORDS_NONE) {
        order_on_told(engine, txn->terminal_id, told);
    }
    forward_reply(engine, txn);
}

void forward_begin(struct engine *engine, struct txn *txn)
{
    if (!forward(engine, txn)) {
        forward_refuse(engine, txn, TXN_REASON_CHANNEL_DOWN);
    }
}

/* --- the way back ------------------------------------------------------------------------- */

void forward_reply(struct engine *engine, struct txn *txn)
{
    const struct payment *flight = txn_flight(&engine->slab, txn);
    if (txn->has_conn && flight != NULL) {
        struct payment *reply = reply_begin(engine, flight);
        reply->stan = txn->stan;
        reply_put_answer(engine, reply, txn);
        struct engine_effect *effect =
            reply_send(engine, txn->conn, reply, txn->reason, txn->settled_position);
        effect->txn = engine_handle(engine, txn);
        if ((PLANTED_BUG(2) && txn_state_class(txn->state) == TXN_CLASS_KEPT) ||
            (PLANTED_BUG(23) && txn->is_advised)) {
            effect->after = 0;
        }
    }
    txn->has_conn = false;
    txn_slab_give_flight(&engine->slab, txn_slot(&engine->slab, txn));
}

void forward_decline(struct engine *engine, struct txn *txn, enum txn_reason reason)
{
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    txn->reason = (uint16_t)reason;
    if (reason != TXN_REASON_CHANNEL_ANSWERED) {
        text_set_code(detail->response_code, txn_reason_code(reason));
    }
    engine_move(engine, txn, TXN_DECLINED, engine->now_ns + engine->limits.duplicate_window_ns);
    engine->terminals.states[txn->terminal].declined++;
    enum payment_words told = order_tell(engine, txn);
    txn->settled_position = record_of_txn(engine, txn, RECORD_RESULT)->position;
    if (told != PAYMENT_WORDS_NONE) {
        order_on_told(engine, txn->terminal_id, told);
    }
}

void forward_on_unsent(struct engine *engine, struct txn *txn, enum txn_reason reason)
{
    REQUIRE(txn->state == TXN_FORWARDED);
    engine_unindex_stan(engine, txn, txn->channel_stan);
    if (reason == TXN_REASON_UNSENT) {
        breaker_on_fault(engine, txn, HEALTH_CONNECT);
    } else { /* a full window is a limit of ours, and tells nothing of the bank */
        breaker_on_gone(engine, txn);
    }
    if (reason != TXN_REASON_PIN_REFUSED && forward(engine, txn)) {
        return;
    }
    forward_decline(engine, txn, reason);
    forward_reply(engine, txn);
}

void forward_lose(struct engine *engine, struct txn *txn, enum txn_reason reason)
{
    engine->terminals.states[txn->terminal].unknown++;
    if (saf_resends(engine, txn)) {
        saf_open_advice(engine, txn, reason); /* "sent again" (unionpay-pos 5) */
    } else if (payment_kind_is_reversible((enum payment_kind)txn->kind)) {
        saf_open(engine, txn, reason);
    } else {
        forward_decline(engine, txn, reason); /* a query: nothing moved */
    }
}

void forward_on_timeout(struct engine *engine, struct txn *txn)
{
    REQUIRE(txn->state == TXN_FORWARDED);
    enum txn_reason reason = txn->is_restored ? TXN_REASON_RESTART : TXN_REASON_NO_ANSWER;
    breaker_on_fault(engine, txn, HEALTH_TIMEOUT);
    forward_lose(engine, txn, reason);
    if (!txn->has_conn) {
        effect_notice(engine, reason, txn, NULL);
    }
    forward_reply(engine, txn);
}
