/* The engine's memory: taken here, once, and given back here. Nothing else in this folder but the
 * driver's own create allocates. */
#include <stdlib.h>

#include "protocols/base/require.h"
#include "switch/engine/engine_state.h"

static void require_limits(const struct engine_limits *limits)
{
    REQUIRE(limits->txn_count_max > 0 && limits->txn_count_max < UINT32_MAX / 8);
    REQUIRE(limits->terminal_count_max > 0 && limits->terminal_count_max < UINT32_MAX / 8);
    REQUIRE(limits->usage_count_max < UINT32_MAX / 8);
    REQUIRE(limits->node <= 9);
    REQUIRE(limits->saf_window > 0);
    REQUIRE(limits->response_timeout_ns > 0);
    REQUIRE(limits->saf_retry_min_ns > 0 && limits->saf_retry_min_ns <= limits->saf_retry_max_ns);
    REQUIRE(limits->saf_life_ns > 0);
}

/* Untouched pages of calloc cost nothing, so the slab grows into its limit. */
static bool take_slab(struct engine *engine, uint32_t count_max)
{
    struct txn_slab *slab = &engine->slab;
    slab->count_max = count_max;
    slab->fresh = 1;
    slab->flight_fresh = 1;
    slab->txns = calloc((size_t)count_max + 1, sizeof(slab->txns[0]));
    slab->details = calloc((size_t)count_max + 1, sizeof(slab->details[0]));
    slab->flights = calloc((size_t)count_max + 1, sizeof(slab->flights[0]));
    slab->free_flights = calloc((size_t)count_max + 1, sizeof(slab->free_flights[0]));
    engine->retries.slots = calloc((size_t)count_max + 1, sizeof(engine->retries.slots[0]));
    return slab->txns != NULL && slab->details != NULL && slab->flights != NULL &&
           slab->free_flights != NULL && engine->retries.slots != NULL;
}

static bool take_index(struct slot_index *index, uint32_t count_max)
{
    uint32_t capacity = slot_index_capacity(count_max);
    struct slot_index_entry *entries = calloc(capacity, sizeof(*entries));
    slot_index_init(index, entries, capacity);
    return entries != NULL;
}

static bool take_references(struct engine *engine, uint32_t count_max)
{
    uint32_t capacity = slot_index_capacity(count_max);
    engine->reference_mask = capacity - 1;
    engine->references = calloc(capacity, sizeof(engine->references[0]));
    return engine->references != NULL;
}

static bool take_terminals(struct engine *engine, uint32_t count_max)
{
    struct terminal_set *set = &engine->terminals;
    set->count_max = count_max;
    set->states = calloc((size_t)count_max + 1, sizeof(set->states[0]));
    return set->states != NULL && take_index(&set->index, count_max);
}

/* Untouched entries cost nothing, as in the slab. */
static bool take_usage(struct engine *engine, const struct engine_limits *limits)
{
    uint32_t count_max =
        limits->usage_count_max != 0 ? limits->usage_count_max : limits->txn_count_max;
    struct usage_entry *entries = calloc((size_t)count_max + 1, sizeof(*entries));
    struct slot_index_entry *slots = calloc(slot_index_capacity(count_max), sizeof(*slots));
    usage_set_init(&engine->usage, entries, slots, count_max);
    return entries != NULL && slots != NULL;
}

static bool take_orders(struct engine *engine)
{
    struct order_book *book = &engine->orders;
    book->entries = calloc(ORDER_SUBJECT_COUNT_MAX + 1, sizeof(book->entries[0]));
    book->deadlines_ns = calloc(ORDER_SUBJECT_COUNT_MAX + 1, sizeof(book->deadlines_ns[0]));
    book->deadline_ns = UINT64_MAX;
    return book->entries != NULL && book->deadlines_ns != NULL &&
           take_index(&book->index, ORDER_SUBJECT_COUNT_MAX);
}

struct engine *engine_create(const struct engine_limits *limits)
{
    require_limits(limits);
    struct engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL) {
        return NULL;
    }
    engine->limits = *limits;
    channel_set_init(&engine->channels);
    engine->health = channel_health_create();
    /* A transaction may stand under two STANs: its own and its reversal's. */
    if (engine->health == NULL || !take_slab(engine, limits->txn_count_max) ||
        !take_index(&engine->keys, limits->txn_count_max) ||
        !take_index(&engine->stans, limits->txn_count_max * 2) ||
        !take_references(engine, limits->txn_count_max) ||
        !take_terminals(engine, limits->terminal_count_max) || !take_usage(engine, limits) ||
        !take_orders(engine)) {
        engine_destroy(engine);
        return NULL;
    }
    return engine;
}

void engine_destroy(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    for (uint32_t i = 0; i < ENGINE_EFFECT_COUNT_MAX; i++) {
        payment_wipe(&engine->payments[i]);
    }
    for (uint32_t i = 1; engine->slab.flights != NULL && i < engine->slab.flight_fresh; i++) {
        payment_wipe(&engine->slab.flights[i]);
    }
    channel_health_destroy(engine->health);
    free(engine->slab.txns);
    free(engine->slab.details);
    free(engine->slab.flights);
    free(engine->slab.free_flights);
    free(engine->retries.slots);
    free(engine->references);
    free(engine->keys.entries);
    free(engine->stans.entries);
    free(engine->terminals.index.entries);
    free(engine->terminals.states);
    free(engine->usage.entries);
    free(engine->usage.index.entries);
    free(engine->orders.entries);
    free(engine->orders.deadlines_ns);
    free(engine->orders.index.entries);
    free(engine);
}
