/* Orders on their way: which ticket is which, and what is settled when. */
#include "switch/order_queue.h"

#include "tests/unit/unit_test.h"

static struct order numbered(uint64_t number)
{
    return (struct order){.kind = ORDER_STOP, .case_id = number};
}

static uint64_t post(struct order_queue *queue, uint64_t number)
{
    struct order order = numbered(number);
    return order_queue_post(queue, &order);
}

/* The one that is taken must be what was posted under its ticket. */
static uint64_t take(struct order_queue *queue)
{
    struct order order = numbered(0);
    uint64_t ticket = order_queue_take(queue, &order);
    assert_int_equal(order.case_id, ticket == 0 ? 0 : 100 + ticket);
    return ticket;
}

static void settle(struct order_queue *queue, uint64_t ticket)
{
    struct order order = order_queue_settle(queue, ticket, ORDER_ANSWER_TAKEN);
    assert_int_equal(order.case_id, 100 + ticket);
}

/* The last ticket that is collected, with all before it. */
static uint64_t collect(struct order_queue *queue)
{
    enum order_answer answer;
    while (order_queue_collect(queue, &answer) != 0) {
        assert_int_equal(answer, ORDER_ANSWER_TAKEN);
    }
    return queue->collected;
}

static void test_orders_are_taken_once_and_in_the_order_they_were_posted(void **state)
{
    (void)state;
    struct order_queue queue = {.posted = 0};
    assert_int_equal(take(&queue), 0);
    assert_int_equal(post(&queue, 101), 1);
    assert_int_equal(post(&queue, 102), 2);
    assert_int_equal(take(&queue), 1);
    assert_int_equal(post(&queue, 103), 3);
    assert_int_equal(take(&queue), 2);
    assert_int_equal(take(&queue), 3);
    assert_int_equal(take(&queue), 0);
}

/* An order that is refused is settled at once, one that is taken when its row is on disk. */
static void test_answers_are_collected_in_the_order_of_the_tickets(void **state)
{
    (void)state;
    struct order_queue queue = {.posted = 0};
    enum order_answer answer;
    assert_int_equal(order_queue_collect(&queue, &answer), 0);
    for (uint64_t ticket = 1; ticket <= 3; ticket++) {
        assert_int_equal(post(&queue, 100 + ticket), ticket);
        assert_int_equal(take(&queue), ticket);
    }
    order_queue_settle(&queue, 3, ORDER_ANSWER_NO_ROOM);
    assert_int_equal(order_queue_collect(&queue, &answer), 0);
    order_queue_settle(&queue, 1, ORDER_ANSWER_TAKEN);
    assert_int_equal(order_queue_collect(&queue, &answer), 1);
    assert_int_equal(answer, ORDER_ANSWER_TAKEN);
    assert_int_equal(order_queue_collect(&queue, &answer), 0);
    order_queue_settle(&queue, 2, ORDER_ANSWER_SUBJECT_UNKNOWN);
    assert_int_equal(order_queue_collect(&queue, &answer), 2);
    assert_int_equal(answer, ORDER_ANSWER_SUBJECT_UNKNOWN);
    assert_int_equal(order_queue_collect(&queue, &answer), 3);
    assert_int_equal(answer, ORDER_ANSWER_NO_ROOM);
    assert_int_equal(post(&queue, 104), 4);
    assert_int_equal(order_queue_collect(&queue, &answer), 0); /* nobody has taken it */
    assert_int_equal(take(&queue), 4);
    assert_int_equal(order_queue_collect(&queue, &answer), 0);
}

