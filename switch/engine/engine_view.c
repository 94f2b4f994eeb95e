/* What the engine shows of itself: counts, one terminal, a hash of what a restart must bring back.
 * See engine.h. */
#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/engine_state.h"
#include "switch/engine/intake.h"
#include "switch/engine/order_book.h"
#include "switch/engine/order_use.h"
#include "switch/engine/original.h"
#include "switch/engine/terminal_request.h"
#include "switch/engine/text.h"
#include "switch/engine/usage_move.h"

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
    case RECORD_ADVICE:
        return has_slot(engine) && has_channel(engine, record->channel);
    case RECORD_TOMBSTONE:
    case RECORD_REFUSED:
        return has_slot(engine);
    case RECORD_ORDER:
    case RECORD_ORDER_DONE:
    case RECORD_ORDER_OVER:
        return order_may_replay(engine, record);
    case RECORD_EPOCH:
    case RECORD_SIGNON:
    case RECORD_SIGNOFF:
    case RECORD_RESULT:
    case RECORD_REVERSAL_SENT:
    case RECORD_REVERSAL_DONE:
    case RECORD_REVERSAL_CASE:
    case RECORD_ANOMALY:
    case RECORD_ADVICE_DONE:
    case RECORD_ADVICE_CASE:
    case RECORD_SETTLEMENT:
    case RECORD_BATCH_DETAIL:
    case RECORD_BATCH_END:
    case RECORD_STATUS:
    case RECORD_SIGNATURE:
    case RECORD_CUT_OVER:
    case RECORD_KIND_COUNT:
        return true;
    }
    return true;
}

bool engine_has_numbers(const struct engine *engine, const struct ruleset *ruleset)
{
    const struct channel_table *table = ruleset_channel_view(ruleset);
    uint32_t wanted = engine->channels.count;
    for (uint16_t i = 0; i < channel_table_count(table); i++) {
        const char *name = channel_table_at(table, i)->name;
        wanted += channel_set_find(&engine->channels, name) == CHANNEL_NONE;
    }
    return wanted <= CHANNEL_COUNT_MAX;
}

uint32_t engine_channel_pending(const struct engine *engine, const char *name)
{
    uint8_t number = channel_set_find(&engine->channels, name);
    uint32_t count = 0;
    for (uint32_t slot = engine->life.first; slot != 0 && number != CHANNEL_NONE;
         slot = engine->slab.txns[slot].links[TXN_LINK_LIFE].next) {
        count += engine->slab.txns[slot].channel == number;
    }
    return count;
}

void engine_count(const struct engine *engine, struct engine_counts *counts)
{
    uint32_t sent = engine->reversals_in_flight;
    REQUIRE(engine->lists[TXN_CLASS_RESPONSE].count >= sent);
    *counts = (struct engine_counts){
        .txn_in_flight =
            engine->lists[TXN_CLASS_RESPONSE].count - sent + engine->lists[TXN_CLASS_LOOKUP].count,
        .txn_remembered = engine->slab.used_count,
        .reversals_pending = engine->life.count,
        .reversals_in_flight = sent,
        .cases = engine->lists[TXN_CLASS_LISTED].count,
        .terminals_signed_on = engine->terminals.signed_on_count,
        .log_position = engine->position,
        .usage_keys = engine->usage.index.count,
        .usage_lost = engine->usage.lost_count,
    };
    if (engine->usage.lost_day >= engine->wall.day) {
        counts->usage_lost_day = engine->usage.lost_day;
    }
    if (engine->usage.lost_month >= engine->wall.day / 100) {
        counts->usage_lost_month = engine->usage.lost_month;
    }
    if (engine->life.first != 0) {
        counts->saf_oldest_ns = engine->slab.txns[engine->life.first].saf_begun_ns;
    }
}

bool engine_breaker(const struct engine *engine, uint16_t channel, uint64_t now_ns,
                    struct engine_breaker_view *view)
{
    uint8_t number = channel_set_number(&engine->channels, channel);
    *view = (struct engine_breaker_view){0};
    for (uint8_t group = 0; number != CHANNEL_NONE && group < BIN_GROUP_COUNT_MAX; group++) {
        struct health_view health;
        channel_health_view(engine->health, (struct health_spot){number, group}, now_ns, &health);
        view->openings += health.openings;
        if (group == 0 || health.state > view->health.state) {
            view->group = group;
            view->health = health;
        }
    }
    return number != CHANNEL_NONE;
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
        .totals = state->totals,
        .settled_as = (enum batch_result)state->settled_as,
        .status_wall_us = state->day.status_wall_us,
        .faulty = state->day.faulty,
        .clock_ahead_s = state->day.clock_ahead_s,
        .clock_wall_us = state->day.clock_wall_us,
        .terminal_request = terminal_request_pending(engine, place),
    };
    TEXT_COPY(view->terminal_id, state->terminal_id);
    TEXT_COPY(view->merchant_id, state->merchant_id);
    return true;
}

