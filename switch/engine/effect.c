/* See effect.h. */
#include "switch/engine/effect.h"

#include <string.h>

#include "protocols/base/require.h"

bool effect_has_room(const struct engine *engine, uint32_t effects, uint32_t records)
{
    /* Each effect may want a payment of the step, and some payments have no effect. */
    return engine->effects->count + effects <= ENGINE_EFFECT_COUNT_MAX &&
           engine->payment_count + effects <= ENGINE_EFFECT_COUNT_MAX &&
           engine->record_count + records <= ENGINE_RECORD_COUNT_MAX;
}

struct engine_effect *effect_add(struct engine *engine, enum engine_effect_kind kind)
{
    REQUIRE(engine->effects != NULL);
    REQUIRE(engine->effects->count < ENGINE_EFFECT_COUNT_MAX);
    struct engine_effect *effect = &engine->effects->items[engine->effects->count++];
    memset(effect, 0, sizeof(*effect));
    effect->kind = kind;
    return effect;
}

/* All of a record is zero but what is set, and only bytes that an earlier step used are wiped. */
static void record_clear(struct record *record)
{
    memset(record->answer, 0, record->answer_length);
    memset(record->payload, 0, record->payload_length);
    memset(record, 0, offsetof(struct record, answer));
}

struct record *effect_log(struct engine *engine, enum record_kind kind)
{
    REQUIRE(engine->record_count < ENGINE_RECORD_COUNT_MAX);
    struct record *record = &engine->records[engine->record_count++];
    record_clear(record);
    record->kind = kind;
    record->position = ++engine->position;
    record->wall_us = engine->wall_us;
    struct engine_effect *effect = effect_add(engine, ENGINE_LOG);
    effect->after = record->position;
    effect->record = record;
    return record;
}

struct payment *effect_payment(struct engine *engine)
{
    REQUIRE(engine->payment_count < ENGINE_EFFECT_COUNT_MAX);
    return &engine->payments[engine->payment_count++];
}

void effect_notice(struct engine *engine, enum txn_reason reason, const struct txn *txn,
                   const struct payment *payment)
{
    struct engine_effect *effect = effect_add(engine, ENGINE_NOTICE);
    effect->reason = reason;
    effect->payment = payment;
    if (txn != NULL) {
        effect->txn = engine_handle(engine, txn);
    }
}
