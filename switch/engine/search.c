/* See search.h. */
#include "switch/engine/search.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/duplicate.h"
#include "switch/engine/effect.h"
#include "switch/engine/intake.h"
#include "switch/engine/original.h"
#include "switch/engine/payment_rule.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/reply.h"
#include "switch/engine/restore.h"
#include "switch/engine/reversal.h"
#include "switch/engine/text.h"

#define ASK_COUNT_MAX 4 /* searches by one way, while others change what is searched for */
#define RRN_DIGITS 12

bool search_is_possible(const struct engine *engine)
{
    return engine->limits.lookup_timeout_ns != 0;
}

/* --- asking ------------------------------------------------------------------------------- */

/* The ways to find an original, in this order. */
enum search_way { WAY_RRN, WAY_KEY, WAY_CARD, WAY_COUNT };

static void put_key(struct lookup_query *query, const struct txn *txn, uint32_t batch,
                    uint32_t stan)
{
    query->kind = LOOKUP_BY_KEY;
    query->batch = batch;
    query->stan = stan;
    TEXT_COPY(query->terminal_id, txn->terminal_id);
    TEXT_COPY(query->merchant_id, txn->merchant_id);
}

/* The question of a way; false: the request's words do not allow it. */
static bool put_way(struct lookup_query *query, const struct txn *txn,
                    const struct payment *payment)
{
    REQUIRE(payment != NULL);
    const struct payment_original *quoted = &payment->original;
    bool has_rrn = strnlen(quoted->rrn, sizeof(quoted->rrn)) == RRN_DIGITS;
    bool is_of_preauth = payment_rule_may_follow(payment->kind, PAYMENT_PREAUTH);
    switch (txn->search_way) {
    case WAY_RRN:
        query->kind = LOOKUP_BY_RRN;
        TEXT_COPY(query->rrn, quoted->rrn);
        return has_rrn;
    case WAY_KEY:
        put_key(query, txn, quoted->batch, quoted->stan);
        return !has_rrn && quoted->stan != 0;
    case WAY_CARD:
        query->kind = LOOKUP_BY_CARD;
        query->pan_hash = payment->pan_hash;
        TEXT_COPY(query->merchant_id, txn->merchant_id);
        TEXT_COPY(query->auth_code, quoted->auth_code);
        return is_of_preauth && payment->pan.digit_count != 0 && quoted->auth_code[0] != '\0';
    default:
        return false;
    }
}

/* The question that its purpose and way make of its words. */
static bool make_query(const struct engine *engine, const struct txn *txn,
                       struct lookup_query *query)
{
    memset(query, 0, sizeof(*query));
    if (txn->search == SEARCH_ORIGINAL) {
        return put_way(query, txn, txn_flight(&engine->slab, txn));
    }
    put_key(query, txn, txn->batch, txn->stan);
    return true;
}

static void ask(struct engine *engine, struct txn *txn, const struct lookup_query *query)
{
    engine_move(engine, txn, TXN_LOOKUP_WAITED, engine->now_ns + engine->limits.lookup_timeout_ns);
    txn->search_count++;
    struct engine_effect *effect = effect_add(engine, ENGINE_LOOKUP);
    effect->after = engine->position; /* all that was appended so far will be seen */
    effect->txn = engine_handle(engine, txn);
    effect->lookup = *query;
    effect->payment = txn_flight(&engine->slab, txn);
}

void search_self(struct engine *engine, struct txn *txn)
{
    struct lookup_query query;
    txn->search = SEARCH_SELF;
    bool is_made = make_query(engine, txn, &query);
    REQUIRE(is_made);
    ask(engine, txn, &query);
}

bool search_original(struct engine *engine, struct txn *txn)
{
    struct lookup_query query;
    if (!search_is_possible(engine)) {
        return false;
    }
    txn->search_way = txn->search == SEARCH_ORIGINAL ? (uint8_t)(txn->search_way + 1) : WAY_RRN;
    txn->search = SEARCH_ORIGINAL;
    txn->search_count = 0;
    while (txn->search_way < WAY_COUNT) {
        if (make_query(engine, txn, &query)) {
            ask(engine, txn, &query);
            return true;
        }
        txn->search_way++;
    }
    return false;
}

void search_undone(struct engine *engine, const struct request *request, uint32_t terminal)
{
    const struct payment *payment = request->payment;
    struct txn *txn = engine_take_txn(engine);
    if (txn == NULL) {
        reply_refuse(engine, request,
                     &(struct refusal){.reason = TXN_REASON_NO_ROOM, .terminal = terminal});
        return;
    }
    TEXT_COPY(txn->terminal_id, payment->terminal_id);
    TEXT_COPY(txn->merchant_id, payment->merchant_id);
    txn->batch = payment->batch;
    txn->stan = payment->stan;
    txn->terminal = terminal;
    txn_slab_take_flight(&engine->slab, txn_slot(&engine->slab, txn));
    engine_index_key(engine, txn);
    search_turn(engine, txn, request);
    struct lookup_query query;
    bool is_made = make_query(engine, txn, &query);
    REQUIRE(is_made);
    ask(engine, txn, &query);
}