static void test_a_full_queue_takes_no_more_until_the_first_is_collected(void **state)
{
    (void)state;
    struct order_queue queue = {.posted = 0};
    enum order_answer answer;
    for (uint64_t ticket = 1; ticket <= ORDER_QUEUE_COUNT_MAX; ticket++) {
        assert_int_equal(post(&queue, 100 + ticket), ticket);
        assert_int_equal(take(&queue), ticket);
    }
    const uint64_t next = ORDER_QUEUE_COUNT_MAX + 1;
    assert_int_equal(post(&queue, 100 + next), 0);
    settle(&queue, 2);
    settle(&queue, 1);
    assert_int_equal(post(&queue, 100 + next), 0); /* its answer would be lost */
    assert_int_equal(order_queue_collect(&queue, &answer), 1);
    assert_int_equal(post(&queue, 100 + next), next);
    assert_int_equal(post(&queue, 101 + next), 0);
    assert_int_equal(order_queue_collect(&queue, &answer), 2);
    assert_int_equal(post(&queue, 101 + next), next + 1);
    assert_int_equal(take(&queue), next);
    settle(&queue, next); /* before those that were posted before it */
    assert_int_equal(collect(&queue), 2);
    for (uint64_t ticket = 3; ticket <= ORDER_QUEUE_COUNT_MAX; ticket++) {
        settle(&queue, ticket);
    }
    assert_int_equal(collect(&queue), next); /* the one behind it was not even taken */
}

static void test_what_was_not_taken_or_is_settled_cannot_be_settled(void **state)
{
    (void)state;
    struct order_queue queue = {.posted = 0};
    post(&queue, 101);
    post(&queue, 102);
    post(&queue, 103);
    expect_assert_failure(order_queue_settle(&queue, 1, ORDER_ANSWER_TAKEN));
    take(&queue);
    take(&queue);
    settle(&queue, 2);
    expect_assert_failure(order_queue_settle(&queue, 2, ORDER_ANSWER_TAKEN));
    expect_assert_failure(order_queue_settle(&queue, 3, ORDER_ANSWER_TAKEN));
    settle(&queue, 1);
    assert_int_equal(collect(&queue), 2);
    expect_assert_failure(order_queue_settle(&queue, 1, ORDER_ANSWER_TAKEN));
}

static void test_a_call_has_its_seat_until_it_leaves(void **state)
{
    (void)state;
    struct order_seats seats = {.seats = {{.is_used = false}}};
    uint64_t tickets[ORDER_SEAT_COUNT_MAX];
    uint32_t places = 0;
    struct order order;
    for (uint64_t i = 0; i < ORDER_SEAT_COUNT_MAX; i++) {
        order = numbered(i);
        tickets[i] = order_seats_sit(&seats, &order);
        assert_true(order_seats_has(tickets[i]));
        places |= UINT32_C(1) << order_seats_place(tickets[i]);
    }
    assert_int_equal(places, (UINT32_C(1) << ORDER_SEAT_COUNT_MAX) - 1);
    assert_int_equal(order_seats_sit(&seats, &order), 0);
    order_seats_leave(&seats, tickets[5], &order);
    assert_int_equal(order.case_id, 5);
    order = numbered(77);
    assert_int_equal(order_seats_sit(&seats, &order), tickets[5]);
    order_seats_leave(&seats, tickets[5], &order);
    assert_int_equal(order.case_id, 77);
    expect_assert_failure(order_seats_leave(&seats, tickets[5], &order));
}

static void test_a_ticket_of_the_ring_is_no_seat(void **state)
{
    (void)state;
    struct order_queue queue = {.posted = 0};
    struct order_seats seats = {.seats = {{.is_used = false}}};
    struct order order;
    uint64_t ticket = post(&queue, 101);
    assert_false(order_seats_has(ticket));
    expect_assert_failure(order_seats_leave(&seats, ticket, &order));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_are_taken_once_and_in_the_order_they_were_posted),
        cmocka_unit_test(test_answers_are_collected_in_the_order_of_the_tickets),
        cmocka_unit_test(test_a_full_queue_takes_no_more_until_the_first_is_collected),
        cmocka_unit_test(test_what_was_not_taken_or_is_settled_cannot_be_settled),
        cmocka_unit_test(test_a_call_has_its_seat_until_it_leaves),
        cmocka_unit_test(test_a_ticket_of_the_ring_is_no_seat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
