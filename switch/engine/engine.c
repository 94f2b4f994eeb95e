/* See engine.h. Each event goes to the file that knows what it means; deadlines that have passed
 * are taken from the heads of their queues, as many as one step may answer. */
#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/batch_upload.h"
#include "switch/engine/clock_check.h"
#include "switch/engine/download.h"
#include "switch/engine/effect.h"
#include "switch/engine/engine_state.h"
#include "switch/engine/forward.h"
#include "switch/engine/intake.h"
#include "switch/engine/order_book.h"
#include "switch/engine/payment_rule.h"
#include "switch/engine/replay.h"
#include "switch/engine/reply.h"
#include "switch/engine/response.h"
#include "switch/engine/reversal.h"
#include "switch/engine/saf.h"
#include "switch/engine/search.h"
#include "switch/engine/settlement.h"
#include "switch/engine/sighting.h"
#include "switch/engine/signon.h"
#include "switch/engine/text.h"
#include "switch/engine/upload.h"

#define US_PER_SECOND 1000000

/* What one deadline may need at most: an epoch record, its own record, one of a text that was told,
 * a reply, a notice of it and one of its channel's breaker. */
#define DEADLINE_EFFECTS 6
#define DEADLINE_RECORDS 3

/* --- requests ----------------------------------------------------------------------------- */

/* What this switch answers itself. */
static void on_own(struct engine *engine, const struct request *request)
{
    enum payment_kind kind = request->payment->kind;
    if (kind == PAYMENT_SIGNON) {
        signon_on_request(engine, request);
    } else if (kind == PAYMENT_SIGNOFF) {
        signon_on_signoff(engine, request);
    } else if (kind == PAYMENT_ECHO) {
        signon_on_echo(engine, request);
    } else if (kind == PAYMENT_SETTLEMENT) {
        settlement_on_request(engine, request);
    } else if (kind == PAYMENT_BATCH_UPLOAD) {
        batch_upload_on_request(engine, request);
    } else if (kind == PAYMENT_STATUS_UPLOAD) {
        upload_on_status(engine, request);
    } else if (kind == PAYMENT_SIGNATURE) {
        upload_on_signature(engine, request);
    } else {
        download_on_request(engine, request);
    }
}

static void on_request(struct engine *engine, const struct request *request)
{
    order_on_software(engine, request->payment);
    switch (payment_rule_of(request->payment->kind)->travel) {
    case PAYMENT_TRAVEL_OURS:
        on_own(engine, request);
        clock_check(engine, terminal_set_find(&engine->terminals, request->payment->terminal_id),
                    request);
        break;
    case PAYMENT_TRAVEL_UNDO:
        reversal_on_request(engine, request);
        break;
    case PAYMENT_TRAVEL_FORWARD:
    case PAYMENT_TRAVEL_ADVICE:
        intake_on_request(engine, request);
        break;
    case PAYMENT_TRAVEL_UNSERVED:
        reply_refuse(engine, request, &(struct refusal){.reason = TXN_REASON_NOT_SERVED});
        break;
    }
}

/* The forward's own transaction and attempt, or a stale word about an older one. */
static void on_unsent(struct engine *engine, const struct engine_event *event)
{
    struct txn *txn = txn_slab_find(&engine->slab, event->unsent.txn);
    if (txn == NULL) {
        return;
    }
    bool is_reversal = event->unsent.is_reversal;
    uint16_t attempt = is_reversal ? txn->reversal_attempt : txn->attempt;
    if (attempt != event->unsent.attempt) {
        return;
    }
    if (txn->state == TXN_FORWARDED && !is_reversal) {
        forward_on_unsent(engine, txn, event->unsent.reason);
    } else if ((txn->state == TXN_REVERSAL_SENT && is_reversal) ||
               (txn->state == TXN_ADVICE_SENT && !is_reversal)) {
        if (event->unsent.reason == TXN_REASON_CHANNEL_FULL) {
            saf_on_full(engine, txn);
        } else {
            saf_on_silence(engine, txn);
        }
    }
}

