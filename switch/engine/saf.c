/* See saf.h. */
#include "switch/engine/saf.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/answer_cargo.h"
#include "switch/engine/batch.h"
#include "switch/engine/effect.h"
#include "switch/engine/original.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/response.h"
#include "switch/engine/text.h"
#include "switch/engine/txn_record.h"

#define ORIGINAL_NOT_FOUND "25"
/* Answers by which a channel says that it could not say: in progress, issuer late or not reached,
 * malfunction, no answer. */
static const char TRANSIENT_CODES[][3] = {"09", "68", "90", "91", "92", "96", "98"};
#define BACKOFF_STEP_COUNT_MAX 20         /* doublings; the longest pause cuts it off before */
#define FULL_PAUSE_NS UINT64_C(200000000) /* five looks a second at a channel without room */

/* --- states ------------------------------------------------------------------------------- */

struct saf_states {
    enum txn_state queued, ready, sent, paused;
};

static const struct saf_states *states_of(const struct txn *txn)
{
    static const struct saf_states reversal = {TXN_REVERSAL_QUEUED, TXN_REVERSAL_READY,
                                               TXN_REVERSAL_SENT, TXN_REVERSAL_PAUSED};
    static const struct saf_states advice = {TXN_ADVICE_QUEUED, TXN_ADVICE_READY, TXN_ADVICE_SENT,
                                             TXN_ADVICE_PAUSED};
    return txn->is_advised ? &advice : &reversal;
}

static uint16_t attempt_of(const struct txn *txn)
{
    return txn->is_advised ? txn->attempt : txn->reversal_attempt;
}

static uint16_t *attempt_count(struct txn *txn)
{
    return txn->is_advised ? &txn->attempt : &txn->reversal_attempt;
}

bool saf_resends(const struct engine *engine, const struct txn *txn)
{
    bool is_void = txn->kind == PAYMENT_VOID &&
                   (txn->is_advised || engine->channels.states[txn->channel].voids_are_refunds);
    return txn->kind == PAYMENT_REFUND || is_void;
}

/* --- lanes -------------------------------------------------------------------------------- */

static struct txn_list *lane_of(struct engine *engine, const struct txn *txn)
{
    /* Place 0 is the lane of restored terminals for which there was no room. */
    REQUIRE(txn->terminal <= engine->terminals.count);
    return &engine->terminals.states[txn->terminal].lane;
}

/* The oldest reversal of the lane that goes to this channel; 0: none. */
static uint32_t lane_first(const struct engine *engine, const struct txn_list *lane,
                           uint8_t channel)
{
    const struct txn *txns = engine->slab.txns;
    uint32_t slot = lane->first;
    while (slot != 0 && txns[slot].channel != channel) {
        slot = txns[slot].links[TXN_LINK_LANE].next;
    }
    return slot;
}

static void enlist(struct engine *engine, struct txn *txn)
{
    REQUIRE(!txn->is_listed);
    uint32_t slot = txn_slot(&engine->slab, txn);
    struct txn_list *lane = lane_of(engine, txn);
    bool is_first = lane_first(engine, lane, txn->channel) == 0;
    txn->saf_begun_ns = engine->now_ns;
    txn->is_listed = true;
    txn_list_append(&engine->slab, lane, slot, TXN_LINK_LANE);
    txn_list_append(&engine->slab, &engine->life, slot, TXN_LINK_LIFE);
    const struct saf_states *states = states_of(txn);
    engine_move(engine, txn, is_first ? states->ready : states->queued, 0);
}

void saf_close(struct engine *engine, struct txn *txn, enum txn_state state)
{
    REQUIRE(txn_state_class(state) == TXN_CLASS_KEPT || state == TXN_SERVICE_CASE);
    uint32_t slot = txn_slot(&engine->slab, txn);
    engine_move(engine, txn, state, engine->now_ns + engine->limits.duplicate_window_ns);
    if (!txn->is_listed) {
        return; /* a case that the channel ended after all */
    }
    struct txn_list *lane = lane_of(engine, txn);
    txn_list_remove(&engine->slab, lane, slot, TXN_LINK_LANE);
    txn_list_remove(&engine->slab, &engine->life, slot, TXN_LINK_LIFE);
    txn->is_listed = false;
    uint32_t next = lane_first(engine, lane, txn->channel);
    struct txn *follower = &engine->slab.txns[next];
    if (next != 0 && follower->state == states_of(follower)->queued) {
        engine_move(engine, follower, states_of(follower)->ready, 0);
    }
}

