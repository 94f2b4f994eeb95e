/* See replay.h. */
#include "switch/engine/replay.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/saf.h"
#include "switch/engine/text.h"

static struct txn_key key_of(const struct record *record)
{
    return (struct txn_key){record->terminal_id, record->merchant_id, record->batch, record->stan};
}

/* The transaction of a key, if it is the one with that reference and not a later one. */
static struct txn *find(const struct engine *engine, const struct record *record,
                        struct txn_reference reference)
{
    struct txn *txn = engine_find_key(engine, key_of(record));
    bool is_it = txn != NULL && txn->reference.epoch == reference.epoch &&
                 txn->reference.seq == reference.seq;
    return is_it ? txn : NULL;
}

static void restore_detail(struct txn_detail *detail, const struct record *record)
{
    TEXT_COPY(detail->pan_masked, record->pan_masked);
    detail->pan_sealed = record->pan_sealed;
    TEXT_COPY(detail->expiry, record->expiry);
    TEXT_COPY(detail->card_sequence, record->card_sequence);
    TEXT_COPY(detail->processing_code, record->processing_code);
    TEXT_COPY(detail->condition_code, record->condition_code);
    TEXT_COPY(detail->type_code, record->type_code);
    TEXT_COPY(detail->entry_mode, record->entry_mode);
    TEXT_COPY(detail->sent_at, record->sent_at);
    TEXT_COPY(detail->rrn, record->rrn);
    TEXT_COPY(detail->mcc, record->mcc);
    detail->merchant_fee = record->merchant_fee;
    detail->issuer_fee = record->issuer_fee;
    detail->scheme_fee = record->scheme_fee;
    detail->ruleset_version = record->ruleset_version;
    detail->route_rule = record->route_rule;
    detail->fee_rule = record->fee_rule;
}

/* A free slot under the record's key. Whatever stood under it is older and over. */
static struct txn *restore_key(struct engine *engine, const struct record *record)
{
    struct txn *older = engine_find_key(engine, key_of(record));
    if (older != NULL) {
        engine_unindex_key(engine, older);
    }
    struct txn *txn = engine_take_txn(engine);
    /* More in doubt than the limit of transactions: to start would be to forget some of it. */
    REQUIRE(txn != NULL);
    TEXT_COPY(txn->terminal_id, record->terminal_id);
    TEXT_COPY(txn->merchant_id, record->merchant_id);
    txn->batch = record->batch;
    txn->stan = record->stan;
    txn->amount = record->amount;
    txn->pan_hash = record->pan_hash;
    txn->kind = (uint8_t)record->payment_kind;
    txn->reason = record->reason;
    txn->terminal =
        terminal_set_enroll(&engine->terminals, record->terminal_id, record->merchant_id);
    return txn;
}

static struct txn *restore_forwarded(struct engine *engine, const struct record *record,
                                     struct txn_reference reference)
{
    struct txn *txn = restore_key(engine, record);
    txn->reference = reference;
    txn->is_restored = true;
    txn->forwarded_ns = engine->now_ns; /* later than it was: code 25 stays doubtful longer */
    txn->channel = channel_set_enroll(&engine->channels, record->channel);
    REQUIRE(txn->channel != CHANNEL_NONE); /* a log of more channels than there may be */
    restore_detail(txn_detail(&engine->slab, txn), record);
    engine_move(engine, txn, TXN_FORWARDED, engine->now_ns);
    engine_index_key(engine, txn);
    return txn;
}

static void on_intent(struct engine *engine, const struct record *record)
{
    struct txn *txn = find(engine, record, record->txn);
    if (txn == NULL) {
        txn = restore_forwarded(engine, record, record->txn);
    } else {
        /* Another candidate: nothing had left to the one before. */
        engine_unindex_stan(engine, txn, txn->channel_stan);
        txn->channel = channel_set_enroll(&engine->channels, record->channel);
        REQUIRE(txn->channel != CHANNEL_NONE);
        TEXT_COPY(txn_detail(&engine->slab, txn)->sent_at, record->sent_at);
    }
    txn->attempt = record->attempt;
    txn->settled_position = record->position;
    engine->channels.states[txn->channel].stan = record->channel_stan;
    engine_set_stan(engine, txn, record->channel_stan);
}

static void restore_answer(struct txn_detail *detail, const struct record *record)
{
    TEXT_COPY(detail->response_code, record->response_code);
    TEXT_COPY(detail->auth_code, record->auth_code);
    TEXT_COPY(detail->settlement_date, record->settlement_date);
    TEXT_COPY(detail->local_time, record->local_time);
    TEXT_COPY(detail->local_date, record->local_date);
    REQUIRE(record->icc_length <= RECORD_ICC_BYTES_MAX);
    detail->icc_length = record->icc_length;
    memcpy(detail->icc, record->icc, record->icc_length);
}

static void on_result(struct engine *engine, const struct record *record)
{
    struct txn *txn = find(engine, record, record->txn);
    if (txn == NULL || txn->state != TXN_FORWARDED) {
        return;
    }
    restore_answer(txn_detail(&engine->slab, txn), record);
    txn->reason = record->reason;
    txn->settled_position = record->position;
    engine_move(engine, txn,
                payment_is_approval(record->response_code) ? TXN_APPROVED : TXN_DECLINED,
                engine->now_ns + engine->limits.duplicate_window_ns);
}

