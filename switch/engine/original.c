/* See original.h. */
#include "switch/engine/original.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/advice.h"
#include "switch/engine/payment_rule.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/text.h"
#include "switch/engine/usage_move.h"

#define TYPE_ADJUSTMENT "32"
#define TYPE_TIP "34"

/* How an original counts what follows it. */
enum counted { COUNTED_NOT, COUNTED_OPEN, COUNTED_FINAL };

/* --- finding ------------------------------------------------------------------------------ */

bool original_is_wanted(const struct payment *payment)
{
    if (payment->kind == PAYMENT_OFFLINE_ADVICE) { /* an offline settlement stands for itself */
        return strcmp(payment->type_code, TYPE_ADJUSTMENT) == 0 ||
               strcmp(payment->type_code, TYPE_TIP) == 0;
    }
    return payment_rule_of(payment->kind)->originals != 0;
}

static bool is_same_card(const struct payment *payment, const struct txn *original)
{
    return payment->pan.digit_count == 0 ||
           memcmp(&payment->pan_hash, &original->pan_hash, sizeof(original->pan_hash)) == 0;
}

/* By whatever card. */
static bool fits(const struct engine *engine, const struct txn *txn, const struct payment *payment,
                 const struct txn *original)
{
    const struct txn_detail *detail = txn_detail(&engine->slab, original);
    bool may_follow = payment->kind == PAYMENT_SCRIPT_RESULT ||
                      payment_rule_may_follow(payment->kind, (enum payment_kind)original->kind);
    if (original == txn || !may_follow || strcmp(original->merchant_id, txn->merchant_id) != 0) {
        return false;
    }
    return payment->original.auth_code[0] == '\0' || detail->auth_code[0] == '\0' ||
           strcmp(payment->original.auth_code, detail->auth_code) == 0;
}

bool original_fits(const struct engine *engine, const struct txn *txn,
                   const struct payment *payment, const struct txn *original)
{
    return fits(engine, txn, payment, original) && is_same_card(payment, original);
}

static struct txn *find_by_rrn(const struct engine *engine, const struct payment *payment)
{
    const struct payment_original *quoted = &payment->original;
    return quoted->rrn[0] == '\0' ? NULL : engine_find_rrn(engine, quoted->rrn);
}

/* Batch and trace may come again; a reference number beside them must be its own. */
static struct txn *find_by_key(const struct engine *engine, const struct txn *txn,
                               const struct payment *payment)
{
    const struct payment_original *quoted = &payment->original;
    struct txn_key key = {txn->terminal_id, txn->merchant_id, quoted->batch, quoted->stan};
    struct txn *found = quoted->stan == 0 ? NULL : engine_find_key(engine, key);
    bool is_quoted =
        found != NULL &&
        (quoted->rrn[0] == '\0' || strcmp(quoted->rrn, txn_detail(&engine->slab, found)->rrn) == 0);
    return is_quoted ? found : NULL;
}

struct txn *original_find(const struct engine *engine, const struct txn *txn,
                          const struct payment *payment)
{
    struct txn *found = find_by_rrn(engine, payment);
    if (found != NULL && original_fits(engine, txn, payment, found)) {
        return found;
    }
    found = find_by_key(engine, txn, payment);
    return found != NULL && original_fits(engine, txn, payment, found) ? found : NULL;
}

bool original_is_of_other_card(const struct engine *engine, const struct txn *txn,
                               const struct payment *payment)
{
    const struct txn *found = find_by_rrn(engine, payment);
    found = found != NULL ? found : find_by_key(engine, txn, payment);
    return found != NULL && found->state == TXN_APPROVED && fits(engine, txn, payment, found) &&
           !is_same_card(payment, found);
}

/* --- rules -------------------------------------------------------------------------------- */

int64_t original_amount_minor(const struct engine *engine, const struct txn *txn)
{
    return txn->amount.minor + txn_detail(&engine->slab, txn)->standing.adjusted_minor;
}

