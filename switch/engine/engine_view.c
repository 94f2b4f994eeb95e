/* What the engine shows of itself: counts, one terminal, a hash of what a restart must bring back.
 * See engine.h. */
#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/engine_state.h"
#include "switch/engine/text.h"

static bool has_slot(const struct engine *engine)
{
    const struct txn_slab *slab = &engine->slab;
    return slab->first_free != 0 || slab->fresh <= slab->count_max ||
           engine->lists[TXN_CLASS_KEPT].count > 0;
}

static bool has_channel(const struct engine *engine, const char *name)
{
    return engine->channels.count < CHANNEL_COUNT_MAX ||
           channel_set_find(&engine->channels, name) != CHANNEL_NONE;
}

bool engine_may_replay(const struct engine *engine, const struct record *record)
{
    REQUIRE(!engine->is_running);
    switch (record->kind) {
    case RECORD_INTENT:
    case RECORD_REVERSAL:
        return has_slot(engine) && has_channel(engine, record->channel);
    case RECORD_TOMBSTONE:
    case RECORD_REFUSED:
        return has_slot(engine);
    case RECORD_EPOCH:
    case RECORD_SIGNON:
    case RECORD_SIGNOFF:
    case RECORD_RESULT:
    case RECORD_REVERSAL_SENT:
    case RECORD_REVERSAL_DONE:
    case RECORD_REVERSAL_CASE:
    case RECORD_ANOMALY:
    case RECORD_KIND_COUNT:
        return true;
    }
    return true;
}

void engine_count(const struct engine *engine, struct engine_counts *counts)
{
    uint32_t sent = engine->reversals_in_flight;
    REQUIRE(engine->lists[TXN_CLASS_RESPONSE].count >= sent);
    *counts = (struct engine_counts){
        .txn_in_flight = engine->lists[TXN_CLASS_RESPONSE].count - sent,
        .txn_remembered = engine->slab.used_count,
        .reversals_pending = engine->life.count,
        .reversals_in_flight = sent,
        .cases = engine->lists[TXN_CLASS_LISTED].count,
        .terminals_signed_on = engine->terminals.signed_on_count,
        .log_position = engine->position,
    };
    if (engine->life.first != 0) {
        counts->saf_oldest_ns = engine->slab.txns[engine->life.first].reversal_begun_ns;
    }
}

bool engine_terminal(const struct engine *engine, const char *terminal_id,
                     struct engine_terminal_view *view)
{
    char padded[9] = {0};
    for (uint32_t i = 0; terminal_id[i] != '\0'; i++) {
        if (i + 1 == sizeof(padded)) {
            return false;
        }
        padded[i] = terminal_id[i];
    }
    uint32_t place = terminal_set_find(&engine->terminals, padded);
    if (place == 0) {
        return false;
    }
    const struct terminal_state *state = &engine->terminals.states[place];
    *view = (struct engine_terminal_view){
        .batch = state->batch,
        .is_signed_on = state->is_signed_on,
        .signed_on_wall_us = state->signed_on_wall_us,
        .last_seen_wall_us = state->last_seen_wall_us,
        .requests = state->requests,
        .approved = state->approved,
        .declined = state->declined,
        .refused = state->refused,
        .unknown = state->unknown,
        .reversals = state->reversals,
    };
    TEXT_COPY(view->terminal_id, state->terminal_id);
    TEXT_COPY(view->merchant_id, state->merchant_id);
    return true;
}

/* --- the hash ----------------------------------------------------------------------------- */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, uint32_t length)
{
    const uint8_t *byte = bytes;
    for (uint32_t i = 0; i < length; i++) {
        hash = hash_mix(hash ^ byte[i]) + 1;
    }
    return hash;
}

/* Which attempt a reversal is at, and where it waits, a restart may change. */
static uint64_t lasting_state(const struct txn *txn)
{
    return txn_state_is_reversing(txn->state) ? TXN_REVERSAL_QUEUED : txn->state;
}

static uint64_t hash_txn(const struct engine *engine, const struct txn *txn)
{
    const struct txn_detail *detail = txn_detail(&engine->slab, txn);
    uint64_t hash = hash_mix(lasting_state(txn) + 1);
    hash = hash_bytes(hash, txn->terminal_id, (uint32_t)strlen(txn->terminal_id));
    hash = hash_bytes(hash, txn->merchant_id, (uint32_t)strlen(txn->merchant_id));
    hash = hash_mix(hash ^ ((uint64_t)txn->batch << 32 | txn->stan));
    hash = hash_mix(hash ^ ((uint64_t)txn->reference.epoch << 32 | txn->reference.seq));
    if (txn->state == TXN_BLOCKED) {
        return hash;
    }
    hash = hash_mix(hash ^ (uint64_t)txn->amount.minor);
    hash = hash_bytes(hash, &txn->pan_hash, sizeof(txn->pan_hash));
    hash = hash_mix(hash ^ txn->channel_stan);
    hash = hash_bytes(hash, detail->rrn, (uint32_t)strlen(detail->rrn));
    hash = hash_bytes(hash, detail->response_code, (uint32_t)strlen(detail->response_code));
    hash = hash_bytes(hash, detail->auth_code, (uint32_t)strlen(detail->auth_code));
    return hash_bytes(hash, detail->icc, detail->icc_length);
}

uint64_t engine_state_hash(const struct engine *engine)
{
    /* A sum, so that the order of slots does not matter. */
    uint64_t sum = 0;
    for (uint32_t slot = 1; slot < engine->slab.fresh; slot++) {
        const struct txn *txn = &engine->slab.txns[slot];
        if (txn->state != TXN_FREE && txn->state != TXN_KEYS_WAITED) {
            sum += hash_txn(engine, txn);
        }
    }
    for (uint32_t place = 1; place <= engine->terminals.count; place++) {
        const struct terminal_state *state = &engine->terminals.states[place];
        if (state->is_signed_on) {
            sum += hash_mix(hash_bytes(state->batch, state->terminal_id, 8));
        }
    }
    return sum;
}
