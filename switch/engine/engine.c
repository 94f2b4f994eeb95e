/* See engine.h. Each event goes to the file that knows what it means; deadlines that have passed
 * are taken from the heads of their queues, as many as one step may answer. */
#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/effect.h"
#include "switch/engine/engine_state.h"
#include "switch/engine/purchase.h"
#include "switch/engine/replay.h"
#include "switch/engine/reply.h"
#include "switch/engine/response.h"
#include "switch/engine/reversal.h"
#include "switch/engine/saf.h"
#include "switch/engine/signon.h"

#define US_PER_SECOND 1000000

/* What one deadline may need at most: an epoch record, its own record, a reply, a notice. */
#define DEADLINE_EFFECTS 4
#define DEADLINE_RECORDS 2

/* --- requests ----------------------------------------------------------------------------- */

static void on_request(struct engine *engine, const struct request *request)
{
    enum payment_kind kind = request->payment->kind;
    if (kind == PAYMENT_PURCHASE) {
        purchase_on_request(engine, request);
    } else if (kind == PAYMENT_REVERSAL) {
        reversal_on_request(engine, request);
    } else if (kind == PAYMENT_SIGNON) {
        signon_on_request(engine, request);
    } else if (kind == PAYMENT_SIGNOFF) {
        signon_on_signoff(engine, request);
    } else if (kind == PAYMENT_ECHO) {
        signon_on_echo(engine, request);
    } else {
        reply_refuse(engine, request, &(struct refusal){.reason = TXN_REASON_NOT_SERVED});
    }
}

/* The forward's own transaction and attempt, or a stale word about an older one. */
static void on_unsent(struct engine *engine, const struct engine_event *event)
{
    struct txn *txn = txn_slab_find(&engine->slab, event->unsent.txn);
    if (txn == NULL) {
        return;
    }
    if (txn->state == TXN_FORWARDED && txn->attempt == event->unsent.attempt) {
        purchase_on_unsent(engine, txn, event->unsent.reason);
    } else if (txn->state == TXN_REVERSAL_SENT && txn->reversal_attempt == event->unsent.attempt) {
        saf_on_silence(engine, txn);
    }
}

/* --- time --------------------------------------------------------------------------------- */

static struct txn *first_due(const struct engine *engine, enum txn_class class)
{
    uint32_t slot = engine->lists[class].first;
    return slot != 0 && engine->slab.txns[slot].deadline_ns <= engine->now_ns
               ? &engine->slab.txns[slot]
               : NULL;
}

static void on_response_deadline(struct engine *engine, struct txn *txn)
{
    if (txn->state == TXN_FORWARDED) {
        purchase_on_timeout(engine, txn);
    } else {
        saf_on_silence(engine, txn);
    }
}

static uint64_t outlived_at(const struct engine *engine, uint32_t slot)
{
    uint64_t at = 0;
    if (__builtin_add_overflow(engine->slab.txns[slot].reversal_begun_ns,
                               engine->limits.saf_life_ns, &at)) {
        return UINT64_MAX;
    }
    return at;
}

static bool has_room(const struct engine *engine)
{
    return effect_has_room(engine, DEADLINE_EFFECTS, DEADLINE_RECORDS);
}

static void on_tick(struct engine *engine)
{
    struct txn *txn = NULL;
    while (has_room(engine) && (txn = first_due(engine, TXN_CLASS_RESPONSE)) != NULL) {
        on_response_deadline(engine, txn);
    }
    while (has_room(engine) && (txn = first_due(engine, TXN_CLASS_SIGNON)) != NULL) {
        signon_on_timeout(engine, txn);
    }
    while (has_room(engine) && engine->life.first != 0 &&
           outlived_at(engine, engine->life.first) <= engine->now_ns) {
        saf_on_outlived(engine, &engine->slab.txns[engine->life.first]);
    }
    uint32_t slot = retry_heap_first(&engine->retries);
    while (slot != 0 && engine->slab.txns[slot].deadline_ns <= engine->now_ns) {
        saf_on_due(engine, &engine->slab.txns[slot]);
        slot = retry_heap_first(&engine->retries);
    }
}

