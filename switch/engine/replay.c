/* See replay.h. */
#include "switch/engine/replay.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/advice.h"
#include "switch/engine/batch.h"
#include "switch/engine/day_memory.h"
#include "switch/engine/order_book.h"
#include "switch/engine/original.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/saf.h"
#include "switch/engine/settlement.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"
#include "switch/engine/usage_move.h"

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

void replay_take_detail(struct txn_detail *detail, const struct record *record)
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
    detail->agent_fee = record->agent_fee;
    detail->cost_rule = record->cost_rule;
    detail->discount_rule = record->discount_rule;
    detail->usage_day = record->usage_day;
    TEXT_COPY(detail->fee_basis, record->fee_basis);
    TEXT_COPY(detail->agent_shares, record->agent_shares);
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
    txn->is_foreign = record->is_foreign;
    txn->kind = (uint8_t)record->payment_kind;
    txn->reason = record->reason;
    txn->terminal =
        terminal_set_enroll(&engine->terminals, record->terminal_id, record->merchant_id);
    return txn;
}

static void restore_original(struct engine *engine, struct txn *txn, const struct record *record)
{
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    if (record->original.epoch == 0) {
        if (record->kind == RECORD_ADVICE || record->kind == RECORD_INTENT) {
            advice_take_payload(detail, record);
        }
        return;
    }
    const struct txn *original = engine_find_reference(engine, record->original);
    detail->original = record->original;
    txn->is_following = true;
    if (original != NULL) {
        original_restore(engine, txn, original);
    }
    if (record->kind == RECORD_ADVICE || record->kind == RECORD_INTENT) {
        advice_take_payload(detail, record);
    }
}