/* --- beginning ---------------------------------------------------------------------------- */

/* The terminal's own words where it reversed; else "no answer in time", or "our fault". */
static void choose_codes(struct txn_detail *detail, enum txn_reason reason)
{
    if (reason == TXN_REASON_TERMINAL_REVERSED) {
        if (detail->reversal_reason[0] == 0) {
            text_set_code(detail->reversal_reason, "98");
        }
        return;
    }
    text_set_code(detail->reversal_reason, reason == TXN_REASON_MISMATCH ? "96" : "98");
    /* What the terminal was told before a late approval stays what it is told. */
    if (reason != TXN_REASON_LATE_APPROVAL) {
        text_set_code(detail->response_code, txn_reason_code(reason));
    }
}

void saf_open(struct engine *engine, struct txn *txn, enum txn_reason reason)
{
    REQUIRE(!txn->is_listed);
    if (txn->reversal_reference.epoch == 0) {
        txn->reversal_reference = engine_next_reference(engine);
    }
    if (!txn->is_reversal_indexed) {
        uint32_t stan = engine_next_stan(engine, txn->channel);
        if (stan != 0) {
            engine_set_reversal_stan(engine, txn, stan);
        }
    }
    choose_codes(txn_detail(&engine->slab, txn), reason);
    txn->is_closed_by_25 = false;
    txn->not_found_ns = 0;
    if (reason != TXN_REASON_LATE_APPROVAL) {
        txn->reason = (uint16_t)reason;
    }
    engine->terminals.states[txn->terminal].reversals++;
    enlist(engine, txn);
    struct record *record = record_of_txn(engine, txn, RECORD_REVERSAL);
    record->reason = (uint16_t)reason;
    batch_take_back(engine, txn, record);
    txn->settled_position = record->position;
}

void saf_restore(struct engine *engine, struct txn *txn, enum txn_reason reason)
{
    choose_codes(txn_detail(&engine->slab, txn), reason);
    txn->is_closed_by_25 = false;
    txn->not_found_ns = 0;
    /* Whether an attempt left before the restart is not written; the next one says "repeat". */
    txn->reversal_attempt = txn->reversal_attempt == 0 ? 1 : txn->reversal_attempt;
    enlist(engine, txn);
}

struct record *saf_open_advice(struct engine *engine, struct txn *txn, enum txn_reason reason)
{
    REQUIRE(!txn->is_listed);
    txn->reason = (uint16_t)reason;
    text_set_code(txn_detail(&engine->slab, txn)->response_code, txn_reason_code(reason));
    txn->is_advised = true;
    enlist(engine, txn);
    struct record *record = record_of_txn(engine, txn, RECORD_ADVICE);
    batch_on_begun(engine, txn->terminal, record);
    txn->settled_position = record->position;
    return record;
}

void saf_restore_advice(struct engine *engine, struct txn *txn)
{
    txn->is_advised = true;
    txn->attempt = txn->attempt == 0 ? 1 : txn->attempt;
    enlist(engine, txn);
}

/* --- sending ------------------------------------------------------------------------------ */

/* What a reversal and a delivery have in common. */
static void put_words(const struct engine *engine, const struct txn *txn, struct payment *payment)
{
    const struct txn_detail *detail = txn_detail(&engine->slab, txn);
    payment_clear(payment);
    payment->leg = PAYMENT_REQUEST;
    payment->is_repeat = attempt_of(txn) > 1;
    payment->batch = txn->batch;
    payment->amount = txn->amount;
    payment->pan_hash = txn->pan_hash;
    payment->pan_sealed = detail->pan_sealed;
    TEXT_COPY(payment->terminal_id, txn->terminal_id);
    TEXT_COPY(payment->merchant_id, txn->merchant_id);
    TEXT_COPY(payment->processing_code, detail->processing_code);
    TEXT_COPY(payment->condition_code, detail->condition_code);
    TEXT_COPY(payment->type_code, detail->type_code);
    TEXT_COPY(payment->entry_mode, detail->entry_mode);
    TEXT_COPY(payment->expiry, detail->expiry);
    TEXT_COPY(payment->card_sequence, detail->card_sequence);
    TEXT_COPY(payment->rrn, detail->rrn);
    TEXT_COPY(payment->mcc, detail->mcc);
    TEXT_COPY(payment->acquirer_id, engine->limits.acquirer_id);
    TEXT_COPY(payment->sent_at, engine->wall.sent_at);
    TEXT_COPY(payment->local_time, engine->wall.local_time);
    TEXT_COPY(payment->local_date, engine->wall.local_date);
}

