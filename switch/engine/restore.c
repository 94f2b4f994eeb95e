/* See restore.h. */
#include "switch/engine/restore.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/advice.h"
#include "switch/engine/original.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/replay.h"
#include "switch/engine/saf.h"
#include "switch/engine/text.h"
#include "switch/engine/usage_move.h"

static bool is_same(struct txn_reference left, struct txn_reference right)
{
    return left.epoch == right.epoch && left.seq == right.seq;
}

static bool begins(const struct record *record)
{
    return record->kind == RECORD_INTENT || record->kind == RECORD_ADVICE ||
           record->kind == RECORD_TOMBSTONE || record->kind == RECORD_REFUSED;
}

static bool is_of_reversal(const struct record *record)
{
    return record->kind == RECORD_REVERSAL || record->kind == RECORD_REVERSAL_SENT ||
           record->kind == RECORD_REVERSAL_DONE || record->kind == RECORD_REVERSAL_CASE;
}

/* Whether the record speaks of that transaction: its own, or of its reversal. */
static bool speaks_of(const struct record *record, struct txn_reference reference)
{
    return is_same(is_of_reversal(record) ? record->original : record->txn, reference);
}

static struct txn_key key_of(const struct record *record)
{
    return (struct txn_key){record->terminal_id, record->merchant_id, record->batch, record->stan};
}

/* The transaction that a record begins, in memory; NULL: it is not there. */
static struct txn *in_memory(const struct engine *engine, const struct record *record)
{
    struct txn *txn = engine_find_reference(engine, record->txn);
    if (txn == NULL) {
        txn = engine_find_key(engine, key_of(record));
    }
    return txn != NULL && is_same(txn->reference, record->txn) ? txn : NULL;
}

static enum txn_state state_after(enum txn_state before, const struct record *record)
{
    bool is_approval = payment_is_approval(record->response_code);
    switch (record->kind) {
    case RECORD_INTENT:
        return TXN_FORWARDED;
    case RECORD_RESULT:
    case RECORD_ADVICE_DONE:
        return is_approval ? TXN_APPROVED : TXN_DECLINED;
    case RECORD_REFUSED:
        return TXN_DECLINED;
    case RECORD_ADVICE:
        return TXN_ADVICE_QUEUED;
    case RECORD_TOMBSTONE:
        return TXN_BLOCKED;
    case RECORD_REVERSAL:
        return TXN_REVERSAL_QUEUED;
    case RECORD_REVERSAL_DONE:
        return TXN_REVERSED;
    case RECORD_REVERSAL_CASE:
    case RECORD_ADVICE_CASE:
        return TXN_SERVICE_CASE;
    case RECORD_EPOCH:
    case RECORD_SIGNON:
    case RECORD_REVERSAL_SENT:
    case RECORD_ANOMALY:
    case RECORD_SIGNOFF:
    case RECORD_SETTLEMENT:
    case RECORD_BATCH_DETAIL:
    case RECORD_BATCH_END:
    case RECORD_STATUS:
    case RECORD_SIGNATURE:
    case RECORD_CUT_OVER:
    case RECORD_ORDER:
    case RECORD_ORDER_DONE:
    case RECORD_ORDER_OVER:
    case RECORD_KIND_COUNT:
        break;
    }
    return before;
}

/* The state in which the records leave a transaction. */
static enum txn_state state_in(const struct record *records, uint32_t count,
                               struct txn_reference reference)
{
    enum txn_state state = TXN_FREE;
    for (uint32_t i = 0; i < count; i++) {
        if (speaks_of(&records[i], reference)) {
            state = state_after(state, &records[i]);
        }
    }
    return state;
}

static bool is_open(enum txn_state state)
{
    return state == TXN_FORWARDED || txn_state_is_reversing(state) ||
           txn_state_is_delivering(state);
}

bool restore_is_stale(const struct engine *engine, const struct record *records, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (begins(&records[i]) && is_open(state_in(records, count, records[i].txn)) &&
            in_memory(engine, &records[i]) == NULL) {
            return true;
        }
    }
    return false;
}

/* --- the subject -------------------------------------------------------------------------- */

static void take_reversal(struct txn *txn, const struct record *record)
{
    txn->reversal_reference = record->txn;
    txn->is_in_totals = false;
    if (record->kind == RECORD_REVERSAL) {
        txn->is_terminal_reversed |= record->reason == TXN_REASON_TERMINAL_REVERSED;
        txn->reason = record->reason == TXN_REASON_LATE_APPROVAL ? txn->reason : record->reason;
    }
    txn->is_closed_by_25 = strcmp(record->response_code, "25") == 0;
}

