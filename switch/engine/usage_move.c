/* See usage_move.h. */
#include "switch/engine/usage_move.h"

#include "protocols/base/require.h"
#include "switch/engine/original.h"
#include "switch/engine/payment_rule.h"
#include "switch/engine/planted_bug.h"

/* What a kind does to usage once it counts. */
enum usage_effect { USAGE_NONE, USAGE_TAKES, USAGE_CHANGES, USAGE_GIVES };

static enum usage_effect effect_of(const struct engine *engine, const struct txn *txn)
{
    const struct payment_rule *rule = payment_rule_of((enum payment_kind)txn->kind);
    if (rule->side == BATCH_DEBIT) {
        return original_is_adjustment(engine, txn) ? USAGE_CHANGES : USAGE_TAKES;
    }
    bool is_void = rule->side == BATCH_CREDIT && rule->amount == PAYMENT_AMOUNT_EQUAL;
    return is_void ? USAGE_GIVES : USAGE_NONE;
}

/* Whether it counts in that state: while nobody knows whether money was taken, it was; and what
 * gives back does so only when that is certain. */
static bool counts_in(enum usage_effect effect, enum txn_state state)
{
    bool is_over = state == TXN_DECLINED || (state == TXN_REVERSED && !PLANTED_BUG(40));
    bool is_begun = state != TXN_FREE && state != TXN_KEYS_WAITED && state != TXN_LOOKUP_WAITED &&
                    state != TXN_BLOCKED;
    if (effect == USAGE_GIVES) {
        return state == TXN_APPROVED && !PLANTED_BUG(43);
    }
    if (PLANTED_BUG(44) && txn_state_is_reversing(state)) {
        return false;
    }
    return effect != USAGE_NONE && is_begun && !is_over;
}

static struct usage_subject subject_of(const struct txn *txn)
{
    return (struct usage_subject){txn->merchant_id, txn->terminal_id, &txn->pan_hash};
}

static struct usage_change change_of(enum usage_effect effect, const struct txn *txn,
                                     const struct txn_detail *detail)
{
    switch (effect) {
    case USAGE_TAKES:
        return (struct usage_change){detail->usage_day, 1, txn->amount.minor};
    case USAGE_GIVES:
        return (struct usage_change){detail->usage_day, -1, -txn->amount.minor};
    case USAGE_CHANGES:
        return (struct usage_change){detail->usage_day, 0, detail->difference};
    case USAGE_NONE:
        break;
    }
    return (struct usage_change){0};
}

void usage_on_move(struct engine *engine, struct txn *txn)
{
    enum txn_state state = (enum txn_state)txn->state;
    if (state == TXN_FREE) {
        return; /* forgotten; what it took, it took */
    }
    enum usage_effect effect = effect_of(engine, txn);
    bool counts = counts_in(effect, state);
    if (counts == txn->is_usage_counted) {
        return;
    }
    txn->is_usage_counted = counts;
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    if (!engine->is_running) {
        return; /* the row tells what it changed */
    }
    if (detail->usage_day == 0 && effect == USAGE_TAKES) {
        detail->usage_day = engine->wall.day;
    }
    if (detail->usage_day == 0) {
        return; /* its original is of a log that did not tell the day */
    }
    struct usage_change change = change_of(effect, txn, detail);
    if (!counts) {
        change.count = -change.count;
        change.minor = -change.minor;
    }
    detail->usage_count += change.count;
    detail->usage_minor += change.minor;
    const struct usage_subject subject = subject_of(txn);
    /* A loss is counted there; what may be refused has been, by usage_may_begin(). */
    (void)usage_count(&engine->usage, &subject, &change, engine->wall.day);
}

void usage_follow(const struct engine *engine, const struct txn *txn, const struct txn *original)
{
    enum usage_effect effect = effect_of(engine, txn);
    if (effect == USAGE_GIVES || effect == USAGE_CHANGES) {
        txn_detail(&engine->slab, txn)->usage_day = txn_detail(&engine->slab, original)->usage_day;
    }
}

void usage_adopt(const struct engine *engine, struct txn *txn, enum txn_state state)
{
    txn->is_usage_counted = counts_in(effect_of(engine, txn), state);
}

void usage_put(const struct engine *engine, const struct txn *txn, struct record *record)
{
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    record->usage_day = detail->usage_day;
    record->usage_count = detail->usage_count;
    record->usage_minor = detail->usage_minor;
    detail->usage_count = 0;
    detail->usage_minor = 0;
}

void usage_replay(struct engine *engine, const struct record *record)
{
    REQUIRE(!engine->is_running);
    if (record->usage_day < USAGE_DAY_MIN || PLANTED_BUG(41) ||
        (record->usage_count == 0 && record->usage_minor == 0)) {
        return;
    }
    const struct usage_subject subject = {record->merchant_id, record->terminal_id,
                                          &record->pan_hash};
    const struct usage_change change = {record->usage_day, record->usage_count,
                                        record->usage_minor};
    struct wall_text then; /* the day it was when the row was written, as when it was counted */
    wall_text_set(&then, record->wall_us);
    (void)usage_count(&engine->usage, &subject, &change, then.day);
}

bool usage_may_begin(const struct engine *engine, const struct txn *txn)
{
    const struct usage_subject subject = subject_of(txn);
    return effect_of(engine, txn) != USAGE_TAKES ||
           usage_has_room(&engine->usage, &subject, engine->wall.day);
}

void usage_of_payment(const struct engine *engine, const struct payment *payment,
                      struct limit_use uses[LIMIT_SCOPE_COUNT])
{
    const struct usage_subject subject = {payment->merchant_id, payment->terminal_id,
                                          &payment->pan_hash};
    usage_look(&engine->usage, &subject, engine->wall.day, uses);
}