static uint64_t earlier(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

uint64_t engine_deadline_ns(const struct engine *engine)
{
    if (!engine->is_running) {
        return UINT64_MAX;
    }
    if (saf_may_send(engine)) {
        return 0;
    }
    uint64_t deadline = UINT64_MAX;
    const struct txn *txns = engine->slab.txns;
    uint32_t heads[] = {engine->lists[TXN_CLASS_RESPONSE].first,
                        engine->lists[TXN_CLASS_SIGNON].first, retry_heap_first(&engine->retries)};
    for (uint32_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        deadline = heads[i] == 0 ? deadline : earlier(deadline, txns[heads[i]].deadline_ns);
    }
    return engine->life.first == 0 ? deadline
                                   : earlier(deadline, outlived_at(engine, engine->life.first));
}

/* --- the step ----------------------------------------------------------------------------- */

static void begin_step(struct engine *engine, const struct engine_event *event,
                       struct engine_effects *effects)
{
    for (uint32_t i = 0; i < engine->payment_count; i++) {
        secret_wipe(&engine->payments[i].pan, sizeof(engine->payments[i].pan)); /* I37 */
    }
    effects->count = 0;
    effects->has_more = false;
    engine->effects = effects;
    engine->record_count = 0;
    engine->payment_count = 0;
    engine->now_ns = event->now_ns;
    engine->wall_us = event->wall_us;
    engine->random = event->random;
    if (engine->wall_second != event->wall_us / US_PER_SECOND || engine->wall.sent_at[0] == 0) {
        engine->wall_second = event->wall_us / US_PER_SECOND;
        wall_text_set(&engine->wall, event->wall_us);
    }
}

static void dispatch(struct engine *engine, const struct engine_event *event)
{
    switch (event->kind) {
    case ENGINE_REQUEST:
        REQUIRE(engine->is_running);
        on_request(engine, &(struct request){event->request.conn, event->request.payment,
                                             event->request.is_log_short});
        break;
    case ENGINE_RESPONSE:
        REQUIRE(engine->is_running);
        response_on_event(engine, channel_set_number(&engine->channels, event->response.channel),
                          event->response.payment);
        break;
    case ENGINE_UNSENT:
        on_unsent(engine, event);
        break;
    case ENGINE_KEYS:
        signon_on_keys(engine, event);
        break;
    case ENGINE_CHANNEL:
        channel_set_up(&engine->channels, event->channel.channel, event->channel.is_up);
        break;
    case ENGINE_TICK:
        on_tick(engine);
        break;
    case ENGINE_RULESET:
        REQUIRE(event->ruleset != NULL);
        engine->ruleset = event->ruleset;
        channel_set_map(&engine->channels, ruleset_channel_view(event->ruleset));
        break;
    case ENGINE_REPLAY:
        replay_on_record(engine, event->record);
        break;
    case ENGINE_REPLAY_END:
        replay_on_end(engine);
        break;
    }
}

void engine_step(struct engine *engine, const struct engine_event *event,
                 struct engine_effects *effects)
{
    REQUIRE(effects != NULL);
    if (event->kind == ENGINE_REQUEST) {
        engine_fetch_key(engine, engine_key_of(event->request.payment));
    }
    begin_step(engine, event, effects);
    dispatch(engine, event);
    /* Other rules come into force even while the driver has no room; what they make possible waits
     * for the next event, which the deadline asks for at once. */
    bool may_pump = engine->is_running && event->kind != ENGINE_RULESET;
    if (may_pump && engine->channels.ready_mask != 0) {
        saf_pump(engine);
    }
    effects->has_more = event->kind == ENGINE_TICK && engine_deadline_ns(engine) <= engine->now_ns;
    engine->effects = NULL;
}
