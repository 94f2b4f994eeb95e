/* A link is freed when its two sockets and two timers have been closed, never inside a call about
 * it; a replay keeps the number of its link, not the link. */
#include "loadtest/chaos/relay.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/chaos/link.h"
#include "protocols/base/require.h"

#define BACKLOG 4096

/* Bytes on their way for the second time. */
struct replay {
    uv_timer_t timer;
    struct relay *relay; /* borrower */
    uint64_t link;
    enum chaos_direction direction;
    uint32_t length;
    uint8_t bytes[];
};

uint64_t relay_now_ms(const struct relay *relay)
{
    return uv_now(relay->setup.loop) - relay->began_ms;
}

/* One that still connects counts: what it is given waits in its pipe. */
static bool link_is_open(const struct link *link)
{
    return !link->is_closing && !link->client.is_closing && !link->server.is_closing;
}

struct link *relay_other_link(const struct link *link)
{
    for (struct link *at = link->next; at != NULL; at = at->next) {
        if (link_is_open(at)) {
            return at;
        }
    }
    for (struct link *at = link->relay->links; at != link && at != NULL; at = at->next) {
        if (link_is_open(at)) {
            return at;
        }
    }
    return NULL;
}

/* ---- the end of a link */

static void on_handle_closed(uv_handle_t *handle)
{
    struct end *end = handle->data;
    struct link *link = handle->type == UV_TIMER ? ((struct pipe *)handle->data)->link : end->link;
    if (--link->handle_count > 0) {
        return;
    }
    struct relay *relay = link->relay;
    *(link->previous == NULL ? &relay->links : &link->previous->next) = link->next;
    if (link->next != NULL) {
        link->next->previous = link->previous;
    }
    journal_event(relay->setup.journal, relay_now_ms(relay), link->number, "closed", "");
    pipe_free(&link->pipes[0]);
    pipe_free(&link->pipes[1]);
    free(link);
}

void end_close(struct end *end, bool is_reset)
{
    struct link *link = end->link;
    if (!end->is_closing) {
        end->is_closing = true;
        if (!is_reset || uv_tcp_close_reset(&end->tcp, on_handle_closed) != 0) {
            uv_close((uv_handle_t *)&end->tcp, on_handle_closed);
        }
    }
    if (link->client.is_closing && link->server.is_closing && !link->is_closing) {
        link->is_closing = true;
        uv_close((uv_handle_t *)&link->pipes[0].timer, on_handle_closed);
        uv_close((uv_handle_t *)&link->pipes[1].timer, on_handle_closed);
    }
}

void link_close(struct link *link, bool is_reset)
{
    end_close(&link->client, is_reset);
    end_close(&link->server, is_reset);
}

/* ---- its beginning */

static void on_connected(uv_connect_t *connect, int result)
{
    struct link *link = connect->data;
    struct relay *relay = link->relay;
    if (link->is_closing) {
        return;
    }
    if (result != 0) {
        relay->counts.refused++;
        journal_event(relay->setup.journal, relay_now_ms(relay), link->number, "no_server",
                      uv_strerror(result));
        link_close(link, true);
        return;
    }
    uv_tcp_nodelay(&link->server.tcp, 1);
    link->is_connected = true;
    pipe_start(&link->pipes[CHAOS_TO_SERVER]);
    pipe_start(&link->pipes[CHAOS_TO_CLIENT]);
}

static void pipe_init(struct pipe *pipe, struct link *link, enum chaos_direction direction)
{
    bool is_up = direction == CHAOS_TO_SERVER;
    pipe->link = link;
    pipe->direction = direction;
    pipe->source = is_up ? &link->client : &link->server;
    pipe->sink = is_up ? &link->server : &link->client;
    REQUIRE(uv_timer_init(link->relay->setup.loop, &pipe->timer) == 0);
    pipe->timer.data = pipe;
    link->handle_count++;
}

static void end_init(struct end *end, struct link *link)
{
    end->link = link;
    REQUIRE(uv_tcp_init(link->relay->setup.loop, &end->tcp) == 0);
    end->tcp.data = end;
    link->handle_count++;
}

static struct link *link_create(struct relay *relay)
{
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        return NULL;
    }
    link->relay = relay;
    link->number = ++relay->counts.links;
    link->next = relay->links;
    if (link->next != NULL) {
        link->next->previous = link;
    }
    relay->links = link;
    end_init(&link->client, link);
    end_init(&link->server, link);
    pipe_init(&link->pipes[CHAOS_TO_SERVER], link, CHAOS_TO_SERVER);
    pipe_init(&link->pipes[CHAOS_TO_CLIENT], link, CHAOS_TO_CLIENT);
    return link;
}

static void on_connection(uv_stream_t *listener, int result)
{
    struct relay *relay = listener->data;
    struct link *link = result < 0 ? NULL : link_create(relay);
    if (link == NULL) {
        fprintf(stderr, "tillway-chaos: no connection taken: %s\n",
                result < 0 ? uv_strerror(result) : "no memory");
        return;
    }
    if (uv_accept(listener, (uv_stream_t *)&link->client.tcp) != 0) {
        link_close(link, false);
        return;
    }
    uv_tcp_nodelay(&link->client.tcp, 1);
    journal_event(relay->setup.journal, relay_now_ms(relay), link->number, "opened", "");
    link->connect.data = link;
    const struct sockaddr *server = (const struct sockaddr *)&relay->setup.server;
    result = uv_tcp_connect(&link->connect, &link->server.tcp, server, on_connected);
    if (result != 0) {
        relay->counts.refused++;
        journal_event(relay->setup.journal, relay_now_ms(relay), link->number, "no_server",
                      uv_strerror(result));
        link_close(link, true);
    }
}

