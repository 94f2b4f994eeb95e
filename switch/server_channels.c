/* The channels and the core, joined: forwards out, responses and states in. All on the engine's
 * loop.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/server_state.h"

#define CHANNELS_STOP_NS UINT64_C(10000000000)

static void on_response(void *argument, uint16_t channel, const struct payment *payment)
{
    struct seat *seat = argument;
    struct server *server = seat->server;
    core_response(server->core, channel, payment);
    if (core_is_crowded(server->core)) {
        channel_pause(seat->channel);
        server->has_paused = true;
    }
}

static void resume(struct seat *seat)
{
    channel_resume(seat->channel);
}

void server_channels_resume(struct server *server)
{
    if (server->has_paused && !core_is_crowded(server->core)) {
        server->has_paused = false;
        server_seats_each(server, resume);
    }
}

static void on_state(void *argument, uint16_t channel, bool is_up, const char *reason)
{
    struct seat *seat = argument;
    (void)channel;
    snprintf(seat->text, sizeof(seat->text), "%s", is_up ? "" : reason);
    seat->since_us = loop_wall_us();
    if (seat->server->state != CONTROL_STOPPING) {
        server_swap_on_state(seat, is_up);
    }
}

static void on_stopped(void *argument, uint16_t channel)
{
    struct seat *seat = argument;
    (void)channel;
    seat->server->channels_running--;
    server_swap_on_stopped(seat);
}

static void on_cut_over(void *argument, uint16_t channel, uint32_t settlement_day)
{
    struct seat *seat = argument;
    core_cut_over(seat->server->core, channel, settlement_day);
}

struct seat *server_seat_create(struct server *server, const struct configuration *configuration,
                                const struct channel_options *options,
                                char reason[CHANNEL_REASON_SIZE])
{
    struct seat *seat = calloc(1, sizeof(*seat));
    int index = channel_table_find(ruleset_channel_view(configuration->ruleset), options->name);
    REQUIRE(index >= 0);
    if (seat == NULL) {
        snprintf(reason, CHANNEL_REASON_SIZE, "channel %s: no memory", options->name);
        return NULL;
    }
    seat->server = server;
    seat->index = (uint16_t)index;
    seat->options = *options;
    memcpy(seat->files_hash,
           configuration->channel_hashes[options - configuration->options->channels],
           FILE_HASH_BYTES);
    struct channel_calls calls = {on_response, on_state, on_stopped, on_cut_over, seat};
    seat->channel = options->wallet.is_on
                        ? server_wallet_create(seat, configuration, &calls, reason)
                        : server_bank_create(seat, configuration, &calls, reason);
    if (seat->channel == NULL) {
        server_seat_destroy(seat);
        return NULL;
    }
    snprintf(seat->text, sizeof(seat->text), "not connected yet");
    seat->since_us = loop_wall_us();
    return seat;
}

void server_seat_destroy(struct seat *seat)
{
    if (seat != NULL) {
        channel_destroy(seat->channel);
        edition_release(seat->edition);
        free(seat);
    }
}

int server_channels_create(struct server *server)
{
    const struct server_options *options = server->configuration->options;
    for (uint32_t i = 0; i < options->channel_count; i++) {
        char reason[CHANNEL_REASON_SIZE];
        struct seat *seat =
            server_seat_create(server, server->configuration, &options->channels[i], reason);
        if (seat == NULL) {
            return server_fail(SERVER_EXIT_CONFIGURATION, options->channels[i].name, reason);
        }
        server->places[seat->index].seat = seat;
    }
    return SERVER_EXIT_OK;
}

static void start(struct seat *seat)
{
    seat->state = SEAT_SERVES;
    seat->server->channels_running++;
    channel_start(seat->channel);
}

void server_channels_start(struct server *server)
{
    server_seats_each(server, start);
}

static bool some_run(void *argument)
{
    const struct server *server = argument;
    return server->channels_running > 0 || server->keys_writing > 0;
}

static void stop(struct seat *seat)
{
    if (seat->state != SEAT_IS_MADE && seat->state != SEAT_STOPS &&
        seat->state != SEAT_IS_STOPPED) {
        seat->state = SEAT_STOPS;
        channel_stop(seat->channel);
    }
}

/* Signing off takes a round trip, and a bank that does not answer gets its reply time-out. */
void server_channels_stop(struct server *server)
{
    if (server->channels_running == 0) {
        return;
    }
    server_seats_each(server, stop);
    loop_run_while(server->loop, some_run, server, CHANNELS_STOP_NS);
}

void server_channels_destroy(struct server *server)
{
    deadline_cancel(&server->swap_tick);
    server_seats_each(server, server_seat_destroy);
    memset(server->places, 0, sizeof(server->places));
    server->leaving = NULL;
}

