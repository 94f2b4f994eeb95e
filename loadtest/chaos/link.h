/* One carried connection: a client, the server behind, and between them a pipe each way. Internal
 * to tillway-chaos.
 *
 * A pipe reads from its source, has each message judged, and queues what is left of it as parcels,
 * which leave in order when they are due. Parcels that were set aside join the queue later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "loadtest/chaos/relay.h"

#define PIPE_IN_BYTES 4096              /* more than the longest frame there can be */
#define PIPE_QUEUE_BYTES_MAX (1U << 20) /* beyond it the source is not read */
#define PARCEL_NEVER UINT64_MAX         /* due when the rules are switched off */

struct parcel {
    struct parcel *next;
    uint64_t due_ms;       /* of the loop's clock */
    uint32_t length, sent; /* bytes */
    uint32_t passes_left;  /* aside: so many messages may still overtake it */
    uint32_t piece, piece_ms;
    bool is_merged, is_stall, is_ended;
    enum chaos_action end; /* where is_ended: what happens when it has left */
    enum chaos_side end_side;
    uint8_t bytes[];
};

struct link;

/* One of the two sockets. */
struct end {
    struct link *link; /* borrower */
    uv_tcp_t tcp;
    bool is_closing;
};

struct pipe {
    struct link *link; /* borrower */
    enum chaos_direction direction;
    struct end *source, *sink; /* of the link */
    uv_timer_t timer;
    struct parcel *first, *last; /* owner */
    struct parcel *aside;        /* owner */
    uint64_t message_count;
    uint32_t queued_bytes, merged_count, in_length;
    bool is_reading, is_stalled, is_source_ended, is_shut, is_unframed;
    uint8_t in[PIPE_IN_BYTES];
};

struct link {
    struct relay *relay; /* borrower */
    struct link *previous, *next;
    uint64_t number;
    uint32_t handle_count; /* 2 sockets, 2 timers */
    bool is_connected, is_closing;
    struct end client, server;
    struct pipe pipes[2]; /* by direction */
    uv_connect_t connect;
};

struct relay {
    struct relay_setup setup;
    struct relay_counts counts;
    uint16_t port;
    uint64_t began_ms;
    uv_tcp_t listener;
    uv_signal_t signals[3];
    struct link *links; /* owner; the newest first */
    char bytes[65536];  /* what is being read */
};

uint64_t relay_now_ms(const struct relay *relay); /* since the start */
/* An open link other than this; NULL: none. */
struct link *relay_other_link(const struct link *link);
/* Bytes that come again later, on this link or on the newest one. */
void relay_replay(struct pipe *pipe, const struct parcel *parcel, uint32_t after_ms);

void end_close(struct end *end, bool is_reset);
void link_close(struct link *link, bool is_reset);

/* Both sides are there: from now on bytes are carried. */
void pipe_start(struct pipe *pipe);
/* A copy that nobody judges goes out behind what is queued. */
void pipe_put(struct pipe *pipe, const void *bytes, uint32_t length);
/* Rules are off: what waited for that goes on. */
void pipe_heal(struct pipe *pipe);
void pipe_free(struct pipe *pipe);
