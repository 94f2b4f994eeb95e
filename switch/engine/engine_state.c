/* See engine_state.h. */
#include "switch/engine/engine_state.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "switch/engine/breaker.h"
#include "switch/engine/effect.h"
#include "switch/engine/original.h"
#include "switch/engine/usage_move.h"

#define SPARED_COUNT_MAX 64 /* answered ones that a full slab passes over at once */
#define SEQ_MAX 9999999u    /* seven digits of the RRN */
/* STANs tried before a channel counts as full; the counter goes on, so the next try gets further.
 */
#define STAN_TRY_COUNT_MAX 65536

/* --- states ------------------------------------------------------------------------------- */

static void leave_queue(struct engine *engine, struct txn *txn, uint32_t slot)
{
    enum txn_class class = txn_state_class(txn->state);
    if (class == TXN_CLASS_RETRY) {
        retry_heap_drop(&engine->retries, &engine->slab, slot);
    } else if (class == TXN_CLASS_CHANNEL) {
        struct channel_state *channel = &engine->channels.states[txn->channel];
        txn_list_remove(&engine->slab, &channel->ready, slot, TXN_LINK_QUEUE);
        if (channel->ready.count == 0) {
            engine->channels.ready_mask &= ~(UINT64_C(1) << txn->channel);
        }
    } else if (class != TXN_CLASS_NONE) {
        txn_list_remove(&engine->slab, &engine->lists[class], slot, TXN_LINK_QUEUE);
    }
}

static void enter_queue(struct engine *engine, struct txn *txn, uint32_t slot)
{
    enum txn_class class = txn_state_class(txn->state);
    if (class == TXN_CLASS_RETRY) {
        retry_heap_put(&engine->retries, &engine->slab, slot);
    } else if (class == TXN_CLASS_CHANNEL) {
        struct channel_state *channel = &engine->channels.states[txn->channel];
        txn_list_append(&engine->slab, &channel->ready, slot, TXN_LINK_QUEUE);
        engine->channels.ready_mask |= UINT64_C(1) << txn->channel;
    } else if (class != TXN_CLASS_NONE) {
        txn_list_append(&engine->slab, &engine->lists[class], slot, TXN_LINK_QUEUE);
    }
}

/* Something that store-and-forward sent is unanswered. */
static bool is_attempt(enum txn_state state)
{
    return state == TXN_REVERSAL_SENT || state == TXN_ADVICE_SENT;
}

void engine_move(struct engine *engine, struct txn *txn, enum txn_state state, uint64_t deadline_ns)
{
    REQUIRE(txn_state_may_follow(txn->state, state));
    uint32_t slot = txn_slot(&engine->slab, txn);
    leave_queue(engine, txn, slot);
    if (is_attempt(txn->state)) {
        engine->channels.states[txn->channel].window_used--;
        engine->reversals_in_flight--;
    }
    if (txn->is_probe && state != TXN_FORWARDED) {
        breaker_on_gone(engine, txn);
    }
    txn->state = (uint8_t)state;
    txn->deadline_ns = deadline_ns;
    if (is_attempt(state)) {
        engine->channels.states[txn->channel].window_used++;
        engine->reversals_in_flight++;
    }
    enter_queue(engine, txn, slot);
    if (txn->is_following) {
        original_count(engine, txn);
    }
    usage_on_move(engine, txn);
}

void engine_forget(struct engine *engine, struct txn *txn)
{
    uint32_t slot = txn_slot(&engine->slab, txn);
    REQUIRE(!txn->is_listed);
    engine_unindex_key(engine, txn);
    engine_unindex_reference(engine, txn);
    engine_unindex_stan(engine, txn, txn->channel_stan);
    engine_unindex_stan(engine, txn, txn->reversal_stan);
    txn_slab_give_flight(&engine->slab, slot);
    engine_move(engine, txn, TXN_FREE, 0);
    txn_slab_give(&engine->slab, slot);
}

