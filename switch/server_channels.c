/* The channels and the core, joined: forwards out, responses and states in. All on the engine's
 * loop.
 */
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/server_state.h"

#define CHANNELS_STOP_NS UINT64_C(10000000000)

static void on_response(void *argument, uint16_t channel, const struct payment *payment)
{
    struct server *server = argument;
    core_response(server->core, channel, payment);
    if (core_is_crowded(server->core)) {
        channel_pause(server->channels[channel]);
        server->has_paused = true;
    }
}

void server_channels_resume(struct server *server)
{
    if (server->has_paused && !core_is_crowded(server->core)) {
        server->has_paused = false;
        for (uint32_t i = 0; i < server->channel_count; i++) {
            channel_resume(server->channels[i]);
        }
    }
}

static void on_state(void *argument, uint16_t channel, bool is_up, const char *reason)
{
    struct server *server = argument;
    snprintf(server->channel_texts[channel], CHANNEL_REASON_SIZE, "%s", is_up ? "" : reason);
    server->channel_since_us[channel] = loop_wall_us();
    if (server->state != CONTROL_STOPPING) {
        core_channel(server->core, channel, is_up);
    }
}

static void on_stopped(void *argument, uint16_t channel)
{
    struct server *server = argument;
    (void)channel;
    server->channels_running--;
}

static bool mac_of(enum option_channel_mac option, enum hsm_mac_algorithm *algorithm)
{
    switch (option) {
    case OPTION_CHANNEL_MAC_X9_9:
        *algorithm = HSM_MAC_X9_9;
        return true;
    case OPTION_CHANNEL_MAC_X9_19:
        *algorithm = HSM_MAC_X9_19;
        return true;
    case OPTION_CHANNEL_MAC_UNIONPAY_ECB:
        *algorithm = HSM_MAC_UNIONPAY_ECB;
        return true;
    case OPTION_CHANNEL_MAC_NONE:
        break;
    }
    return false;
}

static enum pin_block_format pin_format_of(enum option_channel_pin option)
{
    switch (option) {
    case OPTION_CHANNEL_PIN_FORMAT_1:
        return PIN_FORMAT_1;
    case OPTION_CHANNEL_PIN_FORMAT_3:
        return PIN_FORMAT_3;
    case OPTION_CHANNEL_PIN_FORMAT_0:
        break;
    }
    return PIN_FORMAT_0;
}

static struct channel_setup setup_of(const struct server *server,
                                     const struct channel_options *options, uint16_t index)
{
    struct channel_setup setup = {
        .index = index,
        .address = options->address,
        .port = options->port,
        .dialect = configuration_dialect(server->configuration, options->dialect),
        .framing = {.length_kind = (enum frame_length_kind)options->framing.length,
                    .has_tpdu = options->framing.has_tpdu,
                    .length_max = options->framing.length_max},
        .echo_every_ms = options->echo_every_ms,
        .reply_timeout_ms = options->reply_timeout_ms,
        .reconnect_min_ms = options->reconnect_min_ms,
        .reconnect_max_ms = options->reconnect_max_ms,
        .window = options->window,
        .answer_life_ms = server->configuration->options->engine.response_timeout_ms,
        .pin_format = pin_format_of(options->pin_format),
    };
    setup.has_mac = mac_of(options->mac, &setup.mac);
    memcpy(setup.name, options->name, sizeof(setup.name));
    memcpy(setup.acquirer_id, server->configuration->options->acquirer_id,
           sizeof(setup.acquirer_id));
    return setup;
}

int server_channels_create(struct server *server)
{
    const struct server_options *options = server->configuration->options;
    const struct channel_table *table = ruleset_channel_view(server->configuration->ruleset);
    struct channel_calls calls = {on_response, on_state, on_stopped, server};
    server->channel_count = options->channel_count;
    for (uint32_t i = 0; i < options->channel_count; i++) {
        char reason[CHANNEL_REASON_SIZE];
        REQUIRE(channel_table_find(table, options->channels[i].name) == (int)i);
        struct channel_setup setup = setup_of(server, &options->channels[i], (uint16_t)i);
        server->channels[i] =
            channel_create(server->loop, server->security, security_unit(server->security, 0),
                           &setup, &calls, reason);
        if (server->channels[i] == NULL) {
            return server_fail(SERVER_EXIT_CONFIGURATION, options->channels[i].name, reason);
        }
        snprintf(server->channel_texts[i], CHANNEL_REASON_SIZE, "not connected yet");
        server->channel_since_us[i] = loop_wall_us();
    }
    return SERVER_EXIT_OK;
}

void server_channels_start(struct server *server)
{
    for (uint32_t i = 0; i < server->channel_count; i++) {
        channel_start(server->channels[i]);
        server->channels_running++;
    }
}

static bool some_run(void *argument)
{
    const struct server *server = argument;
    return server->channels_running > 0;
}

/* Signing off takes a round trip, and a bank that does not answer gets its reply time-out. */
void server_channels_stop(struct server *server)
{
    if (server->channels_running == 0) {
        return;
    }
    for (uint32_t i = 0; i < server->channel_count; i++) {
        channel_stop(server->channels[i]);
    }
    loop_run_while(server->loop, some_run, server, CHANNELS_STOP_NS);
}

void server_channels_destroy(struct server *server)
{
    for (uint32_t i = 0; i < server->channel_count; i++) {
        channel_destroy(server->channels[i]);
    }
}

void server_forward(void *argument, const struct engine_effect *effect)
{
    struct server *server = argument;
    REQUIRE(effect->channel < server->channel_count);
    enum channel_answer answer =
        channel_forward(server->channels[effect->channel], effect->payment);
    if (answer == CHANNEL_QUEUED) {
        return;
    }
    LOG(LOG_WARN, "forward_unsent",
        LOG_TEXT("channel", server->configuration->options->channels[effect->channel].name),
        LOG_TEXT("terminal", effect->payment->terminal_id),
        LOG_TEXT("type", payment_kind_name(effect->payment->kind)),
        LOG_NUMBER("stan", effect->payment->stan), LOG_NUMBER("attempt", effect->attempt),
        LOG_TEXT("text", channel_answer_text(answer)));
    core_unsent(server->core, effect->txn, effect->attempt,
                answer == CHANNEL_PIN_REFUSED ? TXN_REASON_PIN_REFUSED : TXN_REASON_UNSENT);
}

void server_channel_status(const struct server *server, uint32_t index,
                           struct control_channel *status)
{
    const struct channel_options *options = &server->configuration->options->channels[index];
    const struct core_channel_counts *odd = &core_count(server->core)->channels[index];
    struct control_link *link = &status->links[0];
    struct channel_counts counts;
    channel_count(server->channels[index], &counts);
    snprintf(status->name, sizeof(status->name), "%s", options->name);
    status->is_up = counts.is_up;
    status->inflight = counts.waiting;
    status->window = options->window;
    status->requests = counts.sent;
    status->answers = counts.received;
    status->timeouts = count_get(&odd->timeouts);
    status->late = count_get(&odd->late);
    status->unmatched = count_get(&odd->unmatched);
    status->link_count = 1;
    snprintf(link->address, sizeof(link->address), "%s", options->address);
    link->port = options->port;
    snprintf(link->state, sizeof(link->state), "%s", counts.is_up ? "up" : "down");
    link->since_wall_us = server->channel_since_us[index];
    link->inflight = counts.waiting;
    link->connects = counts.signons;
    snprintf(link->text, sizeof(link->text), "%.*s", (int)sizeof(link->text) - 1,
             counts.is_up ? "" : server->channel_texts[index]);
}
