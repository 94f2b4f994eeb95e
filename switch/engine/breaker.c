/* See breaker.h. */
#include "switch/engine/breaker.h"

#include "protocols/base/require.h"
#include "switch/engine/effect.h"
#include "switch/engine/planted_bug.h"

static struct health_spot spot_of(const struct txn *txn, uint8_t channel)
{
    return (struct health_spot){channel, PLANTED_BUG(38) ? 0 : txn->bin_group};
}

/* Limits are those of the rules in force; a channel that they do not have has none. */
static const struct health_limits *limits_of(const struct engine *engine, uint8_t channel)
{
    static const struct health_limits NONE;
    const struct channel_state *state = &engine->channels.states[channel];
    return state->is_known ? ruleset_breaker(engine->ruleset, state->ruleset_index) : &NONE;
}

bool breaker_lets(const struct engine *engine, const struct txn *txn, uint8_t channel)
{
    bool is_bound = txn->is_following && !PLANTED_BUG(35);
    return is_bound || PLANTED_BUG(32) ||
           channel_health_may(engine->health, spot_of(txn, channel), limits_of(engine, channel),
                              engine->now_ns);
}

void breaker_on_forward(struct engine *engine, struct txn *txn)
{
    txn->is_probe =
        !PLANTED_BUG(39) && channel_health_begin(engine->health, spot_of(txn, txn->channel),
                                                 limits_of(engine, txn->channel), engine->now_ns);
}

static void end(struct engine *engine, struct txn *txn, struct health_outcome *outcome)
{
    struct health_spot spot = spot_of(txn, txn->channel);
    outcome->is_probe = txn->is_probe;
    txn->is_probe = false;
    if (txn->is_restored && !PLANTED_BUG(36)) {
        return; /* it left in another life, and what was learnt then is forgotten */
    }
    enum health_change change = channel_health_end(
        engine->health, spot, limits_of(engine, txn->channel), outcome, engine->now_ns);
    if (change == HEALTH_UNCHANGED) {
        return;
    }
    /* The last fault need not be the one whose share opened it. */
    struct health_view view;
    channel_health_view(engine->health, spot, engine->now_ns, &view);
    bool is_opened = change == HEALTH_OPENED;
    effect_notice(engine, is_opened ? TXN_REASON_BREAKER_OPENED : TXN_REASON_BREAKER_CLOSED, txn,
                  NULL);
    struct engine_effect *effect = &engine->effects->items[engine->effects->count - 1];
    effect->channel = engine->channels.states[txn->channel].ruleset_index;
    effect->breaker.group = spot.group;
    effect->breaker.fault = (uint8_t)view.fault;
}

void breaker_on_answer(struct engine *engine, struct txn *txn, const char response_code[3])
{
    struct health_outcome outcome = health_outcome_of_answer(
        limits_of(engine, txn->channel), response_code, engine->now_ns - txn->forwarded_ns);
    if (PLANTED_BUG(34) && !outcome.is_fault && !payment_is_approval(response_code)) {
        outcome.is_fault = true;
        outcome.fault = HEALTH_CODE;
    }
    end(engine, txn, &outcome);
}

void breaker_on_fault(struct engine *engine, struct txn *txn, enum health_fault fault)
{
    struct health_outcome outcome = {.is_fault = true, .fault = fault};
    end(engine, txn, &outcome);
}

void breaker_on_gone(struct engine *engine, struct txn *txn)
{
    if (txn->is_probe) {
        if (!PLANTED_BUG(33)) {
            channel_health_drop(engine->health, spot_of(txn, txn->channel));
        }
        txn->is_probe = false;
    }
}
