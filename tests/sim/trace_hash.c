/* See trace_hash.h. Values are mixed as numbers, texts up to their end: never whole structs, whose
 * padding belongs to the compiler. */
#include "tests/sim/trace_hash.h"

#include <string.h>

static void mix(struct trace_hash *hash, uint64_t value)
{
    uint64_t z = (hash->value ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    hash->value = (z ^ z >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
    hash->value ^= hash->value >> 32;
}

static void mix_bytes(struct trace_hash *hash, const uint8_t *bytes, uint32_t length)
{
    mix(hash, length);
    uint64_t word = 0;
    for (uint32_t i = 0; i < length; i++) {
        word = word << 8 | bytes[i];
        if (i % 8 == 7 || i + 1 == length) {
            mix(hash, word);
            word = 0;
        }
    }
}

static void mix_text(struct trace_hash *hash, const char *text)
{
    mix_bytes(hash, (const uint8_t *)text, (uint32_t)strlen(text));
}

void trace_hash_begin(struct trace_hash *hash, uint64_t seed)
{
    hash->value = UINT64_C(0x54696C6C77617931);
    mix(hash, seed);
}

static void record_numbers(struct trace_hash *hash, const struct record *record)
{
    const uint64_t numbers[] = {
        record->position,
        record->kind,
        (uint64_t)record->wall_us,
        record->txn.epoch,
        record->txn.seq,
        record->original.epoch,
        record->original.seq,
        record->payment_kind,
        record->state,
        record->reason,
        record->attempt,
        record->batch,
        record->stan,
        (uint64_t)record->amount.minor,
        record->amount.currency,
        record->channel_stan,
        record->settlement_day,
        record->is_foreign,
        (uint64_t)record->merchant_fee,
        (uint64_t)record->issuer_fee,
        (uint64_t)record->scheme_fee,
        record->ruleset_version,
        record->route_rule,
        record->fee_rule,
        (uint64_t)record->agent_fee,
        record->cost_rule,
        record->discount_rule,
        record->usage_day,
        (uint64_t)record->usage_count,
        (uint64_t)record->usage_minor,
    };
    for (uint32_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        mix(hash, numbers[i]);
    }
}

void trace_hash_record(struct trace_hash *hash, const struct record *record)
{
    record_numbers(hash, record);
    const char *const texts[] = {
        record->terminal_id,
        record->merchant_id,
        record->pan_masked,
        record->expiry,
        record->card_sequence,
        record->processing_code,
        record->condition_code,
        record->type_code,
        record->entry_mode,
        record->channel,
        record->sent_at,
        record->rrn,
        record->mcc,
        record->channel_reference,
        record->response_code,
        record->auth_code,
        record->fee_basis,
        record->agent_shares,
        record->settlement_date,
        record->local_time,
        record->local_date,
        record->acquirer_id,
        record->totals,
        record->device,
    };
    for (uint32_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        mix_text(hash, texts[i]);
    }
    mix_bytes(hash, record->answer, record->answer_length);
    mix_bytes(hash, record->payload, record->payload_length);
}

void trace_hash_payment(struct trace_hash *hash, const struct payment *payment)
{
    const uint64_t numbers[] = {
        payment->kind,
        payment->original_kind,
        payment->leg,
        payment->is_repeat,
        payment->stan,
        payment->batch,
        (uint64_t)payment->amount.minor,
        payment->amount.currency,
        payment->original.batch,
        payment->original.stan,
        payment->cargo_length,
    };
    for (uint32_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        mix(hash, numbers[i]);
    }
    const char *const texts[] = {
        payment->terminal_id,
        payment->merchant_id,
        payment->processing_code,
        payment->condition_code,
        payment->type_code,
        payment->management_code,
        payment->entry_mode,
        payment->response_code,
        payment->reversal_reason,
        payment->auth_code,
        payment->rrn,
        payment->local_time,
        payment->local_date,
        payment->settlement_date,
        payment->sent_at,
        payment->acquirer_id,
        payment->original.mti,
        payment->original.sent_at,
        payment->original.date,
        payment->original.rrn,
        payment->original.auth_code,
    };
    for (uint32_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        mix_text(hash, texts[i]);
    }
    for (uint32_t i = 0; i < PAYMENT_CARGO_COUNT; i++) {
        struct byte_view cargo = payment_cargo(payment, (enum payment_cargo)i);
        mix_bytes(hash, cargo.bytes, (uint32_t)cargo.length);
    }
}

void trace_hash_effect(struct trace_hash *hash, uint64_t now_ns, const struct engine_effect *effect)
{
    const uint64_t numbers[] = {now_ns,
                                effect->kind,
                                effect->after,
                                effect->reason,
                                effect->txn.slot,
                                effect->txn.generation,
                                effect->channel,
                                effect->attempt,
                                effect->conn.slot,
                                effect->conn.generation,
                                effect->terminal_request};
    for (uint32_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        mix(hash, numbers[i]);
    }
    if (effect->payment != NULL) {
        trace_hash_payment(hash, effect->payment);
    }
}

uint64_t trace_hash_end(const struct trace_hash *hash)
{
    struct trace_hash last = *hash;
    mix(&last, UINT64_C(0x656E64));
    return last.value;
}
