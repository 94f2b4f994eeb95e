/* See reversal.h. */
#include "switch/engine/reversal.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/batch.h"
#include "switch/engine/duplicate.h"
#include "switch/engine/original.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/reply.h"
#include "switch/engine/saf.h"
#include "switch/engine/search.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"

static void answer(struct engine *engine, const struct request *request, const struct txn *txn,
                   enum txn_reason reason)
{
    const struct txn_detail *detail = txn_detail(&engine->slab, txn);
    struct payment *reply = reply_begin(engine, request->payment);
    text_set_code(reply->response_code, txn_reason_code(reason));
    TEXT_COPY(reply->rrn, detail->rrn);
    TEXT_COPY(reply->settlement_date, detail->settlement_date);
    uint64_t after = PLANTED_BUG(11) ? 0 : txn->settled_position;
    struct engine_effect *effect = reply_send(engine, request->conn, reply, reason, after);
    effect->txn = engine_handle(engine, txn);
}

/* --- unknown originals -------------------------------------------------------------------- */

static struct txn *take_tombstone(struct engine *engine)
{
    struct txn_list *tombstones = &engine->lists[TXN_CLASS_TOMBSTONE];
    if (tombstones->count >= engine->limits.txn_count_max / TOMBSTONE_PART) {
        if (tombstones->count == 0 ||
            engine->slab.txns[tombstones->first].deadline_ns > engine->now_ns) {
            return NULL;
        }
        engine_forget(engine, &engine->slab.txns[tombstones->first]);
    }
    return engine_take_txn(engine);
}

static void block_original(struct engine *engine, const struct request *request, uint32_t terminal)
{
    const struct payment *payment = request->payment;
    struct txn *txn = PLANTED_BUG(10) ? NULL : take_tombstone(engine);
    if (txn == NULL) {
        enum txn_reason reason = PLANTED_BUG(10) ? TXN_REASON_ORIGINAL_UNKNOWN : TXN_REASON_NO_ROOM;
        reply_refuse(engine, request, &(struct refusal){.reason = reason, .terminal = terminal});
        return;
    }
    TEXT_COPY(txn->terminal_id, payment->terminal_id);
    TEXT_COPY(txn->merchant_id, payment->merchant_id);
    txn->batch = payment->batch;
    txn->stan = payment->stan;
    txn->terminal = terminal;
    txn->reason = TXN_REASON_ORIGINAL_UNKNOWN;
    txn->reference = engine_next_reference(engine);
    batch_see_stan(engine, terminal, payment->batch, payment->stan);
    engine_format_rrn(engine, txn_detail(&engine->slab, txn)->rrn, txn->reference);
    engine_move(engine, txn, TXN_BLOCKED, engine->now_ns + engine->limits.duplicate_window_ns);
    engine_index_key(engine, txn);
    struct record *record = record_of_payment(engine, payment, RECORD_TOMBSTONE);
    record->txn = txn->reference;
    record->state = txn->state;
    record->reason = txn->reason;
    TEXT_COPY(record->rrn, txn_detail(&engine->slab, txn)->rrn);
    text_set_code(record->response_code, txn_reason_code(TXN_REASON_ORIGINAL_UNKNOWN));
    txn->settled_position = record->position;
    answer(engine, request, txn, TXN_REASON_ORIGINAL_UNKNOWN);
}

/* --- known ones --------------------------------------------------------------------------- */

/* The card may be left out of a reversal; amount and type may not. */
static bool fits_original(const struct txn *txn, const struct payment *payment)
{
    if (payment->original_kind != PAYMENT_UNKNOWN && payment->original_kind != txn->kind) {
        return false;
    }
    return payment->pan.digit_count == 0 ? money_equals(txn->amount, payment->amount)
                                         : duplicate_has_same_content(txn, payment);
}

/* None across settlement days (unionpay-pos 5): the money of that day has been settled. */
static bool is_of_earlier_day(const struct engine *engine, const struct txn *txn)
{
    uint32_t today = engine->channels.states[txn->channel].settlement_day;
    uint32_t day = txn_detail(&engine->slab, txn)->settlement_day;
    return txn->state == TXN_APPROVED && today != 0 && day != 0 && day < today && !PLANTED_BUG(21);
}

/* Why a known original may not be undone; TXN_REASON_NONE: it may. */
static enum txn_reason undo_is_refused(const struct engine *engine, const struct txn *txn)
{
    bool is_open = txn->state == TXN_FORWARDED || txn->state == TXN_APPROVED ||
                   txn_state_is_delivering(txn->state) ||
                   (txn->state == TXN_SERVICE_CASE && txn->is_advised);
    if (is_open &&
        (!payment_kind_is_reversible((enum payment_kind)txn->kind) || saf_resends(engine, txn) ||
         original_is_used(engine, txn) || original_has_ended_upon(engine, txn))) {
        return TXN_REASON_ORIGINAL_STATE;
    }
    return is_of_earlier_day(engine, txn) ? TXN_REASON_EARLIER_DAY : TXN_REASON_NONE;
}

