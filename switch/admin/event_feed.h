/* GET /api/v1/events: the outbox of after-sales for programs that follow up.
 *
 * A reader says what it has (?after), and gets what came after that, in order; what it does not
 * keep it asks for again. With ?wait the answer is held until there is something, so that nobody
 * has to ask every second; those that wait are few, since each holds a connection.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "switch/admin/call.h"

#define EVENT_FEED_WAIT_S_MAX 20   /* below the deadline of a connection */
#define EVENT_FEED_WAITING_MAX 16u /* of the port's connections */
#define EVENT_FEED_COUNT_MAX 500u  /* events in one answer */

/* Shared by all readers; zeroes to begin with. */
struct event_waits {
    atomic_uint count;
    atomic_bool is_ending; /* nobody waits any more */
};

void event_feed_serve(const struct call *call, struct answer *answer);