static void build_reversal(const struct engine *engine, const struct txn *txn,
                           struct payment *payment)
{
    const struct txn_detail *detail = txn_detail(&engine->slab, txn);
    put_words(engine, txn, payment);
    payment->kind = PAYMENT_REVERSAL;
    payment->original_kind = (enum payment_kind)txn->kind;
    payment->stan = txn->reversal_stan;
    TEXT_COPY(payment->reversal_reason, detail->reversal_reason);
    TEXT_COPY(payment->auth_code, detail->auth_code);
    original_quote(engine, txn, &payment->original);
    payment->original.batch = txn->batch;
}

/* The same words at every attempt: trace and time are what the channel tells a repeat by. */
static void build_delivery(const struct engine *engine, const struct txn *txn,
                           struct payment *payment)
{
    const struct txn_detail *detail = txn_detail(&engine->slab, txn);
    put_words(engine, txn, payment);
    payment->kind = (enum payment_kind)txn->kind;
    payment->stan = txn->channel_stan;
    payment->original = detail->quoted;
    TEXT_COPY(payment->sent_at, detail->sent_at);
    memcpy(payment->local_date, detail->sent_at, 4);
    memcpy(payment->local_time, detail->sent_at + 4, 6);
    if (!saf_resends(engine, txn)) {
        answer_cargo_unpack(payment, (struct byte_view){detail->answer, detail->answer_length});
    }
}

/* Whether it has a STAN of its channel, which all its attempts carry. */
static bool has_stan(struct engine *engine, struct txn *txn)
{
    bool is_indexed = txn->is_advised ? txn->is_stan_indexed : txn->is_reversal_indexed;
    if (is_indexed && PLANTED_BUG(24) && txn->is_advised && txn->attempt > 0) {
        engine_unindex_stan(engine, txn, txn->channel_stan);
        is_indexed = false;
    }
    uint32_t stan = is_indexed ? 0 : engine_next_stan(engine, txn->channel);
    if (stan == 0) {
        return is_indexed;
    }
    if (txn->is_advised) {
        engine_set_stan(engine, txn, stan);
    } else {
        engine_set_reversal_stan(engine, txn, stan);
    }
    return true;
}

static void send_attempt(struct engine *engine, struct txn *txn)
{
    uint16_t *attempt = attempt_count(txn);
    struct channel_state *channel = &engine->channels.states[txn->channel];
    if (*attempt < UINT16_MAX) {
        (*attempt)++;
    }
    channel->opens_ns = channel->paced_count > 0 ? engine->now_ns + FULL_PAUSE_NS : 0;
    engine_move(engine, txn, states_of(txn)->sent,
                engine->now_ns + engine->limits.response_timeout_ns);
    struct payment *payment = effect_payment(engine);
    if (txn->is_advised) {
        build_delivery(engine, txn, payment);
    } else {
        build_reversal(engine, txn, payment);
    }
    struct engine_effect *effect = effect_add(engine, ENGINE_FORWARD);
    effect->after = txn->settled_position;
    effect->reason = (enum txn_reason)txn->reason;
    effect->txn = engine_handle(engine, txn);
    effect->channel = channel->ruleset_index;
    effect->attempt = *attempt;
    effect->payment = payment;
}

/* When the next attempt may leave, as far as is known: 0, or the end of the channel's pause;
 * UINT64_MAX: not before something else happens. */
static uint64_t channel_opens_ns(const struct engine *engine, uint8_t number)
{
    const struct channel_state *channel = &engine->channels.states[number];
    if (!channel_set_is_usable(&engine->channels, number) ||
        channel->window_used >= engine->limits.saf_window) {
        return UINT64_MAX;
    }
    return channel->opens_ns > engine->now_ns ? channel->opens_ns : 0;
}