static uint32_t key_hash(const char terminal_id[9], uint32_t batch, uint32_t stan)
{
    uint64_t word = 0;
    memcpy(&word, terminal_id, sizeof(word));
    return (uint32_t)hash_mix(word ^ ((uint64_t)batch << 32 | stan) * UINT64_C(0x9E3779B97F4A7C15));
}

/* In a full slab each new transaction evicts the oldest answered one, whose place in the index lies
 * cold. It is known one eviction ahead, so it is fetched meanwhile. */
static void fetch_oldest(const struct engine *engine)
{
    uint32_t oldest = engine->lists[TXN_CLASS_KEPT].first;
    const struct txn *txn = &engine->slab.txns[oldest];
    __builtin_prefetch(&engine->keys.entries[txn->key_hash & engine->keys.mask], 1);
    __builtin_prefetch(&engine->slab.txns[txn->links[TXN_LINK_QUEUE].next], 1);
}

void engine_fetch_key(const struct engine *engine, struct txn_key key)
{
    uint32_t hash = key_hash(key.terminal_id, key.batch, key.stan);
    __builtin_prefetch(&engine->keys.entries[hash & engine->keys.mask], 1);
}

/* The answered transaction that gives way next; 0: there is none. A reversal that code 25 closed
 * stays as long as its original may still be approved: only memory knows the STAN by which that
 * answer is told (I9). It goes behind the others; where all are such, the oldest gives way. */
static uint32_t oldest_kept(struct engine *engine)
{
    struct txn_list *kept = &engine->lists[TXN_CLASS_KEPT];
    for (uint32_t tries = 0; tries < SPARED_COUNT_MAX && kept->first != 0; tries++) {
        const struct txn *txn = &engine->slab.txns[kept->first];
        if (!txn->is_closed_by_25 || txn->deadline_ns <= engine->now_ns) {
            break;
        }
        uint32_t slot = kept->first;
        txn_list_remove(&engine->slab, kept, slot, TXN_LINK_QUEUE);
        txn_list_append(&engine->slab, kept, slot, TXN_LINK_QUEUE);
    }
    return kept->first;
}

struct txn *engine_take_txn(struct engine *engine)
{
    uint32_t slot = txn_slab_take(&engine->slab);
    if (slot == 0) {
        uint32_t oldest = oldest_kept(engine);
        uint32_t tombstone = engine->lists[TXN_CLASS_TOMBSTONE].first;
        if (tombstone != 0 && engine->slab.txns[tombstone].deadline_ns <= engine->now_ns) {
            oldest = tombstone;
        }
        if (oldest == 0) {
            return NULL;
        }
        engine_forget(engine, &engine->slab.txns[oldest]);
        fetch_oldest(engine);
        slot = txn_slab_take(&engine->slab);
        REQUIRE(slot != 0);
    }
    return &engine->slab.txns[slot];
}

struct txn_handle engine_handle(const struct engine *engine, const struct txn *txn)
{
    return (struct txn_handle){txn_slot(&engine->slab, txn), txn->generation};
}

/* --- references --------------------------------------------------------------------------- */

void engine_begin_epoch(struct engine *engine, uint32_t epoch)
{
    engine->reference = (struct txn_reference){.epoch = epoch, .seq = 0};
    struct record *record = effect_log(engine, RECORD_EPOCH);
    record->txn = engine->reference;
    engine->epoch_position = record->position;
}

struct txn_reference engine_next_reference(struct engine *engine)
{
    REQUIRE(engine->is_running);
    if (engine->reference.seq == SEQ_MAX) {
        engine_begin_epoch(engine, engine->reference.epoch + 1);
    }
    engine->reference.seq++;
    return engine->reference;
}

void engine_format_rrn(const struct engine *engine, char rrn[13], struct txn_reference reference)
{
    REQUIRE(engine->limits.node <= 9);
    rrn[0] = (char)('0' + engine->limits.node);
    digits_format(rrn + 1, reference.epoch % 10000, 4);
    digits_format(rrn + 5, reference.seq, 7);
    rrn[12] = 0;
}