void search_turn(struct engine *engine, struct txn *txn, const struct request *request)
{
    REQUIRE(txn->search != SEARCH_ORIGINAL);
    txn->search = SEARCH_UNDONE;
    txn->kind = PAYMENT_REVERSAL;
    txn->conn = request->conn;
    txn->has_conn = true;
    payment_copy(txn_flight(&engine->slab, txn), request->payment);
}

/* --- what comes of it --------------------------------------------------------------------- */

/* A copy of a request must not be served after its terminal was told "no", and must not be hidden
 * from what stands under its key already: nobody knows. So the log keeps the refusal, below all
 * else, and memory does not: a copy is searched for like this one. A reversal that is told "no"
 * comes again. */
static void fail(struct engine *engine, struct txn *txn, enum txn_reason reason)
{
    struct request request = {.conn = txn->conn, .payment = txn_flight(&engine->slab, txn)};
    reply_refuse(
        engine, &request,
        &(struct refusal){.reason = reason,
                          .terminal = txn->terminal,
                          .is_kept_by_log = txn->search != SEARCH_UNDONE && !PLANTED_BUG(30)});
    engine_forget(engine, txn);
}

void search_on_timeout(struct engine *engine, struct txn *txn)
{
    REQUIRE(txn->state == TXN_LOOKUP_WAITED);
    fail(engine, txn, TXN_REASON_LOG_UNREAD);
}

/* The request that waited, out of its slot, which is free from here. */
static struct request take_out(struct engine *engine, struct txn *txn)
{
    struct payment *payment = effect_payment(engine);
    payment_copy(payment, txn_flight(&engine->slab, txn));
    struct request request = {txn->conn, payment, txn->is_log_short};
    engine_forget(engine, txn);
    return request;
}

static void end_self(struct engine *engine, struct txn *txn, const struct engine_event *event)
{
    /* However old the row is: its age is known by the wall clock alone, which may jump (I28), and a
     * key of the same batch is never a new one. */
    if (event->found.count == 0) {
        intake_go_on(engine, txn, NULL);
        return;
    }
    uint32_t terminal = txn->terminal;
    struct request request = take_out(engine, txn);
    struct txn *found = restore_subject(engine, event->found.records, event->found.count);
    if (found == NULL || !duplicate_on_request(engine, &request)) {
        reply_refuse(engine, &request,
                     &(struct refusal){.reason = TXN_REASON_NO_ROOM, .terminal = terminal});
    }
}

static void end_undone(struct engine *engine, struct txn *txn, const struct engine_event *event)
{
    uint32_t terminal = txn->terminal;
    struct request request = take_out(engine, txn);
    struct txn *found = event->found.count == 0
                            ? NULL
                            : restore_subject(engine, event->found.records, event->found.count);
    if (found == NULL && event->found.count != 0) {
        reply_refuse(engine, &request,
                     &(struct refusal){.reason = TXN_REASON_NO_ROOM, .terminal = terminal});
        return;
    }
    reversal_on_original(engine, &request, found, terminal);
}

static void end_original(struct engine *engine, struct txn *txn, const struct engine_event *event)
{
    struct txn *found = event->found.count == 0
                            ? NULL
                            : restore_subject(engine, event->found.records, event->found.count);
    if (found == NULL && event->found.count != 0) {
        fail(engine, txn, TXN_REASON_NO_ROOM);
    } else if (found != NULL && original_fits(engine, txn, txn_flight(&engine->slab, txn), found)) {
        intake_go_on(engine, txn, found);
    } else if (!search_original(engine, txn)) {
        intake_go_on(engine, txn, NULL);
    }
}

/* A blind refusal has served; in memory it would hide what may stand before it in the log, once
 * that can be read. */
static void forget_blind(struct engine *engine, const struct engine_event *event)
{
    if (event->found.count == 0 || !record_is_blind_refusal(&event->found.records[0])) {
        return;
    }
    struct txn *txn = engine_find_reference(engine, event->found.records[0].txn);
    if (txn != NULL) {
        engine_forget(engine, txn);
    }
}

void search_on_found(struct engine *engine, const struct engine_event *event)
{
    struct lookup_query query;
    struct txn *txn = txn_slab_find(&engine->slab, event->found.txn);
    if (txn == NULL || txn->state != TXN_LOOKUP_WAITED) {
        return; /* it took too long, and the terminal has been told */
    }
    if (event->found.is_failed) {
        fail(engine, txn, TXN_REASON_LOG_UNREAD);
        return;
    }
    if (restore_is_stale(engine, event->found.records, event->found.count)) {
        bool is_made = make_query(engine, txn, &query);
        if (is_made && txn->search_count < ASK_COUNT_MAX) {
            ask(engine, txn, &query);
        } else {
            fail(engine, txn, TXN_REASON_LOG_UNREAD);
        }
        return;
    }
    if (txn->search == SEARCH_SELF) {
        end_self(engine, txn, event);
    } else if (txn->search == SEARCH_UNDONE) {
        end_undone(engine, txn, event);
    } else {
        end_original(engine, txn, event);
    }
    forget_blind(engine, event);
}
