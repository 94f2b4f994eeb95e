/* An absolute end for each request: libmicrohttpd's own time-out counts silence only, so a byte now
 * and then would hold a connection for ever.
 *
 * Connections are enrolled with their descriptor; a thread looks once a second and shuts down those
 * whose time is over, which the server then sees as closed.
 *
 * Life:  create -> enroll, renew, leave ... -> destroy
 */
#pragma once

#include <stdint.h>

struct deadline_watch;

/* NULL: no memory or no thread. */
struct deadline_watch *deadline_watch_create(uint32_t count_max, uint32_t allowed_s);
void deadline_watch_destroy(struct deadline_watch *watch);

/* A place, or -1 when all are taken. */
int deadline_watch_enroll(struct deadline_watch *watch, int descriptor);
/* The next request of the same connection begins. */
void deadline_watch_renew(struct deadline_watch *watch, int place);
/* Before the descriptor is closed. */
void deadline_watch_leave(struct deadline_watch *watch, int place);