/* One record of its own; of an advice what its terminal was told stands in RECORD_ADVICE. */
static void take_own(struct engine *engine, struct txn *txn, const struct record *record)
{
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    if (record->kind == RECORD_ANOMALY || record->kind == RECORD_ADVICE_CASE) {
        return;
    }
    if (begins(record)) {
        replay_take_detail(detail, record);
        detail->original = record->original;
        txn->is_following = record->original.epoch != 0;
        txn->is_advised = record->kind == RECORD_ADVICE;
        txn->is_foreign = record->is_foreign;
        txn->channel_stan = record->channel_stan;
        txn->attempt = record->attempt;
        uint8_t channel =
            record->channel[0] == '\0' ? 0 : channel_set_enroll(&engine->channels, record->channel);
        txn->channel = channel == CHANNEL_NONE ? 0 : channel;
    }
    txn->is_in_totals |= record->totals[0] != '\0';
    txn->is_channel_approved |=
        record->kind == RECORD_RESULT && payment_is_approval(record->response_code);
    if (record->kind == RECORD_ADVICE) {
        advice_take_payload(detail, record);
    } else if (record->kind != RECORD_INTENT && (!txn->is_advised || saf_resends(engine, txn))) {
        replay_take_answer(detail, record);
    }
    if (record->kind == RECORD_ADVICE) {
        text_set_code(detail->response_code, record->response_code);
        TEXT_COPY(detail->local_time, record->local_time);
        TEXT_COPY(detail->local_date, record->local_date);
        detail->settlement_day = record->settlement_day;
    }
    txn->reason = record->kind == RECORD_ADVICE_DONE && !saf_resends(engine, txn) ? txn->reason
                                                                                  : record->reason;
    txn->settled_position = record->position;
}

/* What a reversal of our own told the terminal: unknown, or what it was told before. */
static void take_told(struct engine *engine, struct txn *txn, const struct record *record)
{
    if (record->kind == RECORD_REVERSAL && record->reason != TXN_REASON_TERMINAL_REVERSED &&
        record->reason != TXN_REASON_LATE_APPROVAL) {
        text_set_code(txn_detail(&engine->slab, txn)->response_code,
                      txn_reason_code((enum txn_reason)record->reason));
    }
    txn->settled_position =
        record->kind == RECORD_REVERSAL ? record->position : txn->settled_position;
}

static void take_records(struct engine *engine, struct txn *txn, const struct record *records,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!speaks_of(&records[i], txn->reference)) {
            continue;
        }
        if (is_of_reversal(&records[i])) {
            take_reversal(txn, &records[i]);
            take_told(engine, txn, &records[i]);
        } else {
            take_own(engine, txn, &records[i]);
        }
    }
}

/* --- those that follow it ----------------------------------------------------------------- */

static bool is_first_of(const struct record *records, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++) {
        if (begins(&records[i]) && is_same(records[i].txn, records[at].txn)) {
            return false;
        }
    }
    return true;
}

static void take_followers(struct engine *engine, struct txn *txn, const struct record *records,
                           uint32_t count)
{
    if (PLANTED_BUG(18)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool is_follower = begins(&records[i]) && is_same(records[i].original, txn->reference);
        if (!is_follower || !is_first_of(records, i)) {
            continue;
        }
        struct txn *follower = in_memory(engine, &records[i]);
        if (follower != NULL) {
            original_rejoin(engine, txn, follower);
        } else {
            original_count_record(engine, txn, &records[i],
                                  state_in(records, count, records[i].txn));
        }
    }
}

struct txn *restore_subject(struct engine *engine, const struct record *records, uint32_t count)
{
    REQUIRE(count > 0);
    const struct record *first = &records[0];
    enum txn_state state = state_in(records, count, first->txn);
    struct txn *txn = in_memory(engine, first);
    if (txn != NULL) {
        return txn;
    }
    REQUIRE(!is_open(state) && state != TXN_FREE);
    txn = engine_take_txn(engine);
    if (txn == NULL) {
        return NULL;
    }
    TEXT_COPY(txn->terminal_id, first->terminal_id);
    TEXT_COPY(txn->merchant_id, first->merchant_id);
    txn->batch = first->batch;
    txn->stan = first->stan;
    txn->amount = first->amount;
    txn->pan_hash = first->pan_hash;
    txn->kind = (uint8_t)first->payment_kind;
    txn->reference = first->txn;
    txn->terminal = terminal_set_enroll(&engine->terminals, first->terminal_id, first->merchant_id);
    take_records(engine, txn, records, count);
    take_followers(engine, txn, records, count);
    if (engine_find_key(engine, key_of(first)) == NULL) {
        engine_index_key(engine, txn);
    } else {
        engine_index_reference(engine, txn); /* its key has been used anew */
    }
    bool is_following = txn->is_following;
    txn->is_following = false; /* its own original counts it already */
    usage_adopt(engine, txn, state);
    engine_move(engine, txn, state, engine->now_ns + engine->limits.duplicate_window_ns);
    if (is_following) {
        original_adopt(engine, txn);
    }
    return txn;
}