void server_forward(void *argument, const struct engine_effect *effect)
{
    struct server *server = argument;
    REQUIRE(effect->channel < CHANNEL_COUNT_MAX);
    struct seat *seat = server->places[effect->channel].seat;
    enum channel_answer answer =
        seat == NULL ? CHANNEL_DOWN : channel_forward(seat->channel, effect->payment);
    if (answer == CHANNEL_QUEUED) {
        return;
    }
    LOG(LOG_WARN, "forward_unsent",
        LOG_TEXT("channel", channel_table_at(ruleset_channel_view(server->configuration->ruleset),
                                             effect->channel)
                                ->name),
        LOG_TEXT("terminal", effect->payment->terminal_id),
        LOG_TEXT("type", payment_kind_name(effect->payment->kind)),
        LOG_NUMBER("stan", effect->payment->stan), LOG_NUMBER("attempt", effect->attempt),
        LOG_TEXT("text", channel_answer_text(answer)));
    core_unsent(server->core, effect, channel_answer_reason(answer));
}

static void link_status(const struct channel_options *options, const struct channel_link *from,
                        struct control_link *link)
{
    REQUIRE(from->index < options->link_count);
    snprintf(link->address, sizeof(link->address), "%s", options->links[from->index].address);
    link->port = options->links[from->index].port;
    snprintf(link->state, sizeof(link->state), "%s", from->state);
    link->since_wall_us = from->since_us;
    link->inflight = from->waiting;
    link->connects = from->signons;
    snprintf(link->text, sizeof(link->text), "%.*s", (int)sizeof(link->text) - 1, from->reason);
}

static void breaker_status(const struct server *server, uint16_t index,
                           struct control_channel *status)
{
    struct engine_breaker_view view;
    if (!engine_breaker(core_engine(server->core), index, loop_now_ns(), &view)) {
        return;
    }
    const struct bin_table *bins = ruleset_bin_view(server->configuration->ruleset);
    const char *group = bin_table_group_name(bins, view.group);
    status->breaker = view.health.state;
    status->breaker_openings = view.openings;
    if (view.health.state != HEALTH_CLOSED) {
        snprintf(status->breaker_reason, sizeof(status->breaker_reason), "%s%s%s",
                 health_fault_text(view.health.fault), group == NULL ? "" : ", BIN group ",
                 group == NULL ? "" : group);
    }
}

/* What a seat adds to the status of its place; links of those that come or leave are shown beside
 * the first. */
static void seat_status(const struct seat *seat, struct control_channel *status)
{
    struct channel_counts counts;
    struct channel_link links[CONTROL_LINK_COUNT_MAX];
    channel_count(seat->channel, &counts);
    status->inflight += counts.waiting;
    status->requests += counts.sent;
    status->answers += counts.received;
    uint32_t count =
        channel_links(seat->channel, links, CONTROL_LINK_COUNT_MAX - status->link_count);
    for (uint32_t i = 0; i < count; i++) {
        link_status(&seat->options, &links[i], &status->links[status->link_count++]);
    }
}

/* Of a channel that the files have no more: what it still has to deliver is not forgotten. */
static void left_behind(const struct server *server, uint32_t index, struct control_channel *status)
{
    const struct channel_table *table = ruleset_channel_view(server->configuration->ruleset);
    const char *name = channel_table_at(table, (uint16_t)index)->name;
    uint32_t pending = engine_channel_pending(core_engine(server->core), name);
    if (pending > 0) {
        struct control_link *link = &status->links[0];
        snprintf(status->name, sizeof(status->name), "%s", name);
        status->link_count = 1;
        snprintf(link->state, sizeof(link->state), "gone");
        snprintf(link->text, sizeof(link->text),
                 "taken out of the files; %u reversals stay pending until it is brought back",
                 pending);
    }
}

void server_channel_status(const struct server *server, uint32_t index,
                           struct control_channel *status)
{
    const struct place *place = &server->places[index];
    const struct core_channel_counts *odd = &core_count(server->core)->channels[index];
    if (place->seat == NULL) {
        left_behind(server, index, status);
        return;
    }
    snprintf(status->name, sizeof(status->name), "%s", place->seat->options.name);
    status->is_up = channel_is_up(place->seat->channel);
    status->window = place->seat->options.window;
    status->requests = place->gone.sent;
    status->answers = place->gone.received;
    status->timeouts = count_get(&odd->timeouts);
    status->late = count_get(&odd->late);
    status->unmatched = count_get(&odd->unmatched);
    breaker_status(server, (uint16_t)index, status);
    seat_status(place->seat, status);
    if (place->coming != NULL) {
        seat_status(place->coming, status);
    }
    for (const struct seat *seat = server->leaving; seat != NULL; seat = seat->next) {
        if (seat->index == index) {
            seat_status(seat, status);
        }
    }
}