uint64_t saf_opens_ns(const struct engine *engine)
{
    uint64_t opens = UINT64_MAX;
    for (uint8_t number = 0; number < engine->channels.count; number++) {
        if ((engine->channels.ready_mask >> number & 1) != 0) {
            uint64_t at = channel_opens_ns(engine, number);
            opens = at < opens ? at : opens;
        }
    }
    return opens;
}

/* --- what comes of it --------------------------------------------------------------------- */

/* Doubles with each attempt up to the longest pause; the random part keeps many from meeting. */
static uint64_t pause_ns(const struct engine *engine, const struct txn *txn)
{
    uint64_t shortest = engine->limits.saf_retry_min_ns, longest = engine->limits.saf_retry_max_ns;
    uint64_t pause = shortest;
    for (uint32_t i = 1; i < attempt_of(txn) && i < BACKOFF_STEP_COUNT_MAX; i++) {
        pause = pause > longest / 2 ? longest : pause * 2;
    }
    uint64_t draw = hash_mix(engine->random + txn_slot(&engine->slab, txn));
    return shortest + draw % (pause - shortest + 1);
}

static void pause_attempts(struct engine *engine, struct txn *txn)
{
    engine_move(engine, txn, states_of(txn)->paused, engine->now_ns + pause_ns(engine, txn));
}

/* One attempt, or, where the channel has no STAN left at all, another pause. */
static void send_first(struct engine *engine, struct txn *txn)
{
    if (has_stan(engine, txn)) {
        send_attempt(engine, txn);
    } else {
        pause_attempts(engine, txn);
    }
}

void saf_pump(struct engine *engine)
{
    const uint8_t count = (uint8_t)engine->channels.count;
    for (uint8_t number = 0; number < count; number++) {
        struct channel_state *channel = &engine->channels.states[number];
        while (channel->ready.count > 0 && channel_opens_ns(engine, number) == 0) {
            if (!effect_has_room(engine, 1, 0)) {
                return;
            }
            send_first(engine, &engine->slab.txns[channel->ready.first]);
        }
    }
}

void saf_on_silence(struct engine *engine, struct txn *txn)
{
    REQUIRE(txn->state == states_of(txn)->sent);
    if (PLANTED_BUG(5) && !txn->is_advised) {
        saf_close(engine, txn, TXN_REVERSED);
        return;
    }
    if (PLANTED_BUG(15) && txn->is_advised) {
        saf_close(engine, txn, TXN_APPROVED);
        return;
    }
    pause_attempts(engine, txn);
}

void saf_on_full(struct engine *engine, struct txn *txn)
{
    struct channel_state *channel = &engine->channels.states[txn->channel];
    REQUIRE(txn->state == states_of(txn)->sent);
    REQUIRE(attempt_of(txn) > 0);
    (*attempt_count(txn))--;
    engine_move(engine, txn, states_of(txn)->ready, 0);
    channel->paced_count = engine->limits.saf_window;
    channel->opens_ns = engine->now_ns + FULL_PAUSE_NS;
}

void saf_on_room(struct engine *engine, uint8_t number)
{
    struct channel_state *channel = &engine->channels.states[number];
    channel->opens_ns = 0;
    if (channel->paced_count > 0) {
        channel->paced_count--;
    }
}

/* Walks what waits for an answer, of whatever channel: a bounded list, and links are lost seldom.
 */
void saf_on_channel_down(struct engine *engine, uint8_t number)
{
    uint32_t slot = engine->lists[TXN_CLASS_RESPONSE].first;
    while (slot != 0) {
        struct txn *txn = &engine->slab.txns[slot];
        slot = txn->links[TXN_LINK_QUEUE].next; /* before it leaves the list */
        if (txn->channel == number && txn->state == states_of(txn)->sent) {
            saf_on_silence(engine, txn);
        }
    }
}

void saf_on_due(struct engine *engine, struct txn *txn)
{
    engine_move(engine, txn, states_of(txn)->ready, 0);
}

