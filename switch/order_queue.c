/* See order_queue.h. */
#include "switch/order_queue.h"

#include "protocols/base/require.h"

/* Tickets of seats are told from those of the ring by this bit. */
#define SEAT_BIT (UINT64_C(1) << 63)

/* --- the ring ----------------------------------------------------------------------------- */

uint64_t order_queue_post(struct order_queue *queue, const struct order *order)
{
    if (queue->posted - queue->collected == ORDER_QUEUE_COUNT_MAX) {
        return 0;
    }
    uint64_t ticket = ++queue->posted;
    queue->ring[ticket % ORDER_QUEUE_COUNT_MAX].order = *order;
    queue->ring[ticket % ORDER_QUEUE_COUNT_MAX].is_settled = false;
    return ticket;
}

uint64_t order_queue_take(struct order_queue *queue, struct order *order)
{
    if (queue->taken == queue->posted) {
        return 0;
    }
    uint64_t ticket = ++queue->taken;
    *order = queue->ring[ticket % ORDER_QUEUE_COUNT_MAX].order;
    return ticket;
}

struct order order_queue_settle(struct order_queue *queue, uint64_t ticket,
                                enum order_answer answer)
{
    const uint64_t place = ticket % ORDER_QUEUE_COUNT_MAX;
    REQUIRE(ticket > queue->collected);
    REQUIRE(ticket <= queue->taken);
    REQUIRE(!queue->ring[place].is_settled);
    queue->ring[place].is_settled = true;
    queue->ring[place].answer = answer;
    return queue->ring[place].order;
}

uint64_t order_queue_collect(struct order_queue *queue, enum order_answer *answer)
{
    const uint64_t place = (queue->collected + 1) % ORDER_QUEUE_COUNT_MAX;
    if (queue->collected == queue->taken || !queue->ring[place].is_settled) {
        return 0;
    }
    *answer = queue->ring[place].answer;
    return ++queue->collected;
}

/* --- seats -------------------------------------------------------------------------------- */

uint64_t order_seats_sit(struct order_seats *seats, const struct order *order)
{
    for (uint64_t place = 0; place < ORDER_SEAT_COUNT_MAX; place++) {
        if (!seats->seats[place].is_used) {
            seats->seats[place].is_used = true;
            seats->seats[place].order = *order;
            return SEAT_BIT | place;
        }
    }
    return 0;
}

bool order_seats_has(uint64_t ticket)
{
    return (ticket & SEAT_BIT) != 0;
}

uint32_t order_seats_place(uint64_t ticket)
{
    uint64_t place = ticket & ~SEAT_BIT;
    REQUIRE(order_seats_has(ticket));
    REQUIRE(place < ORDER_SEAT_COUNT_MAX);
    return (uint32_t)place;
}

void order_seats_leave(struct order_seats *seats, uint64_t ticket, struct order *order)
{
    uint32_t place = order_seats_place(ticket);
    REQUIRE(seats->seats[place].is_used);
    *order = seats->seats[place].order;
    seats->seats[place].is_used = false;
}