static void on_reversal(struct engine *engine, const struct record *record)
{
    struct txn *txn = find(engine, record, record->original);
    if (txn == NULL) {
        /* The limit of transactions was greater when this was written; the reversal stays. */
        txn = restore_forwarded(engine, record, record->original);
    }
    if (txn->is_listed) {
        return;
    }
    txn->reversal_reference = record->txn;
    txn->settled_position = record->position;
    txn->is_terminal_reversed = record->reason == TXN_REASON_TERMINAL_REVERSED;
    if (record->reason != TXN_REASON_LATE_APPROVAL) {
        txn->reason = record->reason;
    }
    if (record->channel_stan != 0 && !txn->is_reversal_indexed) {
        engine->channels.states[txn->channel].stan = record->channel_stan;
        engine_set_reversal_stan(engine, txn, record->channel_stan);
    }
    saf_restore(engine, txn, (enum txn_reason)record->reason);
}

static void on_reversal_end(struct engine *engine, const struct record *record)
{
    struct txn *txn = find(engine, record, record->original);
    if (txn == NULL || !(txn->is_listed || txn->state == TXN_SERVICE_CASE)) {
        return;
    }
    if (record->kind == RECORD_REVERSAL_CASE) {
        saf_close(engine, txn, TXN_SERVICE_CASE);
    } else {
        txn->is_closed_by_25 = strcmp(record->response_code, "25") == 0;
        saf_close(engine, txn, TXN_REVERSED);
    }
}

static void on_tombstone(struct engine *engine, const struct record *record)
{
    struct txn *txn = restore_key(engine, record);
    txn->reference = record->txn;
    txn->settled_position = record->position;
    TEXT_COPY(txn_detail(&engine->slab, txn)->rrn, record->rrn);
    engine_move(engine, txn, TXN_BLOCKED, engine->now_ns + engine->limits.duplicate_window_ns);
    engine_index_key(engine, txn);
}

/* Of refusals only those that were remembered then are remembered now. */
static void on_refused(struct engine *engine, const struct record *record)
{
    if (record->state != TXN_DECLINED) {
        return;
    }
    struct txn *txn = restore_key(engine, record);
    txn->reference = record->txn;
    txn->settled_position = record->position;
    restore_detail(txn_detail(&engine->slab, txn), record);
    restore_answer(txn_detail(&engine->slab, txn), record);
    engine_move(engine, txn, TXN_DECLINED, engine->now_ns + engine->limits.duplicate_window_ns);
    engine_index_key(engine, txn);
}

static void on_terminal(struct engine *engine, const struct record *record)
{
    uint32_t place =
        terminal_set_enroll(&engine->terminals, record->terminal_id, record->merchant_id);
    if (place == 0) {
        return; /* fewer terminals are allowed now: it signs on again */
    }
    if (record->kind == RECORD_SIGNON) {
        terminal_set_sign_on(&engine->terminals, place, record->batch, record->wall_us);
    } else {
        terminal_set_sign_off(&engine->terminals, place);
    }
}

void replay_on_record(struct engine *engine, const struct record *record)
{
    REQUIRE(!engine->is_running);
    REQUIRE(engine->ruleset != NULL);
    REQUIRE(record->position > engine->position);
    engine->position = record->position;
    switch (record->kind) {
    case RECORD_EPOCH:
        engine->reference = record->txn;
        break;
    case RECORD_SIGNON:
    case RECORD_SIGNOFF:
        on_terminal(engine, record);
        break;
    case RECORD_INTENT:
        on_intent(engine, record);
        break;
    case RECORD_RESULT:
        on_result(engine, record);
        break;
    case RECORD_REVERSAL:
        on_reversal(engine, record);
        break;
    case RECORD_REVERSAL_DONE:
    case RECORD_REVERSAL_CASE:
        on_reversal_end(engine, record);
        break;
    case RECORD_TOMBSTONE:
        on_tombstone(engine, record);
        break;
    case RECORD_REFUSED:
        on_refused(engine, record);
        break;
    case RECORD_REVERSAL_SENT:
    case RECORD_ANOMALY:
    case RECORD_KIND_COUNT:
        break;
    }
}

/* What bug 6 does: nothing of what was in doubt is undone. */
static void forget_doubts(struct engine *engine)
{
    struct txn_list *doubts = &engine->lists[TXN_CLASS_RESPONSE];
    while (doubts->first != 0) {
        struct txn *txn = &engine->slab.txns[doubts->first];
        text_set_code(txn_detail(&engine->slab, txn)->response_code, "98");
        engine_move(engine, txn, TXN_DECLINED, engine->now_ns);
    }
}

void replay_on_end(struct engine *engine)
{
    REQUIRE(!engine->is_running);
    REQUIRE(engine->ruleset != NULL);
    engine->is_running = true;
    engine_begin_epoch(engine, engine->reference.epoch + 1);
    if (PLANTED_BUG(6)) {
        forget_doubts(engine);
    }
}