void engine_explain(const struct engine *engine, const struct route_question *question,
                    const struct engine_clocks *clocks, struct engine_explanation *explanation)
{
    struct payment payment;
    struct route_question dated = *question;
    const struct black_list *list = ruleset_black_list_view(engine->ruleset);
    dated.wall_us = clocks->wall_us;
    explanation->doubt = route_question_ask(engine->ruleset, &dated, &payment);
    route_question_divider(engine->ruleset, &dated, explanation->divider);
    explanation->may_be_listed = list != NULL && black_list_has_hashes(list) &&
                                 black_list_kind_is_held(payment.kind) &&
                                 payment.pan.digit_count > 0;
    explanation->follows_original = original_is_wanted(&payment);
    explanation->ordered = order_check(engine, &payment);
    struct route_context context;
    intake_fill_context(engine, &payment, &context);
    context.wall_us = clocks->wall_us;
    context.now_ns = clocks->now_ns;
    ruleset_decide(engine->ruleset, &payment, &context, &explanation->decision);
    ruleset_explain(engine->ruleset, &payment, &context, explanation->text);
}

void engine_usage(const struct engine *engine, const struct payment *payment,
                  struct limit_use uses[LIMIT_SCOPE_COUNT])
{
    usage_of_payment(engine, payment, uses);
}

void engine_usage_on(const struct engine *engine, const struct payment *payment,
                     enum limit_scope scope, int64_t wall_us, struct engine_usage_view *view)
{
    struct wall_text wall;
    const struct usage_subject subject = {payment->merchant_id, payment->terminal_id,
                                          &payment->pan_hash};
    wall_text_set(&wall, wall_us);
    *view = (struct engine_usage_view){
        .is_counted = (engine->usage.scopes & LIMIT_SCOPE_BIT(scope)) != 0,
        .day = wall.day,
        .use = usage_of(&engine->usage, scope, &subject, wall.day),
    };
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
    if (txn_state_is_delivering(txn->state)) {
        return TXN_ADVICE_QUEUED;
    }
    return txn_state_is_reversing(txn->state) ? TXN_REVERSAL_QUEUED : txn->state;
}

static uint64_t hash_standing(uint64_t hash, const struct txn_standing *standing)
{
    hash = hash_mix(hash ^ (uint64_t)standing->refunded_minor);
    hash = hash_mix(hash ^ (uint64_t)standing->incremented_minor);
    hash = hash_mix(hash ^ (uint64_t)standing->adjusted_minor);
    return hash_mix(hash ^
                    ((uint64_t)standing->ended_count << 16 | standing->open_increment_count));
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
    hash = hash_standing(hash, &detail->standing);
    return hash_bytes(hash, detail->answer, detail->answer_length);
}

/* Which trace numbers were seen, a restart that reads a part of the log only does not know. */
static uint64_t hash_terminal(const struct terminal_state *state)
{
    char totals[RECORD_TOTALS_SIZE];
    batch_totals_format(totals, &state->totals);
    uint64_t hash = hash_mix((uint64_t)state->batch << 1 | (state->is_signed_on ? 1 : 0));
    hash = hash_mix(hash ^ (state->stan_highest));
    hash = hash_bytes(hash, totals, (uint32_t)strlen(totals));
    return hash_bytes(hash, state->terminal_id, 8);
}

uint64_t engine_usage_hash(const struct engine *engine)
{
    return usage_hash(&engine->usage);
}

bool engine_usage_is_whole(const struct engine *engine)
{
    return usage_is_whole(&engine->usage);
}

bool engine_usage_hash_before(const struct engine *engine, uint64_t *hash)
{
    return usage_hash_before(&engine->usage, hash);
}

uint64_t engine_state_hash(const struct engine *engine)
{
    /* A sum, so that the order of slots does not matter. */
    uint64_t sum = usage_hash(&engine->usage) + order_hash(engine);
    for (uint32_t slot = 1; slot < engine->slab.fresh; slot++) {
        const struct txn *txn = &engine->slab.txns[slot];
        if (txn->state != TXN_FREE && txn->state != TXN_KEYS_WAITED &&
            txn->state != TXN_LOOKUP_WAITED) {
            sum += hash_txn(engine, txn);
        }
    }
    for (uint32_t place = 1; place <= engine->terminals.count; place++) {
        const struct terminal_state *state = &engine->terminals.states[place];
        if (state->batch != 0) {
            sum += hash_terminal(state);
        }
    }
    for (uint16_t number = 0; number < engine->channels.count; number++) {
        const struct channel_state *state = &engine->channels.states[number];
        if (state->settlement_day != 0) {
            sum += hash_bytes(state->settlement_day, state->name, (uint32_t)strlen(state->name));
        }
    }
    return sum;
}
