/* Orders on their way to the engine: from the control socket, whose caller waits until the row is
 * on disk, and from other threads, through a ring that the engine's loop empties. */
#include <stdlib.h>

#include "protocols/base/require.h"
#include "switch/order_queue.h"
#include "switch/order_text.h"
#include "switch/server_state.h"

struct order_desk {
    struct server *server; /* borrowed */
    uv_async_t wake;
    uv_mutex_t mutex; /* guards the next one */
    struct order_queue queue;
    /* the loop's alone */
    bool is_waiting; /* the log had no room */
    struct order_seats seats;
    struct control_call calls[ORDER_SEAT_COUNT_MAX]; /* by the seat's place */
};

static void say(const struct order *order, enum order_answer answer)
{
    LOG(answer == ORDER_ANSWER_TAKEN ? LOG_NOTICE : LOG_WARN, "order",
        LOG_TEXT("kind", order_kind_name(order->kind)),
        LOG_TEXT("terminal", order->terminal_id[0] == 0 ? NULL : order->terminal_id),
        LOG_TEXT("merchant", order->merchant_id[0] == 0 ? NULL : order->merchant_id),
        LOG_TEXT("by", order->actor), LOG_NUMBER("case", (int64_t)order->case_id),
        LOG_TEXT("text", order_answer_text(answer)));
}

/* --- from other threads ------------------------------------------------------------------- */

uint64_t server_order_post(struct server *server, const struct order *order)
{
    struct order_desk *desk = server->orders;
    uv_mutex_lock(&desk->mutex);
    uint64_t ticket = order_queue_post(&desk->queue, order);
    uv_mutex_unlock(&desk->mutex);
    if (ticket != 0) {
        uv_async_send(&desk->wake);
    }
    return ticket;
}

uint64_t server_order_collect(struct server *server, enum order_answer *answer)
{
    struct order_desk *desk = server->orders;
    uv_mutex_lock(&desk->mutex);
    uint64_t ticket = order_queue_collect(&desk->queue, answer);
    uv_mutex_unlock(&desk->mutex);
    return ticket;
}

/* The next one of the ring; 0: none. */
static uint64_t take(struct order_desk *desk, struct order *order)
{
    uv_mutex_lock(&desk->mutex);
    uint64_t ticket = order_queue_take(&desk->queue, order);
    uv_mutex_unlock(&desk->mutex);
    return ticket;
}

static void give_all(struct order_desk *desk)
{
    struct core *core = desk->server->core;
    struct order order;
    uint64_t ticket = 0;
    while (core_has_room(core) && (ticket = take(desk, &order)) != 0) {
        core_order(core, &order, ticket);
    }
    desk->is_waiting = !core_has_room(core);
}

static void on_wake(uv_async_t *wake)
{
    give_all(wake->data);
}

void server_orders_resume(struct server *server)
{
    if (server->orders != NULL && server->orders->is_waiting) {
        give_all(server->orders);
    }
}

static void settle(struct order_desk *desk, uint64_t ticket, enum order_answer answer)
{
    uv_mutex_lock(&desk->mutex);
    struct order order = order_queue_settle(&desk->queue, ticket, answer);
    uv_mutex_unlock(&desk->mutex);
    say(&order, answer);
}

/* --- from the control socket -------------------------------------------------------------- */

static void conclude(struct order_desk *desk, uint64_t ticket, enum order_answer answer)
{
    struct order order;
    order_seats_leave(&desk->seats, ticket, &order);
    say(&order, answer);
    if (desk->server->control != NULL) {
        control_done(desk->server->control, desk->calls[order_seats_place(ticket)],
                     answer == ORDER_ANSWER_TAKEN, order_answer_text(answer));
    }
}

void server_ordered(void *argument, uint64_t ticket, enum order_answer answer)
{
    struct server *server = argument;
    if (order_seats_has(ticket)) {
        conclude(server->orders, ticket, answer);
    } else {
        settle(server->orders, ticket, answer);
    }
}

void server_order(void *argument, struct control_call call, const struct control_order *asked)
{
    struct server *server = argument;
    struct order order = asked->order;
    char reason[ORDER_TEXT_REASON_SIZE] = "the switch has no room for it now: ask again";
    if (order.kind == ORDER_TELL &&
        !order_text_put(&order, asked->text_local, asked->text_plain, reason)) {
        control_done(server->control, call, false, reason);
        return;
    }
    struct order_desk *desk = server->orders;
    uint64_t ticket = core_has_room(server->core) ? order_seats_sit(&desk->seats, &order) : 0;
    if (ticket == 0) {
        control_done(server->control, call, false, reason);
        return;
    }
    desk->calls[order_seats_place(ticket)] = call;
    core_order(server->core, &order, ticket);
}

uint32_t server_orders(void *argument, uint32_t after, struct order_standing *standing,
                       char text[CONTROL_ORDER_TEXT_SIZE])
{
    const struct server *server = argument;
    uint32_t at = engine_orders(core_engine(server->core), after, standing);
    text[0] = '\0';
    if (at != 0) {
        order_text_get(&standing->order, text);
    }
    return at;
}

void server_orders_metrics(const struct server *server, struct metric_sink *sink)
{
    static const char *const ORIGINS[ORDER_ORIGIN_COUNT] = {
        [ORDER_OF_PERSON] = "person", [ORDER_OF_CASE] = "case"};
    uint32_t counts[ORDER_ORIGIN_COUNT][ORDER_STANDING_COUNT];
    engine_count_orders(core_engine(server->core), counts);
    for (uint32_t i = 0; i < ORDER_ORIGIN_COUNT * ORDER_STANDING_COUNT; i++) {
        uint32_t origin = i / ORDER_STANDING_COUNT, kind = i % ORDER_STANDING_COUNT;
        metric_put(
            sink, METRIC_ORDERS,
            (struct metric_labels){{order_kind_name((enum order_kind)kind), ORIGINS[origin]}},
            counts[origin][kind]);
    }
}

/* --- life --------------------------------------------------------------------------------- */

int server_orders_begin(struct server *server)
{
    struct order_desk *desk = calloc(1, sizeof(*desk));
    if (desk == NULL || uv_mutex_init(&desk->mutex) != 0) {
        free(desk);
        return server_fail(SERVER_EXIT_FAILED, "orders", "no memory");
    }
    if (uv_async_init(&server->loop->uv, &desk->wake, on_wake) != 0) {
        uv_mutex_destroy(&desk->mutex);
        free(desk);
        return server_fail(SERVER_EXIT_FAILED, "orders", "no descriptor");
    }
    desk->server = server;
    desk->wake.data = desk;
    server->orders = desk;
    return SERVER_EXIT_OK;
}

void server_orders_end(struct server *server)
{
    if (server->orders != NULL) {
        uv_close((uv_handle_t *)&server->orders->wake, NULL);
    }
}

void server_orders_destroy(struct server *server)
{
    if (server->orders != NULL) {
        uv_mutex_destroy(&server->orders->mutex);
        free(server->orders);
        server->orders = NULL;
    }
}