/* ---- replay */

static void on_replay_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static struct link *replay_link(const struct replay *replay)
{
    struct link *newest = NULL;
    for (struct link *at = replay->relay->links; at != NULL; at = at->next) {
        if (!link_is_open(at)) {
            continue;
        }
        newest = newest == NULL ? at : newest;
        if (at->number == replay->link) {
            return at;
        }
    }
    return newest;
}

static void on_replay(uv_timer_t *timer)
{
    struct replay *replay = timer->data;
    struct relay *relay = replay->relay;
    struct link *link = replay_link(replay);
    if (link == NULL) {
        journal_event(relay->setup.journal, relay_now_ms(relay), replay->link, "not_replayed",
                      "no connection is open");
    } else {
        pipe_put(&link->pipes[replay->direction], replay->bytes, replay->length);
    }
    uv_close((uv_handle_t *)timer, on_replay_closed);
}

void relay_replay(struct pipe *pipe, const struct parcel *parcel, uint32_t after_ms)
{
    struct replay *replay = calloc(1, sizeof *replay + parcel->length);
    if (replay == NULL) {
        fprintf(stderr, "tillway-chaos: a replay is left out: no memory\n");
        return;
    }
    replay->relay = pipe->link->relay;
    replay->link = pipe->link->number;
    replay->direction = pipe->direction;
    replay->length = parcel->length;
    memcpy(replay->bytes, parcel->bytes, parcel->length);
    REQUIRE(uv_timer_init(replay->relay->setup.loop, &replay->timer) == 0);
    replay->timer.data = replay;
    uv_timer_start(&replay->timer, on_replay, after_ms, 0);
}

/* ---- the whole */

static void on_signal(uv_signal_t *handle, int number)
{
    struct relay *relay = handle->data;
    struct chaos_judge *judge = relay->setup.judge;
    if (number != SIGUSR1) {
        uv_stop(relay->setup.loop);
        return;
    }
    judge->is_healed = !judge->is_healed;
    const char *word = judge->is_healed ? "healed" : "rules_on";
    fprintf(stderr, "tillway-chaos: %s\n", judge->is_healed ? "rules are off" : "rules are on");
    journal_event(relay->setup.journal, relay_now_ms(relay), 0, word, "SIGUSR1");
    for (struct link *at = relay->links, *next; judge->is_healed && at != NULL; at = next) {
        next = at->next;
        pipe_heal(&at->pipes[CHAOS_TO_SERVER]);
        pipe_heal(&at->pipes[CHAOS_TO_CLIENT]);
    }
}

static int relay_listen(struct relay *relay)
{
    struct sockaddr_storage bound;
    int length = sizeof bound;
    const struct sockaddr *wanted = (const struct sockaddr *)&relay->setup.listen;
    int result = uv_tcp_bind(&relay->listener, wanted, 0);
    result =
        result != 0 ? result : uv_listen((uv_stream_t *)&relay->listener, BACKLOG, on_connection);
    result = result != 0 ? result
                         : uv_tcp_getsockname(&relay->listener, (struct sockaddr *)&bound, &length);
    if (result == 0) { /* the port stands at the same place in both families */
        const uint8_t *port = (const uint8_t *)&((struct sockaddr_in *)&bound)->sin_port;
        relay->port = (uint16_t)(port[0] << 8 | port[1]);
    }
    return result;
}

struct relay *relay_create(const struct relay_setup *setup, char reason[160])
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1};
    struct relay *relay = calloc(1, sizeof *relay);
    if (relay == NULL) {
        snprintf(reason, 160, "no memory");
        return NULL;
    }
    relay->setup = *setup;
    relay->began_ms = uv_now(setup->loop);
    REQUIRE(uv_tcp_init(setup->loop, &relay->listener) == 0);
    relay->listener.data = relay;
    for (unsigned i = 0; i < 3; i++) {
        REQUIRE(uv_signal_init(setup->loop, &relay->signals[i]) == 0);
        relay->signals[i].data = relay;
        REQUIRE(uv_signal_start(&relay->signals[i], on_signal, numbers[i]) == 0);
    }
    int result = relay_listen(relay);
    if (result != 0) {
        snprintf(reason, 160, "cannot listen: %s", uv_strerror(result));
        relay_destroy(relay);
        return NULL;
    }
    return relay;
}

uint16_t relay_port(const struct relay *relay)
{
    return relay->port;
}

void relay_count(const struct relay *relay, struct relay_counts *counts)
{
    *counts = relay->counts;
}

static void replay_end(uv_handle_t *handle, void *relay)
{
    (void)relay;
    if (!uv_is_closing(handle)) { /* links and the relay's own are closed: only replays are left */
        uv_close(handle, on_replay_closed);
    }
}

void relay_destroy(struct relay *relay)
{
    for (struct link *at = relay->links; at != NULL; at = at->next) {
        link_close(at, true);
    }
    uv_close((uv_handle_t *)&relay->listener, NULL);
    for (unsigned i = 0; i < 3; i++) {
        uv_close((uv_handle_t *)&relay->signals[i], NULL);
    }
    uv_walk(relay->setup.loop, replay_end, relay);
    uv_run(relay->setup.loop, UV_RUN_DEFAULT);
    free(relay);
}