static struct txn *restore_forwarded(struct engine *engine, const struct record *record,
                                     struct txn_reference reference)
{
    struct txn *txn = restore_key(engine, record);
    txn->reference = reference;
    txn->is_restored = true;
    txn->is_foreign = record->is_foreign;
    txn->forwarded_ns = engine->now_ns; /* later than it was: code 25 stays doubtful longer */
    txn->channel = channel_set_enroll(&engine->channels, record->channel);
    REQUIRE(txn->channel != CHANNEL_NONE); /* a log of more channels than there may be */
    replay_take_detail(txn_detail(&engine->slab, txn), record);
    if (record->kind != RECORD_REVERSAL) { /* that one names the transaction itself */
        restore_original(engine, txn, record);
    }
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

void replay_take_answer(struct txn_detail *detail, const struct record *record)
{
    TEXT_COPY(detail->response_code, record->response_code);
    TEXT_COPY(detail->auth_code, record->auth_code);
    TEXT_COPY(detail->settlement_date, record->settlement_date);
    TEXT_COPY(detail->local_time, record->local_time);
    TEXT_COPY(detail->local_date, record->local_date);
    REQUIRE(record->answer_length <= RECORD_ANSWER_BYTES_MAX);
    detail->settlement_day = record->settlement_day;
    detail->answer_length = record->answer_length;
    memcpy(detail->answer, record->answer, record->answer_length);
}

static void on_result(struct engine *engine, const struct record *record)
{
    struct txn *txn = find(engine, record, record->txn);
    if (txn == NULL || txn->state != TXN_FORWARDED) {
        return;
    }
    replay_take_answer(txn_detail(&engine->slab, txn), record);
    txn->reason = record->reason;
    txn->settled_position = record->position;
    txn->is_foreign = record->is_foreign;
    txn->is_in_totals = record->totals[0] != '\0';
    txn->is_channel_approved = payment_is_approval(record->response_code);
    engine_move(engine, txn, txn->is_channel_approved ? TXN_APPROVED : TXN_DECLINED,
                engine->now_ns + engine->limits.duplicate_window_ns);
}

static void on_reversal(struct engine *engine, const struct record *record)
{
    struct txn *txn = find(engine, record, record->original);
    if (txn == NULL) {
        /* The original was answered so long before that it gave way; the reversal stays. */
        txn = restore_forwarded(engine, record, record->original);
        txn->channel_stan = record_take_original_stan(record);
    }
    if (txn->is_listed) {
        return;
    }
    txn->reversal_reference = record->txn;
    txn->settled_position = record->position;
    txn->is_terminal_reversed = record->reason == TXN_REASON_TERMINAL_REVERSED;
    txn->is_in_totals = false;
    if (record->reason != TXN_REASON_LATE_APPROVAL) {
        txn->reason = record->reason;
    } else {
        txn->is_channel_approved = true;
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

/* Of an advice, or of a refund whose INTENT stands before. */
static void on_advice(struct engine *engine, const struct record *record)
{
    struct txn *txn = find(engine, record, record->txn);
    if (txn == NULL) {
        txn = restore_forwarded(engine, record, record->txn);
    }
    if (txn->is_listed) {
        return;
    }
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    if (saf_resends(engine, txn)) { /* its INTENT does not tell what it quotes */
        advice_take_payload(detail, record);
    }
    text_set_code(detail->response_code, record->response_code);
    TEXT_COPY(detail->local_time, record->local_time);
    TEXT_COPY(detail->local_date, record->local_date);
    detail->settlement_day = record->settlement_day;
    txn->reason = record->reason;
    txn->settled_position = record->position;
    txn->is_foreign = record->is_foreign;
    txn->is_in_totals = record->totals[0] != '\0';
    if (record->channel_stan != 0 && !txn->is_stan_indexed) {
        engine->channels.states[txn->channel].stan = record->channel_stan;
        engine_set_stan(engine, txn, record->channel_stan);
    }
    saf_restore_advice(engine, txn);
}

static void on_advice_end(struct engine *engine, const struct record *record)
{
    struct txn *txn = find(engine, record, record->txn);
    if (txn == NULL || !txn->is_advised || txn->state == TXN_APPROVED) {
        return;
    }
    if (record->kind == RECORD_ADVICE_CASE) {
        saf_close(engine, txn, TXN_SERVICE_CASE);
        return;
    }
    if (saf_resends(engine, txn)) {
        replay_take_answer(txn_detail(&engine->slab, txn), record);
        txn->reason = record->reason;
        txn->settled_position = record->position;
        txn->is_in_totals = record->totals[0] != '\0';
    }
    saf_close(engine, txn,
              payment_is_approval(record->response_code) ? TXN_APPROVED : TXN_DECLINED);
}

static void on_tombstone(struct engine *engine, const struct record *record)
{
    /* As many as may stand at once (reversal.c); the log knows the older ones, too. */
    const struct txn_list *tombstones = &engine->lists[TXN_CLASS_TOMBSTONE];
    if (tombstones->count != 0 &&
        tombstones->count >= engine->limits.txn_count_max / TOMBSTONE_PART) {
        engine_forget(engine, &engine->slab.txns[tombstones->first]);
    }
    struct txn *txn = restore_key(engine, record);
    txn->reference = record->txn;
    txn->settled_position = record->position;
    TEXT_COPY(txn_detail(&engine->slab, txn)->rrn, record->rrn);
    engine_move(engine, txn, TXN_BLOCKED, engine->now_ns + engine->limits.duplicate_window_ns);
    engine_index_key(engine, txn);
}

/* Of refusals only those that memory held then it holds now. */
static void on_refused(struct engine *engine, const struct record *record)
{
    if (record->state != TXN_DECLINED || record_is_blind_refusal(record)) {
        return;
    }
    struct txn *txn = restore_key(engine, record);
    txn->reference = record->txn;
    txn->settled_position = record->position;
    replay_take_detail(txn_detail(&engine->slab, txn), record);
    replay_take_answer(txn_detail(&engine->slab, txn), record);
    engine_move(engine, txn, TXN_DECLINED, engine->now_ns + engine->limits.duplicate_window_ns);
    engine_index_key(engine, txn);
}

static void on_cut_over(struct engine *engine, const struct record *record)
{
    uint8_t number = channel_set_enroll(&engine->channels, record->channel);
    if (number != CHANNEL_NONE) {
        engine->channels.states[number].settlement_day = record->settlement_day;
    }
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
    case RECORD_ADVICE:
        on_advice(engine, record);
        break;
    case RECORD_ADVICE_DONE:
    case RECORD_ADVICE_CASE:
        on_advice_end(engine, record);
        break;
    case RECORD_TOMBSTONE:
        on_tombstone(engine, record);
        break;
    case RECORD_REFUSED:
        on_refused(engine, record);
        break;
    case RECORD_CUT_OVER:
        on_cut_over(engine, record);
        break;
    case RECORD_ORDER:
    case RECORD_ORDER_DONE:
    case RECORD_ORDER_OVER:
        order_replay(engine, record);
        break;
    case RECORD_REVERSAL_SENT:
    case RECORD_ANOMALY:
    case RECORD_SETTLEMENT:
    case RECORD_BATCH_DETAIL:
    case RECORD_BATCH_END:
    case RECORD_STATUS:
    case RECORD_SIGNATURE:
    case RECORD_KIND_COUNT:
        break;
    }
    usage_replay(engine, record);
    batch_replay(engine, record);
    settlement_replay(engine, record);
    day_memory_replay(engine, record);
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
    usage_forgive(&engine->usage, engine->wall.day);
    engine_begin_epoch(engine, engine->reference.epoch + 1);
    if (PLANTED_BUG(6)) {
        forget_doubts(engine);
    }
}