/* A0: the terminal could not verify our answer, so its keys are not ours (unionpay-pos 5). */
static void note_keys(struct engine *engine, const struct request *request, const struct txn *txn)
{
    if (strcmp(request->payment->reversal_reason, "A0") == 0 && !request->is_log_short) {
        record_anomaly(engine, TXN_REASON_ANSWER_MAC, txn, request->payment);
    }
}

static void undo(struct engine *engine, const struct request *request, struct txn *txn)
{
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    enum txn_reason reason = undo_is_refused(engine, txn);
    if (reason != TXN_REASON_NONE) {
        bool is_void = txn->kind == PAYMENT_VOID && saf_resends(engine, txn);
        /* It stands where the terminal believes that it was undone: an operator is told. */
        if (reason == TXN_REASON_EARLIER_DAY || is_void) {
            record_anomaly(engine, reason, txn, request->payment);
        }
        reply_refuse(engine, request,
                     &(struct refusal){.reason = reason, .terminal = txn->terminal});
        return;
    }
    if (txn->state != TXN_DECLINED) {
        txn->is_terminal_reversed = true;
    }
    if (txn->state == TXN_FORWARDED || txn->state == TXN_APPROVED) {
        TEXT_COPY(detail->reversal_reason, request->payment->reversal_reason);
        note_keys(engine, request, txn);
        txn->has_conn = false; /* the terminal has given up waiting for the original's answer */
        saf_open(engine, txn, TXN_REASON_TERMINAL_REVERSED);
        txn_slab_give_flight(&engine->slab, txn_slot(&engine->slab, txn));
    }
    answer(engine, request, txn, TXN_REASON_TERMINAL_REVERSED);
}

/* A stopped terminal or merchant may still undo what it did; a stranger may not. */
static bool may_reverse(enum route_answer admission)
{
    return admission == ROUTE_FOUND || admission == ROUTE_TERMINAL_STOPPED ||
           admission == ROUTE_MERCHANT_STOPPED;
}

void reversal_on_original(struct engine *engine, const struct request *request, struct txn *txn,
                          uint32_t terminal)
{
    if (txn == NULL) {
        block_original(engine, request, terminal);
    } else if (txn->state == TXN_BLOCKED) {
        answer(engine, request, txn, TXN_REASON_ORIGINAL_UNKNOWN);
    } else if (!fits_original(txn, request->payment)) {
        record_anomaly(engine, TXN_REASON_OTHER_CONTENT, txn, request->payment);
        reply_refuse(engine, request,
                     &(struct refusal){.reason = TXN_REASON_OTHER_CONTENT, .terminal = terminal});
    } else {
        undo(engine, request, txn);
    }
}

/* Its original waits for a search of the log, and nothing of it was sent; or the same reversal
 * does. */
static void on_waiting(struct engine *engine, const struct request *request, struct txn *txn,
                       uint32_t terminal)
{
    if (txn->search == SEARCH_ORIGINAL) {
        engine_forget(engine, txn);
        block_original(engine, request, terminal);
    } else {
        search_turn(engine, txn, request);
    }
}

void reversal_on_request(struct engine *engine, const struct request *request)
{
    const struct payment *payment = request->payment;
    const struct terminal_row *row = NULL;
    enum route_answer admission = ruleset_admit(engine->ruleset, payment, &row);
    struct refusal refusal = {.reason = TXN_REASON_NONE};
    if (row == NULL || !may_reverse(admission)) {
        refusal.reason = reply_reason_of_route(admission);
        reply_refuse(engine, request, &refusal);
        return;
    }
    uint32_t terminal =
        terminal_set_enroll(&engine->terminals, payment->terminal_id, row->merchant_id);
    if (terminal == 0) {
        refusal.reason = TXN_REASON_NO_ROOM;
        reply_refuse(engine, request, &refusal);
        return;
    }
    engine->terminals.states[terminal].last_seen_wall_us = engine->wall_us;
    struct txn *txn = engine_find_key(engine, engine_key_of(payment));
    bool is_searched = txn == NULL && search_is_possible(engine) &&
                       !batch_is_stan_new(engine, terminal, payment->batch, payment->stan);
    if (is_searched) {
        search_undone(engine, request, terminal);
    } else if (txn != NULL && txn->state == TXN_LOOKUP_WAITED) {
        on_waiting(engine, request, txn, terminal);
    } else {
        reversal_on_original(engine, request, txn, terminal);
    }
}