static void on_response(struct engine *engine, const struct engine_event *event)
{
    uint8_t number = channel_set_number(&engine->channels, event->response.channel);
    if (number != CHANNEL_NONE) {
        saf_on_room(engine, number);
    }
    response_on_event(engine, number, event->response.payment);
}

static void on_channel(struct engine *engine, const struct engine_event *event)
{
    channel_set_up(&engine->channels, event->channel.channel, event->channel.is_up);
    uint8_t number = channel_set_number(&engine->channels, event->channel.channel);
    if (!event->channel.is_up && number != CHANNEL_NONE) {
        saf_on_channel_down(engine, number);
    }
}

/* A channel's day only goes forward: the same word again, or an older one, changes nothing. */
static void on_cut_over(struct engine *engine, const struct engine_event *event)
{
    uint8_t number = channel_set_number(&engine->channels, event->cut_over.channel);
    if (number == CHANNEL_NONE ||
        event->cut_over.settlement_day <= engine->channels.states[number].settlement_day) {
        return;
    }
    struct channel_state *channel = &engine->channels.states[number];
    channel->settlement_day = event->cut_over.settlement_day;
    struct record *record = effect_log(engine, RECORD_CUT_OVER);
    TEXT_COPY(record->channel, channel->name);
    record->settlement_day = channel->settlement_day;
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
        forward_on_timeout(engine, txn);
    } else {
        saf_on_silence(engine, txn);
    }
}

static uint64_t outlived_at(const struct engine *engine, uint32_t slot)
{
    uint64_t at = 0;
    if (__builtin_add_overflow(engine->slab.txns[slot].saf_begun_ns, engine->limits.saf_life_ns,
                               &at)) {
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
    while (has_room(engine) && (txn = first_due(engine, TXN_CLASS_LOOKUP)) != NULL) {
        search_on_timeout(engine, txn);
    }
    while (has_room(engine) && engine->life.first != 0 &&
           outlived_at(engine, engine->life.first) <= engine->now_ns) {
        saf_on_outlived(engine, &engine->slab.txns[engine->life.first]);
    }
    order_on_tick(engine);
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
    uint64_t deadline = saf_opens_ns(engine);
    if (deadline == 0) {
        return 0;
    }
    deadline = earlier(deadline, engine->orders.deadline_ns);
    const struct txn *txns = engine->slab.txns;
    uint32_t heads[] = {engine->lists[TXN_CLASS_RESPONSE].first,
                        engine->lists[TXN_CLASS_SIGNON].first,
                        engine->lists[TXN_CLASS_LOOKUP].first, retry_heap_first(&engine->retries)};
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
        on_response(engine, event);
        break;
    case ENGINE_UNSENT:
        on_unsent(engine, event);
        break;
    case ENGINE_KEYS:
        signon_on_keys(engine, event);
        break;
    case ENGINE_CHANNEL:
        on_channel(engine, event);
        break;
    case ENGINE_CUT_OVER:
        on_cut_over(engine, event);
        break;
    case ENGINE_SIGHTING:
        sighting_on_event(engine, event);
        break;
    case ENGINE_ORDER:
        order_on_event(engine, event);
        break;
    case ENGINE_FOUND:
        search_on_found(engine, event);
        break;
    case ENGINE_TICK:
        on_tick(engine);
        break;
    case ENGINE_RULESET:
        REQUIRE(event->ruleset != NULL);
        engine->ruleset = event->ruleset;
        engine->ruleset_count++;
        channel_set_map(&engine->channels, ruleset_channel_view(event->ruleset));
        usage_set_scopes(&engine->usage, ruleset_usage_scopes(event->ruleset));
        break;
    case ENGINE_REPLAY:
        replay_on_record(engine, event->record);
        break;
    case ENGINE_USAGE:
        REQUIRE(!engine->is_running && engine->ruleset != NULL);
        if (event->usage == NULL) {
            usage_set_clear(&engine->usage);
        } else {
            /* engine_count() tells a loss. */
            (void)usage_count_sum(&engine->usage, event->usage, engine->wall.day);
        }
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
