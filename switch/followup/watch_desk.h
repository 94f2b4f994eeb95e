/* The database as the watcher's sink: flags are kept, and the registry is read.
 *
 * Life:  watch_desk_create -> watch_desk_sink, used by one thread ... -> watch_desk_destroy
 */
#pragma once

#include "switch/followup/watch_sink.h"

#define WATCH_DESK_NAME "aftersales.db"

struct watch_desk;

/* `folder` is copied; it and the database are made when the sink is opened. NULL: no memory, or the
 * path is too long. */
struct watch_desk *watch_desk_create(const char *folder);
void watch_desk_destroy(struct watch_desk *desk);
/* Good for as long as the desk lives. */
struct watch_sink watch_desk_sink(struct watch_desk *desk);