bool original_is_used(const struct engine *engine, const struct txn *txn)
{
    const struct txn_standing *standing = &txn_detail(&engine->slab, txn)->standing;
    return standing->ended_count != 0 || standing->open_increment_count != 0 ||
           standing->refunded_minor != 0 || standing->incremented_minor != 0 ||
           standing->adjusted_minor != 0;
}

bool original_is_adjustment(const struct engine *engine, const struct txn *txn)
{
    return txn->kind == PAYMENT_OFFLINE_ADVICE &&
           txn_detail(&engine->slab, txn)->original.epoch != 0;
}

/* A sale that was told to a channel or is certain to be; an adjustment may also follow an advice
 * that still waits in the same lane. */
static bool stands(const struct engine *engine, const struct txn *txn, const struct txn *original)
{
    if (original_is_adjustment(engine, original)) {
        return false; /* what it changed is the original */
    }
    bool is_waiting =
        txn->kind == PAYMENT_OFFLINE_ADVICE && txn_state_is_delivering(original->state);
    return original->state == TXN_APPROVED || is_waiting;
}

/* Same terminal, and the batch that is still open there. */
static bool is_of_open_batch(const struct txn *txn, const struct txn *original)
{
    return PLANTED_BUG(26) ||
           (strcmp(txn->terminal_id, original->terminal_id) == 0 && txn->batch == original->batch);
}

static enum txn_reason check_equal(const struct engine *engine, const struct txn *txn,
                                   const struct txn *original)
{
    const struct txn_standing *standing = &txn_detail(&engine->slab, original)->standing;
    bool is_preauth = original->kind == PAYMENT_PREAUTH;
    if (standing->refunded_minor != 0 || standing->open_increment_count != 0 ||
        (!is_preauth && !is_of_open_batch(txn, original))) {
        return TXN_REASON_FOLLOWED_STATE;
    }
    int64_t wanted = original_amount_minor(engine, original) + standing->incremented_minor;
    return txn->amount.minor == wanted || PLANTED_BUG(27) ? TXN_REASON_NONE
                                                          : TXN_REASON_FOLLOWED_AMOUNT;
}

/* At most so many percent of a sum of at most MONEY_MINOR_MAX: no overflow. */
static bool is_above(int64_t minor, int64_t base_minor, uint16_t percent)
{
    return minor > base_minor * percent / 100;
}

static enum txn_reason check_total(const struct engine *engine, const struct txn *txn,
                                   const struct txn *original)
{
    const struct txn_standing *standing = &txn_detail(&engine->slab, original)->standing;
    /* Of an earlier batch it would take from the open one what is not in it. */
    if (standing->refunded_minor != 0 || !is_of_open_batch(txn, original)) {
        return TXN_REASON_FOLLOWED_STATE;
    }
    return is_above(txn->amount.minor, original->amount.minor, engine->limits.tip_ceiling_percent)
               ? TXN_REASON_FOLLOWED_AMOUNT
               : TXN_REASON_NONE;
}

static enum txn_reason check_ceiling(const struct engine *engine, const struct txn *txn,
                                     const struct txn *original)
{
    const struct txn_standing *standing = &txn_detail(&engine->slab, original)->standing;
    int64_t authorised = original->amount.minor + standing->incremented_minor;
    bool is_too_much =
        is_above(txn->amount.minor, authorised, engine->limits.capture_ceiling_percent);
    return is_too_much && !PLANTED_BUG(17) ? TXN_REASON_FOLLOWED_AMOUNT : TXN_REASON_NONE;
}

static enum txn_reason check_rest(const struct engine *engine, const struct txn *txn,
                                  const struct txn *original)
{
    const struct txn_standing *standing = &txn_detail(&engine->slab, original)->standing;
    int64_t refunded = PLANTED_BUG(14) ? 0 : standing->refunded_minor;
    return txn->amount.minor > original_amount_minor(engine, original) - refunded
               ? TXN_REASON_FOLLOWED_AMOUNT
               : TXN_REASON_NONE;
}

