/* One listening socket of one loop: accepts within a budget, keeps the limits, survives a lack of
 * descriptors.
 *
 * Several loops listen on one port through SO_REUSEPORT, each with a socket of its own; limits
 * count per loop.
 *
 * A socket may be bound and made to listen before there is a listener: at a reload both are tried
 * first, since only they can fail for a reason of the operator's.
 *
 * Life:  listener_create, or listener_bind -> listener_listen -> listener_adopt
 *        -> on_accept ... listener_released -> listener_close
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/net/address.h"
#include "switch/net/close_reason.h"
#include "switch/net/loop.h"

#define LISTENER_REASON_SIZE 200

struct listener;

struct listener_setup {
    const char *name; /* for logs; borrowed */
    struct net_address address;
    uint32_t backlog;
    uint32_t accept_budget;   /* connections taken a turn, so that a storm leaves payments room */
    uint32_t connection_max;  /* more are closed at once */
    uint32_t per_address_max; /* from one address; 0: no limit */
    /* Takes over the descriptor, and later calls listener_released for it. False: it could not. */
    bool (*on_accept)(void *argument, int descriptor, const struct net_address *address);
    void *argument;
};

struct listener_counts {
    struct count accepted, paused;
    struct count refused_connections, refused_address;
    struct count open;
};

/* False: another process listens there. SO_REUSEPORT would let this one in beside it, and the
 * kernel would deal terminals to both; so this is asked once, before the first loop listens. */
bool listener_is_free(const struct listener_setup *setup, char reason[LISTENER_REASON_SIZE]);
/* A socket bound to the setup's address, not listening yet; any thread. -1: `reason` says why. */
int listener_bind(const struct listener_setup *setup, char reason[LISTENER_REASON_SIZE]);
/* Its port, when the setup said 0. */
uint16_t listener_bound_port(int descriptor);
/* From here on peers may connect, and wait. */
MUST_CHECK bool listener_listen(int descriptor, const struct listener_setup *setup,
                                char reason[LISTENER_REASON_SIZE]);
/* Takes the descriptor over, also when it fails (NULL). */
struct listener *listener_adopt(struct loop *loop, const struct listener_setup *setup,
                                int descriptor, char reason[LISTENER_REASON_SIZE]);
/* The three in one. NULL: `reason` names address and fault. */
struct listener *listener_create(struct loop *loop, const struct listener_setup *setup,
                                 char reason[LISTENER_REASON_SIZE]);
/* A connection that on_accept took over has ended. */
void listener_released(struct listener *listener, const struct net_address *address);
/* Other limits, from the next connection on. */
void listener_limit(struct listener *listener, uint32_t connection_max, uint32_t per_address_max);
/* Another owner takes what is accepted from now on. `name` is borrowed. */
void listener_give(struct listener *listener, const char *name, void *argument);
/* Accepts all that waits already: before a socket goes, so that nobody who has connected is cut. */
void listener_accept_waiting(struct listener *listener);
/* Stops accepting: the socket is closed, connections stay. */
void listener_stop(struct listener *listener);
/* Frees it, at once if no connection is open, else with the last one released. */
void listener_close(struct listener *listener);
/* The port in use, when the setup said 0. */
uint16_t listener_port(const struct listener *listener);
const struct listener_counts *listener_count(const struct listener *listener);
