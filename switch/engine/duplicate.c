/* See duplicate.h. */
#include "switch/engine/duplicate.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/reply.h"
#include "switch/engine/saf.h"
#include "switch/engine/txn_record.h"
#include "switch/engine/usage_move.h"

bool duplicate_has_same_content(const struct txn *txn, const struct payment *payment)
{
    return money_equals(txn->amount, payment->amount) &&
           memcmp(&txn->pan_hash, &payment->pan_hash, sizeof(txn->pan_hash)) == 0;
}

static void refuse(struct engine *engine, const struct request *request, const struct txn *txn,
                   enum txn_reason reason)
{
    reply_refuse(engine, request, &(struct refusal){.reason = reason, .terminal = txn->terminal});
}

static void answer_again(struct engine *engine, const struct request *request,
                         const struct txn *txn)
{
    REQUIRE(txn->settled_position > 0);
    struct payment *reply = reply_begin(engine, request->payment);
    reply_put_answer(engine, reply, txn);
    struct engine_effect *effect =
        reply_send(engine, request->conn, reply, txn->reason, txn->settled_position);
    effect->txn = engine_handle(engine, txn);
}

/* The terminal came back on another connection: that one gets the reply now. */
static void take_over(struct engine *engine, const struct request *request, struct txn *txn)
{
    txn->conn = request->conn;
    txn->has_conn = true;
    if (txn->flight == 0) { /* in doubt since before the restart: the request was not kept */
        uint32_t slot = txn_slot(&engine->slab, txn);
        payment_copy(txn_slab_take_flight(&engine->slab, slot), request->payment);
    }
}

static bool is_forgotten(const struct engine *engine, const struct txn *txn)
{
    enum txn_class class = txn_state_class(txn->state);
    return (class == TXN_CLASS_KEPT || class == TXN_CLASS_TOMBSTONE) &&
           txn->deadline_ns <= engine->now_ns;
}

bool duplicate_on_request(struct engine *engine, const struct request *request)
{
    struct txn *txn = engine_find_key(engine, engine_key_of(request->payment));
    if (txn == NULL) {
        return false;
    }
    if (is_forgotten(engine, txn)) {
        engine_forget(engine, txn);
        return false;
    }
    if (PLANTED_BUG(3) && txn->state != TXN_BLOCKED) {
        engine_unindex_key(engine, txn);
        return false;
    }
    if (PLANTED_BUG(42)) {
        txn->is_usage_counted = false;
        usage_on_move(engine, txn);
    }
    bool is_blocked = txn->state == TXN_BLOCKED ||
                      (txn->state == TXN_LOOKUP_WAITED && txn->kind == PAYMENT_REVERSAL);
    if (is_blocked) { /* NOLINT(bugprone-branch-clone): the order decides */
        refuse(engine, request, txn, TXN_REASON_ORIGINAL_BLOCKED);
    } else if (txn->kind != request->payment->kind ||
               !duplicate_has_same_content(txn, request->payment)) {
        record_anomaly(engine, TXN_REASON_OTHER_CONTENT, txn, request->payment);
        refuse(engine, request, txn, TXN_REASON_OTHER_CONTENT);
    } else if (txn->is_terminal_reversed) {
        refuse(engine, request, txn, TXN_REASON_ORIGINAL_BLOCKED);
    } else if (txn->state == TXN_FORWARDED || txn->state == TXN_LOOKUP_WAITED) {
        take_over(engine, request, txn);
    } else if (saf_resends(engine, txn) && txn_state_is_delivering(txn->state)) {
        refuse(engine, request, txn, TXN_REASON_IN_PROGRESS); /* nobody knows the outcome yet */
    } else {
        answer_again(engine, request, txn);
    }
    return true;
}