enum txn_reason original_check(const struct engine *engine, const struct txn *txn,
                               const struct txn *original)
{
    const struct txn_standing *standing = &txn_detail(&engine->slab, original)->standing;
    bool is_ended = standing->ended_count != 0 && !PLANTED_BUG(13);
    if (!stands(engine, txn, original) || is_ended) {
        return TXN_REASON_FOLLOWED_STATE;
    }
    if (txn->amount.currency != original->amount.currency) {
        return TXN_REASON_FOLLOWED_AMOUNT; /* I17 */
    }
    switch (payment_rule_of((enum payment_kind)txn->kind)->amount) {
    case PAYMENT_AMOUNT_EQUAL:
        return check_equal(engine, txn, original);
    case PAYMENT_AMOUNT_REST:
        return check_rest(engine, txn, original);
    case PAYMENT_AMOUNT_CEILING:
        return check_ceiling(engine, txn, original);
    case PAYMENT_AMOUNT_TOTAL:
        return check_total(engine, txn, original);
    case PAYMENT_AMOUNT_ANY:
        break;
    }
    return TXN_REASON_NONE;
}

/* --- binding ------------------------------------------------------------------------------ */

void original_quote(const struct engine *engine, const struct txn *original,
                    struct payment_original *quoted)
{
    const struct txn_detail *detail = txn_detail(&engine->slab, original);
    memset(quoted, 0, sizeof(*quoted));
    quoted->batch = original->batch;
    quoted->stan = original->channel_stan;
    TEXT_COPY(quoted->mti, payment_rule_of((enum payment_kind)original->kind)->mti);
    TEXT_COPY(quoted->sent_at, detail->sent_at);
    memcpy(quoted->date, detail->sent_at, 4);
    TEXT_COPY(quoted->rrn, detail->rrn);
    TEXT_COPY(quoted->auth_code, detail->auth_code);
    TEXT_COPY(quoted->terminal_id, original->terminal_id);
    quoted->amount = original->amount;
    quoted->is_approved = original->is_channel_approved;
}

void original_restore(struct engine *engine, struct txn *txn, const struct txn *original)
{
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    detail->original_slot = txn_slot(&engine->slab, original);
    original_quote(engine, original, &detail->quoted);
    if (original_is_adjustment(engine, txn)) {
        detail->difference = txn->amount.minor - original_amount_minor(engine, original);
    }
}

void original_bind(struct engine *engine, struct txn *txn, const struct txn *original)
{
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    REQUIRE(!txn->is_following);
    detail->original = original->reference;
    original_restore(engine, txn, original);
    usage_follow(engine, txn, original);
    txn->is_following = true;
    if (PLANTED_BUG(16)) {
        return;
    }
    txn->candidate_count = 1;
    txn->candidates[0] = original->channel;
}

/* --- counting ----------------------------------------------------------------------------- */

static struct txn *original_of(const struct engine *engine, const struct txn *txn)
{
    const struct txn_detail *detail = txn_detail(&engine->slab, txn);
    struct txn *original = &engine->slab.txns[detail->original_slot];
    bool is_it = detail->original_slot != 0 && original->state != TXN_FREE &&
                 original->reference.epoch == detail->original.epoch &&
                 original->reference.seq == detail->original.seq;
    return is_it ? original : NULL;
}

bool original_has_ended_upon(const struct engine *engine, const struct txn *txn)
{
    const struct txn *original = original_of(engine, txn);
    return txn->kind == PAYMENT_PREAUTH_INCREMENT && txn->counted == COUNTED_FINAL &&
           original != NULL && txn_detail(&engine->slab, original)->standing.ended_count != 0;
}

/* What a state of a follower means to its original. While nobody knows whether it stands, it
 * does. */
