/* See txn_record.h. */
#include "switch/engine/txn_record.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/effect.h"
#include "switch/engine/text.h"

static bool kind_is_of_reversal(enum record_kind kind)
{
    return kind == RECORD_REVERSAL || kind == RECORD_REVERSAL_SENT ||
           kind == RECORD_REVERSAL_DONE || kind == RECORD_REVERSAL_CASE;
}

static void put_detail(struct record *record, const struct txn_detail *detail)
{
    TEXT_COPY(record->pan_masked, detail->pan_masked);
    TEXT_COPY(record->expiry, detail->expiry);
    TEXT_COPY(record->card_sequence, detail->card_sequence);
    TEXT_COPY(record->processing_code, detail->processing_code);
    TEXT_COPY(record->condition_code, detail->condition_code);
    TEXT_COPY(record->type_code, detail->type_code);
    TEXT_COPY(record->entry_mode, detail->entry_mode);
    TEXT_COPY(record->sent_at, detail->sent_at);
    TEXT_COPY(record->rrn, detail->rrn);
    TEXT_COPY(record->mcc, detail->mcc);
    TEXT_COPY(record->response_code, detail->response_code);
    TEXT_COPY(record->auth_code, detail->auth_code);
    TEXT_COPY(record->settlement_date, detail->settlement_date);
    TEXT_COPY(record->local_time, detail->local_time);
    TEXT_COPY(record->local_date, detail->local_date);
    record->merchant_fee = detail->merchant_fee;
    record->issuer_fee = detail->issuer_fee;
    record->scheme_fee = detail->scheme_fee;
    record->ruleset_version = detail->ruleset_version;
    record->route_rule = detail->route_rule;
    record->fee_rule = detail->fee_rule;
}

static void put_own_reference(struct record *record, const struct txn *txn)
{
    if (kind_is_of_reversal(record->kind)) {
        record->txn = txn->reversal_reference;
        record->original = txn->reference;
        record->attempt = txn->reversal_attempt;
        record->channel_stan = txn->reversal_stan;
    } else {
        record->txn = txn->reference;
        record->attempt = txn->attempt;
        record->channel_stan = txn->channel_stan;
    }
}

struct record *record_of_txn(struct engine *engine, const struct txn *txn, enum record_kind kind)
{
    REQUIRE(txn->state != TXN_FREE && txn->state != TXN_KEYS_WAITED);
    const struct txn_detail *detail = txn_detail(&engine->slab, txn);
    struct record *record = effect_log(engine, kind);
    put_own_reference(record, txn);
    put_detail(record, detail);
    record->payment_kind = txn->kind;
    record->state = txn->state;
    record->reason = txn->reason;
    TEXT_COPY(record->terminal_id, txn->terminal_id);
    TEXT_COPY(record->merchant_id, txn->merchant_id);
    TEXT_COPY(record->channel, engine->channels.states[txn->channel].name);
    TEXT_COPY(record->acquirer_id, engine->limits.acquirer_id);
    record->batch = txn->batch;
    record->stan = txn->stan;
    record->amount = txn->amount;
    record->pan_hash = txn->pan_hash;
    if (kind == RECORD_INTENT || kind == RECORD_REVERSAL) {
        record->pan_sealed = detail->pan_sealed;
    }
    if (kind == RECORD_RESULT) {
        record->icc_length = detail->icc_length;
        memcpy(record->icc, detail->icc, detail->icc_length);
    }
    return record;
}

struct record *record_of_payment(struct engine *engine, const struct payment *payment,
                                 enum record_kind kind)
{
    struct record *record = effect_log(engine, kind);
    record->payment_kind = payment->kind;
    TEXT_COPY(record->terminal_id, payment->terminal_id);
    TEXT_COPY(record->merchant_id, payment->merchant_id);
    record->batch = payment->batch;
    record->stan = payment->stan;
    record->amount = payment->amount;
    record->pan_hash = payment->pan_hash;
    pan_mask(record->pan_masked, &payment->pan);
    TEXT_COPY(record->processing_code, payment->processing_code);
    TEXT_COPY(record->condition_code, payment->condition_code);
    TEXT_COPY(record->type_code, payment->type_code);
    TEXT_COPY(record->entry_mode, payment->entry_mode);
    TEXT_COPY(record->rrn, payment->rrn);
    TEXT_COPY(record->response_code, payment->response_code);
    TEXT_COPY(record->auth_code, payment->auth_code);
    TEXT_COPY(record->acquirer_id, engine->limits.acquirer_id);
    return record;
}

void record_anomaly(struct engine *engine, enum txn_reason reason, const struct txn *txn,
                    const struct payment *payment)
{
    REQUIRE((unsigned)reason < TXN_REASON_COUNT);
    struct record *record = record_of_payment(engine, payment, RECORD_ANOMALY);
    record->reason = (uint16_t)reason;
    if (txn != NULL) {
        record->txn = txn->reference;
        record->state = txn->state;
        if (txn->channel_stan != 0) { /* else it went nowhere */
            TEXT_COPY(record->channel, engine->channels.states[txn->channel].name);
            record->channel_stan = txn->channel_stan;
        }
    }
    effect_notice(engine, reason, txn, payment);
}