/* Out of store-and-forward, for an operator to decide. */
static struct record *open_case(struct engine *engine, struct txn *txn, enum txn_reason reason)
{
    saf_close(engine, txn, TXN_SERVICE_CASE);
    struct record *record =
        record_of_txn(engine, txn, txn->is_advised ? RECORD_ADVICE_CASE : RECORD_REVERSAL_CASE);
    record->reason = (uint16_t)reason;
    effect_notice(engine, reason, txn, NULL);
    return record;
}

void saf_on_outlived(struct engine *engine, struct txn *txn)
{
    open_case(engine, txn,
              txn->is_advised ? TXN_REASON_ADVICE_OUTLIVED : TXN_REASON_REVERSAL_OUTLIVED);
}

/* When the attempt left that is unanswered; 0: none is, and an answer is to one given up. */
static uint64_t asked_ns(const struct engine *engine, const struct txn *txn)
{
    bool is_asked = txn->state == TXN_REVERSAL_SENT;
    return is_asked ? txn->deadline_ns - engine->limits.response_timeout_ns : 0;
}

/* "Original not found" ends it only when the original can no longer be on its way (I9). How long
 * the driver held the original for the log is not known here; but it left before its reversal did,
 * so its life is counted from the first such answer, up to when the attempt left that is answered
 * now: an answer may have been under way for long, and the original have come behind it. */
static bool is_final(const struct engine *engine, struct txn *txn, const char code[3])
{
    if (strcmp(code, ORIGINAL_NOT_FOUND) != 0) {
        return payment_is_approval(code);
    }
    txn->not_found_ns = txn->not_found_ns == 0 ? engine->now_ns : txn->not_found_ns;
    return PLANTED_BUG(7) ||
           asked_ns(engine, txn) >= txn->not_found_ns + engine->limits.inflight_life_ns;
}

void saf_on_response(struct engine *engine, struct txn *txn, const struct payment *response)
{
    bool is_open = txn->is_listed || txn->state == TXN_SERVICE_CASE;
    if (is_open && is_final(engine, txn, response->response_code)) {
        txn->is_closed_by_25 = strcmp(response->response_code, ORIGINAL_NOT_FOUND) == 0;
        saf_close(engine, txn, TXN_REVERSED);
        struct record *record = record_of_txn(engine, txn, RECORD_REVERSAL_DONE);
        TEXT_COPY(record->response_code, response->response_code);
        /* Posted after a cut-over it counts for the new day, its original stays where it was (I18).
         */
        record->settlement_day = response_settlement_day(engine, txn, response);
    } else if (txn->state == TXN_REVERSAL_SENT) {
        pause_attempts(engine, txn);
    }
}

/* --- deliveries --------------------------------------------------------------------------- */

bool saf_is_final(const struct payment *response)
{
    for (size_t i = 0; i < sizeof(TRANSIENT_CODES) / sizeof(TRANSIENT_CODES[0]); i++) {
        if (strcmp(response->response_code, TRANSIENT_CODES[i]) == 0) {
            return false;
        }
    }
    return true;
}

static void end_delivery(struct engine *engine, struct txn *txn, const struct payment *response)
{
    bool is_approval = payment_is_approval(response->response_code);
    saf_close(engine, txn, is_approval ? TXN_APPROVED : TXN_DECLINED);
    txn_detail(&engine->slab, txn)->settlement_day = response_settlement_day(engine, txn, response);
    struct record *record = record_of_txn(engine, txn, RECORD_ADVICE_DONE);
    TEXT_COPY(record->response_code, response->response_code);
    if (saf_resends(engine, txn)) { /* only now it is known to count */
        txn->settled_position = record->position;
        if (is_approval) {
            batch_add(engine, txn, record);
        }
    }
}

void saf_on_acknowledgement(struct engine *engine, struct txn *txn, const struct payment *response)
{
    REQUIRE(txn->is_advised);
    bool is_done = payment_is_approval(response->response_code) || saf_resends(engine, txn);
    if (!saf_is_final(response)) {
        if (txn->state == TXN_ADVICE_SENT) {
            pause_attempts(engine, txn);
        }
    } else if (is_done || PLANTED_BUG(22)) {
        end_delivery(engine, txn, response);
    } else if (txn->state != TXN_SERVICE_CASE) {
        struct record *record = open_case(engine, txn, TXN_REASON_ADVICE_DECLINED);
        TEXT_COPY(record->response_code, response->response_code);
    }
}
