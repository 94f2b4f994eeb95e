/* One event loop of libuv and what all its connections share: buffers, deadlines, the end of a
 * turn.
 *
 * A turn is: libuv calls back for all that happened; then streams with kept bytes are offered
 * again, the turn hooks run in the order of enrolment (the engine's time, the store's flush, the
 * mailboxes' wake-up), and the bytes gathered in the turn are written, one system call a
 * connection.
 *
 * Life:  loop_create -> enroll hooks, streams, listeners ... -> loop_run -> loop_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "protocols/base/status.h"
#include "switch/net/close_reason.h"
#include "switch/net/count.h"
#include "switch/net/deadline.h"

/* Holds the largest HTTP head (4 KiB) with the largest frame (2 KiB) behind it. */
#define LOOP_BUFFER_BYTES 8192u
#define LOOP_INPUT_BYTES 65536u
#define LOOP_PLAIN_BYTES 16384u /* the largest TLS record */

/* Bytes that wait: of a message begun, or to be written. Of the loop's pool. */
struct loop_buffer {
    struct loop_buffer *next;
    uint32_t start, end; /* what counts is bytes[start .. end) */
    uint8_t bytes[LOOP_BUFFER_BYTES];
};

struct loop_hook {
    void (*on_turn)(void *argument);
    void *argument;
    struct loop_hook *next; /* the loop's */
};

/* One thread writes, others read: struct count. */
struct loop_counts {
    struct count opened, closed[CLOSE_REASON_COUNT], open;
    struct count handshakes[2][2]; /* done: [1: TLS 1.3][1: resumed] */
    struct count handshakes_failed;
    struct count bytes_in, bytes_out, writes, writes_waited;
    struct count buffers_used, turns;
    struct count busy_per_mille;  /* of the last second: the share not spent waiting */
    struct count turn_longest_ns; /* of the last second */
};

struct stream;

struct loop {
    uv_loop_t uv;
    uint16_t index; /* 0: the engine's */
    struct deadline_wheel wheel;
    struct loop_counts counts;
    /* the rest is the business of loop.c and stream.c */
    uv_timer_t tick;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t busy; /* runs while something must not wait for the network */
    uv_async_t stop;
    struct loop_hook *hooks;
    struct stream *dirty, *again; /* streams with bytes to write; with bytes to be offered again */
    struct loop_buffer *arena, *free_buffers;
    uint32_t buffer_count_max, buffer_count;
    uint64_t idle_seen_ns, measured_ns, turn_longest_ns;
    uint8_t input[LOOP_INPUT_BYTES];
    uint8_t plain[LOOP_PLAIN_BYTES];
};

/* NULL: no memory or no descriptors. `buffer_count_max` bounds the connections that may hold
 * unfinished bytes at once; memory is touched only as it is used. */
struct loop *loop_create(uint16_t index, uint32_t buffer_count_max);
/* All handles must be closed, or closing. */
void loop_destroy(struct loop *loop);

uint64_t loop_now_ns(void); /* monotonic */
int64_t loop_wall_us(void); /* UTC */

void loop_enroll(struct loop *loop, struct loop_hook *hook);
/* Runs until loop_stop. */
void loop_run(struct loop *loop);
/* Runs turns until no handle but the loop's own is open, or the time is over. */
void loop_run_down(struct loop *loop, uint64_t timeout_ns);
/* Runs turns as long as `goes_on` says so, or until the time is over. */
void loop_run_while(struct loop *loop, bool (*goes_on)(void *argument), void *argument,
                    uint64_t timeout_ns);
/* Any thread: the loop returns from loop_run at the end of its turn. */
void loop_stop(struct loop *loop);
/* The share of time since the last call (its own thread's) that was not spent waiting, 0 to 1000.
 */
uint32_t loop_busy_per_mille(struct loop *loop);

/* NULL: no more than `spared` buffers are free, which are for others. */
struct loop_buffer *loop_buffer_take(struct loop *loop, uint32_t spared);
/* Wipes what the buffer held. */
void loop_buffer_give(struct loop *loop, struct loop_buffer *buffer);
