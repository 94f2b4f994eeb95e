/* See driver.h. The ring keeps copies: what an effect points to is good until the next step only.
 */
#include "switch/engine/driver.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/planted_bug.h"

struct driver_held {
    struct engine_effect effect;
    struct payment payment;
    uint8_t keys[RECORD_PAYLOAD_BYTES_MAX];
};

struct driver {
    struct engine *engine; /* borrowed */
    struct driver_rim rim;
    uint64_t durable, appended; /* log positions */
    bool has_failed;
    bool is_inside; /* a callback runs */
    uint32_t first, count, count_max;
    struct engine_effects effects; /* of the step at hand */
    /* The ring holds places of `held`. A place that is free again is the next one taken, so that
     * few of these large copies are in use at a time and stay in the cache. */
    uint32_t *ring, *free_places;
    uint32_t free_count, used_count; /* places below used_count were ever taken */
    struct driver_held held[];
};

struct driver *driver_create(struct engine *engine, const struct driver_rim *rim,
                             uint32_t held_count_max)
{
    REQUIRE(engine != NULL && rim != NULL);
    REQUIRE(held_count_max > ENGINE_EFFECT_COUNT_MAX);
    struct driver *driver =
        calloc(1, sizeof(*driver) + (size_t)held_count_max * sizeof(driver->held[0]));
    if (driver == NULL) {
        return NULL;
    }
    driver->engine = engine;
    driver->rim = *rim;
    driver->count_max = held_count_max;
    driver->ring = calloc(held_count_max, sizeof(driver->ring[0]));
    driver->free_places = calloc(held_count_max, sizeof(driver->free_places[0]));
    if (driver->ring == NULL || driver->free_places == NULL) {
        driver_destroy(driver);
        return NULL;
    }
    return driver;
}

void driver_destroy(struct driver *driver)
{
    if (driver == NULL) {
        return;
    }
    for (uint32_t i = 0; i < driver->count; i++) {
        payment_wipe(&driver->held[driver->ring[(driver->first + i) % driver->count_max]].payment);
    }
    free(driver->ring);
    free(driver->free_places);
    free(driver);
}

/* --- out ---------------------------------------------------------------------------------- */

static void let_out(struct driver *driver, const struct engine_effect *effect)
{
    REQUIRE(effect->after <= driver->durable);
    void *argument = driver->rim.argument;
    switch (effect->kind) {
    case ENGINE_FORWARD:
        driver->rim.forward(argument, effect);
        break;
    case ENGINE_REPLY:
        driver->rim.reply(argument, effect);
        break;
    case ENGINE_MAKE_KEYS:
        driver->rim.make_keys(argument, effect);
        break;
    case ENGINE_LOOKUP:
        driver->rim.lookup(argument, effect);
        break;
    case ENGINE_ORDERED:
        driver->rim.ordered(argument, effect);
        break;
    case ENGINE_NOTICE:
        driver->rim.notice(argument, effect);
        break;
    case ENGINE_LOG:
        REQUIRE(effect->kind != ENGINE_LOG); /* a record is never held */
        break;
    }
}

static void hold(struct driver *driver, const struct engine_effect *effect)
{
    REQUIRE(driver->count < driver->count_max);
    REQUIRE(effect->payment != NULL || effect->kind == ENGINE_ORDERED);
    uint32_t place =
        driver->free_count > 0 ? driver->free_places[--driver->free_count] : driver->used_count++;
    struct driver_held *held = &driver->held[place];
    driver->ring[(driver->first + driver->count++) % driver->count_max] = place;
    held->effect = *effect;
    held->payment.cargo_length = 0;
    if (effect->payment != NULL) {
        payment_copy(&held->payment, effect->payment);
        held->effect.payment = &held->payment;
    }
    if (effect->keys.length > 0) {
        REQUIRE(effect->keys.length <= sizeof(held->keys));
        memcpy(held->keys, effect->keys.bytes, effect->keys.length);
        held->effect.keys.bytes = held->keys;
    }
}

static void release(struct driver *driver)
{
    while (driver->count > 0) {
        uint32_t place = driver->ring[driver->first];
        struct driver_held *held = &driver->held[place];
        if (held->effect.after > driver->durable) {
            return;
        }
        let_out(driver, &held->effect);
        secret_wipe(&held->payment,
                    offsetof(struct payment, cargo_bytes) + (uint32_t)held->payment.cargo_length);
        secret_wipe(held->keys, held->effect.keys.length);
        driver->first = (driver->first + 1) % driver->count_max;
        driver->count--;
        driver->free_places[driver->free_count++] = place;
    }
}

/* --- in ----------------------------------------------------------------------------------- */

static void take_effect(struct driver *driver, const struct engine_effect *effect)
{
    if (effect->kind == ENGINE_LOG) {
        REQUIRE(effect->record->position == driver->appended + 1);
        driver->appended = effect->record->position;
        driver->rim.append(driver->rim.argument, effect->record);
    } else if (effect->after <= driver->durable) {
        let_out(driver, effect);
    } else {
        REQUIRE(effect->after <= driver->appended);
        hold(driver, effect);
    }
}

void driver_step(struct driver *driver, const struct engine_event *event)
{
    if (driver->has_failed) {
        return;
    }
    REQUIRE(!driver->is_inside);
    /* Other rules bring no effects, and must not wait for a slow log. */
    REQUIRE(event->kind == ENGINE_RULESET || !driver_is_full(driver));
    if (event->kind == ENGINE_REPLAY) {
        driver->durable = driver->appended = event->record->position;
    }
    driver->is_inside = true;
    engine_step(driver->engine, event, &driver->effects);
    for (uint32_t i = 0; i < driver->effects.count; i++) {
        take_effect(driver, &driver->effects.items[i]);
    }
    driver->is_inside = false;
}

void driver_durable(struct driver *driver, uint64_t position)
{
    if (driver->has_failed) {
        return;
    }
    REQUIRE(!driver->is_inside);
    REQUIRE(position <= driver->appended);
    driver->durable = position > driver->durable ? position : driver->durable;
    driver->is_inside = true;
    release(driver);
    driver->is_inside = false;
}

void driver_fail(struct driver *driver)
{
    if (PLANTED_BUG(8)) {
        driver_durable(driver, driver->appended);
        return;
    }
    driver->has_failed = true;
}

bool driver_has_failed(const struct driver *driver)
{
    return driver->has_failed;
}

bool driver_is_full(const struct driver *driver)
{
    return driver->count + ENGINE_EFFECT_COUNT_MAX > driver->count_max;
}

uint32_t driver_held_count(const struct driver *driver)
{
    return driver->count;
}

uint64_t driver_durable_position(const struct driver *driver)
{
    return driver->durable;
}
