/* The write-ahead driver: the one place where effects meet the world, and the rule of pillar 2.
 *
 * Records go to the log at once, in order. Every other effect waits in a ring until the position it
 * names is durable, then goes out in order. The ring is bounded; while it lacks room for one more
 * step's effects the driver is full, and the rim stops reading (back-pressure, I25).
 *
 * An effect whose position is durable already, or that depends on none, goes out inside the step.
 * Records read back by REPLAY count as durable.
 *
 * Life:  driver_create -> step / durable ... -> (fail) -> driver_destroy
 */
#pragma once

#include "switch/engine/engine.h"

/* What the rim does. Each is called inside driver_step() or driver_durable(); none may call back
 * into the driver (completions come as later events). */
struct driver_rim {
    void (*append)(void *argument, const struct record *record);
    void (*forward)(void *argument, const struct engine_effect *effect);
    void (*reply)(void *argument, const struct engine_effect *effect);
    void (*make_keys)(void *argument, const struct engine_effect *effect);
    void (*lookup)(void *argument, const struct engine_effect *effect);
    void (*ordered)(void *argument, const struct engine_effect *effect);
    void (*notice)(void *argument, const struct engine_effect *effect);
    void *argument;
};

struct driver;

/* `held_count_max`: effects that may wait for the log at once; more than one step's
 * (ENGINE_EFFECT_COUNT_MAX). The engine is borrowed. NULL: no memory. */
struct driver *driver_create(struct engine *engine, const struct driver_rim *rim,
                             uint32_t held_count_max);
void driver_destroy(struct driver *driver);

void driver_step(struct driver *driver, const struct engine_event *event);
/* All positions up to this one are on disk. */
void driver_durable(struct driver *driver, uint64_t position);
/* A write or sync of the log has failed: from here on nothing is stepped and no effect ever leaves
 * (I22). The rim stops the process; restart decides from the log. */
void driver_fail(struct driver *driver);
bool driver_has_failed(const struct driver *driver);
/* While it is full no event but RULESET may be stepped. */
bool driver_is_full(const struct driver *driver);
uint32_t driver_held_count(const struct driver *driver);
uint64_t driver_durable_position(const struct driver *driver);
