/* The database as the watcher's sink: the clerk makes cases of flags, and the registry is read
 * beside it.
 *
 * Life:  watch_desk_create -> watch_desk_sink, used by one thread ... -> watch_desk_destroy
 */
#pragma once

#include "switch/followup/clerk.h"
#include "switch/followup/watch_sink.h"

#define WATCH_DESK_NAME "aftersales.db"

struct watch_desk;

struct watch_desk_setup {
    const char *folder; /* copied; it and the database are made when the sink is opened */
    /* As clerk_setup.on_effect, on the sink's thread, for orders to the switch; what goes to people
     * is put into the outbox here. */
    enum clerk_answer (*on_effect)(void *argument, const struct clerk_effect *effect);
    /* Called with each time that is told: what became since of effects that were LATER, `room` at
     * most. */
    uint32_t (*settled_take)(void *argument, struct clerk_outcome *outcomes, uint32_t room);
    void *argument;
};

/* NULL: no memory, or the path is too long. */
struct watch_desk *watch_desk_create(const struct watch_desk_setup *setup);
void watch_desk_destroy(struct watch_desk *desk);
/* Good for as long as the desk lives. */
struct watch_sink watch_desk_sink(struct watch_desk *desk);
