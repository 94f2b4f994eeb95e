/* Which orders are on their way to the engine, and what became of each; no thread, no loop, no
 * lock: whoever shares it guards it.
 *
 * Two ways in, told apart by their tickets. The ring takes orders of other threads, whose poster
 * collects the answers in the order of the tickets, and keeps a ticket's place until then. A seat
 * is of a call that waits until its order is settled, and is free again then.
 *
 * Life:  {0} -> post -> take -> settle -> collect;  sit -> leave
 */
#pragma once

#include <stdbool.h>

#include "switch/engine/order.h"

/* After-sales gives a handful an hour; more than that at once wait at its side. */
#define ORDER_QUEUE_COUNT_MAX 64
#define ORDER_SEAT_COUNT_MAX 16 /* more than connections of the control socket */

struct order_queue {
    struct {
        struct order order;
        bool is_settled; /* on disk, or refused: what `answer` says */
        enum order_answer answer;
    } ring[ORDER_QUEUE_COUNT_MAX];
    /* The last ticket that was posted, taken, collected. */
    uint64_t posted, taken, collected;
};

struct order_seats {
    struct {
        bool is_used;
        struct order order;
    } seats[ORDER_SEAT_COUNT_MAX];
};

/* A ticket, from 1 on; 0: as many wait as may. */
uint64_t order_queue_post(struct order_queue *queue, const struct order *order);
/* The next one for the engine; 0: none waits. */
uint64_t order_queue_take(struct order_queue *queue, struct order *order);
/* What became of a ticket that was taken is known; gives what it was. Each once. */
struct order order_queue_settle(struct order_queue *queue, uint64_t ticket,
                                enum order_answer answer);
/* The next ticket, in the order they were posted, and what became of it; 0: it is not settled yet,
 * or there is none. */
uint64_t order_queue_collect(struct order_queue *queue, enum order_answer *answer);

/* A ticket that order_seats_has() knows; 0: no seat is free. */
uint64_t order_seats_sit(struct order_seats *seats, const struct order *order);
/* Whether a ticket is of a seat, not of a ring. */
bool order_seats_has(uint64_t ticket);
/* The place of a seat's ticket, below ORDER_SEAT_COUNT_MAX: where its holder keeps what is his. */
uint32_t order_seats_place(uint64_t ticket);
/* Frees the seat; `order` is what it was. */
void order_seats_leave(struct order_seats *seats, uint64_t ticket, struct order *order);
