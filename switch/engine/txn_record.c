/* See txn_record.h. */
#include "switch/engine/txn_record.h"
#include "switch/engine/saf.h"

#include <string.h>

#include "protocols/base/bytes.h"
#include "protocols/base/require.h"
#include "switch/engine/advice.h"
#include "switch/engine/effect.h"
#include "switch/engine/text.h"
#include "switch/engine/usage_move.h"

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
    record->settlement_day = detail->settlement_day;
    record->merchant_fee = detail->merchant_fee;
    record->issuer_fee = detail->issuer_fee;
    record->scheme_fee = detail->scheme_fee;
    record->agent_fee = detail->agent_fee;
    record->ruleset_version = detail->ruleset_version;
    record->route_rule = detail->route_rule;
    record->fee_rule = detail->fee_rule;
    record->cost_rule = detail->cost_rule;
    record->discount_rule = detail->discount_rule;
}

static void put_own_reference(struct record *record, const struct txn *txn,
                              const struct txn_detail *detail)
{
    if (kind_is_of_reversal(record->kind)) {
        record->txn = txn->reversal_reference;
        record->original = txn->reference;
        record->attempt = txn->reversal_attempt;
        record->channel_stan = txn->reversal_stan;
    } else {
        record->txn = txn->reference;
        record->original = detail->original;
        record->attempt = txn->attempt;
        record->channel_stan = txn->channel_stan;
    }
}

/* The trace number under which the channel knows the original. A replay may have let go of an
 * original that was answered long before its reversal; without the number its channel would not
 * find it (field 90). */
static void put_original_stan(struct record *record, const struct txn *txn)
{
    struct byte_writer writer;
    byte_writer_init(&writer, record->payload, sizeof(record->payload));
    byte_writer_u32(&writer, txn->channel_stan);
    REQUIRE(writer.status == STATUS_OK);
    record->payload_length = (uint16_t)writer.position;
}

uint32_t record_take_original_stan(const struct record *record)
{
    struct byte_reader reader;
    byte_reader_init(&reader, record->payload, record->payload_length);
    return record->payload_length == sizeof(uint32_t) ? byte_reader_u32(&reader) : 0;
}

/* In the row that begins or ends a request, while memory still has the request. */
static void put_device(struct record *record, const struct payment *flight)
{
    bool is_of_request = record->kind == RECORD_INTENT || record->kind == RECORD_REFUSED ||
                         record->kind == RECORD_ADVICE;
    if (is_of_request && flight != NULL && flight->device.is_told) {
        (void)device_note_write(record->device, &flight->device);
    }
}

struct record *record_of_txn(struct engine *engine, const struct txn *txn, enum record_kind kind)
{
    REQUIRE(txn->state != TXN_FREE && txn->state != TXN_KEYS_WAITED);
    const struct txn_detail *detail = txn_detail(&engine->slab, txn);
    struct record *record = effect_log(engine, kind);
    put_own_reference(record, txn, detail);
    put_detail(record, detail);
    if (!kind_is_of_reversal(kind)) { /* its original's rows tell it */
        TEXT_COPY(record->fee_basis, detail->fee_basis);
        TEXT_COPY(record->agent_shares, detail->agent_shares);
    }
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
    record->is_foreign = txn->is_foreign;
    put_device(record, txn_flight(&engine->slab, txn));
    usage_put(engine, txn, record);
    if (kind == RECORD_INTENT || kind == RECORD_REVERSAL || kind == RECORD_ADVICE) {
        record->pan_sealed = detail->pan_sealed;
    }
    /* A refund in doubt at a restart is delivered like an advice, and its original may be in a
     * segment that the restart does not read. */
    if (kind == RECORD_ADVICE || (kind == RECORD_INTENT && saf_resends(engine, txn))) {
        advice_put_payload(record, detail);
    }
    if (kind == RECORD_REVERSAL) {
        put_original_stan(record, txn);
    }
    if (kind == RECORD_RESULT || kind == RECORD_REFUSED ||
        (kind == RECORD_ADVICE_DONE && saf_resends(engine, txn))) {
        record->answer_length = detail->answer_length;
        memcpy(record->answer, detail->answer, detail->answer_length);
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
    if (payment->device.is_told) {
        (void)device_note_write(record->device, &payment->device);
    }
    return record;
}

void record_put_payload(struct record *record, const void *bytes, int length)
{
    REQUIRE(length >= 0 && length <= RECORD_PAYLOAD_BYTES_MAX);
    memcpy(record->payload, bytes, (size_t)length);
    record->payload_length = (uint16_t)length;
}

void record_begin_day_answer(const struct engine *engine, struct record *record,
                             struct txn_reference reference, struct terminal_answer *answer)
{
    record->txn = reference;
    engine_format_rrn(engine, record->rrn, reference);
    TEXT_COPY(record->local_time, engine->wall.local_time);
    TEXT_COPY(record->local_date, engine->wall.local_date);
    record_restore_day_answer(record, answer);
}

void record_restore_day_answer(const struct record *record, struct terminal_answer *answer)
{
    answer->position = record->position;
    answer->reference = record->txn;
    answer->stan = record->stan;
    TEXT_COPY(answer->local_time, record->local_time);
    TEXT_COPY(answer->local_date, record->local_date);
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