static enum counted counted_in(enum txn_state state)
{
    if (state == TXN_APPROVED) {
        return COUNTED_FINAL;
    }
    if (state == TXN_REVERSED) {
        return PLANTED_BUG(19) ? COUNTED_OPEN : COUNTED_NOT;
    }
    if (txn_state_is_reversing(state) && PLANTED_BUG(25)) {
        return COUNTED_NOT;
    }
    return state == TXN_DECLINED ? COUNTED_NOT : COUNTED_OPEN;
}

static void count(struct txn_standing *standing, const struct txn *txn,
                  const struct txn_detail *detail, int sign)
{
    switch (payment_rule_of((enum payment_kind)txn->kind)->amount) {
    case PAYMENT_AMOUNT_REST:
        standing->refunded_minor += sign * txn->amount.minor;
        break;
    case PAYMENT_AMOUNT_TOTAL:
        standing->adjusted_minor += sign * detail->difference;
        break;
    case PAYMENT_AMOUNT_EQUAL:
    case PAYMENT_AMOUNT_CEILING:
        standing->ended_count = (uint16_t)(standing->ended_count + sign);
        break;
    case PAYMENT_AMOUNT_ANY: /* an increment raises the sum once it is approved */
        if (txn->counted == COUNTED_FINAL) {
            standing->incremented_minor += sign * txn->amount.minor;
        } else {
            standing->open_increment_count = (uint16_t)(standing->open_increment_count + sign);
        }
        break;
    }
}

void original_count(struct engine *engine, struct txn *txn)
{
    REQUIRE(txn->is_following);
    struct txn *original = original_of(engine, txn);
    enum txn_state state = (enum txn_state)txn->state;
    if (state == TXN_FREE || state == TXN_LOOKUP_WAITED || state == TXN_BLOCKED) {
        return; /* forgotten, or not yet what counts */
    }
    const struct txn_detail *detail = txn_detail(&engine->slab, txn);
    struct txn_standing nobody = {0}; /* an original that was evicted: the log knows */
    struct txn_standing *standing =
        original == NULL ? &nobody : &txn_detail(&engine->slab, original)->standing;
    if (txn->counted != COUNTED_NOT) {
        count(standing, txn, detail, -1);
    }
    txn->counted = (uint8_t)counted_in(state);
    if (txn->counted != COUNTED_NOT) {
        count(standing, txn, detail, 1);
    }
}

/* --- brought back from the log ------------------------------------------------------------ */

void original_rejoin(struct engine *engine, const struct txn *original, struct txn *follower)
{
    struct txn_detail *detail = txn_detail(&engine->slab, follower);
    detail->original = original->reference; /* a log that was read in part may not have told */
    detail->original_slot = txn_slot(&engine->slab, original);
    follower->is_following = true;
    follower->counted = (uint8_t)counted_in((enum txn_state)follower->state);
    if (follower->counted != COUNTED_NOT) {
        count(&txn_detail(&engine->slab, original)->standing, follower, detail, 1);
    }
}

void original_count_record(struct engine *engine, const struct txn *original,
                           const struct record *record, enum txn_state state)
{
    struct txn follower = {.kind = (uint8_t)record->payment_kind,
                           .amount = record->amount,
                           .counted = (uint8_t)counted_in(state)};
    struct txn_detail detail = {.difference = 0};
    if (record->kind == RECORD_ADVICE) {
        advice_take_payload(&detail, record);
    }
    if (follower.counted != COUNTED_NOT) {
        count(&txn_detail(&engine->slab, original)->standing, &follower, &detail, 1);
    }
}

void original_adopt(struct engine *engine, struct txn *txn)
{
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    const struct txn *original = engine_find_reference(engine, detail->original);
    txn->is_following = true;
    txn->counted = (uint8_t)counted_in((enum txn_state)txn->state);
    detail->original_slot = original == NULL ? 0 : txn_slot(&engine->slab, original);
}