/* --- indexes ------------------------------------------------------------------------------ */

struct txn_key engine_key_of(const struct payment *payment)
{
    return (struct txn_key){payment->terminal_id, payment->merchant_id, payment->batch,
                            payment->stan};
}

struct txn *engine_find_key(const struct engine *engine, struct txn_key key)
{
    uint32_t hash = key_hash(key.terminal_id, key.batch, key.stan);
    struct slot_probe probe = slot_index_begin(&engine->keys, hash);
    for (uint32_t slot = slot_index_next(&engine->keys, &probe); slot != 0;
         slot = slot_index_next(&engine->keys, &probe)) {
        struct txn *txn = &engine->slab.txns[slot];
        if (txn->stan == key.stan && txn->batch == key.batch &&
            strcmp(txn->terminal_id, key.terminal_id) == 0 &&
            strcmp(txn->merchant_id, key.merchant_id) == 0) {
            return txn;
        }
    }
    return NULL;
}

/* References follow one another, so their places do: memory is touched in order. Those of other
 * epochs meet them there, so each place has a chain; a log of many runs would lose some else, and a
 * replay with them what is used of an original. */
static uint32_t reference_place(const struct engine *engine, struct txn_reference reference)
{
    return (reference.seq + reference.epoch % 10000 * UINT32_C(0x9E3779B1)) &
           engine->reference_mask;
}

struct txn *engine_find_reference(const struct engine *engine, struct txn_reference reference)
{
    uint32_t slot = engine->references[reference_place(engine, reference)];
    while (slot != 0) {
        struct txn *txn = &engine->slab.txns[slot];
        if (txn->reference.epoch == reference.epoch && txn->reference.seq == reference.seq) {
            return txn;
        }
        slot = txn->reference_next;
    }
    return NULL;
}

struct txn *engine_find_rrn(const struct engine *engine, const char rrn[13])
{
    uint64_t epoch = 0, seq = 0;
    if (strnlen(rrn, 13) != 12 ||
        digits_parse(&epoch, rrn + 1, 4, (struct number_range){0, 9999}) != STATUS_OK ||
        digits_parse(&seq, rrn + 5, 7, (struct number_range){1, SEQ_MAX}) != STATUS_OK) {
        return NULL;
    }
    struct txn_reference reference = {(uint32_t)epoch, (uint32_t)seq};
    uint32_t slot = engine->references[reference_place(engine, reference)];
    /* The number shows four digits of the epoch only; what the transaction was given decides. */
    while (slot != 0) {
        if (strcmp(txn_detail(&engine->slab, &engine->slab.txns[slot])->rrn, rrn) == 0) {
            return &engine->slab.txns[slot];
        }
        slot = engine->slab.txns[slot].reference_next;
    }
    return NULL;
}

void engine_index_reference(struct engine *engine, struct txn *txn)
{
    if (txn->is_reference_indexed) {
        return;
    }
    uint32_t *head = &engine->references[reference_place(engine, txn->reference)];
    txn->reference_next = *head;
    *head = txn_slot(&engine->slab, txn);
    txn->is_reference_indexed = true;
}

void engine_unindex_reference(struct engine *engine, struct txn *txn)
{
    if (!txn->is_reference_indexed) {
        return;
    }
    uint32_t slot = txn_slot(&engine->slab, txn);
    uint32_t *link = &engine->references[reference_place(engine, txn->reference)];
    while (*link != slot) {
        REQUIRE(*link != 0); /* its reference is another one than it was put under */
        link = &engine->slab.txns[*link].reference_next;
    }
    *link = txn->reference_next;
    txn->is_reference_indexed = false;
}

void engine_index_key(struct engine *engine, struct txn *txn)
{
    REQUIRE(!txn->is_key_indexed);
    txn->key_hash = key_hash(txn->terminal_id, txn->batch, txn->stan);
    slot_index_put(&engine->keys, txn->key_hash, txn_slot(&engine->slab, txn));
    txn->is_key_indexed = true;
    engine_index_reference(engine, txn);
}

void engine_unindex_key(struct engine *engine, struct txn *txn)
{
    if (txn->is_key_indexed) {
        slot_index_drop(&engine->keys, txn->key_hash, txn_slot(&engine->slab, txn));
        txn->is_key_indexed = false;
    }
}

/* STANs follow one another, so eight of them share two cache lines of the index, with a gap after
 * each: a drop walks to the end of its run, and runs must stay short. */
static uint32_t stan_hash(uint8_t channel, uint32_t stan)
{
    uint64_t group = hash_mix((uint64_t)channel << 32 | stan / 8);
    return ((uint32_t)group & ~UINT32_C(15)) | stan % 8 * 2;
}

static bool txn_uses_stan(const struct txn *txn, uint8_t channel, uint32_t stan)
{
    return txn->channel == channel && ((txn->is_stan_indexed && txn->channel_stan == stan) ||
                                       (txn->is_reversal_indexed && txn->reversal_stan == stan));
}

struct txn *engine_find_stan(const struct engine *engine, uint8_t channel, uint32_t stan)
{
    struct slot_probe probe = slot_index_begin(&engine->stans, stan_hash(channel, stan));
    for (uint32_t slot = slot_index_next(&engine->stans, &probe); slot != 0;
         slot = slot_index_next(&engine->stans, &probe)) {
        struct txn *txn = &engine->slab.txns[slot];
        if (txn_uses_stan(txn, channel, stan)) {
            return txn;
        }
    }
    return NULL;
}

void engine_set_stan(struct engine *engine, struct txn *txn, uint32_t stan)
{
    REQUIRE(!txn->is_stan_indexed);
    REQUIRE(stan > 0 && stan <= CHANNEL_STAN_MAX);
    txn->channel_stan = stan;
    txn->is_stan_indexed = true;
    slot_index_put(&engine->stans, stan_hash(txn->channel, stan), txn_slot(&engine->slab, txn));
}

void engine_set_reversal_stan(struct engine *engine, struct txn *txn, uint32_t stan)
{
    REQUIRE(!txn->is_reversal_indexed);
    REQUIRE(stan > 0 && stan <= CHANNEL_STAN_MAX);
    txn->reversal_stan = stan;
    txn->is_reversal_indexed = true;
    slot_index_put(&engine->stans, stan_hash(txn->channel, stan), txn_slot(&engine->slab, txn));
}

void engine_unindex_stan(struct engine *engine, struct txn *txn, uint32_t stan)
{
    uint32_t slot = txn_slot(&engine->slab, txn);
    if (txn->is_stan_indexed && txn->channel_stan == stan) {
        slot_index_drop(&engine->stans, stan_hash(txn->channel, stan), slot);
        txn->is_stan_indexed = false;
    }
    if (txn->is_reversal_indexed && txn->reversal_stan == stan) {
        slot_index_drop(&engine->stans, stan_hash(txn->channel, stan), slot);
        txn->is_reversal_indexed = false;
    }
}

/* An answered transaction lends its STAN out again; one that the channel may still speak of
 * does not. */
static bool stan_may_go(const struct engine *engine, const struct txn *txn)
{
    if (txn->state == TXN_REVERSED) {
        return engine->now_ns - txn->forwarded_ns >= engine->limits.inflight_life_ns;
    }
    return txn->state == TXN_APPROVED || txn->state == TXN_DECLINED;
}

uint32_t engine_next_stan(struct engine *engine, uint8_t channel)
{
    REQUIRE(channel < engine->channels.count);
    struct channel_state *state = &engine->channels.states[channel];
    for (uint32_t tries = 0; tries < STAN_TRY_COUNT_MAX; tries++) {
        state->stan = state->stan % CHANNEL_STAN_MAX + 1;
        struct txn *holder = engine_find_stan(engine, channel, state->stan);
        if (holder == NULL) {
            return state->stan;
        }
        if (stan_may_go(engine, holder)) {
            engine_unindex_stan(engine, holder, state->stan);
            return state->stan;
        }
    }
    return 0;
}
